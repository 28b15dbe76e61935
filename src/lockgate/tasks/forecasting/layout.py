"""Where the series of a table lie: their rows one behind the other, their steps on one axis."""

from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
import polars as pl

from lockgate.scoring.arrays import IntArray

BLOCK_ROWS = 2**20
"""Rows that are worked on at a time, about: what is computed of them takes little memory."""


def blocks_of(starts: IntArray, rows: int) -> list[slice]:
    """Part the rows of series into blocks of whole series, of about `BLOCK_ROWS` rows.

    Args:
        starts: First row of each series, (S,), ascending.
        rows: How many rows there are.

    Example:
        >>> blocks_of(np.array([0, BLOCK_ROWS - 1, BLOCK_ROWS + 5]), BLOCK_ROWS + 9)
        [slice(0, 1048581, None), slice(1048581, 1048585, None)]
    """
    begins = np.diff(starts // BLOCK_ROWS, prepend=-1) != 0
    return [slice(*pair) for pair in pairwise([*starts[begins].tolist(), rows])]


class Layout(NamedTuple):
    """Which rows are of which series, and at which step of an axis common to all each lies.

    The rows of a series follow each other without a gap, in rows and in steps. Parts of the data
    are cut at steps: at the same time of all series, or so many steps before the end of each.

    Example:
        >>> late = Layout(np.array([0, 3]), np.array([0, 1, 2, 1, 2]), pl.Series([10, 20, 30]))
        >>> late.within(range(1, 3), before=0, after=1)
        array([1, 3])
    """

    starts: IntArray  # (S,) first row of each series, ascending
    steps: IntArray  # (T,) of every row
    axis: pl.Series  # stamp of each step; of series that are cut before their ends the longest's

    @classmethod
    def of_one(cls, ds: pl.Series) -> Self:
        """Lay out one series, whose rows are the steps."""
        return cls(np.zeros(1, np.int64), np.arange(len(ds)), ds)

    @property
    def lengths(self) -> IntArray:
        """Rows of each series, (S,)."""
        return np.diff(self.starts, append=len(self.steps))

    @property
    def of_rows(self) -> IntArray:
        """Which series each row is of, (T,)."""
        return np.repeat(np.arange(len(self.starts)), self.lengths)

    @property
    def longest(self) -> int:
        """The longest series, the first of equally long ones."""
        return int(np.argmax(self.lengths))

    def blocks(self) -> list[slice]:
        """Part the rows into blocks of whole series; see `blocks_of`."""
        return blocks_of(self.starts, len(self.steps))

    def of_block(self, rows: slice) -> tuple["Layout", slice]:
        """Return the layout of a block by itself, and which series are in it."""
        first, last = np.searchsorted(self.starts, [rows.start, rows.stop]).tolist()
        series = slice(first, last)
        return Layout(self.starts[series] - rows.start, self.steps[rows], self.axis), series

    def within(self, steps: range, before: int | IntArray, after: int) -> IntArray:
        """Return the rows at these steps that have so many rows of their series around them.

        Rows before may be another number for each series, (S,).
        """
        pairs = zip(*self.spans(steps, before, after), strict=True)
        nothing = np.empty(0, np.int64)
        each = [np.arange(start, stop, dtype=np.int64) for start, stop in pairs]
        return np.concatenate([nothing, *each])

    def spans(self, steps: range, before: int | IntArray, after: int) -> tuple[IntArray, IntArray]:
        """Return the same as the first row and the one after the last of each series, (S,) each.

        A series without any has the second no larger than the first.
        """
        first = self.steps[self.starts]
        begin = np.maximum(steps.start - first, before)
        end = np.minimum(steps.stop - first, self.lengths - after)
        return self.starts + begin, self.starts + end

    def between(self, start: int, stop: int) -> tuple["Layout", IntArray]:
        """Return the layout of the rows from one step up to another, and these rows."""
        rows = self.within(range(start, stop), 0, 0)
        first = np.diff(self.of_rows[rows], prepend=-1) != 0
        steps = self.steps[rows] - start
        return Layout(np.flatnonzero(first), steps, self.axis.slice(start, stop - start)), rows
