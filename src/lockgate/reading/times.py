"""Find the time stamps of a table and read them, whatever their format."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from lockgate.errors import DataError, listed, nearest, option, quoted
from lockgate.reading.numbers import to_number
from lockgate.reading.numeric_times import names_time, number_readings, rises
from lockgate.reading.tables import RawTable
from lockgate.reading.time_parts import (
    PART_NAMES,
    PARTS,
    as_text,
    in_microseconds,
    is_number,
    joined,
)
from lockgate.reading.written_times import (
    HINT,
    ROW_ORDER,
    far,
    formats_of,
    from_text,
    hidden_format,
    parse,
)
from lockgate.reading.zones import check_zone, from_offsets, in_zone, zone_of


class Times(NamedTuple):
    """The time stamps of a table, one for each row, none missing."""

    stamps: pl.Series
    """Datetime in microseconds, in a zone where the source tells one or one was named. Where the
    rows are the steps, their numbers."""
    columns: tuple[str, ...]
    """The columns they were read from."""
    notices: tuple[str, ...] = ()
    tells_zone: bool = False
    """Whether the source tells a zone, or an offset from UTC."""


def find_times(
    raw: RawTable,
    time: str | Sequence[str] | None = None,
    time_format: str | None = None,
    zone: str | None = None,
) -> Times:
    """Read the time stamps of a table.

    Args:
        raw: The table.
        time: The time column; or its parts, as a list or joined by commas: numbers are year, month
            (also by name; or one part named quarter or week), day, hour, minute, second in this
            order; a date may be followed by a time of day or by numbers for hour, minute, second.
            One column of numbers may hold digits such as 20240131, counts since 1970 or Excel's
            days. Default: the one column whose values are stamps, or else numbers whose column is
            named as a time, rise, and are stamps.
        time_format: `strptime` format of the column, or of its parts joined by spaces. Default:
            read off the values.
        zone: Name of the time zone: stamps without one are of its clock, others are converted.
            Default: the zone that the source tells, see `zones.from_offsets`.

    Raises:
        DataError: If there is no such column or more than one, or a stamp is missing, impossible,
            or of another format than the others.
    """
    if zone is not None:
        check_zone(zone)
    columns = named_columns(raw, time) if time is not None else (_only_candidate(raw, time_format),)
    parts = [raw.frame[column] for column in columns]
    what = f"time {','.join(columns)!r}"
    for part in parts:
        _check_present(part, raw.rows)
    notices: tuple[str, ...] = ()
    if isinstance(parts[0].dtype, pl.Datetime | pl.Date) and len(parts) == 1:
        stamps = parts[0].cast(in_microseconds(parts[0]))
        tells_zone = zone_of(stamps) is not None
    elif len(parts) == 1 and not time_format and is_number(parts[0], most=True):
        stamps, notices = _from_numbers(parts[0], raw.rows, what, zone)
        tells_zone = zone_of(stamps) is not None
    else:
        if time_format:
            text = joined([part.cast(pl.String) for part in parts], " ")
        else:
            text = as_text(parts, raw.rows)
        stamps, tells_zone = from_text(text, raw.rows, what, time_format)
        if tells_zone:
            stamps, notices = _with_told_zone(stamps, text, what, zone)
    _check_years(stamps, raw.rows, what)
    if zone is not None and time_format == "%s":  # seconds since 1970 are those of UTC
        stamps = stamps.dt.replace_time_zone("UTC")
    if zone is not None:
        stamps = in_zone(stamps, zone, raw.rows, what)
    return Times(stamps.rename("ds"), columns, notices, tells_zone)


def row_numbers(raw: RawTable) -> Times:
    """Return the numbers of the rows in place of times; blank rows are counted."""
    return Times(raw.rows.rename("ds"), ())


def named_columns(raw: RawTable, time: str | Sequence[str]) -> tuple[str, ...]:
    """Return the columns that `time` names: one, or the parts of the stamp."""
    names = raw.frame.columns
    if isinstance(time, str):
        time = [time] if time in names else [part.strip() for part in time.split(",")]
    for name in time:
        if name not in names:
            raise DataError(
                f"time must name columns of the table, got {quoted(name)}; {nearest(name, names)}"
            )
    if not 1 <= len(set(time)) == len(time) <= len(PARTS):
        raise DataError(f"time must name one to six different columns, got {listed(time)}")
    return tuple(time)


def time_candidates(raw: RawTable, time_format: str | None = None) -> list[str]:
    """Return the columns of which more than half of the values read as time stamps.

    Where there are none, those whose name says so and whose numbers read as stamps, in order.
    """
    stamps = [column.name for column in raw.frame if _is_time(column, time_format)]
    return stamps or [
        column.name
        for column in raw.frame
        if names_time(column.name) and rises(to_number(column.drop_nulls()))
    ]


def _is_time(column: pl.Series, time_format: str | None) -> bool:
    if isinstance(column.dtype, pl.Datetime | pl.Date):
        return True
    text = column.drop_nulls()
    if column.dtype != pl.String or text.is_empty():
        return False
    formats = (time_format,) if time_format else formats_of(text[0])
    # the head tells the kind of a column; a faulty stamp further down is reported, not passed over
    head = text.head(200)
    return any(2 * parse(head, form).null_count() < len(head) for form in formats)


def _only_candidate(raw: RawTable, time_format: str | None) -> str:
    candidates = time_candidates(raw, time_format)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        first = next((c for c in candidates if _reads(raw, c, time_format)), None)
        remedy = f"; pass {option('time', first)}" if first else ""
        raise DataError(
            f"time must name one of the columns that hold time stamps, {listed(candidates)}{remedy}"
        )
    filled = [column.drop_nulls() for column in raw.frame if column.null_count() < len(column)]
    values = [f"{column.name} ({str(column[0])[:20]!r})" for column in filled]
    advised = _advised_time(raw)
    remedy = f"pass {advised}; or, {ROW_ORDER}" if advised else ROW_ORDER
    raise DataError(
        f"time must be a column of time stamps {HINT}, got none among {listed(values, 5)}; {remedy}"
    )


def _reads(raw: RawTable, time: str, time_format: str | None = None) -> bool:
    """Whether stamps can be read as said, and are more than one."""
    try:
        stamps = find_times(raw, time, time_format).stamps
    except DataError:
        return False
    return stamps.n_unique() > 1


def _advised_time(raw: RawTable) -> str | None:
    """Return the options that read the stamps of a table which does not show them."""
    places = {name.lower(): name for name in raw.frame.columns if "," not in name}
    parts = [next((places[n] for n in names if n in places), None) for names in PART_NAMES]
    known = [part for part in parts[: [*parts, None].index(None)] if part]
    times = [",".join(known)] if known else []
    times += [c.name for c in raw.frame if names_time(c.name) or rises(to_number(c.drop_nulls()))]
    for time in times:
        if _reads(raw, time):
            return option("time", time)
    for column in raw.frame:
        form = hidden_format(column)
        if form and _reads(raw, column.name, form):
            return f"{option('time', column.name)} and {option('time_format', form)}"
    return None


def _check_present(part: pl.Series, rows: pl.Series) -> None:
    if part.dtype.is_nested() or part.dtype in (pl.Duration, pl.Binary, pl.Object):
        raise DataError(
            f"time {quoted(part.name)} must hold time stamps {HINT}, got values of type "
            f"{part.dtype}; "
            f"{ROW_ORDER} in place of time"
        )
    if part.null_count():
        row = rows.filter(part.is_null())[0]
        raise DataError(
            f"time {quoted(part.name)} must hold a value in every row, got none in row {row}; "
            "fill it in or delete the row"
        )


def _check_years(stamps: pl.Series, rows: pl.Series, what: str) -> None:
    """Refuse years of two digits, and stamps past which Python counts no further."""
    wrong = far(stamps)
    if wrong.any():
        raise DataError(
            f"{what} must lie in the years 1000 to 9998, got "
            f"{stamps.filter(wrong).dt.to_string('%Y-%m-%d')[0]} in row {rows.filter(wrong)[0]}; "
            "mend or delete the row"
        )


def _with_told_zone(
    instants: pl.Series, text: pl.Series, what: str, zone: str | None
) -> tuple[pl.Series, tuple[str, ...]]:
    if zone is not None:
        return instants.dt.replace_time_zone("UTC"), ()
    stamps, notice = from_offsets(instants, text, what)
    return stamps, (notice,)


def _from_numbers(
    column: pl.Series, rows: pl.Series, what: str, zone: str | None
) -> tuple[pl.Series, tuple[str, ...]]:
    """Read stamps written as numbers; with them what they count.

    Counts since 1970 are of UTC: with a `zone` they come back as instants.
    """
    readings = number_readings(to_number(column))
    if not readings:
        raise DataError(
            f"{what} must hold stamps such as 20240131, counts since 1970 or Excel's days, got "
            f"{column[0]} in row {rows[0]}; {ROW_ORDER} in place of time"
        )
    reading = min(readings, key=lambda reading: reading.stamps.null_count())
    faulty = reading.stamps.is_null()
    if faulty.any():
        raise DataError(
            f"{what} must hold {reading.unit} in every row, got {column.filter(faulty)[0]} in row "
            f"{rows.filter(faulty)[0]}; mend or delete the row"
        )
    if "1970" in reading.unit and zone is not None:
        return reading.stamps.dt.replace_time_zone("UTC"), ()
    if "1970" in reading.unit:
        return reading.stamps, (f"{what} holds {reading.unit}, read as UTC",)
    return reading.stamps, ()
