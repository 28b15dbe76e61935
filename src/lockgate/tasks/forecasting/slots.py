"""The slots of a regular series: from steps to stamps and back, in its zone, on its calendar."""

import re
from datetime import datetime, timedelta
from typing import Literal, Self, TypeAlias, TypeGuard

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, model_validator

from lockgate.errors import DataError, quoted
from lockgate.reading.frequency import Frequency
from lockgate.reading.zones import check_zone, instants, offsets_of, wall_clock, zone_of
from lockgate.tasks.forecasting.opening import (
    WEEK,
    Opening,
    Seconds,
    find_opening,
    is_within,
    opening_words,
    slots_by_day,
)
from lockgate.tasks.forecasting.seasons import calendar_periods

Calendar: TypeAlias = Literal["auto", "always", "observed", "irregular"]
BY_ROWS = ("observed", "irregular")
"""Calendars by which each observed stamp is the next step."""
ROW = "1 row"
"""The step where the rows are the steps."""
DAY = timedelta(days=1)
HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400
YEAR_WEEKS = 365.25 / 7
MOST_HOLIDAYS = 5
"""Most open days in a row without a row that are taken for holidays; more are a gap."""
HOLIDAYS_AT_MOST = 0.1
"""Share of the days with rows up to which there can be holidays; with more all are gaps."""


