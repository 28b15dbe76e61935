"""Find the time stamps of a table and read them, whatever their format."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from lockgate.errors import DataError, listed, nearest, option, quoted
from lockgate.reading.numbers import to_number
from lockgate.reading.numeric_times import names_time, number_readings, rises
from lockgate.reading.tables import RawTable
from lockgate.reading.zones import check_zone, from_offsets, in_zone, wall_clock, zone_of

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
_PERIOD = re.compile(
    r"\d{4}(?P<gap>[-/ :]?)(?:(?P<q>[Qq])[1-4]|(?P<m>[Mm])\d{2}|(?P<w>[Ww])\d{2}(?P<day>-?[1-7])?)"
    r"|(?P<first>[Qq])[1-4](?P<mark>[-/ ]?)\d{4}"
)
_MONTH_OF_QUARTER = {"1": "01", "2": "04", "3": "07", "4": "10"}
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_PART_NAMES = (
    ("year", "yr", "yyyy"),
    ("month", "mon", "mo", "mm"),
    ("day", "dd"),
    ("hour", "hr", "hh"),
    ("minute", "min"),
    ("second", "sec"),
)
# formats that values do not show, tried for advice alone: two digits may be a day, month or year
_HIDDEN = tuple(
    date + clock
    for date in (
        *("%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%d/%b/%Y", "%b %Y", "%b-%Y", "%Y-%b", "%Y %b"),
        *("%d-%b-%y", "%b-%y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%y-%m-%d"),
    )
    for clock in ("", " %H:%M", " %H:%M:%S")
)
_ROW_ORDER = "where the rows are equal steps in their order, pass row_order=True (--row-order)"
_HINT = 'such as "2024-01-31 18:00:00"'


# what a part named so is in a stamp: 2024-Q1, 2024-W05
_MARKS_OF_PARTS = {"quarter": "Q", "qtr": "Q", "q": "Q", "week": "W", "isoweek": "W", "wk": "W"}
_MONTH_NUMBERS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}


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
        stamps = parts[0].cast(_in_microseconds(parts[0]))
        tells_zone = zone_of(stamps) is not None
    elif len(parts) == 1 and not time_format and _is_number(parts[0], most=True):
        stamps, notices = _from_numbers(parts[0], raw.rows, what, zone)
        tells_zone = zone_of(stamps) is not None
    else:
        if time_format:
            text = _joined([part.cast(pl.String) for part in parts], " ")
        else:
            text = _as_text(parts, raw.rows)
        stamps, tells_zone = _from_text(text, raw.rows, what, time_format)
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
    if not 1 <= len(set(time)) == len(time) <= len(_PARTS):
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
    formats = (time_format,) if time_format else _formats(text[0])
    # the head tells the kind of a column; a faulty stamp further down is reported, not passed over
    head = text.head(200)
    return any(2 * _parse(head, form).null_count() < len(head) for form in formats)


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
    remedy = f"pass {advised}; or, {_ROW_ORDER}" if advised else _ROW_ORDER
    raise DataError(
        f"time must be a column of time stamps {_HINT}, got none among {listed(values, 5)}; "
        f"{remedy}"
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
    parts = [next((places[n] for n in names if n in places), None) for names in _PART_NAMES]
    known = [part for part in parts[: [*parts, None].index(None)] if part]
    times = [",".join(known)] if known else []
    times += [c.name for c in raw.frame if names_time(c.name) or rises(to_number(c.drop_nulls()))]
    for time in times:
        if _reads(raw, time):
            return option("time", time)
    for column in raw.frame:
        form = _hidden_format(column)
        if form and _reads(raw, column.name, form):
            return f"{option('time', column.name)} and {option('time_format', form)}"
    return None


def _hidden_format(text: pl.Series) -> str | None:
    """Return a format that reads every value; of several, one that leaves them in order."""
    if text.dtype != pl.String or text.null_count() or _formats(text[0]):
        return None
    fits = [form for form in _HIDDEN if not _parse(text.head(50), form).null_count()]
    stamps = {form: _parse(text, form) for form in fits}
    ours = {form: times.dt.year().is_between(1800, 2100) for form, times in stamps.items()}
    whole = [form for form in fits if ours[form].all(ignore_nulls=False)]
    ordered = [f for f in whole if stamps[f].is_sorted() or stamps[f].is_sorted(descending=True)]
    return next(iter(ordered or whole), None)


def _check_present(part: pl.Series, rows: pl.Series) -> None:
    if part.dtype.is_nested() or part.dtype in (pl.Duration, pl.Binary, pl.Object):
        raise DataError(
            f"time {quoted(part.name)} must hold time stamps {_HINT}, got values of type "
            f"{part.dtype}; "
            f"{_ROW_ORDER} in place of time"
        )
    if part.null_count():
        row = rows.filter(part.is_null())[0]
        raise DataError(
            f"time {quoted(part.name)} must hold a value in every row, got none in row {row}; "
            "fill it in or delete the row"
        )


def _check_years(stamps: pl.Series, rows: pl.Series, what: str) -> None:
    """Refuse years of two digits, and stamps past which Python counts no further."""
    far = _far(stamps)
    if far.any():
        raise DataError(
            f"{what} must lie in the years 1000 to 9998, got "
            f"{stamps.filter(far).dt.to_string('%Y-%m-%d')[0]} in row {rows.filter(far)[0]}; "
            "mend or delete the row"
        )


def _far(stamps: pl.Series) -> pl.Series:
    return ~stamps.dt.year().is_between(1000, 9998)


def _in_microseconds(column: pl.Series) -> pl.Datetime:
    return pl.Datetime("us", zone_of(column))


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
            f"{column[0]} in row {rows[0]}; {_ROW_ORDER} in place of time"
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


def _as_text(parts: list[pl.Series], rows: pl.Series) -> pl.Series:
    """Join the parts of a stamp."""
    first = parts[0]
    if isinstance(first.dtype, pl.Datetime | pl.Date):
        date = _midnights(first, rows).dt.to_string("%Y-%m-%d")
    elif len(parts) == 1 or not _is_number(first):
        date = first.cast(pl.String)
    else:
        year, second = _digits(first, rows), parts[1]
        if mark := _MARKS_OF_PARTS.get(second.name.strip().lower()):
            return _joined([year, *_last_of(parts[1:], mark, rows)], "-")
        numbers = [_month_numbers(second), *parts[2:]]
        return _joined_numbers([year, *(_digits(part, rows) for part in numbers)], rows)
    if len(parts) > 1 and all(_is_number(part) for part in parts[1:]):
        return _with_clock(date, [_digits(part, rows) for part in parts[1:]])
    return _joined([date, *(part.cast(pl.String) for part in parts[1:])], " ")


def _last_of(parts: list[pl.Series], mark: str, rows: pl.Series) -> list[pl.Series]:
    """Write a quarter or a week, behind which no part may come, as `Q1` or `W05`."""
    part, *others = parts
    if others:
        raise DataError(f"time must end with {quoted(part.name)}, got {others[0].name!r} after it")
    own = part.str.strip_prefix(mark) if part.dtype == pl.String else part
    digits = _digits(own, rows)
    return [mark + (digits.str.zfill(2) if mark == "W" else digits)]


def _month_numbers(column: pl.Series) -> pl.Series:
    """Turn names of months, whole or cut at three letters, into numbers, if all are names."""
    if column.dtype != pl.String:
        return column
    short = column.str.to_lowercase().str.strip_chars(".").str.slice(0, 3)
    named = short.replace_strict(_MONTH_NUMBERS, default=None, return_dtype=pl.Int64)
    return column if named.null_count() else named


def _is_number(column: pl.Series, *, most: bool = False) -> bool:
    """Whether all values, or else most, are numbers."""
    nulls = len(column) if column.dtype == pl.Boolean else to_number(column).null_count()
    return 2 * nulls < len(column) if most else not nulls


def _digits(column: pl.Series, rows: pl.Series) -> pl.Series:
    """Write whole numbers as digits, `05` and `5.0` as `5`."""
    numbers = to_number(column)
    whole = numbers.cast(pl.Int64, strict=False)
    faulty = (whole.is_null() | (whole != numbers) | (whole < 0)).fill_null(value=True)
    if faulty.any():
        raise DataError(
            f"time part {quoted(column.name)} must hold whole numbers, "
            f"got {column.filter(faulty)[0]} in row {rows.filter(faulty)[0]}"
        )
    return whole.cast(pl.String)


def _joined_numbers(parts: list[pl.Series], rows: pl.Series) -> pl.Series:
    """Join year, month, day ... to text; a first part such as 20240131 is a whole date."""
    first = parts[0]
    if first.str.len_chars().min() == first.str.len_chars().max() == 8:
        date = [first.str.slice(start, size) for start, size in ((0, 4), (4, 2), (6, 2))]
        return _with_clock(_joined(date, "-"), parts[1:])
    wrong = first.str.len_chars() != 4
    if wrong.any():
        raise DataError(
            f"time part {quoted(first.name)} must hold years of four digits, "
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
    stamps = wall_clock(column.cast(_in_microseconds(column)))
    late = stamps != stamps.dt.truncate("1d")
    if late.any():
        raise DataError(
            f"time part {quoted(column.name)} must hold dates alone as other parts follow, "
            f"got {stamps.filter(late)[0]} in row {rows.filter(late)[0]}"
        )
    return stamps


def _joined(parts: list[pl.Series], mark: str) -> pl.Series:
    frame = pl.DataFrame([part.alias(str(place)) for place, part in enumerate(parts)])
    return frame.select(pl.concat_str(pl.all(), separator=mark)).to_series()


def _formats(value: str) -> tuple[str, ...]:
    """Return the formats that `value` may have: none, one, or day and month in either order."""
    if match := _PERIOD.fullmatch(value):
        return (_period_format(match),)
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


def _period_format(match: re.Match[str]) -> str:
    """Return the format of a quarter (`%q`), a week of ISO 8601, or a month such as 2024M05."""
    if match["first"]:
        return f"{match['first']}%q{match['mark']}%Y"
    if match["w"]:
        day = match["day"] and match["day"].rstrip("1234567") + "%u"
        return f"%G{match['gap']}{match['w']}%V{day or ''}"
    return f"%Y{match['gap']}" + (f"{match['q']}%q" if match["q"] else f"{match['m']}%m")


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
    """Read stamps, null where one has not the format; a zone told in them leads to UTC.

    A quarter, `%q`, is its first month, a week its Monday, a month or year its first day.
    """
    if _ZONE.search(form):
        text = text.str.replace(r" ?(?:Z|z|UTC|GMT)$", "+00:00")
        text = text.str.replace(r" ([+-]\d+:?\d*)$", "$1")
    if "%q" in form:
        at = len(form[: form.index("%q")].replace("%Y", "2024"))
        months = text.str.slice(at, 1).replace_strict(_MONTH_OF_QUARTER, default=None)
        text, form = text.str.head(at) + months + text.str.slice(at + 1), form.replace("%q", "%m")
    has = set(re.findall(r"%[-_0#:.369]*([A-Za-z+])", form))
    if "V" in has and not has & set("uwaA"):
        text, form, has = text + " 1", form + " %u", has | {"u"}
    if has <= set("Yy"):
        text, form = text + "-01", form + "-%m"
    if not has & set("djeFDcsx+UWu"):
        text, form = text + "-01", form + "-%d"
    if has & set("HIkl") and not has & set("MTRr"):
        text, form = text + " 00", form + " %M"
    try:
        stamps = text.str.to_datetime(form, strict=False, time_unit="us")
    except pl.exceptions.PolarsError as error:
        raise DataError(f"time_format must be a strptime format, got {quoted(form)}") from error
    return stamps.dt.replace_time_zone(None)


def _from_text(
    text: pl.Series, rows: pl.Series, what: str, form: str | None
) -> tuple[pl.Series, bool]:
    formats = (form,) if form else _formats(text[0])
    if not formats:
        hidden = _hidden_format(text)
        raise DataError(
            f"{what} must hold time stamps {_HINT}, got {quoted(text[0])} in row {rows[0]}; "
            + (
                f"pass {option('time_format', hidden)}"
                if hidden
                else f"{_ROW_ORDER} in place of time"
            )
        )
    read = {form: _parse(text, form) for form in formats}
    if form and _far(read[form]).all():
        read[form] = read[form].clear(len(text))
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
    got = f"got {quoted(value)} in row {row}"
    if form in _formats(value):
        return f"{what} must hold dates and times that exist, {got}; mend or delete the row"
    if stamps.null_count() == len(stamps):
        return (
            f"{what} must hold stamps of the format {_shown(form)!r}, {got}{_format_advice(text)}"
        )
    return (
        f"{what} must hold stamps of one format, {got}, where others read {_shown(form)}; "
        "mend or delete the row"
    )


def _format_advice(text: pl.Series) -> str:
    """Return what reads stamps that no format was right for."""
    numbers = to_number(text)
    known = [_parse(text, form) for form in _formats(text[0])]
    if not numbers.null_count():
        known = [reading.stamps for reading in number_readings(numbers)]
    if any(not stamps.null_count() for stamps in known):
        return "; leave time_format out"
    hidden = _hidden_format(text)
    return f"; pass {option('time_format', hidden)}" if hidden else ""


def _shown(form: str) -> str:
    return form.replace("%.f", "").replace("%#z", "%z")
