"""Baselines of classifiers learn from training alone, and do on real data what is known of them."""

import csv
import gzip
import importlib.machinery
import os
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from lockgate.tasks.labelling.baselines import common as class_common
from lockgate.tasks.labelling.baselines import dtw
from lockgate.tasks.labelling.baselines import sequences as class_sequences
from lockgate.tasks.labelling.baselines import steps as class_steps
from lockgate.tasks.labelling.baselines import texts as class_texts
from lockgate.tasks.labelling.baselines.fit import (
    class_reference,
    fit_class_baselines,
    fit_number_baselines,
)
from lockgate.tasks.labelling.baselines.sequences import STATISTICS, statistics_of
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.scores import row_losses, score_classes

DATA = Path(os.environ.get("LOCKGATE_DATA", Path(__file__).parents[5] / "shared" / "data"))
TRAIN, VALIDATION, TEST = np.arange(60), np.arange(60, 90), np.arange(90, 150)
SUMMARY = "summary statistics + logistic regression"
TFIDF = "TF-IDF + logistic regression"


def waves(count=150, classes=3, channels=2, seed=0):
    """Noisy waves of unequal length whose pace is their class."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(count) % classes)
    sequences = []
    for label in y:
        t = np.arange(rng.integers(8, 25))[:, None]
        wave = np.sin(0.4 * (label + 1) * t + rng.uniform(0, 1, channels))
        sequences.append((wave + 0.3 * rng.normal(size=wave.shape)).astype(np.float32))
    return Ragged.of(sequences), y


def reviews(count=150, seed=0):
    """Texts of common words and some of their class."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(count) % 2)
    words = [["good", "fine", "great"], ["bad", "poor", "dull"]]
    texts = []
    for label in y:
        own = rng.choice(words[label if rng.random() < 0.9 else 1 - label], 2).tolist()
        texts.append(" ".join([*rng.choice(["film", "plot", "actor", "music"], 4), *own]))
    return tuple(texts), y


def by_name(fitted):
    return {baseline.name: baseline for baseline in fitted.baselines}


def test_the_majority_is_the_share_of_each_class_in_training():
    items, y = waves()

    majority = fit_class_baselines(items, y, TRAIN, VALIDATION, 4).baselines[0]

    # a fourth class never occurs: as though it had, once
    shares = np.array([*np.bincount(y[TRAIN]), 1]) / 61
    p = majority.probabilities(items, TEST)
    np.testing.assert_allclose(p, np.tile(shares, (60, 1)))
    assert (majority.name, majority.setting) == ("majority class", "")


def test_the_majority_of_several_labels_is_the_share_of_each():
    items, y = waves()
    labels = np.column_stack([y == 0, y > 0, np.zeros(150)]).astype(np.int64)

    majority = fit_class_baselines(items, labels, TRAIN, VALIDATION, 3).baselines[0]

    expected = [labels[TRAIN, 0].mean(), labels[TRAIN, 1].mean(), 1 / 61]
    np.testing.assert_allclose(majority.probabilities(items, TEST)[0], expected)


def test_tf_idf_and_logistic_regression_are_those_of_scikit_learn():
    items, y = reviews()

    fitted = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2))[TFIDF]

    terms = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    x = terms.fit_transform([items[i] for i in TRAIN])
    others = {
        name: terms.transform([items[i] for i in rows])
        for name, rows in (("validation", VALIDATION), ("test", TEST))
    }
    judges = [LogisticRegression(C=C, max_iter=1000).fit(x, y[TRAIN]) for C in (0.3, 1, 3, 10)]
    best = min(
        judges,
        key=lambda judge: row_losses(
            judge.predict_proba(others["validation"]), y[VALIDATION], "log_loss"
        ).mean(),
    )
    assert fitted.model.strength == best.C
    assert fitted.setting == f"words and pairs of words, C = {best.C:g}, chosen on validation"
    p = fitted.probabilities(items, TEST)
    np.testing.assert_allclose(p, best.predict_proba(others["test"]), atol=5e-3)
    assert score_classes(p, y[TEST]).accuracy > 0.85


