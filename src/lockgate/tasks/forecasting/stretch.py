"""Rows of a table from one step up to another, block by block."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import polars as pl

from lockgate.scoring.arrays import IntArray
from lockgate.tasks.forecasting.table import Table


class Stretch:
    """The rows of a table from one step of its axis up to another, in blocks of whole series.

    What `Table.between` gives as one table, which of a large one would copy most.
    """

    def __init__(self, table: Table, start: int, stop: int) -> None:
        self.table, self._start, self._stop = table, start, stop
        self._kept: list[Table] | None = None

    def blocks(self) -> Iterator[Table]:
        """Yield the rows of each block that has any; those of the only block are kept."""
        if self._kept is None:
            rows = self.table.layout.blocks()
            if len(rows) > 1:
                yield from self._cut(rows)
                return
            self._kept = list(self._cut(rows))
        yield from self._kept

    def _cut(self, blocks: list[slice]) -> Iterator[Table]:
        for rows in blocks:
            block = self.table.block(rows).between(self._start, self._stop)
            if block.frame.height:
                yield block

    @property
    def frames(self) -> "Frames":
        """The rows of each block, as often as they are asked for."""
        return Frames(self)

    @cached_property
    def _spans(self) -> tuple[IntArray, IntArray]:
        return self.table.layout.spans(range(self._start, self._stop), 0, 0)

    @cached_property
    def _held(self) -> IntArray:
        """Which series have rows here."""
        begin, end = self._spans
        return np.flatnonzero(end > begin)

    @property
    def ends(self) -> IntArray:
        """The row of the table after the last of each series that has any here, (S,)."""
        return np.asarray(self._spans[1][self._held])

    @property
    def lengths(self) -> IntArray:
        """Rows of each of these series, (S,)."""
        return np.asarray(self.ends - self._spans[0][self._held])

    @property
    def names(self) -> list[str]:
        """The names of these series."""
        names = self.table.names
        return [names[one] for one in self._held]


class Frames:
    """Frames of the blocks of a stretch."""

    def __init__(self, stretch: Stretch) -> None:
        self._stretch = stretch

    def __iter__(self) -> Iterator[pl.DataFrame]:
        return (block.frame for block in self._stretch.blocks())
