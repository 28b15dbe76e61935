"""Split conformal prediction: how far a number may be off, by how far it was off on rows held out.

Of n errors that are exchangeable with the next one, the k-th smallest is above it with probability
k / (n + 1) (Vovk, Gammerman and Shafer, 2005). So the share `s` takes the error of rank
ceil((n + 1) s), and n must be large enough that there is one.
"""

import math
from collections.abc import Sequence

import numpy as np

from lockgate.scoring.arrays import AnyFloatArray, FloatArray

ENOUGH_FOR_SIDES = 40
"""Errors that do not hang on each other from which both sides of a forecast are told apart. Of
fewer, absolute errors give an interval as wide below as above, for which half as many do."""
_ROUNDING = 1e-9


def levels_as_quantiles(levels: Sequence[float]) -> tuple[float, ...]:
    """Return the quantiles that bound central intervals, ascending.

    Args:
        levels: Shares inside, in per cent.

    Example:
        >>> levels_as_quantiles([80, 95])
        (0.025, 0.1, 0.9, 0.975)
    """
    halves = [round((100.0 - level) / 200.0, 12) for level in levels]
    return tuple(sorted({side for half in halves for side in (half, round(1.0 - half, 12))}))


def errors_needed(quantile: float, *, sides: bool) -> int:
    """Return the fewest errors from which a quantile can be told.

    Example:
        >>> errors_needed(0.975, sides=True), errors_needed(0.975, sides=False)
        (39, 19)
    """
    if quantile == 0.5:
        return 1
    outside = min(quantile, 1.0 - quantile) * (1.0 if sides else 2.0)
    return math.ceil(1.0 / outside - 1.0 - _ROUNDING)


def share_within(quantile: float, *, sides: bool) -> float:
    """Return the share of errors that a quantile is to be no nearer than.

    Example:
        >>> share_within(0.1, sides=True), share_within(0.1, sides=False)
        (0.9, 0.8)
    """
    share = max(quantile, 1.0 - quantile)
    return share if sides else 2.0 * share - 1.0


def offsets(
    errors: AnyFloatArray,
    quantiles: Sequence[float],
    *,
    sides: bool,
    shares: FloatArray | None = None,
) -> FloatArray:
    """Return what is added to a forecast to give its quantiles, step by step.

    Args:
        errors: Truth less forecast of rows held out, (N, H), NaN where the truth is missing.
        quantiles: Each in (0, 1).
        sides: Whether quantiles of the errors themselves are taken; else those of their absolute
            values, by which an interval is as wide below as above and the median is the forecast.
        shares: In place of `share_within` of each quantile, (Q, H): those beyond what errors can
            tell give the farthest error.

    Returns:
        (Q, H); infinite where there are too few errors for the quantile.

    Example:
        >>> offsets(np.array([[-2.0], [0.0], [1.0], [3.0]]), [0.2, 0.8], sides=True).ravel()
        array([-2.,  3.])
    """
    scores = np.sort(errors if sides else np.abs(errors), axis=0)  # NaN last
    counts = np.isfinite(scores).sum(axis=0)

    def upper(ordered: AnyFloatArray, share: float, own: FloatArray | None) -> FloatArray:
        ranks = np.ceil((counts + 1) * (share if own is None else own) - _ROUNDING)
        if own is not None:
            ranks = np.clip(ranks, 1, counts)
        known = (ranks >= 1) & (ranks <= counts)
        places = np.clip(ranks - 1, 0, max(len(ordered) - 1, 0)).astype(np.int64)
        found = np.take_along_axis(ordered, places[None], axis=0)[0] if len(ordered) else counts
        return np.where(known, found, np.inf).astype(np.float64)

    def offset(quantile: float, own: FloatArray | None) -> FloatArray:
        if quantile == 0.5:
            return np.nanmedian(errors, axis=0) if sides else np.zeros(errors.shape[1])
        share = share_within(quantile, sides=sides)
        if not sides:
            return math.copysign(1.0, quantile - 0.5) * upper(scores, share, own)
        if quantile > 0.5:
            return upper(scores, share, own)
        return -upper(np.sort(-errors, axis=0), share, own)

    each = [None] * len(quantiles) if shares is None else [*shares]
    return np.stack([offset(*pair) for pair in zip(quantiles, each, strict=True)])


def ranks_of(truth_errors: AnyFloatArray, errors: AnyFloatArray) -> FloatArray:
    """Return where errors lie among those held out, step by step, as shares in (0, 1).

    They are spread evenly where both come from one distribution (Dawid, 1984: the probability
    integral transform).

    Args:
        truth_errors: Errors to place, (M, H).
        errors: Errors held out, (N, H).

    Returns:
        (M, H), NaN where the error is missing; ties lie in their middle.
    """
    placed = np.full(truth_errors.shape, np.nan)
    for step in range(errors.shape[1]):
        known = np.sort(errors[np.isfinite(errors[:, step]), step])
        own = truth_errors[:, step]
        below = np.searchsorted(known, own, side="left")
        above = np.searchsorted(known, own, side="right")
        share = (0.5 * (below + above) + 0.5) / (len(known) + 1)
        placed[:, step] = np.where(np.isfinite(own), share, np.nan)
    return placed