def test_texts_without_spaces_are_taken_by_character():
    items, y = reviews()
    items = tuple(text.replace(" ", "") for text in items)

    by_word = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2))
    by_character = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2, by_character=True))

    assert score_classes(by_character[TFIDF].probabilities(items, TEST), y[TEST]).accuracy > 0.8
    assert by_character[TFIDF].setting.startswith("runs of 1 to 3 characters, C = ")
    assert TFIDF not in by_word


def test_texts_without_a_common_word_are_skipped_with_the_reason():
    items = tuple(f"word{i}" for i in range(150))

    fitted = fit_class_baselines(items, np.arange(150) % 2, TRAIN, VALIDATION, 2)

    assert [b.name for b in fitted.baselines] == ["majority class"]
    assert fitted.skipped == ((TFIDF, "no word occurs in 2 training texts or more"),)


def test_statistics_are_those_of_their_names():
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


def test_logistic_regression_on_statistics_is_that_of_scikit_learn():
    items, y = waves()

    fitted = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 3))[SUMMARY]

    scaler = StandardScaler().fit(statistics_of(items, TRAIN))
    judge = LogisticRegression(C=fitted.model.strength, max_iter=5000, tol=1e-6)
    judge.fit(scaler.transform(statistics_of(items, TRAIN)), y[TRAIN])
    p = fitted.probabilities(items, TEST)
    expected = judge.predict_proba(scaler.transform(statistics_of(items, TEST)))
    np.testing.assert_allclose(p, expected, atol=5e-3)
    assert score_classes(p, y[TEST]).accuracy > 0.8


def test_a_class_that_training_lacks_has_a_probability():
    items, y = waves()
    train = TRAIN[y[TRAIN] != 1]

    fitted = by_name(fit_class_baselines(items, y, train, VALIDATION, 3))

    for name in (SUMMARY, "1-NN DTW"):
        p = fitted[name].probabilities(items, TEST)
        np.testing.assert_allclose(p.sum(axis=1), 1.0)
        assert (p[:, 1] > 0.0).all()
    np.testing.assert_allclose(
        fitted[SUMMARY].probabilities(items, TEST)[:, 1], 1 / (len(train) + 1)
    )


def test_several_labels_are_each_learned_by_themselves():
    items, y = waves()
    labels = np.column_stack([y == 0, y == 2, np.ones(150)]).astype(np.int64)

    fitted = by_name(fit_class_baselines(items, labels, TRAIN, VALIDATION, 3))
    alone = by_name(fit_class_baselines(items, labels[:, :1], TRAIN, VALIDATION, 1))

    p = fitted[SUMMARY].probabilities(items, TEST)
    # of all rows in training: as though one more had been without
    np.testing.assert_allclose(p[:, 2], 60 / 61)
    assert score_classes(p, labels[TEST]).accuracy > 0.7
    assert p.shape == fitted["1-NN DTW"].probabilities(items, TEST).shape
    if fitted[SUMMARY].model.strength == alone[SUMMARY].model.strength:
        np.testing.assert_allclose(p[:, :1], alone[SUMMARY].probabilities(items, TEST))


def dtw_judge(x, y):
    """The definition, cell by cell."""
    n, m = len(x), len(y)
    shorter, longer = min(n, m), max(n, m)
    best = np.full((n, m), np.inf)
    for i in range(n):
        for j in range(m):
            a, b = (i, j) if n >= m else (j, i)
            if abs(a * (shorter - 1) / max(longer - 1, 1) - b) > max(1.0, 0.1 * shorter):
                continue
            before = min(
                best[i - 1, j] if i else np.inf,
                best[i, j - 1] if j else np.inf,
                best[i - 1, j - 1] if i and j else np.inf,
            )
            best[i, j] = ((x[i] - y[j]) ** 2).sum() + (0.0 if i == j == 0 else before)
    return best[-1, -1]


