"""Adaptive conformal inference: widen intervals while too many truths lie outside, and narrow them
while too few do.

Gibbs and Candès (2021), Adaptive conformal inference under distribution shift, arXiv:2106.00170.
"""

from collections.abc import Sequence

import numpy as np

from lockgate.scoring.arrays import AnyFloatArray, FloatArray, IntArray

_ROUNDING = 1e-6  # of float32


def adapted(
    beyond: AnyFloatArray, times: IntArray, outside: Sequence[float], rate: float
) -> FloatArray:
    """Return the share that is left outside each end of intervals after each forecast of a stream.

    After a forecast whose truth lay outside the share falls by `rate` × (1 - `outside`), which
    widens the next intervals; after one inside it grows by `rate` × `outside`. Whatever the truths
    are, the share of them that lay outside then differs from `outside` by at most
    (max(`outside`, 1 - `outside`) + `rate`) / (`rate` × T) after T of them.

    The truth of the step h is known h steps after the forecast, and has no say before. Forecasts of
    h steps that are made one step apart are off together; so each changes the share by an h-th of
    that, and T counts those that do not overlap.

    Args:
        beyond: Of the n errors known at each forecast how many its own lay beyond, by n + 1: it
            lay outside where that is as much as was to be inside. (E, M, H) of E ends, NaN where
            the truth is missing.
        times: When each forecast was made, in steps, ascending, (M,). Of several made at one time
            the mean counts.
        outside: Share of truths that is to lie outside each end, (E,).
        rate: How much one truth changes, of the first step; with 0 nothing ever does.

    Returns:
        (K + 1, E, H): before the first of the K times, and after each. It may leave [0, 1].

    Example:
        >>> one_end = np.array([[[0.99], [0.5]]])
        >>> adapted(one_end, np.array([0, 1]), [0.1], 0.05).ravel().round(3)
        array([0.1  , 0.055, 0.06 ])
    """
    aim = np.asarray(outside, dtype=np.float64)[:, None]
    unique, firsts = np.unique(times, return_index=True)
    lasts = np.append(firsts[1:], len(times))
    ends, steps = np.arange(len(aim))[:, None], np.arange(beyond.shape[2])
    # of each time and step the number of times whose truth of that step is known by then
    known = np.searchsorted(unique, unique[:, None] - (steps + 1), side="right")
    shares = np.empty((len(unique) + 1, len(aim), len(steps)))
    shares[0] = aim
    for number, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
        own = beyond[:, first:last]
        inside = 1.0 - shares[known[number], ends, steps] - _ROUNDING
        counts = np.isfinite(own).sum(axis=1)
        missed = (own >= inside[:, None]).sum(axis=1)  # NaN is not
        step = rate / (steps + 1) * (aim - missed / np.maximum(counts, 1))
        shares[number + 1] = shares[number] + np.where(counts > 0, step, 0.0)
    return shares
