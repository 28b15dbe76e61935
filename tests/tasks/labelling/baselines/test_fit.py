"""Baselines of classifiers learn from training alone, and do on real data what is known of them."""

import numpy as np
import pytest

from lockgate.scoring.baselines import Grid
from lockgate.scoring.probabilities import fit_temperature, log_scores, probabilities
from lockgate.tasks.labelling.baselines import sequences as class_sequences
from lockgate.tasks.labelling.baselines import steps as class_steps
from lockgate.tasks.labelling.baselines import texts as class_texts
from lockgate.tasks.labelling.baselines.fit import (
    fit_class_baselines,
    fit_number_baselines,
)
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.training.losses import IGNORED

TRAIN, VALIDATION, TEST = np.arange(60), np.arange(60, 90), np.arange(90, 150)


def test_the_majority_is_the_share_of_each_class_in_training(waves):
    items, y = waves()

    majority = fit_class_baselines(items, y, TRAIN, VALIDATION, 4).baselines[0]

    # a fourth class never occurs: as though it had, once
    shares = np.array([*np.bincount(y[TRAIN]), 1]) / 61
    p = majority.baseline.probabilities(items, TEST)
    np.testing.assert_allclose(p, np.tile(shares, (60, 1)))
    assert majority.name == "majority class"
    assert majority.setting == f"temperature {majority.temperature:.3g} by validation"


def test_the_majority_of_several_labels_is_the_share_of_each(waves):
    items, y = waves()
    labels = np.column_stack([y == 0, y > 0, np.zeros(150)]).astype(np.int64)

    majority = fit_class_baselines(items, labels, TRAIN, VALIDATION, 3).baselines[0]

    expected = [labels[TRAIN, 0].mean(), labels[TRAIN, 1].mean(), 1 / 61]
    np.testing.assert_allclose(majority.baseline.probabilities(items, TEST)[0], expected)


def steps_of(items, rows):
    return np.concatenate([np.arange(items.starts[i], items.starts[i + 1]) for i in rows])


def test_numbers_are_the_mean_the_median_and_a_ridge(waves):
    items, _ = waves()
    y = np.array([items[i][:, 0].mean() + 0.1 * len(items[i]) for i in range(150)], np.float64)

    fitted = fit_number_baselines(items, y, TRAIN, VALIDATION, "rmse")

    mean, median, ridge = fitted.baselines
    assert mean.numbers(items, TEST).tolist() == [y[TRAIN].mean()] * 60
    assert median.numbers(items, TEST).tolist() == [np.median(y[TRAIN])] * 60
    assert np.abs(ridge.numbers(items, TEST) - y[TEST]).mean() < 0.1 * y.std()
    assert [b.name for b in fitted.baselines] == ["mean", "median", "summary statistics + ridge"]


@pytest.mark.parametrize("kind", ["texts", "sequences", "steps", "numbers"])
def test_nothing_is_learned_from_the_test_part(waves, reviews, tagged, kind):
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
def test_validation_chooses_and_teaches_nothing_else(waves, reviews, tagged, kind, monkeypatch):
    items, y = {"texts": reviews, "steps": tagged}.get(kind, waves)()
    for module in (class_texts, class_sequences, class_steps):
        monkeypatch.setattr(module, "STRENGTHS", Grid((1.0,), 0, 1))
    # of two kinds of terms validation would choose one
    monkeypatch.setattr(class_texts, "MOST_CHARACTERS", 0)
    other = np.arange(90, 120)

    one, two = (
        fit_class_baselines(items, y, TRAIN, validation, 3, at_steps=kind == "steps")
        .baselines[1]
        .baseline
        for validation in (VALIDATION, other)
    )

    np.testing.assert_array_equal(one.probabilities(items, TEST), two.probabilities(items, TEST))


def test_training_rows_of_one_class_leave_the_majority(waves):
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


@pytest.mark.parametrize("kind", ["texts", "sequences", "steps", "several"])
def test_every_baseline_has_the_temperature_of_networks(waves, reviews, tagged, kind):
    items, y = {"texts": reviews, "steps": tagged}.get(kind, waves)()
    if kind == "several":
        y = np.column_stack([y == 0, y > 0]).astype(np.int64)
    known = VALIDATION
    if kind == "steps":
        known = steps_of(items, VALIDATION)
        y[known[::3]] = IGNORED
        labelled = y[known] != IGNORED

    fitted = fit_class_baselines(
        items, y, TRAIN, VALIDATION, 2 + (kind == "sequences"), at_steps=kind == "steps"
    )

    assert len(fitted.baselines) >= 2
    for found in fitted.baselines:
        p, several = found.baseline.probabilities(items, VALIDATION), kind == "several"
        scores = log_scores(p, several=several)
        truth = y[known]
        if kind == "steps":
            expected = fit_temperature(scores[labelled], truth[labelled])
        else:
            expected = fit_temperature(scores, truth)
        assert found.temperature == pytest.approx(expected, rel=1e-3)
        np.testing.assert_allclose(
            found.probabilities(items, VALIDATION),
            probabilities(scores, found.temperature, several=several),
            rtol=1e-6,
        )
        assert found.setting.endswith(f"temperature {found.temperature:.3g} by validation")


def test_bad_arguments_are_refused(waves):
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
