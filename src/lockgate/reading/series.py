"""Several series in one table: what tells them apart, and the rows of one of them."""

import re
from collections.abc import Iterable, Sequence
from itertools import combinations, islice

import polars as pl

from lockgate.errors import DataError, count_of, listed, nearest, option, quoted
from lockgate.reading.numbers import to_number
from lockgate.reading.tables import RawTable
from lockgate.reading.times import Times, find_times

MOST_REPEATED = 0.1
"""Share of rows that may repeat a stamp: more look like several series."""
_MOST_COLUMNS = 3  # that tell series apart together
_MOST_CANDIDATES = 8
_SPARSE = 4  # times as many series as there are at one stamp; more are values, not names
_MOST_NAMED = 1000  # values among which the nearest are looked for
_TIME_WORDS = {"year", "month", "week", "day", "date", "hour", "hr", "minute", "min", "second"}
_TIME_WORDS |= {"sec", "time", "clock", "quarter", "period"}


def keep_rows(raw: RawTable, where: Iterable[str]) -> RawTable:
    """Keep the rows in which every column named has its value, `item=A`.

    Raises:
        DataError: If there is no such column or value, or no row has all of them.
    """
    where = tuple(where)
    if not where:
        return raw
    kept = pl.Series([True]).new_from_index(0, raw.frame.height)
    for condition in where:
        kept &= _matches(raw, condition)
    if not kept.any():
        raise DataError(
            f"where must leave rows, got none of {quoted(raw.source)} with {' and '.join(where)}"
        )
    frame, rows = raw.frame.filter(kept), raw.rows.filter(kept)
    told = f"{count_of(frame.height, 'row')} with {' and '.join(where)} of {raw.frame.height:,}"
    return raw._replace(frame=frame, rows=rows, notices=(*raw.notices, told), rows_read=len(rows))


def series_ids(raw: RawTable, columns: str | None) -> pl.DataFrame | None:
    """Return the columns that name the series of each row; None of a table of one series.

    Args:
        raw: The table.
        columns: The column of the names, or several joined by commas. Default: `unique_id`, where
            it holds several.

    Raises:
        DataError: If there is no such column, or a row has no name.
    """
    if columns is None:
        known = "unique_id" in raw.frame.columns
        if not known or raw.frame["unique_id"].drop_nulls().n_unique() < 2:
            return None
        columns = "unique_id"
    names = [columns] if columns in raw.frame.columns else columns.split(",")
    ids = []
    for name in (name.strip() for name in names):
        if name not in raw.frame.columns:
            raise DataError(
                f"id must name columns of the table, got {quoted(name)}; "
                f"{nearest(name, raw.frame.columns)}"
            )
        values = raw.frame[name]
        if values.dtype.is_nested():
            raise DataError(f"id must name columns of single values, got {quoted(name)}")
        if values.null_count():
            row = raw.rows.filter(values.is_null())[0]
            raise DataError(
                f"id {quoted(name)} must name the series of every row, got none in row {row}; "
                "fill it in, or leave the row out"
            )
        ids.append(values.cast(pl.String))
    return pl.DataFrame(ids)


def check_one_series(raw: RawTable, times: Times, target: str) -> None:
    """Refuse a table in which columns tell apart rows that share a stamp.

    Raises:
        DataError: With the parts of the time that are missing; or with the columns that tell
            several series apart, and what chooses one of them.
    """
    stamps = times.stamps
    if stamps.is_empty() or not _repeats(stamps.to_frame()):
        return
    if parts := _all_parts(raw, times):
        raise DataError(
            f"time must tell the rows apart, got {stamps.n_unique():,} different stamps in "
            f"{len(stamps):,} rows; name all its parts, {option('time', ','.join(parts))}"
        )
    names = _telling_columns(raw, stamps, (target, *times.columns))
    if not names:
        return
    groups = raw.frame.group_by(names, maintain_order=True).len().drop_nulls()
    first = ",".join(f"{name}={value}" for name, value in zip(names, groups.row(0), strict=False))
    values = [" and ".join(map(str, row[:-1])) for row in groups.head(3).iter_rows()]
    more = f" and {len(groups) - 3:,} more" if len(groups) > 3 else ""
    raise DataError(
        f"the table must hold one series, got {len(groups):,}, told apart by "
        f"{' and '.join(map(quoted, names))} ({listed(values)}{more}); forecast all, "
        f"{option('id', ','.join(names))}, or choose one, {option('where', first)}"
    )