def test_warping_is_that_of_the_definition_at_every_length(monkeypatch):
    rng = np.random.default_rng(0)
    lengths = [1, 2, 3, 5, 8, 13, 40]
    sequences = [rng.normal(size=(n, 2)) for n in lengths]
    others = [rng.normal(size=(n, 2)) for n in rng.permutation(lengths)]

    expected = np.array([[dtw_judge(x, y) for y in others] for x in sequences])

    np.testing.assert_allclose(dtw.warped_distances(sequences, others), expected)
    assert np.isfinite(expected).all()
    monkeypatch.setattr(dtw, "_CELLS_AT_ONCE", 1)
    np.testing.assert_allclose(dtw.warped_distances(sequences, others), expected)


def test_a_sequence_is_nearest_to_itself_played_a_little_slower():
    t = np.linspace(0, 6, 40)[:, None]
    wave, slower = np.sin(t), np.sin(t - 0.3)
    flat = np.zeros((40, 1))

    distances = dtw.warped_distances([slower], [wave, flat])

    assert distances[0, 0] < 0.15 * distances[0, 1]
    assert dtw.warped_distances([wave], [wave])[0, 0] == pytest.approx(0.0, abs=1e-12)


def test_the_level_of_a_sequence_tells_its_neighbour_and_the_unit_of_a_channel_does_not():
    rng = np.random.default_rng(0)
    y = np.arange(150) % 2
    noise = rng.normal(size=(150, 9, 2)) * [0.2, 1e6]
    items = Ragged.of([x + np.array([label, 0.0]) for x, label in zip(noise, y, strict=True)])

    nearest = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2))["1-NN DTW"]

    assert (nearest.labels(items, TEST) == y[TEST]).mean() > 0.9


def test_the_neighbours_label_is_as_probable_as_it_was_right_on_validation():
    items, y = waves(seed=1)

    nearest = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 3))["1-NN DTW"]

    right = int((nearest.labels(items, VALIDATION) == y[VALIDATION]).sum())
    p = nearest.probabilities(items, TEST)
    assert nearest.right == pytest.approx((right + 1) / 32)
    np.testing.assert_allclose(p.max(axis=1), nearest.right)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    np.testing.assert_array_equal(p.argmax(axis=1), nearest.labels(items, TEST))
    assert score_classes(p, y[TEST]).accuracy > 0.6


def test_many_sequences_are_not_warped_and_the_reason_is_told(monkeypatch):
    items, y = waves()
    monkeypatch.setattr(dtw, "MOST_CELLS", 1_000)

    fitted = fit_class_baselines(items, y, TRAIN, VALIDATION, 3)

    [reason] = [skipped.reason for skipped in fitted.skipped if skipped.name == "1-NN DTW"]
    learned = items.lengths[TRAIN].sum()
    cells = learned * (items.lengths.sum() - learned)
    assert f"{cells:,} pairs of steps" in reason
    assert "the bound of 1,000" in reason
    assert "1-NN DTW" not in by_name(fitted)


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
def test_random_convolutions_are_taken_where_aeon_is_installed(aeon, classes):
    items, y = waves(classes=classes)

    fitted = fit_class_baselines(items, y, TRAIN, VALIDATION, classes)

    convolutions = by_name(fitted)["random convolutions + ridge"]
    p = convolutions.probabilities(items, TEST)
    assert not fitted.skipped
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert p.shape == (60, classes)
    assert score_classes(p, y[TEST]).accuracy > 1.3 / classes
    assert convolutions.setting.startswith("MiniRocket with 10,000 convolutions, penalty ")


def test_random_convolutions_take_longer_and_shorter_sequences_than_training_has(aeon):
    items, y = waves()
    fitted = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 3))
    rng = np.random.default_rng(0)

    other = Ragged.of([rng.normal(size=(n, 2)) for n in (1, 100)])

    p = fitted["random convolutions + ridge"].probabilities(other, np.arange(2))
    assert np.isfinite(p).all()


def test_without_aeon_random_convolutions_are_skipped_with_the_reason(monkeypatch):
    items, y = waves()
    monkeypatch.setattr(class_sequences.importlib.util, "find_spec", lambda _: None)

    fitted = fit_class_baselines(items, y, TRAIN, VALIDATION, 3)

    name = "random convolutions + ridge"
    assert fitted.skipped == ((name, "aeon is not installed (pip install aeon)"),)


