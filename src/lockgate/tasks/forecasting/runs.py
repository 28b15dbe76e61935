"""Rows in runs of consecutive ones: two numbers for each run, however many rows it has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from lockgate.scoring.arrays import IntArray


@dataclass(frozen=True)
class Runs:
    """Rows by number, as a tensor of them gives them, in runs within which each follows the last.

    A table of 100 million rows has nearly as many windows, whose origins are a few runs of each
    series: a row is found by a search over the runs.

    Example:
        >>> runs = Runs.of(np.array([4, 5, 6, 20, 21]))
        >>> len(runs), runs.first.tolist(), runs[torch.tensor([3, 0])].tolist()
        (5, [4, 20], [20, 4])
    """

    first: Tensor  # (R,) int64, the first row of each run
    ends: Tensor  # (R,) int64, how many rows there are up to the end of each

    @classmethod
    def of(cls, rows: IntArray, series: IntArray | None = None) -> "Runs":
        """Part rows into runs, of which none goes from one series into another.

        Args:
            rows: The rows, (N,).
            series: Which series each is of, (N,). Default: all of one.
        """
        begins = np.ones(len(rows), dtype=bool)
        begins[1:] = np.diff(rows) != 1
        if series is not None:
            begins[1:] |= np.diff(series) != 0
        places = np.flatnonzero(begins)
        ends = np.append(places[1:], len(rows))[: len(places)]
        return cls(*(torch.from_numpy(one.astype(np.int64)) for one in (rows[places], ends)))

    @classmethod
    def joined(cls, parts: "Sequence[Runs]") -> "Runs":
        """Put the runs of some rows behind those of others."""
        before = np.cumsum([0, *map(len, parts)])
        nothing = torch.empty(0, dtype=torch.int64)
        ends = [part.ends + int(begin) for part, begin in zip(parts, before[:-1], strict=True)]
        return cls(
            torch.cat([nothing, *(part.first for part in parts)]), torch.cat([nothing, *ends])
        )

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def __getitem__(self, index: Tensor | slice | int) -> Tensor:
        if isinstance(index, slice):
            places = torch.arange(*index.indices(len(self)), device=self.device)
        else:
            places = torch.as_tensor(index, device=self.device)
        if places.dtype == torch.bool:
            places = places.nonzero()[:, 0]
        run = torch.searchsorted(self.ends, places.contiguous(), right=True)
        return places + self._shifts[run]

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self[:])

    def __add__(self, rows: int) -> "Runs":
        """Return the rows so many after each."""
        return Runs(self.first + rows, self.ends)

    @property
    def device(self) -> torch.device:
        """Where the numbers are."""
        return self.first.device

    @cached_property
    def begins(self) -> Tensor:
        """The place of the first row of each run, (R,)."""
        return torch.cat([self.ends.new_zeros(1), self.ends[:-1]])[: len(self.ends)]

    @property
    def counts(self) -> Tensor:
        """Rows of each run, (R,)."""
        return self.ends - self.begins

    @cached_property
    def _shifts(self) -> Tensor:
        return self.first - self.begins

    def to(self, device: torch.device) -> "Runs":
        """Return the same on `device`."""
        return Runs(self.first.to(device), self.ends.to(device))

    def cpu(self) -> "Runs":
        """Return the same in main memory."""
        return self.to(torch.device("cpu"))

    def numpy(self) -> IntArray:
        """Return all rows, (N,)."""
        rows: IntArray = self[:].numpy()
        return rows

    def stretches(self, count: int, phase: int) -> Tensor:
        """Part each run into stretches of `count` rows: where each begins and how long it is.

        Args:
            count: Rows of a stretch; the first of a run and its last may have fewer.
            phase: Rows that the first of each run lacks, below `count`.

        Returns:
            The place of the first row of each and how many there are, (S, 2).
        """
        numbers = torch.div(self.counts - 1 + phase, count, rounding_mode="floor") + 1
        run = torch.repeat_interleave(torch.arange(len(numbers), device=self.device), numbers)
        within = torch.arange(len(run), device=self.device)
        within -= (numbers.cumsum(0) - numbers)[run]
        first = self.begins[run] + (within * count - phase).clamp(min=0)
        end = first.new_tensor([len(self)])
        return torch.stack([first, torch.diff(first, append=end)], dim=1)
