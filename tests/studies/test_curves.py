"""Overfitting begins at the validation minimum if the curve clearly rises while training falls."""

import math

import pytest

from lockgate.studies.curves import final_gap, overfits_from
from lockgate.training.history import History

FALLING = [0.9, 0.5, 0.4, 0.3, 0.2]


def history(validation, training=FALLING):
    epochs = len(validation)
    return History(
        training=training[:epochs],
        validation=validation,
        gradient_norm=[1.0] * epochs,
        seconds=[1.0] * epochs,
    )


RISING = [[0.9, 0.5, 0.6, 0.7, 0.8], [0.9, 0.5, 0.61, 0.7, 0.79], [0.8, 0.4, 0.5, 0.6, 0.7]]
NOISE = [[0.9, 0.5, 0.6, 0.5, 0.5], [0.9, 0.5, 0.4, 0.5, 0.5], [0.9, 0.5, 0.51, 0.5, 0.5]]


@pytest.mark.parametrize(
    ("curves", "epoch"),
    [
        (RISING, 2),
        (NOISE, None),
        ([[0.9, 0.8, 0.7, 0.6, 0.5]] * 3, None),
        ([[0.5, 0.5, 0.5, 0.5, 0.5]] * 3, None),
        ([[0.9, 0.5, 0.5, 0.5, 0.6]] * 2, 2),
        ([[0.9, 0.5, 0.6, 0.5, 0.4]] * 2, None),
        ([[0.5, 0.6]] * 2, 1),
    ],
    ids=["rises", "noise", "falls", "flat", "tie-takes-first", "rise-before-minimum", "two-epochs"],
)
def test_overfitting_begins_at_the_minimum_of_the_mean_curve(curves, epoch):
    assert overfits_from([history(curve) for curve in curves]) == epoch


def test_no_overfitting_while_training_does_not_fall():
    rises_too = [0.9, 0.3, 0.4, 0.4, 0.4]

    assert overfits_from([history(curve, rises_too) for curve in RISING]) is None


def test_a_rise_within_a_standard_error_does_not_count():
    # rises of 0.0 and 0.2: mean 0.1, standard error 0.1
    curves = [[0.9, 0.5, 0.5], [0.9, 0.5, 0.7]]

    assert overfits_from([history(curve) for curve in curves]) is None
    assert overfits_from([history(curve) for curve in (*curves, [0.9, 0.5, 0.62])]) == 2


@pytest.mark.parametrize(
    "curves",
    [[], [RISING[0]], [[0.5], [0.5]], [RISING[0], [0.9]]],
    ids=["none", "one-seed", "one-epoch", "one-stopped-at-once"],
)
def test_too_little_tells_nothing(curves):
    assert overfits_from([history(curve) for curve in curves]) is None


def test_only_epochs_that_every_seed_reached_count():
    assert overfits_from([history(RISING[0]), history([0.9, 0.5])]) is None
    assert overfits_from([history(RISING[0]), history([0.9, 0.5, 0.6])]) == 2


def test_the_gap_is_that_of_the_last_epoch():
    histories = [history([0.9, 0.5, 0.6]), history([0.9, 0.8])]

    assert final_gap(histories) == pytest.approx(((0.6 - 0.4) + (0.8 - 0.5)) / 2)
    assert final_gap([]) is None
    assert final_gap([history([0.9, math.nan])]) is None
