"""What a sweep over learning rates suggests: where its loss falls fastest."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lockgate.scoring.arrays import FloatArray

HALF = 0.5
"""Decades on each side of a rate to whose losses its line is fitted."""
CLEAR = 3.0
"""Standard errors of a slope by which it must lie below 0."""
SHARE = 0.5
"""Of the steepest slope, what the slopes of the suggested range have at least."""
ROUNDING = 1e-6
"""Decades by which a window may reach beyond the sweep."""


class Lines(NamedTuple):
    """For each rate the straight line through the losses of the decade around it, (N,) each."""

    values: FloatArray  # at the rate: the smoothed loss
    slopes: FloatArray  # loss by decade
    errors: FloatArray  # standard errors of the slopes
    whole: FloatArray  # 1 where the sweep holds the whole decade, else 0


class Suggestion(NamedTuple):
    """Where the loss falls fastest, and the range in which it falls at least half as fast."""

    low: float
    rate: float
    high: float


def lines(rates: Sequence[float], losses: Sequence[float]) -> Lines:
    """Fit a line by least squares to the losses of the decade around each rate.

    Args:
        rates: Ascending, (N,).
        losses: Of a batch at each, (N,).
    """
    x, y = np.log10(np.asarray(rates)), np.asarray(losses, dtype=np.float64)
    rows = [_line(x - at, y) for at in x]
    first, last = x[0] - ROUNDING, x[-1] + ROUNDING
    whole = ((x - HALF >= first) & (x + HALF <= last)).astype(np.float64)
    values, slopes, errors = np.asarray(rows, dtype=np.float64).T
    return Lines(values, slopes, errors, whole)


def suggest(rates: Sequence[float], fitted: Lines) -> Suggestion | None:
    """Return the rate of the steepest descent, and the range around it.

    Of the rates below that of the lowest smoothed loss, around which the sweep holds a whole
    decade, the rate is that of the steepest line; where the sweep diverged it lies half a decade
    below at the least. The range goes on from it, to both sides, as long as the slope is half the
    steepest or more. None where the steepest slope is within three standard errors of 0: the loss
    falls nowhere beyond its noise.

    Example:
        >>> rates = [10.0 ** (-5 + i / 20) for i in range(101)]
        >>> losses = [1.0 if rate < 1e-3 else 0.5 if rate < 1e-1 else 4.0 for rate in rates]
        >>> [f"{rate:.0e}" for rate in suggest(rates, lines(rates, losses))]
        ['4e-04', '9e-04', '2e-03']
    """
    lowest = int(np.argmin(fitted.values))
    open_to = fitted.whole * (np.arange(len(rates)) <= lowest) > 0
    if not open_to.any():
        return None
    slopes = np.where(open_to, fitted.slopes, np.inf)
    best = int(np.argmin(slopes))
    if slopes[best] >= -CLEAR * fitted.errors[best] or slopes[best] >= 0.0:
        return None
    steep = slopes <= SHARE * slopes[best]
    low = high = best
    while low > 0 and steep[low - 1]:
        low -= 1
    while high + 1 < len(rates) and steep[high + 1]:
        high += 1
    return Suggestion(rates[low], rates[best], rates[high])


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float, float]:
    """Return height at 0, slope and its standard error of the points within half a decade."""
    near = np.abs(x) <= HALF + ROUNDING
    x, y = x[near], y[near]
    if len(x) < 3:
        return float(y.mean()), 0.0, float("inf")
    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = float(centred @ y) / spread
    height = float(y.mean() - slope * x.mean())
    left = y - height - slope * x
    return height, slope, float(np.sqrt(left @ left / (len(x) - 2) / spread))
