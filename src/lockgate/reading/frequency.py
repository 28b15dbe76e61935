"""The distance between two time stamps of a regular series: fixed seconds or calendar months."""

import re
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import polars as pl

from lockgate.errors import DataError

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_MONTHS = {"y": 12, "q": 3, "mo": 1}
_UNITS: dict[str, tuple[int, Literal["s", "mo"]]] = {
    **{name: (size, "s") for name, size in _SECONDS.items()},
    **{name: (size, "mo") for name, size in _MONTHS.items()},
    "min": (60, "s"),
}
_RULE = 'be a whole number followed by s, m (or min), h, d, w, mo, q or y, such as "90m"'
_DAY = 86_400_000_000  # microseconds
# days that one, three or twelve months can last
_MONTH_DAYS = {1: (28, 31), 3: (89, 92), 12: (365, 366)}


class Frequency(NamedTuple):
    """The step of a regular time grid: `count` seconds (`"s"`) or calendar months (`"mo"`).

    A day is 86,400 seconds and a week seven days: stamps carry no time zone, so no day is longer
    than another.

    Example:
        >>> hourly = Frequency.parse("60min")
        >>> hourly, str(hourly), hourly.steps("1d"), hourly.steps(24)
        (Frequency(count=3600, unit='s'), '1h', 24, 24)
        >>> Frequency.parse("1mo").range(datetime(2024, 1, 31), 3).dt.day().to_list()
        [31, 29, 31]
    """

    count: int  # type: ignore[assignment]  # the name hides tuple.count, which nobody needs here
    unit: Literal["s", "mo"]

    @classmethod
    def parse(cls, text: str, name: str = "frequency") -> Self:
        """Read a duration such as `"90m"`, `"1h"`, `"7d"`, `"1w"`, `"1mo"`, `"1q"` or `"1y"`.

        Args:
            text: A whole number and a unit: s, m or min (minutes), h, d, w, mo, q, y.
            name: The argument that a message names.

        Raises:
            TypeError: If `text` is no string.
            DataError: If it has another form, or is zero.
        """
        if not isinstance(text, str):
            raise TypeError(f'{name} must be a duration such as "1h", got {text!r}')
        match = re.fullmatch(r"([0-9]{1,9})([a-z]+)", text.strip())
        if match is None or match[2] not in _UNITS:
            raise DataError(f"{name} must {_RULE}, got {text!r}")
        size, unit = _UNITS[match[2]]
        if int(match[1]) == 0:
            raise DataError(f"{name} must be at least 1{match[2]}, got {text!r}")
        return cls(int(match[1]) * size, unit)

    @classmethod
    def infer(cls, times: pl.Series) -> Self:
        """Take the most common difference of sorted, distinct stamps.

        Stamps that share their day of the month and time of day (or all end a month) are calendar
        months. So are stamps of which more are 28 to 31 days apart than share one difference, and
        likewise three (89 to 92 days) and twelve months (365 or 366). Otherwise the most common
        difference counts, in seconds.

        Args:
            times: Datetime, sorted, without repeats or nulls.

        Raises:
            DataError: If there are fewer than 3 stamps, the chosen difference is that of less than
                half of them, or it is no whole number of seconds.
        """
        if len(times) < 3:
            raise DataError(
                f"time must hold at least 3 different stamps to tell their frequency, "
                f'got {len(times)}; pass resample="1h" (--resample 1h)'
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
        if share >= 0.5 and step % 1_000_000 == 0:
            return cls(step // 1_000_000, "s")
        raise DataError(
            "time must advance by one whole number of seconds (or months) in at least half of the "
            f"rows, got {duration_words(step)} as the most common difference, in {share:.0%} of "
            'them; pass resample="1h" (--resample 1h)'
        )

    def __str__(self) -> str:
        """Return the shortest name, `7d` being `1w` and `12mo` being `1y`."""
        names = _SECONDS if self.unit == "s" else _MONTHS
        unit = next(name for name, size in names.items() if self.count % size == 0)
        return f"{self.count // names[unit]}{unit}"

    def steps(self, duration: str | int, name: str = "horizon") -> int:
        """Turn a duration such as `"1d"`, or a number of steps, into a number of steps.

        Raises:
            TypeError: If `duration` is neither a string nor an integer.
            DataError: If it is less than one step or not a whole number of them; months are never
                a whole number of fixed steps, nor the other way round.
        """
        if isinstance(duration, str) and re.fullmatch(r"[+-]?\d+", duration.strip()):
            duration = int(duration)
        if isinstance(duration, bool) or not isinstance(duration, int | str):
            raise TypeError(
                f'{name} must be a number of steps or a duration such as "1d", got {duration!r}'
            )
        if isinstance(duration, str):
            return self._whole_steps(duration, name)
        if duration < 1:
            raise DataError(f"{name} must be at least 1 step, got {duration}")
        return duration

    def _whole_steps(self, duration: str, name: str) -> int:
        other = Frequency.parse(duration, name)
        if other.unit != self.unit or other.count % self.count:
            raise DataError(f"{name} must be a multiple of the frequency {self}, got {duration!r}")
        return other.count // self.count

    def offset(self, start: datetime, steps: int) -> datetime:
        """Return the stamp `steps` (also negative) after `start`; months as in `range`."""
        if self.unit == "s":
            return start + timedelta(seconds=self.count * steps)
        stamp: datetime = _add_months(start, np.array([self.count * steps]))[0]
        return stamp

    def range(self, start: datetime, count: int) -> pl.Series:
        """Return `count` stamps from `start` on, as a series of datetimes named `ds`.

        Months keep the day of `start`, or the last day of a month that is shorter; a `start` on
        the last day of its month gives last days throughout.
        """
        if self.unit == "mo":
            return _add_months(start, self.count * np.arange(count))
        steps = np.arange(count, dtype=np.int64) * (self.count * 1_000_000)
        return pl.Series("ds", np.datetime64(start, "us") + steps.astype("timedelta64[us]"))

    def steps_between(self, first: datetime, last: datetime) -> int:
        """Count the whole steps from `first` to `last`."""
        if self.unit == "s":
            return (last - first) // timedelta(seconds=self.count)
        months = (last.year - first.year) * 12 + last.month - first.month
        steps = months // self.count
        return steps if self.offset(first, steps) <= last else steps - 1

    @property
    def longest(self) -> timedelta:
        """A time that no step exceeds: months of 31 days."""
        return timedelta(seconds=self.count) if self.unit == "s" else timedelta(31 * self.count)


def _most_common(values: pl.Series) -> tuple[int, float]:
    """Return the most common value, the smallest of equals, and its share."""
    counts = values.rename("value").value_counts()
    counts = counts.sort(["count", "value"], descending=[True, False])
    return int(counts["value"][0]), float(counts["count"][0]) / len(values)


def _one_day_of_month(times: pl.Series) -> bool:
    """Whether the stamps share their day of the month, or all are the last day of theirs."""
    last_days = (times.dt.date() == times.dt.date().dt.month_end()).all()
    return times.dt.day().n_unique() == 1 or bool(last_days)


def duration_words(microseconds: float) -> str:
    """Write a time difference as a duration, `90m`, or in seconds where they are no whole ones."""
    if microseconds % 1_000_000:
        return f"{microseconds / 1e6:g} s"
    return str(Frequency(int(microseconds) // 1_000_000, "s"))


def _add_months(start: datetime, months: np.ndarray[Any, np.dtype[np.int64]]) -> pl.Series:
    """Add each number of months to `start`; see `Frequency.range` for the day."""
    stamp = np.datetime64(start, "us")
    day = stamp.astype("datetime64[D]")
    firsts = stamp.astype("datetime64[M]") + months
    lengths = ((firsts + 1).astype("datetime64[D]") - firsts.astype("datetime64[D]")).astype(int)
    ends_month = (day + 1).astype("datetime64[M]") != day.astype("datetime64[M]")
    days = lengths if ends_month else np.minimum(start.day, lengths)
    return pl.Series("ds", firsts.astype("datetime64[D]") + (days - 1) + (stamp - day))
