"""Probabilities are a softmax or a sigmoid; the temperature is that of the lowest log loss."""

import numpy as np
import pytest
from scipy.special import logit, softmax

from lockgate.scoring.probabilities import check_probabilities, fit_temperature, probabilities
from lockgate.tasks.labelling.scores import (
    row_losses,
)


def drawn(rows=300, classes=4, seed=0, sharpness=1.5):
    """Scores that know something of the truth, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=rows)
    scores = rng.normal(size=(rows, classes))
    scores[np.arange(rows), truth] += sharpness
    return scores, truth


def drawn_labels(rows=300, classes=3, seed=0):
    """The same for several labels."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((rows, classes)) < [0.2, 0.5, 0.7]).astype(np.int64)
    return rng.normal(size=(rows, classes)) + 2.0 * truth - 1.0, truth


def test_probabilities_are_a_softmax_or_a_sigmoid_in_float64():
    logits = np.array([[1000.0, 0.0, -1000.0], [0.0, 1.0, 2.0]], dtype=np.float32)

    p = probabilities(logits, 2.0)
    each = probabilities(logits, several=True)

    assert p.dtype == each.dtype == np.float64
    np.testing.assert_allclose(p, softmax(logits.astype(float) / 2, axis=1))
    np.testing.assert_allclose(each[1], 1 / (1 + np.exp([0.0, -1.0, -2.0])))


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("factor", [0.2, 1.0, 7.0])
def test_temperature_scaling_undoes_a_factor(factor, several):
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(20_000, 3)) * 1.5
    p = probabilities(logits, several=several)
    if several:
        truth = (rng.random(p.shape) < p).astype(int)
    else:
        truth = (rng.random((len(p), 1)) > p.cumsum(axis=1)).sum(axis=1)

    assert fit_temperature(logits * factor, truth) == pytest.approx(factor, rel=0.05)


@pytest.mark.parametrize("several", [False, True])
def test_no_other_temperature_has_a_lower_log_loss(several):
    logits, truth = drawn_labels() if several else drawn()
    logits = logits * 3.0

    def loss(temperature):
        return row_losses(
            probabilities(logits, temperature, several=several), truth, "log_loss"
        ).mean()

    fitted = fit_temperature(logits, truth)

    assert 0.1 < fitted < 10
    assert all(loss(fitted) <= loss(t) + 1e-10 for t in fitted * np.geomspace(0.5, 2.0, 41))


def test_temperature_of_two_scores_has_a_closed_form():
    # every row leads by 2, three of four rightly: softmax(2 / T) = 3/4
    logits, truth = np.array([[2.0, 0.0]] * 40_000), np.array([0, 0, 0, 1] * 10_000)

    assert fit_temperature(logits, truth) == pytest.approx(2.0 / logit(0.75), rel=1e-3)


@pytest.mark.parametrize("several", [False, True])
def test_few_rows_move_the_temperature_less_than_many(several):
    logits, truth = ([2.0, 0.0], 0) if not several else ([2.0, -2.0], [1, 0])

    fitted = [
        fit_temperature(np.array([logits] * rows), np.array([truth] * rows))
        for rows in (1, 10, 100, 1000)
    ]

    # all of them right: the more there are, the surer, but never beyond measure
    assert fitted == sorted(fitted, reverse=True)
    assert 0.85 < fitted[0] < 1
    assert 0.1 < fitted[-1] < 0.6


def test_temperature_of_few_rows_has_a_flat_penalised_loss():
    logits, truth = drawn(rows=12)

    def loss(log_temperature):
        p = probabilities(logits, np.exp(log_temperature))
        return row_losses(p, truth, "log_loss").sum() + 2.0 * log_temperature**2

    found = np.log(fit_temperature(logits, truth))

    assert (loss(found + 1e-4) - loss(found - 1e-4)) / 2e-4 == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(
    ("p", "truth", "message"),
    [
        (np.ones((2, 2)) / 2, [0], r"shapes .* got \(2, 2\) and \(1,\)"),
        (np.ones((0, 2)), [], "N at least 1"),
        (np.ones((1, 1)), [0], "two classes or more, got 1"),
        ([[0.5, 0.6]], [0], r"sum to 1 in every row, got 1\.1"),
        ([[np.nan, 0.5]], [0], r"in \[0, 1\], got nan"),
        ([[-0.1, 1.1]], [0], r"in \[0, 1\]"),
        ([[0.5, 0.5]], [2], r"a class in 0 \.\. 1, got 2"),
        ([[0.5, 0.5]], [-100], r"a class in 0 \.\. 1, got -100"),
        ([[0.5, 0.9]], [[0, 2]], "0 or 1, got 2"),
    ],
)
def test_what_is_no_probability_or_class_is_refused(p, truth, message):
    with pytest.raises(ValueError, match=message):
        check_probabilities(np.asarray(p), np.asarray(truth))


def test_what_is_no_temperature_or_score_is_refused():
    with pytest.raises(ValueError, match="temperature must be over 0, got 0"):
        probabilities(np.array([[0.5, 0.5]]), 0.0)
    with pytest.raises(ValueError, match="scores must be finite"):
        fit_temperature(np.array([[np.nan, 0.0]]), np.array([0]))


def test_rows_of_half_precision_are_made_to_sum_to_1():
    p, truth = check_probabilities(np.array([[0.3335, 0.6660]], np.float16), np.array([1], np.int8))

    assert p.dtype == np.float64
    assert p.sum() == 1.0
    assert truth.dtype == np.int64