def tagged(seed=0):
    """Sequences whose step is labelled by its first channel two steps before."""
    items, _ = waves(seed=seed)
    y = np.zeros(len(items.values), dtype=np.int64)
    for start, end in zip(items.starts[:-1], items.starts[1:], strict=True):
        y[start + 2 : end] = items.values[start : end - 2, 0] > 0
    return items, y


def steps_of(items, rows):
    return np.concatenate([np.arange(items.starts[i], items.starts[i + 1]) for i in rows])


def test_labels_at_steps_are_learned_from_the_steps_around():
    items, y = tagged()

    fitted = fit_class_baselines(items, y, TRAIN, VALIDATION, 2, at_steps=True)

    majority, logistic = fitted.baselines
    truth = y[steps_of(items, TEST)]
    share = y[steps_of(items, TRAIN)].mean()
    np.testing.assert_allclose(
        majority.probabilities(items, TEST), np.tile([1 - share, share], (len(truth), 1))
    )
    assert score_classes(logistic.probabilities(items, TEST), truth).accuracy > 0.85
    assert logistic.setting.startswith("2 steps before and after, C = ")
    assert not fitted.skipped


def test_steps_are_classified_in_the_order_of_the_rows(monkeypatch):
    items, y = tagged()
    logistic = fit_class_baselines(items, y, TRAIN, VALIDATION, 2, at_steps=True).baselines[1]
    whole = logistic.probabilities(items, np.array([9, 4, 140]))

    monkeypatch.setattr(class_steps, "MOST_STEPS", 7)

    each = [logistic.probabilities(items, np.array([i])) for i in (9, 4, 140)]
    np.testing.assert_allclose(whole, np.concatenate(each))


def test_a_step_sees_nothing_of_other_sequences():
    items, y = tagged()
    logistic = fit_class_baselines(items, y, TRAIN, VALIDATION, 2, at_steps=True).baselines[1]
    row = np.array([100])
    before = logistic.probabilities(items, row)

    values = np.full_like(items.values, 99.0)
    values[items.starts[100] : items.starts[101]] = items[100]

    np.testing.assert_array_equal(before, logistic.probabilities(Ragged(values, items.starts), row))


def test_a_sample_of_many_steps_is_learned_from(monkeypatch):
    items, y = tagged()
    monkeypatch.setattr(class_steps, "MOST_STEPS", 300)

    first, again, other = (
        fit_class_baselines(items, y, TRAIN, VALIDATION, 2, at_steps=True, seed=seed)
        .baselines[1]
        .probabilities(items, TEST)
        for seed in (0, 0, 1)
    )

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert score_classes(first, y[steps_of(items, TEST)]).accuracy > 0.85


def test_numbers_are_the_mean_the_median_and_a_ridge():
    items, _ = waves()
    y = np.array([items[i][:, 0].mean() + 0.1 * len(items[i]) for i in range(150)], np.float64)

    fitted = fit_number_baselines(items, y, TRAIN, VALIDATION, "rmse")

    mean, median, ridge = fitted.baselines
    assert mean.numbers(items, TEST).tolist() == [y[TRAIN].mean()] * 60
    assert median.numbers(items, TEST).tolist() == [np.median(y[TRAIN])] * 60
    assert np.abs(ridge.numbers(items, TEST) - y[TEST]).mean() < 0.1 * y.std()
    assert [b.name for b in fitted.baselines] == ["mean", "median", "summary statistics + ridge"]


def test_numbers_of_texts_are_a_ridge_on_tf_idf():
    items, label = reviews()
    y = 3.0 * label + 1.0

    *_, ridge = fit_number_baselines(items, y, TRAIN, VALIDATION).baselines

    assert ridge.name == "TF-IDF + ridge"
    assert np.abs(ridge.numbers(items, TEST) - y[TEST]).mean() < 0.7 * y.std()


