"""Rows that follow a table and are given apart from it: what is known of the steps to come."""

from collections.abc import Sequence

import polars as pl

from lockgate.errors import DataError, listed, quoted
from lockgate.reading.tables import RawTable
from lockgate.reading.times import Times
from lockgate.reading.zones import shown


def followed_by(
    raw: RawTable, future: RawTable, needed: Sequence[str], empty: Sequence[str]
) -> RawTable:
    """Return a table with further rows behind its own, their cells of other columns missing.

    Columns that the table does not have are not read.

    Args:
        raw: The table.
        future: The rows, their numbers beyond those of the table.
        needed: Columns that the rows must have: those of the time, and of the names of series.
        empty: Columns of which the rows must hold no value: the targets.

    Raises:
        DataError: If a column is missing, holds another type than in the table, or a value that it
            must not hold.

    Example:
        >>> table = RawTable(pl.DataFrame({"day": [1], "sold": [7.5]}), pl.Series([1]), "frame")
        >>> future = RawTable(pl.DataFrame({"day": [2]}), pl.Series([2]), "frame")
        >>> followed_by(table, future, ["day"], ["sold"]).frame["sold"].to_list()
        [7.5, None]
    """
    lacking = [name for name in needed if name not in future.frame.columns]
    if lacking:
        raise DataError(
            f"future must hold the columns {listed(map(quoted, needed))}, as the table does, got "
            f"{listed(map(quoted, future.frame.columns))}; add {listed(map(quoted, lacking))}"
        )
    names = [name for name in raw.frame.columns if name in future.frame.columns]
    for name in empty:
        if name in names and (told := future.frame[name].is_not_null()).any():
            raise DataError(
                f"future must leave the target {quoted(name)} empty, got "
                f"{quoted(future.frame[name].filter(told)[0])}; rows whose target is known belong "
                "to the table"
            )
    behind = pl.DataFrame([_alike(future.frame[name], raw.frame[name]) for name in names])
    return raw._replace(
        frame=pl.concat([raw.frame, behind], how="diagonal_relaxed"),
        rows=pl.concat([raw.rows, future.rows]),
        notices=tuple(dict.fromkeys([*raw.notices, *future.notices])),
        rows_read=raw.rows_read + future.rows_read,
    )


def check_follows(rows: pl.Series, last: int, times: Times, ids: pl.DataFrame | None) -> None:
    """Refuse rows of a time that the table holds already: there would be two of one step.

    Args:
        rows: The numbers of the rows, those of the table and those that follow.
        last: The last number of the table.
        times: The time of each row.
        ids: What names the series of each row; None of one series.

    Raises:
        DataError: If there is one.
    """
    keys = pl.DataFrame([times.stamps, *([] if ids is None else ids.rename(_aside))])
    table, future = keys.filter(rows <= last), keys.filter(rows > last)
    both = future.join(table, on=keys.columns, how="semi", maintain_order="left")
    if both.is_empty():
        return
    _, *names = both.row(0)
    of_series = f" of {quoted('/'.join(names))}" if names else ""
    raise DataError(
        f"future must hold rows that the table does not hold, got one of "
        f"{shown(both[times.stamps.name], 0)}{of_series} in both; leave it out of one of them"
    )


def _aside(name: str) -> str:
    """Return another name for a column of names, which may be called as the stamps are."""
    return f"\0{name}"


def _alike(values: pl.Series, like: pl.Series) -> pl.Series:
    """Return values of a type that goes with those of the table."""
    if values.null_count() == len(values):
        return like.clear().extend_constant(None, len(values))
    if like.dtype != pl.Null and not _go_together(values, like):
        raise DataError(
            f"future must hold {quoted(values.name)} in the type that the table has, {like.dtype}, "
            f"got {values.dtype}; give both as files of text, or both as frames of the same types"
        )
    return values


def _go_together(one: pl.Series, other: pl.Series) -> bool:
    """Tell whether values of both types are of one kind, so that joining them changes none."""
    kinds = {(each.dtype == pl.String, each.dtype.is_temporal()) for each in (one, other)}
    try:
        pl.concat([one.clear().to_frame(), other.clear().to_frame()], how="vertical_relaxed")
    except pl.exceptions.PolarsError:  # stamps of two zones
        return False
    return len(kinds) == 1
