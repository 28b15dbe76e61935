"""Judge what is delivered against a baseline, on the rows of the test part.

Both are fixed models, so that chance is that of the rows alone. The effect is the log ratio of two
scores. The rows are cut into at most 15 equal consecutive blocks, each at least a horizon long;
where rows come in groups, a block begins at the start of the group it would have torn apart. By the
delta method a block with the summed losses L moves the effect by power (L_model / mean of L_model -
L_baseline / mean of L_baseline), where `power` is 1/2 for RMSE, the root of a mean, else 1. The
variance of the mean of these moves is that of the effect: their variance, plus twice the covariance
of neighbouring blocks where that is positive, over the number of blocks. Neighbours have something
in common because windows reach over a block's border and because a spell of weather may outlast a
block. Estimating both leaves 2/3 of the blocks - 1 degrees of freedom for the interval by t at 5 %.

"beats" or "loses": the interval excludes 0. Else "ties". "no verdict": fewer than 8 blocks, or a
score of exactly 0, which has no logarithm.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.tasks.results import BaselineEffect

LEVEL = 0.05
MOST_BLOCKS = 15
LEAST_BLOCKS = 8


class Variance(NamedTuple):
    """An estimated variance and its degrees of freedom."""

    value: float
    dof: float


class Rows(NamedTuple):
    """The rows that two models are compared on, in the order of time."""

    counts: FloatArray  # observed points of each, (N,)
    power: float  # the score is the mean loss to this power
    horizon: int  # rows that a block has at least
    groups: IntArray | None = None  # the group of each, (N,), which no block tears apart


def judge_against(
    rows: Rows, losses: FloatArray, baseline: FloatArray, name: str
) -> BaselineEffect:
    """Judge one model against a baseline by the rule of this module.

    Args:
        rows: What they are compared on.
        losses: The loss of each row, summed over its observed points, `(N,)`.
        baseline: Those of the baseline.
        name: What the baseline is called.

    Returns:
        The change in per cent with its interval; below 0 the model is better.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> lost = rng.exponential(size=600)
        >>> better = 0.9 * lost * rng.uniform(0.9, 1.1, size=600)
        >>> found = judge_against(Rows(np.ones(600), 1.0, 24), better, lost, "ridge")
        >>> found["outcome"], round(found["percent"])
        ('beats', -10)
    """
    starts = block_starts(rows)
    parts = [_parts(rows, starts, lost) for lost in (losses, baseline)]
    logs = [rows.power * math.log(part.mean) if part.mean > 0.0 else -math.inf for part in parts]
    effect = logs[0] - logs[1] if all(map(math.isfinite, logs)) else math.nan
    error, dof = math.nan, 1.0
    if math.isfinite(effect) and len(starts) >= LEAST_BLOCKS:
        moves = rows.power * (parts[0].moves - parts[1].moves)
        variance = mean_variance(moves)
        error, dof = math.sqrt(variance.value), variance.dof
    half = float(stats.t.isf(LEVEL / 2.0, dof)) * error
    outcome = "ties"
    if math.isnan(half):
        outcome = "no verdict"
    elif abs(effect) > half:
        outcome = "beats" if effect < 0.0 else "loses"
    return BaselineEffect(
        name=name,
        percent=_percent(effect),
        low=_percent(effect - half),
        high=_percent(effect + half),
        outcome=outcome,
        better=[],
    )


def block_starts(rows: Rows) -> IntArray:
    """Return the first row of each block, counted among those with an observed point."""
    observed = np.asarray(rows.counts) > 0
    seen = int(np.count_nonzero(observed))
    blocks = min(MOST_BLOCKS, seen // max(rows.horizon, 1))
    starts = np.arange(blocks) * seen // max(blocks, 1)
    if rows.groups is None:
        return starts
    begins = np.diff(np.asarray(rows.groups)[observed], prepend=-1) != 0
    return np.unique(np.maximum.accumulate(np.where(begins, np.arange(seen), 0))[starts])


def mean_variance(moves: FloatArray) -> Variance:
    """Return the variance of the mean of consecutive blocks, which neighbours may share.

    With v the variance of a block and c the covariance of neighbours (the mean of the moves is
    known to be 0, which lowers c by v / B on average, and is put right) it is
    (v + 2 max(c, 0)) / B; the degrees of freedom are those of Bartlett's estimate with one
    neighbour, 2/3 of B - 1.

    Args:
        moves: By how much each of B blocks moves the effect, `(B,)`, of mean 0.
    """
    blocks = len(moves)
    variance = float(moves @ moves) / (blocks - 1)
    neighbours = float(moves[1:] @ moves[:-1]) / (blocks - 1) + variance / blocks
    return Variance((variance + 2.0 * max(neighbours, 0.0)) / blocks, 2.0 / 3.0 * (blocks - 1))


class _Parts(NamedTuple):
    mean: float  # loss of a point; NaN if it is not finite
    moves: FloatArray  # of each block: its share in the mean, over the mean


def _parts(rows: Rows, starts: IntArray, losses: FloatArray) -> _Parts:
    seen = np.asarray(losses, dtype=np.float64)[np.asarray(rows.counts) > 0]
    with np.errstate(over="ignore"):
        total = float(seen.sum())
    if not math.isfinite(total):
        return _Parts(math.nan, np.zeros(len(starts)))
    if total == 0.0 or not len(starts):
        return _Parts(total / float(rows.counts.sum()), np.zeros(len(starts)))
    moves = len(starts) * np.add.reduceat(seen, starts) / total
    return _Parts(total / float(rows.counts.sum()), moves)


def _percent(log_ratio: float) -> float | None:
    """Return the change in per cent; None where it is no number."""
    if math.isnan(log_ratio):
        return None
    with np.errstate(over="ignore"):
        change = float(np.expm1(log_ratio))
    return 100.0 * change if math.isfinite(change) else None
