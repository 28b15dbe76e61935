"""Find the time stamps of a table and read them, whatever their format."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from lockgate.errors import DataError, listed, nearest, option
from lockgate.reading.tables import RawTable, to_number

_DATE = (
    r"(?P<date>\d{4}(?P<a>[-/.])\d{1,2}(?P=a)\d{1,2}|\d{1,2}(?P<b>[-/.])\d{1,2}(?P=b)\d{4}"
    r"|\d{4}(?P<c>[-/])\d{1,2})"
)
_TIME = (
    r"(?P<gap>[ T]+)(?P<hour>\d{1,2})"
    r"(?:(?P<mark>[:.])\d{1,2}(?P<second>(?P=mark)\d{1,2}(?:\.\d+)?)?)?(?P<half> ?[AaPp][Mm])?"
    r"(?P<zone> ?(?:Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?"
)
_ZONE = re.compile(r"%[#:]*z|%\+")
_STAMP = re.compile(rf"{_DATE}(?:{_TIME})?")
# digits of stamps written without marks, read only where the column is named as the time
_COMPACT = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_HINT = 'such as "2024-01-31 18:00:00"'


class Times(NamedTuple):
    """The time stamps of a table, one for each row, none missing."""

    stamps: pl.Series
    """Datetime in microseconds without a zone; in UTC where the source told a zone."""
    columns: tuple[str, ...]
    """The columns they were read from."""
    notices: tuple[str, ...] = ()


def find_times(
    raw: RawTable, time: str | Sequence[str] | None = None, time_format: str | None = None
) -> Times:
    """Read the time stamps of a table.

    Args:
        raw: The table.
        time: The time column; or its parts, as a list or joined by commas: numbers are year, month,
            day, hour, minute, second in this order; a date may be followed by a time of day or by
            numbers for hour, minute, second. Default: the one column whose values are stamps.
        time_format: `strptime` format of the column, or of its parts joined by spaces. Default:
            read off the values.

    Raises:
        DataError: If there is no such column or more than one, or a stamp is missing, impossible,
            or of another format than the others.
    """
    columns = named_columns(raw, time) if time is not None else (_only_candidate(raw, time_format),)
    parts = [raw.frame[column] for column in columns]
    what = f"time {','.join(columns)!r}"
    for part in parts:
        _check_present(part, raw.rows)
    if isinstance(parts[0].dtype, pl.Datetime | pl.Date) and len(parts) == 1:
        stamps, zoned = _from_typed(parts[0])
    else:
        if time_format:
            text = _joined([part.cast(pl.String) for part in parts], " ")
        else:
            text, time_format = _as_text(parts, raw.rows)
        stamps, zoned = _from_text(text, raw.rows, what, time_format)
    _check_years(stamps, raw.rows, what)
    notices = (f"{what} tells its time zone: all stamps converted to UTC",) if zoned else ()
    return Times(stamps.rename("ds"), columns, notices)


def named_columns(raw: RawTable, time: str | Sequence[str]) -> tuple[str, ...]:
    """Return the columns that `time` names: one, or the parts of the stamp."""
    names = raw.frame.columns
    if isinstance(time, str):
        time = [time] if time in names else [part.strip() for part in time.split(",")]
    for name in time:
        if name not in names:
            raise DataError(
                f"time must name columns of the table, got {name!r}; {nearest(name, names)}"
            )
    if not 1 <= len(set(time)) == len(time) <= len(_PARTS):
        raise DataError(f"time must name one to six different columns, got {listed(time)}")
    return tuple(time)


def time_candidates(raw: RawTable, time_format: str | None = None) -> list[str]:
    """Return the columns of which more than half of the values read as time stamps."""
    return [column.name for column in raw.frame if _is_time(column, time_format)]


def _is_time(column: pl.Series, time_format: str | None) -> bool:
    if isinstance(column.dtype, pl.Datetime | pl.Date):
        return True
    text = column.drop_nulls()
    if column.dtype != pl.String or text.is_empty():
        return False
    formats = (time_format,) if time_format else _formats(text[0])
    # the head tells the kind of a column; a faulty stamp further down is reported, not passed over
    head = text.head(200)
    return any(2 * _parse(head, form).null_count() < len(head) for form in formats)


def _only_candidate(raw: RawTable, time_format: str | None) -> str:
    candidates = time_candidates(raw, time_format)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise DataError(
            f"time must name one of the columns that hold time stamps, {listed(candidates)}; "
            f"pass {option('time', candidates[0])}"
        )
    filled = [column.drop_nulls() for column in raw.frame if column.null_count() < len(column)]
    values = [f"{column.name} ({str(column[0])[:20]!r})" for column in filled]
    raise DataError(
        f"time must be a column of time stamps {_HINT}, got none among {listed(values, 5)}; "
        f"name the column or its parts, {option('time', 'year,month,day,hour')}, "
        f"or its format, {option('time_format', '%d/%m/%Y')}, or add a time column"
    )


def _check_present(part: pl.Series, rows: pl.Series) -> None:
    if part.null_count():
        row = rows.filter(part.is_null())[0]
        raise DataError(
            f"time {part.name!r} must hold a value in every row, got none in row {row}; "
            "fill it in or delete the row"
        )


def _check_years(stamps: pl.Series, rows: pl.Series, what: str) -> None:
    """Refuse years of two digits, and stamps past which Python counts no further."""
    far = ~stamps.dt.year().is_between(1000, 9998)
    if far.any():
        raise DataError(
            f"{what} must lie in the years 1000 to 9998, got "
            f"{stamps.filter(far).dt.to_string('%Y-%m-%d')[0]} in row {rows.filter(far)[0]}; "
            "mend or delete the row"
        )


def _from_typed(column: pl.Series) -> tuple[pl.Series, bool]:
    zoned = isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None
    if zoned:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us")), zoned


def _as_text(parts: list[pl.Series], rows: pl.Series) -> tuple[pl.Series, str | None]:
    """Join the parts of a stamp; with the text its format, where it cannot be told from it."""
    first = parts[0]
    if isinstance(first.dtype, pl.Datetime | pl.Date):
        date = _midnights(first, rows).dt.to_string("%Y-%m-%d")
    elif not _is_number(first):
        date = first.cast(pl.String)
    elif len(parts) == 1:
        digits = _digits(first, rows)
        return digits, _compact_format(digits, rows)
    else:
        return _joined_numbers([_digits(part, rows) for part in parts], rows), None
    if len(parts) > 1 and all(_is_number(part) for part in parts[1:]):
        return _with_clock(date, [_digits(part, rows) for part in parts[1:]]), None
    return _joined([date, *(part.cast(pl.String) for part in parts[1:])], " "), None


def _is_number(column: pl.Series) -> bool:
    return column.dtype != pl.Boolean and not to_number(column).null_count()


def _digits(column: pl.Series, rows: pl.Series) -> pl.Series:
    """Write whole numbers as digits, `05` and `5.0` as `5`."""
    numbers = to_number(column)
    whole = numbers.cast(pl.Int64, strict=False)
    faulty = (whole.is_null() | (whole != numbers) | (whole < 0)).fill_null(value=True)
    if faulty.any():
        raise DataError(
            f"time part {column.name!r} must hold whole numbers, "
            f"got {column.filter(faulty)[0]} in row {rows.filter(faulty)[0]}"
        )
    return whole.cast(pl.String)


def _compact_format(digits: pl.Series, rows: pl.Series) -> str:
    form = _COMPACT.get(len(digits[0]))
    if form is None:
        raise DataError(
            f"time {digits.name!r} must hold years, or stamps such as 20240131, "
            f"got {digits[0]} in row {rows[0]}; pass its format, {option('time_format', '%s')}"
        )
    return form


def _joined_numbers(parts: list[pl.Series], rows: pl.Series) -> pl.Series:
    """Join year, month, day ... to text; a first part such as 20240131 is a whole date."""
    first = parts[0]
    if first.str.len_chars().min() == first.str.len_chars().max() == 8:
        date = [first.str.slice(start, size) for start, size in ((0, 4), (4, 2), (6, 2))]
        return _with_clock(_joined(date, "-"), parts[1:])
    wrong = first.str.len_chars() != 4
    if wrong.any():
        raise DataError(
            f"time part {first.name!r} must hold years of four digits, "
            f"got {first.filter(wrong)[0]} in row {rows.filter(wrong)[0]}"
        )
    day = pl.Series(["1"]).new_from_index(0, len(first))
    date = [*parts[:3], *[day] * (3 - len(parts[:3]))]
    return _with_clock(_joined(date, "-"), parts[3:])


def _with_clock(date: pl.Series, parts: list[pl.Series]) -> pl.Series:
    """Append hour, minute and second to dates."""
    if len(parts) > 3:
        raise DataError(f"time must end with the second, got {parts[3].name!r} after it")
    zero = pl.Series(["00"]).new_from_index(0, len(date))
    clock = [*parts, *[zero] * (3 - len(parts))]
    return _joined([date, _joined(clock, ":")], " ")


def _midnights(column: pl.Series, rows: pl.Series) -> pl.Series:
    stamps, _ = _from_typed(column)
    late = stamps != stamps.dt.truncate("1d")
    if late.any():
        raise DataError(
            f"time part {column.name!r} must hold dates alone as other parts follow, "
            f"got {stamps.filter(late)[0]} in row {rows.filter(late)[0]}"
        )
    return stamps


def _joined(parts: list[pl.Series], mark: str) -> pl.Series:
    frame = pl.DataFrame([part.alias(str(place)) for place, part in enumerate(parts)])
    return frame.select(pl.concat_str(pl.all(), separator=mark)).to_series()


def _formats(value: str) -> tuple[str, ...]:
    """Return the formats that `value` may have: none, one, or day and month in either order."""
    match = _STAMP.fullmatch(value)
    if match is None:
        return ()
    if mark := match["a"]:
        dates: tuple[str, ...] = (f"%Y{mark}%m{mark}%d",)
    elif mark := match["b"]:
        orders = ("%d{0}%m{0}%Y",) if mark == "." else ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y")
        dates = tuple(order.format(mark) for order in orders)
    else:
        dates = (f"%Y{match['c']}%m",)
    return tuple(date + _clock_format(match) for date in dates)


def _clock_format(match: re.Match[str]) -> str:
    if match["gap"] is None:
        return ""
    form = match["gap"] + ("%I" if match["half"] else "%H")
    if mark := match["mark"]:
        form += f"{mark}%M" + (f"{mark}%S%.f" if match["second"] else "")
    if match["half"]:
        form += match["half"][:-2] + "%p"
    return form + ("%#z" if match["zone"] else "")


def _parse(text: pl.Series, form: str) -> pl.Series:
    """Read stamps, null where one has not the format; a zone told in them leads to UTC."""
    if _ZONE.search(form):
        text = text.str.replace(r" ?(?:Z|z|UTC|GMT)$", "+00:00")
        text = text.str.replace(r" ([+-]\d+:?\d*)$", "$1")
    has = set(re.findall(r"%[-_0#:.369]*([A-Za-z+])", form))
    if has <= set("Yy"):
        text, form = text + "-01", form + "-%m"
    if not has & set("djeFDcsx+UWu"):
        text, form = text + "-01", form + "-%d"
    if has & set("HIkl") and not has & set("MTRr"):
        text, form = text + " 00", form + " %M"
    try:
        stamps = text.str.to_datetime(form, strict=False, time_unit="us")
    except pl.exceptions.PolarsError as error:
        raise DataError(f"time_format must be a strptime format, got {form!r}") from error
    return stamps.dt.replace_time_zone(None)


def _from_text(
    text: pl.Series, rows: pl.Series, what: str, form: str | None
) -> tuple[pl.Series, bool]:
    formats = (form,) if form else _formats(text[0])
    if not formats:
        raise DataError(
            f"{what} must hold time stamps {_HINT}, got {text[0]!r} in row {rows[0]}; "
            f"pass its format, {option('time_format', '%d/%m/%Y')}"
        )
    read = {form: _parse(text, form) for form in formats}
    whole = [form for form in formats if not read[form].null_count()]
    if not whole:
        form = min(formats, key=lambda form: read[form].null_count())
        raise DataError(_why_unread(text, rows, read[form], what, form))
    form = whole[0] if len(whole) == 1 else _by_order(read, what)
    return read[form], bool(_ZONE.search(form))


def _by_order(read: dict[str, pl.Series], what: str) -> str:
    """Choose between day and month first by the order of the rows."""
    first, second = read
    if read[first].equals(read[second]):
        return first
    ordered = [f for f, s in read.items() if s.is_sorted() or s.is_sorted(descending=True)]
    if len(ordered) == 1:
        return ordered[0]
    raise DataError(
        f"{what} must tell day and month apart, got stamps that read as {_shown(first)} and as "
        f"{_shown(second)}; pass {option('time_format', _shown(first))}"
    )


def _why_unread(text: pl.Series, rows: pl.Series, stamps: pl.Series, what: str, form: str) -> str:
    """Say which stamp is the first that cannot be read, and why."""
    value, row = text.filter(stamps.is_null())[0], rows.filter(stamps.is_null())[0]
    got = f"got {value!r} in row {row}"
    if form in _formats(value):
        return f"{what} must hold dates and times that exist, {got}; mend or delete the row"
    if stamps.null_count() == len(stamps):
        since = f"; seconds since 1970 are {option('time_format', '%s')}" if value.isdigit() else ""
        return f"{what} must hold stamps of the format {_shown(form)!r}, {got}{since}"
    return (
        f"{what} must hold stamps of one format, {got}, where others read {_shown(form)}; "
        "mend or delete the row"
    )


def _shown(form: str) -> str:
    return form.replace("%.f", "").replace("%#z", "%z")
