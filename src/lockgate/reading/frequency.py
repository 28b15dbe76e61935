"""The distance between two rows of a regular series: a fixed time, calendar months, or one row."""

import re
from datetime import timedelta
from typing import Any, Literal, NamedTuple, Self, TypeAlias

import numpy as np
import polars as pl

from lockgate.errors import DataError, option, quoted

Stamp: TypeAlias = Any
"""A datetime; where the rows are the steps, the number of a row."""

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_FIXED = {
    "w": 7 * _DAY,
    "d": _DAY,
    "h": 3_600 * _SECOND,
    "m": 60 * _SECOND,
    "s": _SECOND,
    "ms": 1_000,
    "us": 1,
}
_MONTHS = {"y": 12, "q": 3, "mo": 1}
_UNITS: dict[str, tuple[int, Literal["us", "mo"]]] = {
    **{name: (size, "us") for name, size in _FIXED.items()},
    **{name: (size, "mo") for name, size in _MONTHS.items()},
    "min": (_FIXED["m"], "us"),
}
_RULE = 'be a whole number followed by us, ms, s, m (or min), h, d, w, mo, q or y, such as "90m"'
_LONGEST = {"us": 8_000 * 366 * _DAY, "mo": 8_000 * 12}  # more than the years that stamps lie in
# days that one, three or twelve months can last
_MONTH_DAYS = {1: (28, 31), 3: (89, 92), 12: (365, 366)}
# durations to average over, the shortest first
_ROUND = (
    *(f"{count}{unit}" for unit in ("us", "ms") for count in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(f"{count}{unit}" for unit in ("s", "m") for count in (1, 2, 5, 10, 15, 30)),
    *("1h", "2h", "3h", "6h", "12h", "1d", "1w", "1mo", "1q", "1y"),
)
_FEWEST_STEPS = 10  # below which an averaged table is too short to be cut and learned from


class IrregularError(DataError):
    """Stamps have no common step."""


class Frequency(NamedTuple):
    """The step of a regular grid: `count` microseconds (`"us"`), calendar months (`"mo"`), or rows.

    A day is 86,400 seconds and a week seven days: stamps carry no time zone, so no day is longer
    than another. Where the rows are the steps (`"row"`), a stamp is the number of a row.

    Example:
        >>> from datetime import datetime
        >>> hourly = Frequency.parse("60min")
        >>> hourly, str(hourly), hourly.steps("1d"), hourly.steps(24)
        (Frequency(count=3600000000, unit='us'), '1h', 24, 24)
        >>> Frequency.parse("1mo").range(datetime(2024, 1, 31), 3).dt.day().to_list()
        [31, 29, 31]
        >>> Frequency(1, "row").range(41, 3).to_list()
        [41, 42, 43]
    """

    count: int  # type: ignore[assignment]  # the name hides tuple.count, which nobody needs here
    unit: Literal["us", "mo", "row"]

    @classmethod
    def parse(cls, text: str, name: str = "frequency") -> Self:
        """Read a duration such as `"20ms"`, `"90m"`, `"1h"`, `"7d"`, `"1w"`, `"1mo"` or `"1y"`.

        Args:
            text: A whole number and a unit: us, ms, s, m or min (minutes), h, d, w, mo, q, y.
            name: The argument that a message names.

        Raises:
            TypeError: If `text` is no string.
            DataError: If it has another form, is zero, or longer than 8,000 years.
        """
        if not isinstance(text, str):
            raise TypeError(f'{name} must be a duration such as "1h", got {quoted(text)}')
        match = re.fullmatch(r"([0-9]{1,18})([a-z]+)", text.strip())
        if match is None or match[2] not in _UNITS:
            raise DataError(f"{name} must {_RULE}, got {quoted(text)}")
        size, unit = _UNITS[match[2]]
        if int(match[1]) == 0:
            raise DataError(f"{name} must be at least 1{match[2]}, got {quoted(text)}")
        if int(match[1]) * size > _LONGEST[unit]:
            raise DataError(f"{name} must be at most 8000y, got {quoted(text)}")
        return cls(int(match[1]) * size, unit)

    @classmethod
    def infer(cls, times: pl.Series) -> Self:
        """Take the most common difference of sorted, distinct stamps.

        Stamps that share their day of the month and time of day (or all end a month) are calendar
        months. So are stamps of which more are 28 to 31 days apart than share one difference, and
        likewise three (89 to 92 days) and twelve months (365 or 366). Otherwise the most common
        difference counts, in microseconds. Numbers of rows are one row apart.

        Args:
            times: Datetime, or the numbers of rows, sorted, without repeats or nulls.

        Raises:
            DataError: If there are fewer than 3 stamps.
            IrregularError: If the chosen difference is that of less than half of them.
        """
        if times.dtype.is_integer():
            return cls(1, "row")
        if len(times) < 3:
            raise DataError(
                f"time must hold at least 3 different stamps to tell their frequency, "
                f"got {len(times)}"
            )
        return cls._from_months(times) or cls._from_differences(times)

    @classmethod
    def _from_months(cls, times: pl.Series) -> Self | None:
        if not (_one_day_of_month(times) and times.dt.time().n_unique() == 1):
            return None
        months = (times.dt.year().cast(pl.Int64) * 12 + times.dt.month()).diff().drop_nulls()
        count, share = _most_common(months)
        return cls(count, "mo") if share >= 0.5 else None

    @classmethod
    def _from_differences(cls, times: pl.Series) -> Self:
        steps = times.cast(pl.Datetime("us")).diff().drop_nulls().dt.total_microseconds()
        step, share = _most_common(steps)
        for months, (low, high) in _MONTH_DAYS.items():
            of_months = float(steps.is_between(low * _DAY, high * _DAY).sum()) / len(steps)
            if of_months >= 0.5 and of_months > share:
                return cls(months, "mo")
        if share >= 0.5:
            return cls(step, "us")
        raise IrregularError(
            "time must advance by one step in at least half of the rows, got "
            f"{Frequency(step, 'us')} as the most common one, in {share:.0%} of them"
            f"{resample_advice(times)}"
        )

    def __str__(self) -> str:
        """Return the shortest name, `7d` being `1w` and `12mo` being `1y`; `1 row` of rows."""
        if self.unit == "row":
            return f"{self.count} row"
        names = _FIXED if self.unit == "us" else _MONTHS
        unit = next(name for name, size in names.items() if self.count % size == 0)
        return f"{self.count // names[unit]}{unit}"

    @property
    def of_time(self) -> bool:
        """Whether the steps are times, not rows."""
        return self.unit != "row"

    @property
    def seconds(self) -> float:
        """Seconds of a step; a month has those of an average one."""
        return self.count / _SECOND if self.unit == "us" else self.count * 365.25 / 12 * 86_400

    def steps(self, duration: str | int, name: str = "horizon") -> int:
        """Turn a duration such as `"1d"`, or a number of steps, into a number of steps.

        Raises:
            TypeError: If `duration` is neither a string nor an integer.
            DataError: If it is less than one step or not a whole number of them; months are never
                a whole number of fixed steps, nor the other way round, and no time is one of rows.
        """
        if isinstance(duration, str) and re.fullmatch(r"[+-]?\d+", duration.strip()):
            duration = int(duration)
        if isinstance(duration, bool) or not isinstance(duration, int | str):
            raise TypeError(
                f'{name} must be a number of steps or a duration such as "1d", got '
                f"{quoted(duration)}"
            )
        if isinstance(duration, str) and not self.of_time:
            raise DataError(
                f"{name} must be a number of rows where the rows are the steps, got "
                f"{quoted(duration)}; "
                "pass how many rows that is"
            )
        if isinstance(duration, str):
            return self._whole_steps(duration, name)
        if duration < 1:
            raise DataError(f"{name} must be at least 1 step, got {duration}")
        return duration

    def _whole_steps(self, duration: str, name: str) -> int:
        other = Frequency.parse(duration, name)
        if other.unit != self.unit or other.count % self.count:
            raise DataError(
                f"{name} must be a multiple of the frequency {self}, got {quoted(duration)}"
            )
        return other.count // self.count

    def offset(self, start: Stamp, steps: int) -> Stamp:
        """Return the stamp `steps` (also negative) after `start`; months as in `range`."""
        if self.unit == "mo":
            return _add_months(start, np.array([self.count * steps]))[0]
        passed = self.count * steps
        return start + (timedelta(microseconds=passed) if self.of_time else passed)

    def range(self, start: Stamp, count: int) -> pl.Series:
        """Return `count` stamps from `start` on, as a series named `ds`.

        Months keep the day of `start`, or the last day of a month that is shorter; a `start` on
        the last day of its month gives last days throughout.
        """
        if self.unit == "mo":
            return _add_months(start, self.count * np.arange(count))
        steps = np.arange(count, dtype=np.int64) * self.count
        if not self.of_time:
            return pl.Series("ds", start + steps)
        return pl.Series("ds", np.datetime64(start, "us") + steps.astype("timedelta64[us]"))

    def steps_between(self, first: Stamp, last: Stamp) -> int:
        """Count the whole steps from `first` to `last`."""
        if self.unit != "mo":
            passed = last - first
            step = timedelta(microseconds=self.count) if self.of_time else self.count
            return int(passed // step)
        months = (last.year - first.year) * 12 + last.month - first.month
        steps = int(months // self.count)
        return steps if self.offset(first, steps) <= last else steps - 1

    @property
    def longest(self) -> timedelta:
        """A time that no step exceeds: months of 31 days."""
        return timedelta(31 * self.count) if self.unit == "mo" else timedelta(0, 0, self.count)


def resample_advice(times: pl.Series, least: Frequency | None = None) -> str:
    """Return the remedy to average these stamps, `; pass resample=...`, or nothing if none helps.

    It names the shortest duration that is no finer than the median distance of the stamps, and
    whose grid is long enough to learn from and not mostly empty: `least`, or else a round one.

    Args:
        times: Datetime, sorted, without repeats or nulls.
        least: The shortest duration to name.
    """
    ticks = times.cast(pl.Datetime("us")).to_physical()
    if len(ticks) < 2:
        return ""
    spacing = float(np.median(np.diff(ticks.to_numpy())))
    longer = [Frequency.parse(name) for name in _ROUND]
    if least is not None:
        longer = [least, *(one for one in longer if one.longest > least.longest)]
    for frequency in longer:
        width = frequency.longest // timedelta(microseconds=1)
        if width < spacing:
            continue
        counts = (ticks // width).unique_counts()
        # a mean over less than half of what the spacing lets expect is left missing
        filled = int((2 * spacing * counts >= width).sum())
        if filled >= max(_FEWEST_STEPS, (ticks[-1] - ticks[0]) / width / 2):
            return f"; pass {option('resample', frequency)}"
    return ""


def _most_common(values: pl.Series) -> tuple[int, float]:
    """Return the most common value, the smallest of equals, and its share."""
    counts = values.rename("value").value_counts()
    counts = counts.sort(["count", "value"], descending=[True, False])
    return int(counts["value"][0]), float(counts["count"][0]) / len(values)


def _one_day_of_month(times: pl.Series) -> bool:
    """Whether the stamps share their day of the month, or all are the last day of theirs."""
    last_days = (times.dt.date() == times.dt.date().dt.month_end()).all()
    return times.dt.day().n_unique() == 1 or bool(last_days)


def _add_months(start: Stamp, months: np.ndarray[Any, np.dtype[np.int64]]) -> pl.Series:
    """Add each number of months to `start`; see `Frequency.range` for the day."""
    stamp = np.datetime64(start, "us")
    day = stamp.astype("datetime64[D]")
    firsts = stamp.astype("datetime64[M]") + months
    lengths = ((firsts + 1).astype("datetime64[D]") - firsts.astype("datetime64[D]")).astype(int)
    ends_month = (day + 1).astype("datetime64[M]") != day.astype("datetime64[M]")
    days = lengths if ends_month else np.minimum(start.day, lengths)
    return pl.Series("ds", firsts.astype("datetime64[D]") + (days - 1) + (stamp - day))