@pytest.mark.parametrize("kind", ["texts", "sequences", "steps", "numbers"])
def test_nothing_is_learned_from_the_test_part(kind):
    items, y = {"texts": reviews, "steps": tagged}.get(kind, waves)()

    def predicted(items, y):
        if kind == "numbers":
            fitted = fit_number_baselines(items, y.astype(float), TRAIN, VALIDATION).baselines
            return [b.numbers(items, VALIDATION) for b in fitted]
        fitted = fit_class_baselines(
            items, y, TRAIN, VALIDATION, 3, at_steps=kind == "steps"
        ).baselines
        return [b.probabilities(items, VALIDATION) for b in fitted]

    before = predicted(items, y)
    other_y = y.copy()
    if kind == "texts":
        items = (*items[:90], *(["good dull", "canary canary"] * 30))
    else:
        items.values[items.starts[90] :] *= -50
    other_y[steps_of(items, TEST) if kind == "steps" else TEST] = 0

    for one, two in zip(before, predicted(items, other_y), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", ["texts", "sequences", "steps"])
def test_validation_chooses_and_teaches_nothing_else(kind, monkeypatch):
    items, y = {"texts": reviews, "steps": tagged}.get(kind, waves)()
    for module in (class_texts, class_sequences, class_steps):
        monkeypatch.setattr(module, "STRENGTHS", (1.0,))
    other = np.arange(90, 120)

    one, two = (
        fit_class_baselines(items, y, TRAIN, validation, 3, at_steps=kind == "steps").baselines[1]
        for validation in (VALIDATION, other)
    )

    np.testing.assert_array_equal(one.probabilities(items, TEST), two.probabilities(items, TEST))


def test_training_rows_of_one_class_leave_the_majority():
    items, y = waves()
    alone = np.flatnonzero(y[:60] == 0)

    fitted = fit_class_baselines(items, y, alone, VALIDATION, 3)

    assert [b.name for b in fitted.baselines] == ["majority class"]
    assert {s.reason for s in fitted.skipped} == {"the training part holds one class alone"}


def test_tokens_leave_the_majority():
    items = Ragged(np.arange(300) % 7, np.arange(0, 301, 2))
    y = np.arange(150) % 2

    fitted = fit_class_baselines(items, y, TRAIN, VALIDATION, 2)
    at_steps = fit_class_baselines(items, np.arange(300) % 2, TRAIN, VALIDATION, 2, at_steps=True)
    numbers = fit_number_baselines(items, y.astype(float), TRAIN, VALIDATION)

    assert len(fitted.baselines) == len(at_steps.baselines) == 1
    assert len(numbers.baselines) == 2
    reasons = {s.reason for part in (fitted, at_steps, numbers) for s in part.skipped}
    assert reasons == {"the sequences are tokens, which have no values to compute with"}


def test_the_reference_is_the_baseline_of_the_lowest_loss():
    assert class_reference({"a": 0.5, "b": 0.3, "c": 0.3, "d": np.nan}) == "b"
    with pytest.raises(ValueError, match="validation must hold a finite loss"):
        class_reference({"a": np.inf})


def test_bad_arguments_are_refused():
    items, y = waves()

    with pytest.raises(ValueError, match="classes must be at least 2, got 1"):
        fit_class_baselines(items, y, TRAIN, VALIDATION, 1)
    with pytest.raises(ValueError, match=r"y must have shape \(150,\) or \(150, 3\), got \(10,\)"):
        fit_class_baselines(items, y[:10], TRAIN, VALIDATION, 3)
    with pytest.raises(ValueError, match="validation must hold a row, got none"):
        fit_class_baselines(items, y, TRAIN, TRAIN[:0], 3)
    with pytest.raises(ValueError, match=r"items must be sequences where .* got texts"):
        fit_class_baselines(("a",) * 150, y, TRAIN, VALIDATION, 3, at_steps=True)
    with pytest.raises(ValueError, match="metric must be mae or rmse, got 'mase'"):
        fit_number_baselines(items, y, TRAIN, VALIDATION, "mase")


# what follows reads real data


def lines(name, encoding="utf-8"):
    """The lines of a file of the shared data, packed or not."""
    path = next((DATA / name).parent.glob(Path(name).name + "*"), None)
    if path is None:
        pytest.skip(f"{DATA / name} is absent")
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding=encoding) as file:
        return file.read().splitlines()