class Slots(BaseModel):
    """The steps of a series: a frequency on the clock of a zone.

    Where the series is closed at times of the week there is no slot, and the steps go on behind.
    Steps are counted on a ruler, on which they are equally far apart (or calendar months): the
    time that passes, or the clock on the wall where a step is a day or longer, since a local day
    may have 23 or 25 hours. `ruler` and `stamps` lead from one to the other.

    Example:
        >>> from datetime import datetime
        >>> days = Slots(step="1d", zone="Europe/Berlin", by_wall_clock=True)
        >>> before = pl.Series([datetime(2024, 3, 30)]).dt.replace_time_zone("Europe/Berlin")
        >>> days.after(before, 2).dt.to_string("%d %H:%M %:z").to_list()
        ['31 00:00 +01:00', '01 00:00 +02:00']
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: str
    """The frequency, as `Frequency.parse` reads it, or `ROW`."""
    zone: str | None = None
    """Time zone of the stamps; None of stamps that tell none."""
    by_wall_clock: bool = False
    """Whether steps follow the clock on the wall."""
    forgets_zone: bool = False
    """Whether stamps in a zone are read as stamps without one, in UTC: folders written before zones
    were kept."""
    opening: Opening = ()
    """When in the week there are slots; none where the series is never closed."""
    holidays: bool = True
    """Whether a few whole days without a row, amid an opening, are closed too."""
    only_observed: bool = False
    """Whether each observed stamp is the next slot, so that there is no gap."""
    of_rows: "Slots | None" = None
    """The slots of the rows that were averaged, where they have an opening."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.zone is not None:
            check_zone(self.zone)
        frequency = self.frequency  # of a faulty step it raises
        if not self.opening:
            return self
        seconds = frequency.longest.total_seconds()
        bounds = [0, *(bound for times in self.opening for bound in times), WEEK + int(seconds)]
        whole = all((end - begin) % seconds == 0 for begin, end in self.opening)
        if bounds != sorted(bounds) or not whole or len(self.opening) > WEEK:
            raise ValueError("opening must be whole steps of a week, in order")
        return self

    @property
    def frequency(self) -> Frequency:
        """The step."""
        return Frequency(1, "row") if self.step == ROW else Frequency.parse(self.step)

    @classmethod
    def of(cls, frequency: Frequency, zone: str | None) -> Self:
        """Give the slots of a frequency: days and longer steps go by the clock on the wall."""
        by_wall_clock = zone is not None and frequency.longest >= DAY
        return cls(step=str(frequency), zone=zone, by_wall_clock=by_wall_clock)

    def ruler(self, stamps: pl.Series) -> pl.Series:
        """Return where stamps lie on the ruler, as Datetime without a zone."""
        return wall_ruler(stamps) if self.by_wall_clock else passing_ruler(stamps)

    def stamps(self, ruler: pl.Series) -> pl.Series:
        """Return the stamps of places on the ruler; the inverse of `ruler`."""
        if self.zone is None:
            return ruler
        if not self.by_wall_clock:
            utc = (ruler - _standard_offset(self.zone)).dt.replace_time_zone("UTC")
            return utc.dt.convert_time_zone(self.zone)
        zoned = _on_wall(ruler, self.zone)
        # a day whose midnight is skipped begins an hour later; Samoa has skipped a whole one
        for later in ("1h", "1d"):
            if zoned.null_count():
                zoned = zoned.fill_null(_on_wall(ruler.dt.offset_by(later), self.zone))
        return zoned

    def after(self, stamps: pl.Series, count: int) -> pl.Series:
        """Return the `count` stamps that follow `stamps`, which are all slots from the first on."""
        ruler, rows = self.ruler(stamps), len(stamps)
        if self.opening or self.only_observed:
            span = count
            if self.opening:  # with two weeks more: one that has begun, one whose clock changes
                span = (count // self._week + 2) * (WEEK // self._seconds)
            later = self._range(ruler[-1], span + 1).slice(1)
            return self.stamps(later.filter(self.is_open(later)).head(count)).rename("ds")
        # counted from the first: a short month at the end would change the day of the month
        return self.stamps(self._range(ruler[0], rows + count).tail(count)).rename("ds")

    def is_open(self, ruler: pl.Series) -> pl.Series:
        """Tell which places on the ruler are in the opening."""
        if not self.opening:
            return pl.Series([True]).new_from_index(0, len(ruler))
        return pl.Series(is_within(self.opening, self._wall_seconds(ruler)))

    def laid_out(self, seen: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Return all slots from the first to the last place that holds a row, as places.

        A place that holds a row is a slot, also where the series is closed. Whole days without a
        row, amid an opening, are closed if they are at most `MOST_HOLIDAYS` open days in a row.

        Returns:
            The slots, and the first open place of each such day.
        """
        none = seen.head(0)
        if self.only_observed:
            return seen, none
        places = self._range(seen[0], self.frequency.steps_between(seen[0], seen[-1]) + 1)
        if not self.opening:
            return places, none
        frame = pl.DataFrame({"ds": places, "day": self._wall_seconds(places) // DAY_SECONDS})
        frame = frame.with_columns(seen=places.is_in(seen.implode())).filter(
            self.is_open(places) | pl.col("seen")
        )
        if not self.holidays:
            return frame["ds"], none
        days = frame.group_by("day", maintain_order=True).agg(
            pl.col("ds").first(), empty=~pl.col("seen").any()
        )
        days = days.with_columns(run=pl.len().over(pl.col("empty").rle_id()))
        closed = days.filter(pl.col("empty") & (pl.col("run") <= MOST_HOLIDAYS))
        return frame.join(closed, on="day", how="anti", maintain_order="left")["ds"], closed["ds"]

    def opened(self, seen: pl.Series, calendar: Calendar) -> Self:
        """Return the slots of a series that holds rows at the places `seen`.

        Args:
            seen: Places on the ruler, sorted.
            calendar: `"auto"` finds when the series is closed, `"always"` never is, `"observed"`
                and `"irregular"` take each place as the next slot.
        """
        if not self.frequency.of_time:
            return self
        whole = self.frequency.unit != "mo" and not self.frequency.longest % timedelta(seconds=1)
        if calendar == "always" or not whole:
            return self.model_copy(update={"only_observed": calendar in BY_ROWS})
        seconds = self._wall_seconds(seen)
        if calendar == "irregular":
            return self.model_copy(update={"only_observed": True})
        if calendar == "observed":
            # those that hold a row in most weeks tell where forecasts are
            opening = find_opening(seconds, self._seconds, open_from=0.5, clear=False)
            return self.model_copy(update={"only_observed": True, "opening": opening})
        return self.model_copy(update={"opening": find_opening(seconds, self._seconds)})

    def with_holidays(self, seen: pl.Series) -> Self:
        """Tell whether whole days without a row are closed: if they are few of the days."""
        if not self.opening or self.only_observed:
            return self
        days = len(np.unique(self._wall_seconds(seen) // DAY_SECONDS))
        few = len(self.laid_out(seen)[1]) <= HOLIDAYS_AT_MOST * days
        return self.model_copy(update={"holidays": few})

    def steps(self, duration: str | int, name: str = "horizon") -> int:
        """Turn a duration, or a number of steps, into a number of steps.

        Where the series is closed at times, a duration counts the slots in it: weeks are whole
        weeks, days are open days, and what is shorter is open time. A week of business days has 5
        steps, and so have 5 days.

        Raises:
            TypeError: If `duration` is neither a string nor an integer.
            DataError: If it is less than one step or no whole number of them.
        """
        unit = re.fullmatch(r"\s*([0-9]{1,9})([wd])\s*", duration) if self._told(duration) else None
        if unit is None:
            return self.frequency.steps(duration, name)
        Frequency.parse(str(duration), name)
        if unit[2] == "w":
            return int(unit[1]) * self._week
        if self._day is None:
            raise DataError(
                f"{name} must be a number of steps or weeks where days have unlike hours "
                f"({self.words}), got {quoted(duration)}"
            )
        return int(unit[1]) * self._day

    def periods(self) -> tuple[int, ...]:
        """Return how many slots the cycles of the calendar take; see `seasons.calendar_periods`."""
        if not self.opening:
            return calendar_periods(self.frequency)
        hour = HOUR_SECONDS // self._seconds if HOUR_SECONDS % self._seconds == 0 else 0
        year = round(self._week * YEAR_WEEKS)
        return tuple(p for p in sorted({hour, self._day or 0, self._week, year}) if p >= 2)

    @property
    def words(self) -> str:
        """When there are slots, in words."""
        if self.only_observed:
            return "every observed stamp is the next step"
        return opening_words(self.opening, self._seconds) if self.opening else "always open"

    @property
    def spacing(self) -> str:
        """How stamps that come lie, in words."""
        if not self.opening:
            return f"{self.step} apart"
        return f"{self.step} apart, {opening_words(self.opening, self._seconds)}"

    @property
    def open_share(self) -> float:
        """The share of all steps that are slots."""
        return self._week * self._seconds / WEEK if self.opening else 1.0

    def _told(self, duration: str | int) -> TypeGuard[str]:
        return bool(self.opening) and isinstance(duration, str)

    def _range(self, first: datetime, count: int) -> pl.Series:
        places = self.frequency.range(first, count)
        return places.cast(pl.Datetime("us")) if self.frequency.of_time else places

    def _wall_seconds(self, ruler: pl.Series) -> Seconds:
        wall = wall_clock(self.stamps(ruler)).cast(pl.Datetime("us"))
        return np.asarray(wall.cast(pl.Int64).to_numpy() // 1_000_000)

    @property
    def _seconds(self) -> int:
        return int(self.frequency.longest.total_seconds())

    @property
    def _week(self) -> int:
        return sum(slots_by_day(self.opening, self._seconds))

    @property
    def _day(self) -> int | None:
        """Slots of an open day, where all have equally many."""
        counts = {count for count in slots_by_day(self.opening, self._seconds) if count}
        return counts.pop() if len(counts) == 1 else None


def passing_ruler(stamps: pl.Series) -> pl.Series:
    """Return the time that passes: UTC, moved so that its days begin with winter's in the zone."""
    zone = zone_of(stamps)
    return instants(stamps) if zone is None else instants(stamps) + _standard_offset(zone)


def wall_ruler(stamps: pl.Series) -> pl.Series:
    """Return the clock on the wall; a day that begins an hour late begins at midnight."""
    if zone_of(stamps) is None:
        return stamps
    wall = wall_clock(stamps)
    just_before = wall_clock(stamps.dt.offset_by("-1us"))
    begins = (just_before.dt.date() != wall.dt.date()).rename("begins")
    return pl.select(pl.when(begins).then(wall.dt.truncate("1d")).otherwise(wall)).to_series()


def _on_wall(ruler: pl.Series, zone: str) -> pl.Series:
    return ruler.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")


def _standard_offset(zone: str) -> timedelta:
    """Return how far winter's clock is ahead of UTC; one number for all years of the zone."""
    # north or south, one of the two is in winter
    seasons = pl.Series([datetime(2024, 1, 1), datetime(2024, 7, 1)]).dt.replace_time_zone(zone)
    offset: timedelta = offsets_of(seasons).min()  # type: ignore[assignment]
    return offset
