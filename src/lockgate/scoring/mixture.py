"""How much of a forecast should be one model's and how much another's."""

from collections.abc import Callable

import numpy as np

from lockgate.scoring.arrays import FloatArray, IntArray

_GAIN = 1e-6  # of the loss, that a mixture must have over either alone


def mixing_weight(
    losses: Callable[[FloatArray], FloatArray], one: FloatArray, other: FloatArray
) -> float:
    """Return the weight from 0 to 1 of `one` by which its mixture with `other` loses least.

    The loss of a mixture is convex in the weight for absolute and squared errors and for the log
    loss, so that a bounded search finds the least (Breiman, 1996, stacked regressions with weights
    that are not negative and sum to one).

    Args:
        losses: Gives the loss of each row, of rows that neither has learned from, nor has been
            chosen by.
        one: Predictions of these rows.
        other: The same of another model.
    """
    # imported here because a model is loaded without it
    from scipy.optimize import minimize_scalar

    def loss(weight: float) -> float:
        return float(np.mean(losses(weight * one + (1.0 - weight) * other)))

    best = minimize_scalar(loss, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-3})
    alone = min((0.0, 1.0), key=loss)
    return float(best.x) if best.fun < loss(alone) * (1.0 - _GAIN) else alone


def cross_fitted(
    losses: Callable[[FloatArray], FloatArray], one: FloatArray, other: FloatArray, parts: IntArray
) -> FloatArray:
    """Return mixtures of which each part has the weight that is best on all others.

    So no row has a part in the weight by which it is predicted, as one that is told how far off a
    mixture may be must not.

    Args:
        losses: As in `mixing_weight`.
        one: Predictions, (N, ...).
        other: The same of another model.
        parts: Number of the part of each row, (N,); of a single part the weight is its own.
    """
    mixed = np.empty_like(one)
    for part in np.unique(parts):
        own = parts == part
        rest = ~own if not own.all() else own

        def losses_of(prediction: FloatArray, rows: IntArray = rest) -> FloatArray:
            return losses(prediction)[rows]

        weight = mixing_weight(losses_of, one, other)
        mixed[own] = weight * one[own] + (1.0 - weight) * other[own]
    return mixed