def parted(labels, given):
    """Class indices, training rows, every fifth of which is validation, and test rows."""
    classes, y = np.unique(labels, return_inverse=True)
    rows = np.random.default_rng(0).permutation(given)
    return y, rows[given // 5 :], rows[: given // 5], np.arange(given, len(y)), len(classes)


def ts_file(name):
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


def sentences(train, test, encoding):
    """Texts of `label text` lines and their labels, training first, and how many that is."""
    parts = [lines(f"en_sentences/{name}", encoding) for name in (train, test)]
    labels, texts = zip(*(line.split(" ", 1) for line in parts[0] + parts[1]), strict=True)
    return texts, labels, len(parts[0])


def judged(items, labels, given):
    """Print and return the scores of every baseline on the test part."""
    y, train, validation, test, classes = parted(labels, given)
    fitted = fit_class_baselines(items, y, train, validation, classes)
    scores = {
        b.name: score_classes(b.probabilities(items, test), y[test]) for b in fitted.baselines
    }
    for name, score in scores.items():
        print(name, by_name(fitted)[name].setting, score)
    return scores


@pytest.mark.parametrize(
    ("name", "summary", "nearest"),
    [("JapaneseVowels", 0.96, 0.94), ("ItalyPowerDemand", 0.75, 0.93), ("BasicMotions", 0.95, 0.8)],
)
def test_real_sequences(name, summary, nearest):
    scores = judged(*ts_file(name))

    assert scores[SUMMARY].accuracy >= summary
    assert scores["1-NN DTW"].accuracy >= nearest
    # what it says of itself is worth something, though it was chosen on a handful of rows
    assert scores["1-NN DTW"].log_loss < 0.6 * scores["majority class"].log_loss


@pytest.mark.parametrize(
    ("files", "encoding", "accuracy"),
    [
        (("TREC.train.all", "TREC.test.all"), "latin-1", 0.86),
        (("stsa.binary.train", "stsa.binary.test"), "utf-8", 0.79),
    ],
    ids=["TREC", "SST-2"],
)
def test_real_texts(files, encoding, accuracy):
    scores = judged(*sentences(*files, encoding))

    assert scores[TFIDF].accuracy >= accuracy
    assert scores[TFIDF].log_loss < 0.65 * scores["majority class"].log_loss


@pytest.mark.slow
def test_twenty_thousand_reviews_are_done_in_a_minute():
    path = DATA / "imdb" / "imdb_train.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    items, y = tuple(row["text"] for row in rows), np.array([row["label"] for row in rows])
    order = np.random.default_rng(0).permutation(len(rows))
    train, validation, test = order[:18_000], order[18_000:20_000], order[20_000:]
    y = np.unique(y, return_inverse=True)[1]

    start = time.process_time()
    fitted = by_name(fit_class_baselines(items, y, train, validation, 2))[TFIDF]
    seconds = time.process_time() - start

    accuracy = score_classes(fitted.probabilities(items, test), y[test]).accuracy
    print(fitted.setting, accuracy, seconds)
    assert accuracy > 0.87
    assert seconds < 60


def test_real_labels_at_steps():
    sequences, y = [], []
    for name in ("datatraining.txt", "datatest.txt", "datatest2.txt"):
        rows = [line.split(",") for line in lines(f"occupancy/{name}")[1:]]
        sequences.append(np.array([row[2:7] for row in rows], np.float32))
        y += [int(row[7]) for row in rows]

    items, y = Ragged.of(sequences), np.array(y)
    fitted = fit_class_baselines(items, y, np.array([0]), np.array([1]), 2, at_steps=True).baselines

    truth = y[items.starts[2] :]
    majority, logistic = (
        score_classes(b.probabilities(items, np.array([2])), truth) for b in fitted
    )
    print(fitted[1].setting, majority, logistic)
    assert logistic.accuracy > 0.95 > majority.accuracy


def test_logistic_regression_ends_in_time_on_features_that_part_the_classes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 200))
    y = (x[:, 0] > 0).astype(np.int64)

    fitted = class_common.fit_logistic((x, y), (x, y), 2, (1.0, 1e6))

    assert fitted.strength == 1e6
    assert score_classes(fitted.probabilities(x), y).accuracy == 1.0
