"""Where the series of a table lie: their rows one behind the other, their steps on one axis."""

from typing import NamedTuple, Self

import numpy as np
import polars as pl

from lockgate.scoring.arrays import IntArray


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

    def within(self, steps: range, before: int | IntArray, after: int) -> IntArray:
        """Return the rows at these steps that have so many rows of their series around them.

        Rows before may be another number for each series, (S,).
        """
        if not len(self.steps):
            return np.empty(0, np.int64)
        first = self.steps[self.starts]
        begin = np.maximum(steps.start - first, before)
        end = np.minimum(steps.stop - first, self.lengths - after)
        pairs = zip(self.starts + begin, self.starts + end, strict=True)
        return np.concatenate([np.arange(start, stop, dtype=np.int64) for start, stop in pairs])

    def between(self, start: int, stop: int) -> tuple["Layout", IntArray]:
        """Return the layout of the rows from one step up to another, and these rows."""
        rows = self.within(range(start, stop), 0, 0)
        first = np.diff(self.of_rows[rows], prepend=-1) != 0
        steps = self.steps[rows] - start
        return Layout(np.flatnonzero(first), steps, self.axis.slice(start, stop - start)), rows
