"""Values that lie so far from all others of their column that they look like faults."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

FAR = 2.0
"""How far from all others a value is to lie, in units of their range, to look wrong."""
MOST_FAR = 0.01
"""Largest share of a column that can look wrong: more are part of what it measures."""


class Far(NamedTuple):
    """Equal values that lie far from all others of their column."""

    column: str
    value: float
    rows: int
    low: float
    high: float
    """The others lie from `low` to `high`."""
    everywhere: bool
    """Whether the value is a fault in every column that holds it."""


class Extremes(NamedTuple):
    """The outermost values of a column: those of its parts put together are those of the whole."""

    values: int
    least: tuple[tuple[float, int], ...]
    """The least value and the next, with how often each comes; fewer where there are fewer."""
    greatest: tuple[tuple[float, int], ...]
    """Likewise, the greatest first."""

    @classmethod
    def of(cls, column: pl.Series) -> "Extremes":
        """Look at a column of Float64, null where missing."""
        values = column.drop_nulls()
        least, greatest = (_outermost(values, least=side) for side in (True, False))
        return cls(len(values), least, greatest)

    def joined(self, other: "Extremes") -> "Extremes":
        """Return those of two parts together.

        Example:
            >>> one, two = (Extremes.of(pl.Series(y)) for y in ([1.0, 2.0, 2.0], [2.0, 9.0]))
            >>> one.joined(two)
            Extremes(values=5, least=((1.0, 1), (2.0, 3)), greatest=((9.0, 1), (2.0, 3)))
        """
        least = sorted(_counted((*self.least, *other.least)).items())[:2]
        greatest = sorted(_counted((*self.greatest, *other.greatest)).items(), reverse=True)[:2]
        return Extremes(self.values + other.values, tuple(least), tuple(greatest))


def far_values(columns: Sequence[pl.Series]) -> tuple[Far, ...]:
    """Find the least and the greatest value of each column, where it lies far from all others.

    Such as ten temperatures of 0 K, or a counter's overflow: the gap to the nearest is `FAR` times
    as wide as all others spread.

    Args:
        columns: Float64, as they were read; null where missing.
    """
    by_name = {column.name: column for column in columns}
    return far_in(
        {name: Extremes.of(column) for name, column in by_name.items()},
        lambda name, value: bool((by_name[name] == value).any()),
    )


def far_in(columns: Mapping[str, Extremes], holds: Callable[[str, float], bool]) -> tuple[Far, ...]:
    """Find the same from the outermost values of columns by name.

    Args:
        columns: Of each column.
        holds: Tells whether a column holds a value.
    """
    found = [far for name, extremes in columns.items() for far in _far_of(name, extremes)]
    faults = {(far.column, far.value) for far in found}
    return tuple(
        far._replace(
            everywhere=all(
                (name, far.value) in faults or not holds(name, far.value) for name in columns
            )
        )
        for far in found
    )


def _outermost(values: pl.Series, *, least: bool) -> tuple[tuple[float, int], ...]:
    found: list[tuple[float, int]] = []
    while len(values) and len(found) < 2:
        value = float(values.min() if least else values.max())  # type: ignore[arg-type]
        others = values.filter(values != value)
        found.append((value, len(values) - len(others)))
        values = others
    return tuple(found)


def _counted(values: Iterable[tuple[float, int]]) -> dict[float, int]:
    counts: dict[float, int] = {}
    for value, rows in values:
        counts[value] = counts.get(value, 0) + rows
    return counts


def _far_of(name: str, extremes: Extremes) -> Iterator[Far]:
    if len(extremes.least) < 2:  # no others
        return
    (first, rows_first), (second, _) = extremes.least
    (last, rows_last), (before_last, _) = extremes.greatest
    ends = ((first, rows_first, second, last), (last, rows_last, first, before_last))
    for value, rows, low, high in ends:
        if extremes.values - rows < 2 or rows > MOST_FAR * extremes.values:
            continue
        if max(low - value, value - high) > FAR * (high - low) > 0:
            yield Far(name, value, rows, low, high, everywhere=True)
