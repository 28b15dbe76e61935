"""Score intervals and quantiles of forecasts: coverage, width, pinball loss."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lockgate.scoring.arrays import AnyFloatArray, FloatArray, IntArray
from lockgate.scoring.bootstrap import bootstrap_interval

GRID = tuple(round(0.05 * k, 2) for k in range(1, 20))
"""Quantiles over which the pinball loss is averaged to approximate the CRPS."""


class Coverage(NamedTuple):
    """How an interval did."""

    share: float
    """Of observed values that lie inside, its ends included."""
    low: float
    """Of the 95 % interval of the share, blocks of forecasts drawn anew; NaN of a single block."""
    high: float
    width: float
    """Mean, in the unit of the target."""
    per_step: list[float]
    """The share by steps ahead; NaN where nothing was observed."""
    width_per_step: list[float]


def coverage(
    truth: AnyFloatArray, low: AnyFloatArray, high: AnyFloatArray, blocks: IntArray
) -> Coverage:
    """Return how often the truth lies in an interval, and how wide it is.

    Args:
        truth: (N, H), NaN where missing.
        low: The lower ends, (N, H).
        high: The upper ends.
        blocks: Number of the block of each forecast, (N,): those of one share targets.
    """
    observed = np.isfinite(truth)
    inside = np.where(observed, (truth >= low) & (truth <= high), np.nan)
    width = np.asarray(high - low, dtype=np.float64)
    of_rows, rows = _row_means(inside)
    between = bootstrap_interval(of_rows, groups=blocks[rows])
    return Coverage(
        float(np.nanmean(inside)),
        *between,
        float(width[observed].mean()),
        _column_means(inside),
        _column_means(np.where(observed, width, np.nan)),
    )


def pinball(truth: AnyFloatArray, quantiles: Sequence[float], forecast: AnyFloatArray) -> float:
    """Return the mean pinball loss over quantiles and observed values (Koenker and Bassett, 1978).

    Over an even grid of quantiles twice that is about the CRPS.

    Args:
        truth: (N, H), NaN where missing.
        quantiles: Each in (0, 1).
        forecast: Their forecasts, (Q, N, H).
    """
    share = np.asarray(quantiles, dtype=np.float64)[:, None, None]
    above = truth - forecast
    return float(np.nanmean(np.maximum(share * above, (share - 1.0) * above)))


def interval_score(
    truth: AnyFloatArray, low: AnyFloatArray, high: AnyFloatArray, level: float
) -> float:
    """Return the mean interval score of Winkler (1972): the width, and 2 / (1 - level) for each
    unit by which the truth lies outside.

    Args:
        truth: (N, H), NaN where missing.
        low: The lower ends, (N, H).
        high: The upper ends.
        level: Share meant to be inside, in per cent.
    """
    outside = np.maximum(low - truth, 0.0) + np.maximum(truth - high, 0.0)
    return float(np.nanmean(high - low + outside / (0.5 * (1.0 - level / 100.0))))


def blocks_of(steps: IntArray, horizon: int) -> IntArray:
    """Return the block of each forecast: those whose origins lie in one stretch of a horizon."""
    return np.asarray(steps // horizon, dtype=np.int64)


def _row_means(inside: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the mean of each row that has any value, and which these are."""
    rows = np.flatnonzero(np.isfinite(inside).any(axis=1))
    means: FloatArray = np.nanmean(inside[rows], axis=1)
    return means, rows


def _column_means(values: FloatArray) -> list[float]:
    known = np.isfinite(values)
    sums, counts = np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0)
    return [float(s / n) if n else float("nan") for s, n in zip(sums, counts, strict=True)]
