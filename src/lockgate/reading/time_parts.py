"""Time stamps in several columns: a date and a clock, or year, month, day, hour and so on."""

import polars as pl

from lockgate.errors import DataError, quoted
from lockgate.reading.numbers import to_number
from lockgate.reading.zones import wall_clock, zone_of

PARTS = ("year", "month", "day", "hour", "minute", "second")
PART_NAMES = (
    ("year", "yr", "yyyy"),
    ("month", "mon", "mo", "mm"),
    ("day", "dd"),
    ("hour", "hr", "hh"),
    ("minute", "min"),
    ("second", "sec"),
)
# what a part named so is in a stamp: 2024-Q1, 2024-W05
_MARKS_OF_PARTS = {"quarter": "Q", "qtr": "Q", "q": "Q", "week": "W", "isoweek": "W", "wk": "W"}
_MONTH_NUMBERS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}


def as_text(parts: list[pl.Series], rows: pl.Series) -> pl.Series:
    """Join the parts of a stamp."""
    first = parts[0]
    if isinstance(first.dtype, pl.Datetime | pl.Date):
        date = _midnights(first, rows).dt.to_string("%Y-%m-%d")
    elif len(parts) == 1 or not is_number(first):
        date = first.cast(pl.String)
    else:
        year, second = _digits(first, rows), parts[1]
        if mark := _MARKS_OF_PARTS.get(second.name.strip().lower()):
            return joined([year, *_last_of(parts[1:], mark, rows)], "-")
        numbers = [_month_numbers(second), *parts[2:]]
        return _joined_numbers([year, *(_digits(part, rows) for part in numbers)], rows)
    if len(parts) > 1 and all(is_number(part) for part in parts[1:]):
        return _with_clock(date, [_digits(part, rows) for part in parts[1:]])
    return joined([date, *(part.cast(pl.String) for part in parts[1:])], " ")


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


def is_number(column: pl.Series, *, most: bool = False) -> bool:
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
        return _with_clock(joined(date, "-"), parts[1:])
    wrong = first.str.len_chars() != 4
    if wrong.any():
        raise DataError(
            f"time part {quoted(first.name)} must hold years of four digits, "
            f"got {first.filter(wrong)[0]} in row {rows.filter(wrong)[0]}"
        )
    day = pl.Series(["1"]).new_from_index(0, len(first))
    date = [*parts[:3], *[day] * (3 - len(parts[:3]))]
    return _with_clock(joined(date, "-"), parts[3:])


def _with_clock(date: pl.Series, parts: list[pl.Series]) -> pl.Series:
    """Append hour, minute and second to dates."""
    if len(parts) > 3:
        raise DataError(f"time must end with the second, got {parts[3].name!r} after it")
    zero = pl.Series(["00"]).new_from_index(0, len(date))
    clock = [*parts, *[zero] * (3 - len(parts))]
    return joined([date, joined(clock, ":")], " ")


def _midnights(column: pl.Series, rows: pl.Series) -> pl.Series:
    stamps = wall_clock(column.cast(in_microseconds(column)))
    late = stamps != stamps.dt.truncate("1d")
    if late.any():
        raise DataError(
            f"time part {quoted(column.name)} must hold dates alone as other parts follow, "
            f"got {stamps.filter(late)[0]} in row {rows.filter(late)[0]}"
        )
    return stamps


def joined(parts: list[pl.Series], mark: str) -> pl.Series:
    """Join columns of text by a mark."""
    frame = pl.DataFrame([part.alias(str(place)) for place, part in enumerate(parts)])
    return frame.select(pl.concat_str(pl.all(), separator=mark)).to_series()


def in_microseconds(column: pl.Series) -> pl.Datetime:
    """Return the type of a column's stamps in microseconds, its zone kept."""
    return pl.Datetime("us", zone_of(column))
