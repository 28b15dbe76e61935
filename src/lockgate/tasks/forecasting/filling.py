"""Holes are filled from the past of their own series."""

import numpy as np
import numpy.typing as npt

from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.tasks.forecasting.layout import Layout

NEVER = 2**40
"""Rows since a value that was never observed, at the least: more than any gap that is filled."""
ALWAYS = NEVER - 1
"""Rows that a value is carried over where it never changes."""


def fill_forward(values: FloatArray, max_gap: int | IntArray, layout: Layout) -> FloatArray:
    """Carry the last observed value over at most `max_gap` rows, column by column, (T, C).

    `max_gap` is that of all columns, or of each, (C,).
    """
    age = ages(values, layout)
    last = np.maximum(np.arange(len(values))[:, None] - age, 0)
    return np.where(age <= max_gap, np.take_along_axis(values, last, axis=0), np.nan)


def ages(values: FloatArray, layout: Layout) -> npt.NDArray[np.int64]:
    """Return how many rows ago each column was last observed, (T, C); before, more than T."""
    rows = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(values), -NEVER, rows), axis=0)
    before = last < layout.starts[layout.of_rows][:, None]  # of another series
    return np.where(before, NEVER, rows - last)


def one_of_each_series(column: FloatArray, layout: Layout) -> FloatArray:
    """Return the value of each series in a column that never changes in one, NaN without, (S,)."""
    filled = fill_forward(column[:, None], ALWAYS, layout)[:, 0]
    return np.asarray(filled[layout.starts + layout.lengths - 1])
