"""The rows of a source with their times and their series, and rows that follow them."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import polars as pl

from lockgate.errors import DataError, listed, quoted
from lockgate.reading.following import check_follows, followed_by
from lockgate.reading.numbers import to_number
from lockgate.reading.series import keep_rows, series_ids
from lockgate.reading.tables import RawTable, read_raw
from lockgate.reading.times import (
    Times,
    find_times,
    named_columns,
    row_numbers,
    time_candidates,
)
from lockgate.tasks.forecasting.wide import side_by_side, targets_of


class AskedTimes(NamedTuple):
    """How the times of a table are told; see `table.read_table`."""

    time: str | Sequence[str] | None
    time_format: str | None
    zone: str | None
    usual_zone: str | None
    """What offsets lead to where no zone is named."""
    row_order: bool
    calendar: str | None
    """None if it is left to the table."""
    resample: str | None


class Placed(NamedTuple):
    """Rows, each of a time and, of several series, of a series."""

    raw: RawTable
    times: Times
    ids: pl.DataFrame | None


def placed(
    whole: RawTable,
    behind: RawTable | None,
    target: str,
    where: Iterable[str],
    id_columns: str | None,
    asked: AskedTimes,
    decimal: str | None,
) -> Placed:
    """Find the times and the series of the rows that are kept, and of those that follow them.

    Args:
        whole: What was read.
        behind: Rows that follow, as `read_future` gives them; None where there are none.
        target: The column to forecast, or several.
        where: The rows to keep.
        id_columns: The columns that tell several series apart.
        asked: How the times are told.
        decimal: Decimal mark of numbers in text.

    Raises:
        DataError: If rows have no place, or the target is none.
    """
    raw, last = keep_rows(whole, where), int(whole.rows[-1])
    ids = series_ids(raw, id_columns)
    if behind is not None:
        needed = _needed(raw, ids, asked)
        behind = behind._replace(rows=behind.rows + last)
        raw = followed_by(raw, behind, needed, (target, *target.split(",")))
        ids = _same_series(raw, ids, series_ids(raw, id_columns))
    if asked.row_order:
        times = _row_times(raw, ids, asked)
    else:
        times = find_times(raw, asked.time, asked.time_format, asked.zone or asked.usual_zone)
    if behind is not None:
        check_follows(raw.rows, last, times, ids)
    targets = targets_of(raw, target, times.columns, decimal)
    _check_targets(targets, times, ids)
    if len(targets) > 1:
        return Placed(*side_by_side(raw, times, targets, target))
    return Placed(raw, times, ids)


def read_future(future: Any, where: Iterable[str], **text: Any) -> RawTable:
    """Read the rows that follow, and say of what is wrong with them that it is with them."""
    try:
        return keep_rows(read_raw(future, **text), where)
    except (DataError, TypeError) as error:
        raise type(error)(f"future: {error}") from None


def _needed(raw: RawTable, ids: pl.DataFrame | None, asked: AskedTimes) -> tuple[str, ...]:
    """Return the columns of a table without which rows have no place in it."""
    of_ids = () if ids is None else ids.columns
    if asked.row_order:
        return (*of_ids, *(() if _numbered(raw) is None else ("ds",)))
    of_time = (
        time_candidates(raw, asked.time_format)
        if asked.time is None
        else named_columns(raw, asked.time)
    )
    return (*of_ids, *of_time)


def _same_series(
    raw: RawTable, before: pl.DataFrame | None, ids: pl.DataFrame | None
) -> pl.DataFrame | None:
    """Return what tells several series apart, where rows that follow have not made one several."""
    if before is None and ids is not None:
        name, *others = raw.frame["unique_id"].drop_nulls().unique(maintain_order=True)
        raise DataError(
            f"future must hold rows of the one series of the table, {quoted(name)}, got "
            f"{listed(map(quoted, others), 3)}; leave the others out"
        )
    return ids


def _check_targets(targets: Sequence[str], times: Times, ids: pl.DataFrame | None) -> None:
    for target in targets:
        if target in ("ds", "unique_id"):
            raise DataError(
                f"target must be no time and no name of a series, got {quoted(target)}; rename it"
            )
        if target in times.columns:
            raise DataError(f"target must be another column than the time, got {quoted(target)}")
        if ids is not None and target in ids.columns:
            raise DataError(f"target must be another column than the id, got {quoted(target)}")
    if ids is not None and len(targets) > 1:
        raise DataError(
            f"target must name one column of a table whose series are told apart by "
            f"{listed(ids.columns)}, got {listed(targets, 3)}"
        )


def _row_times(raw: RawTable, ids: pl.DataFrame | None, asked: AskedTimes) -> Times:
    names = ("time", "time_format", "zone", "calendar", "resample")
    given = [name for name in names if getattr(asked, name) is not None]
    if given:
        raise DataError(
            f"row_order must not be given with {listed(given)}: rows in their order have no times; "
            "leave one out"
        )
    if (numbered := _numbered(raw)) is not None:
        return Times(numbered, ("ds",))
    numbers = row_numbers(raw)
    if ids is None:
        return numbers
    within = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(ids.columns).alias("ds")
    return numbers._replace(stamps=ids.select(within).to_series())


def _numbered(raw: RawTable) -> pl.Series | None:
    """Return the numbers of the steps where a column `ds` of whole numbers tells them."""
    if "ds" not in raw.frame.columns:
        return None
    numbers = to_number(raw.frame["ds"], ".")
    whole = numbers.null_count() == 0 and bool((numbers == numbers.floor()).all())
    return numbers.cast(pl.Int64).rename("ds") if whole else None
