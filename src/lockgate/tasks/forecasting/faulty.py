"""Values that lie so far from all others of their column that they look like faults."""

from collections.abc import Iterator, Sequence
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


def far_values(columns: Sequence[pl.Series]) -> tuple[Far, ...]:
    """Find the least and the greatest value of each column, where it lies far from all others.

    Such as ten temperatures of 0 K, or a counter's overflow: the gap to the nearest is `FAR` times
    as wide as all others spread.

    Args:
        columns: Float64, as they were read; null where missing.
    """
    found = [far for column in columns for far in _far_of(column)]
    faults = {(far.column, far.value) for far in found}
    return tuple(
        far._replace(
            everywhere=all(
                (column.name, far.value) in faults or not (column == far.value).any()
                for column in columns
            )
        )
        for far in found
    )


def _far_of(column: pl.Series) -> Iterator[Far]:
    values = column.drop_nulls()
    for value in dict.fromkeys((values.min(), values.max())) if len(values) else ():
        others = values.filter(values != value)
        rows = len(values) - len(others)
        if len(others) < 2 or rows > MOST_FAR * len(values):
            continue
        low, high = float(others.min()), float(others.max())  # type: ignore[arg-type]
        if max(low - float(value), float(value) - high) > FAR * (high - low) > 0:  # type: ignore[arg-type]
            yield Far(column.name, float(value), rows, low, high, everywhere=True)  # type: ignore[arg-type]
