"""Estimated variances with their degrees of freedom: of tables, within columns, of blocks."""

import math
from typing import NamedTuple

import numpy as np

from lockgate.scoring.arrays import FloatArray, IntArray


class Part(NamedTuple):
    """An estimated variance and its degrees of freedom; without any it is no estimate."""

    variance: float
    dof: float


NOTHING = Part(0.0, math.inf)
UNKNOWN = Part(0.0, 0.0)


def interaction(tables: FloatArray) -> Part:
    """Return the variance of what row and column leave over, pooled over tables.

    Args:
        tables: `(n, R, C)`; n (R - 1) (C - 1) degrees of freedom.
    """
    count, rows, columns = tables.shape
    return _part(residuals(tables), count * (rows - 1) * (columns - 1))


def residuals(tables: FloatArray) -> FloatArray:
    """Return what row and column leave over of each table, `(n, R, C)`."""
    rest: FloatArray = tables - tables.mean(axis=1, keepdims=True)
    rest -= rest.mean(axis=2, keepdims=True)
    return rest


def covariance_beside(table: FloatArray) -> float:
    """Return the covariance of rows that follow each other, of what row and column leave over.

    Args:
        table: `(R, C)`, R and C at least 2.
    """
    rows, columns = table.shape
    rest = residuals(table[None])[0]
    variance = float((rest**2).sum()) / ((rows - 1) * (columns - 1))
    products = float((rest[1:] * rest[:-1]).sum()) / ((rows - 1) * (columns - 1))
    # what is left over is measured from means, which lowers each product by v / R on average
    return float(products + variance / rows)


def within_columns(values: FloatArray) -> Part:
    """Return the variance of values around the means of their columns, NaN left out.

    Args:
        values: `(R, C)`.
    """
    finite = np.isfinite(values)
    counts = finite.sum(axis=0)
    filled = np.where(finite, values, 0.0)
    rest = np.where(finite, values - filled.sum(axis=0) / np.maximum(counts, 1), 0.0)
    return _part(rest, float(counts.sum() - np.count_nonzero(counts)))


def of_blocks(moves: FloatArray, stretches: IntArray) -> Part:
    """Return what blocks of rows add to the variance of effects, summed over the effects.

    An effect is the sum of its blocks' moves, whose mean in each stretch is 0. Its variance is the
    sum of the blocks' variances, plus twice the covariances of neighbours in a stretch where these
    are positive in sum. Neighbours have something in common because windows reach over a block's
    border and a spell of weather may outlast a block. Estimating both leaves 2/3 of the degrees of
    freedom (Bartlett's estimate with one neighbour).

    Args:
        moves: By how much each of B blocks moves each of n effects, `(n, B)`.
        stretches: The stretch of each block, `(B,)`; those of a stretch lie side by side.
    """
    counts = np.bincount(stretches)
    size = counts[stretches].astype(np.float64)
    squares = (moves**2).sum(axis=0)
    own = float((squares * size / np.maximum(size - 1.0, 1.0)).sum())
    beside = stretches[1:] == stretches[:-1]
    products = (moves[:, 1:] * moves[:, :-1]).sum(axis=0)[beside]
    # moves are measured from their mean, which lowers each product by v / n on average
    neighbours = float(products.sum() + (squares / size).sum())
    dof = 2.0 / 3.0 * (len(stretches) - np.count_nonzero(counts))
    return Part(own + 2.0 * max(neighbours, 0.0), dof)


def _part(rest: FloatArray, dof: float) -> Part:
    return Part(float((rest**2).sum()) / dof, float(dof)) if dof > 0 else UNKNOWN