def _matches(raw: RawTable, condition: str) -> pl.Series:
    column, value = _parted(raw, condition)
    values = raw.frame[column]
    if values.dtype.is_nested():
        raise DataError(f"where must name a column of single values, got {quoted(column)}")
    text = values.cast(pl.String, strict=False)
    same = text == value
    if not same.any():  # 3 is 3.0
        number = to_number(pl.Series([value]), ".")[0]
        same = to_number(values, ".") == number if number is not None else same
    if not same.any():
        known = text.drop_nulls().unique(maintain_order=True).head(_MOST_NAMED).to_list()
        raise DataError(
            f"where must name a value of {quoted(column)}, got {quoted(value)}; "
            f"{nearest(value, known, 'values')}"
        )
    return same.fill_null(value=False)


def _parted(raw: RawTable, condition: str) -> tuple[str, str]:
    """Return the column and the value of a condition; both may hold equals signs."""
    places = [place.start() for place in re.finditer("=", condition)]
    if not places:
        raise DataError(f"where must be columns with a value each, item=A, got {quoted(condition)}")
    for place in places:
        if condition[:place].strip() in raw.frame.columns:
            return condition[:place].strip(), condition[place + 1 :].strip()
    name = condition[: places[0]].strip()
    raise DataError(
        f"where must name a column of the table, got {quoted(name)}; "
        f"{nearest(name, raw.frame.columns)}"
    )


def _all_parts(raw: RawTable, times: Times) -> tuple[str, ...] | None:
    """Return the columns of the time with one more by which stamps no longer repeat."""
    for column in raw.frame:
        if not _is_of_time(column.name) or column.name in times.columns or "," in column.name:
            continue
        parts = (*times.columns, column.name)
        try:
            read = find_times(raw, parts).stamps
        except DataError:
            continue
        if not _repeats(read.to_frame()):
            return parts
    return None


def _telling_columns(
    raw: RawTable, stamps: pl.Series, others: Sequence[str]
) -> tuple[str, ...] | None:
    """Find the fewest columns in which stamps no longer repeat, of few values each."""
    at_once = int(stamps.value_counts()["count"].max())  # type: ignore[arg-type]
    sizes = {}
    for column in raw.frame:
        if column.name in others or column.name in raw.unnamed or column.dtype.is_nested():
            continue
        size = column.n_unique()
        if _is_of_time(column.name) and size <= at_once:
            if not _repeats(pl.DataFrame([stamps, column])):
                return None  # a part of the stamp, though it cannot be read as one
        elif 1 < size <= _SPARSE * at_once:
            sizes[column.name] = size
    names = list(islice(sorted(sizes, key=lambda name: sizes[name]), _MOST_CANDIDATES))
    for count in range(1, _MOST_COLUMNS + 1):
        for chosen in combinations(names, count):
            columns = raw.frame.select(chosen)
            if columns.n_unique() > _SPARSE * at_once:
                continue
            if not _repeats(columns.insert_column(0, stamps.alias("\0stamp"))):
                return chosen
    return None


def _repeats(keys: pl.DataFrame) -> bool:
    return keys.height - keys.n_unique() > MOST_REPEATED * keys.height


def _is_of_time(name: str) -> bool:
    return bool(_TIME_WORDS & set(re.split(r"[^a-z]+", name.lower())))
