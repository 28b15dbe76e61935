"""Bootstrap intervals of scores: how far they would move, were other test rows drawn."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lockgate.scoring.arrays import AnyFloatArray, FloatArray

LEVEL = 0.95
_DRAWS_AT_ONCE = 2_000_000


def bootstrap_interval(
    values_per_row: AnyFloatArray,
    level: float = LEVEL,
    repeats: int = 2000,
    seed: int = 0,
    groups: npt.NDArray[Any] | None = None,
) -> tuple[float, float]:
    """Return the percentile interval (low, high) of a mean over rows, were other rows drawn.

    Args:
        values_per_row: `(N,)`, for example whether each row is right, or its loss.
        level: Share of the draws inside, in (0, 1).
        repeats: Draws with replacement.
        seed: Seed of the draws.
        groups: `(N,)`: rows of one group are drawn together; for labels at steps the sequence.
            Default: each row by itself.

    Returns:
        Both NaN where there is a single row or group: it tells nothing of others.
    """
    values = np.asarray(values_per_row, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"values_per_row must have shape (N >= 1,), got {values.shape}")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be in (0, 1), got {level}")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    if groups is not None and np.shape(groups) != values.shape:
        raise ValueError(f"groups must have shape {values.shape}, got {np.shape(groups)}")
    sums, counts = _by_group(values, groups)
    if len(sums) < 2:
        return float("nan"), float("nan")
    means = _resampled_means(sums, counts, repeats, np.random.default_rng(seed))
    low, high = np.quantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def _by_group(values: FloatArray, groups: npt.NDArray[Any] | None) -> tuple[FloatArray, FloatArray]:
    """Return the sum and the number of the rows of each group."""
    rows = np.arange(len(values)) if groups is None else np.unique(groups, return_inverse=True)[1]
    sums: FloatArray = np.bincount(rows, values).astype(np.float64)
    return sums, np.bincount(rows).astype(np.float64)


def _resampled_means(
    sums: FloatArray, counts: FloatArray, repeats: int, rng: np.random.Generator
) -> FloatArray:
    at_once = max(1, _DRAWS_AT_ONCE // len(sums))
    means = []
    for done in range(0, repeats, at_once):
        draws = rng.integers(len(sums), size=(min(at_once, repeats - done), len(sums)))
        means.append(sums[draws].sum(axis=1) / counts[draws].sum(axis=1))
    return np.concatenate(means)
