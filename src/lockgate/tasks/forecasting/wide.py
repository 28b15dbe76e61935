"""Several targets of one table, which lie side by side: each becomes a series of its own."""

from collections.abc import Sequence

import polars as pl

from lockgate.errors import DataError, listed, nearest, quoted
from lockgate.reading.numbers import to_number
from lockgate.reading.tables import RawTable
from lockgate.reading.times import Times

ALL = "all"


def targets_of(
    raw: RawTable, target: str, others: Sequence[str], decimal: str | None
) -> tuple[str, ...]:
    """Return the columns that a target names: one, several joined by commas, or `all` of numbers.

    Args:
        raw: The table.
        target: What is to be forecast.
        others: Columns that `all` leaves out: those of the time.
        decimal: Decimal mark of numbers in text.

    Raises:
        DataError: If it names no column, or one twice.
    """
    columns = raw.frame.columns
    if target in columns:
        return (target,)
    if target == ALL:
        numeric = [c for c in columns if c not in others and _holds_numbers(raw.frame[c], decimal)]
        if not numeric:
            raise DataError("target must name columns of numbers, got all of a table without any")
        return tuple(numeric)
    names = tuple(name.strip() for name in target.split(","))
    for name in names:
        if name not in columns:
            raise DataError(
                f"target must name a column of the table, got {quoted(name)}; "
                f"{nearest(name, columns)}"
            )
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"target must name each column once, got {listed(repeated)} twice")
    return names


def side_by_side(
    raw: RawTable, times: Times, targets: Sequence[str], name: str
) -> tuple[RawTable, Times, pl.DataFrame]:
    """Lay the targets of a table one behind the other; further columns go with each.

    Args:
        raw: The table.
        times: Its times.
        targets: The columns.
        name: What the column of all targets is called.

    Returns:
        The long table, its times, and the column that names the series of its rows.
    """
    beside = [column for column in raw.frame.columns if column not in targets]
    parts = [raw.frame.select(*beside, pl.col(one).alias(name)) for one in targets]
    count = len(targets)
    long = raw._replace(
        frame=pl.concat(parts, how="vertical_relaxed"),
        rows=pl.concat([raw.rows] * count),
    )
    ids = pl.DataFrame({"unique_id": [one for one in targets for _ in range(raw.frame.height)]})
    return long, times._replace(stamps=pl.concat([times.stamps] * count)), ids


def _holds_numbers(column: pl.Series, decimal: str | None) -> bool:
    filled = column.drop_nulls()
    return len(filled) > 0 and to_number(filled, decimal).null_count() == 0
