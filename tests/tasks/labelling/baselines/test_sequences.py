"""Baselines of sequences: statistics are those of their names, the models those of scikit-learn."""

import importlib.machinery
import sys
import types

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from lockgate.tasks.labelling.baselines import sequences as class_sequences
from lockgate.tasks.labelling.baselines.fit import fit_class_baselines
from lockgate.tasks.labelling.baselines.sequences import STATISTICS, statistics_of
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.scores import score_classes

TRAIN, VALIDATION, TEST = np.arange(60), np.arange(60, 90), np.arange(90, 150)


SUMMARY = "summary statistics + logistic regression"


def test_statistics_are_those_of_their_names(waves):
    items, _ = waves(5, channels=3)

    features = statistics_of(items, np.array([3]))[0]

    x = items[3].astype(np.float64)
    each = dict(zip(STATISTICS, features[:-1].reshape(len(STATISTICS), 3), strict=True))
    time = np.linspace(0, 1, len(x))
    expected = {
        "mean": x.mean(axis=0),
        "standard deviation": x.std(axis=0),
        "minimum": x.min(axis=0),
        "maximum": x.max(axis=0),
        "first": x[0],
        "last": x[-1],
        "mean absolute difference": np.abs(np.diff(x, axis=0)).mean(axis=0),
        "slope": np.polyfit(time, x, 1)[0],
        "quantile 1/4": np.quantile(x, 0.25, axis=0),
        "median": np.median(x, axis=0),
        "quantile 3/4": np.quantile(x, 0.75, axis=0),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(each[name], values, err_msg=name)
    centred = x - x.mean(axis=0)
    np.testing.assert_allclose(
        each["autocorrelation"], (centred[1:] * centred[:-1]).sum(axis=0) / (centred**2).sum(axis=0)
    )
    assert features[-1] == len(x)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e30])
def test_statistics_of_a_constant_and_of_one_step_are_finite(value):
    items = Ragged.of([np.full((7, 1), value), np.full((1, 1), value)])

    features = statistics_of(items, np.arange(2))

    each = dict(zip(STATISTICS, features.T, strict=False))
    assert np.isfinite(features).all()
    for name in ("slope", "autocorrelation", "standard deviation", "mean absolute difference"):
        assert (each[name] == 0.0).all(), name


def test_logistic_regression_on_statistics_is_that_of_scikit_learn(waves, by_name):
    items, y = waves()

    fitted = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 3))[SUMMARY].baseline

    scaler = StandardScaler().fit(statistics_of(items, TRAIN))
    judge = LogisticRegression(C=fitted.model.strength, max_iter=5000, tol=1e-6)
    judge.fit(scaler.transform(statistics_of(items, TRAIN)), y[TRAIN])
    p = fitted.probabilities(items, TEST)
    expected = judge.predict_proba(scaler.transform(statistics_of(items, TEST)))
    np.testing.assert_allclose(p, expected, atol=2e-2)
    assert score_classes(p, y[TEST]).accuracy > 0.8


class FakeMiniRocket:
    """Random projections in the place of aeon's convolutions."""

    def __init__(self, n_kernels, random_state):
        self.n_kernels, self.random_state = n_kernels, random_state

    def fit_transform(self, x):
        assert x.dtype == np.float32
        self.width = x.shape[1] * x.shape[2]
        return self.transform(x)

    def transform(self, x):
        rng = np.random.default_rng(self.random_state)
        return np.maximum(x.reshape(len(x), self.width) @ rng.normal(size=(self.width, 200)), 0)


@pytest.fixture
def aeon(monkeypatch):
    """A stand-in for aeon, which the project does not depend on."""
    for name in ("", ".transformations", ".transformations.collection"):
        package = types.ModuleType(f"aeon{name}")
        package.__path__ = []
        package.__spec__ = importlib.machinery.ModuleSpec(f"aeon{name}", None)
        monkeypatch.setitem(sys.modules, f"aeon{name}", package)
    name = "aeon.transformations.collection.convolution_based"
    module = types.ModuleType(name)
    module.MiniRocket = FakeMiniRocket
    monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.parametrize("classes", [2, 3])
def test_random_convolutions_are_taken_where_aeon_is_installed(waves, by_name, aeon, classes):
    items, y = waves(classes=classes)

    fitted = fit_class_baselines(items, y, TRAIN, VALIDATION, classes)

    convolutions = by_name(fitted)["random convolutions + ridge"]
    p = convolutions.probabilities(items, TEST)
    assert not fitted.skipped
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert p.shape == (60, classes)
    assert score_classes(p, y[TEST]).accuracy > 1.3 / classes
    assert convolutions.setting.startswith("MiniRocket with 10,000 convolutions, penalty ")


def test_random_convolutions_take_longer_and_shorter_sequences_than_training_has(
    waves, by_name, aeon
):
    items, y = waves()
    fitted = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 3))
    rng = np.random.default_rng(0)

    other = Ragged.of([rng.normal(size=(n, 2)) for n in (1, 100)])

    p = fitted["random convolutions + ridge"].probabilities(other, np.arange(2))
    assert np.isfinite(p).all()


def test_without_aeon_random_convolutions_are_skipped_with_the_reason(waves, monkeypatch):
    items, y = waves()
    monkeypatch.setattr(class_sequences.importlib.util, "find_spec", lambda _: None)

    fitted = fit_class_baselines(items, y, TRAIN, VALIDATION, 3)

    name = "random convolutions + ridge"
    assert fitted.skipped == ((name, 'aeon is not installed (pip install "lockgate[aeon]")'),)


def test_several_labels_are_no_reason_to_install_aeon(waves, monkeypatch):
    items, y = waves()
    monkeypatch.setattr(class_sequences.importlib.util, "find_spec", lambda _: None)

    fitted = fit_class_baselines(items, np.column_stack([y == 0, y > 0]) + 0, TRAIN, VALIDATION, 2)

    [skipped] = fitted.skipped
    assert skipped.reason == "its ridge classifier takes one label for a sequence"


@pytest.mark.slow
def test_aeons_own_convolutions_are_fitted_where_it_is_installed(waves, by_name):
    pytest.importorskip("aeon")
    items, y = waves()

    found = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 3))

    convolutions = found["random convolutions + ridge"]
    p = convolutions.probabilities(items, TEST)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert score_classes(p, y[TEST]).accuracy > 0.7


def ts_file(name, lines):
    """Sequences of sktime's format and their labels, training first, and how many that is."""
    sequences, labels, given = [], [], 0
    for part in ("TRAIN", "TEST"):
        given = len(labels)
        for line in lines(f"tsc_aeon/{name}_{part}.ts"):
            if line and line[0] not in "#@":
                *channels, label = line.split(":")
                sequences.append(np.array([c.split(",") for c in channels], np.float32).T)
                labels.append(label)
    return Ragged.of(sequences), labels, given


@pytest.mark.parametrize(
    ("name", "summary", "nearest"),
    [("JapaneseVowels", 0.96, 0.94), ("ItalyPowerDemand", 0.75, 0.93), ("BasicMotions", 0.95, 0.8)],
)
def test_real_sequences(judged, lines, name, summary, nearest):
    scores = judged(*ts_file(name, lines))

    assert scores[SUMMARY].accuracy >= summary
    assert scores["1-NN DTW"].accuracy >= nearest
    # what it says of itself is worth something, though it was chosen on a handful of rows
    assert scores["1-NN DTW"].log_loss < 0.6 * scores["majority class"].log_loss
