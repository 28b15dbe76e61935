"""Time stamps that are numbers: digits such as 20240131, counts since 1970, the days of Excel."""

import re
from typing import NamedTuple

import polars as pl

_SECOND = 1_000_000  # microseconds
_DAY = 86_400 * _SECOND
_UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
# from 1973 to 2099, so that each unit has numbers of its own; smaller ones count from a start
_EPOCHS = (100_000_000, 4_100_000_000)
_EXCEL_DAYS = (10_000, 73_050)  # from 1927 to 2099
_EXCEL_START = 25_569 * _DAY  # 1970-01-01, in days since 1899-12-30
_NAMES = {"time", "timestamp", "date", "datetime", "ts", "ds", "epoch", "unix", "unixtime", "stamp"}


_DIGITS = (4, 6, 8, 10, 12, 14)  # year, month, day, hour, minute and second, as far as they go
_COUNTS_TOO = (10, 12)  # digits that counts since 1970 have as well
_OUR_YEARS = (1800, 2100)


class Reading(NamedTuple):
    """Stamps that were read off numbers."""

    stamps: pl.Series
    """Datetime in microseconds, null where a number is none."""
    unit: str
    """What the numbers are, such as `milliseconds since 1970`."""


def number_readings(numbers: pl.Series) -> list[Reading]:
    """Read numbers in every way in which most of them are stamps, the likeliest first.

    Args:
        numbers: Float64.

    Example:
        >>> [reading.unit for reading in number_readings(pl.Series([1990.0, 1991.0]))]
        ['years']
    """
    readings = (from_digits(numbers), from_epochs(numbers), from_excel_days(numbers))
    return [reading for reading in readings if reading is not None]


def rises(numbers: pl.Series) -> bool:
    """Whether numbers of more than four digits go from stamp to stamp, up or down, in our days.

    A few may be none: a faulty stamp is to be reported, not to hide the others.
    """
    readings = (from_digits(numbers), from_epochs(numbers))
    stamps = (r.stamps.drop_nulls() for r in readings if r and r.unit != "years")
    return any(
        10 * len(one) >= 9 * len(numbers)
        and one[0] != one[-1]
        and (one.is_sorted() or one.is_sorted(descending=True))
        and bool(one.dt.year().is_between(*_OUR_YEARS).all())
        for one in stamps
    )


def from_digits(numbers: pl.Series) -> Reading | None:
    """Read digits such as 20240131; None where most are none.

    Example:
        >>> from_digits(pl.Series([202401.0])).stamps.to_list()
        [datetime.datetime(2024, 1, 1, 0, 0)]
    """
    whole = numbers.cast(pl.Int64, strict=False)
    text = whole.set(((whole != numbers) | (whole < 0)).fill_null(value=True), None).cast(pl.String)
    size = len(next(iter(text.drop_nulls()), ""))
    if size not in _DIGITS:
        return None
    padded = text.set(text.str.len_chars() != size, None) + "20000101000000"[size:]
    stamps = padded.str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us")
    if size in _COUNTS_TOO:
        stamps = stamps.set(~stamps.dt.year().is_between(*_OUR_YEARS), None)
    if 2 * stamps.null_count() >= len(stamps):
        return None
    return Reading(stamps, "years" if size == 4 else "stamps such as 20240131")


def from_epochs(numbers: pl.Series) -> Reading | None:
    """Read counts since 1970, whose unit their size tells; None where most are none.

    Args:
        numbers: Float64.

    Example:
        >>> from_epochs(pl.Series([1714550400020.0])).stamps.to_list()
        [datetime.datetime(2024, 5, 1, 8, 0, 0, 20000)]
    """
    low, high = _EPOCHS
    for unit, per_second in _UNITS.items():
        ours = numbers.is_between(low * per_second, high * per_second)
        if 2 * ours.sum() > len(numbers):
            ticks = numbers * (_SECOND / per_second)
            return Reading(_stamps(ticks, ours), f"{unit} since 1970")
    return None


def from_excel_days(numbers: pl.Series) -> Reading | None:
    """Read the days that Excel counts, with fractions; None where most are none.

    Cells show few decimals, so that a stamp is the nearest second, or else, where that would make
    two stamps of one, the nearest millisecond.

    Example:
        >>> from_excel_days(pl.Series([45321.25])).stamps.to_list()
        [datetime.datetime(2024, 1, 30, 6, 0)]
    """
    ours = numbers.is_between(*_EXCEL_DAYS)
    if 2 * ours.sum() <= len(numbers):
        return None
    seconds = (numbers * 86_400).round() * _SECOND
    merged = seconds.n_unique() < numbers.n_unique()
    ticks = (numbers * 86_400_000).round() * 1_000 if merged else seconds
    return Reading(_stamps(ticks - _EXCEL_START, ours), "Excel's days")


def names_time(name: str) -> bool:
    """Whether a column's name says that it holds times: `date`, `Unix Timestamp`, `openTime`.

    Example:
        >>> [name for name in ("ts_ms", "openTime", "Date (UTC)", "update", "times_sold")
        ...  if names_time(name)]
        ['ts_ms', 'openTime', 'Date (UTC)']
    """
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    return not _NAMES.isdisjoint(re.findall(r"[a-z]+", words))


def _stamps(ticks: pl.Series, ours: pl.Series) -> pl.Series:
    whole = ticks.set(~ours.fill_null(value=False), None).round().cast(pl.Int64)
    return whole.cast(pl.Datetime("us"))
