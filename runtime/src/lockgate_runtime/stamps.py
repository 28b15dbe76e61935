"""Time stamps: read, laid on the steps of a model, and turned into waves."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from lockgate_runtime.errors import DataError, quoted

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
SECOND = 1_000_000
DAY = 86_400 * SECOND
WEEK = 7 * DAY
YEAR_DAYS = 365.25
MONDAY = 4 * DAY  # 1970-01-01 was a Thursday
EPOCH = datetime(1970, 1, 1)
MOST_PER_ROW = 50
"""Most steps for each row: more come from a faulty stamp."""
MOST_ROW = 2**53
"""Farthest number of a row."""
MOST_HOLIDAYS = 5
"""Most open days in a row without a row that are closed, where a model has such days."""
PLAIN = "0000-00-00T00:00:00"
"""How most stamps are written, which are read at once."""
DIGITS = [place for place, mark in enumerate(PLAIN) if mark == "0"]
MARKS = [place for place, mark in enumerate(PLAIN) if mark != "0"]
BETWEEN = np.array([ord(PLAIN[place]) for place in MARKS], dtype=np.uint32)
YEAR_ONE = int(np.datetime64("0001-01-01", "us").astype(np.int64))
MONTH_SECONDS = 365.25 / 12 * 86_400


class Steps:
    """The steps of a model: what lies between two rows, on whose clock, and when there are any.

    Stamps are counted in microseconds since 1970: `instants` in UTC, or as written where the model
    has no zone. Where the rows are the steps they are numbers of rows.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self.count, self.unit = int(schema["step"]["count"]), schema["step"]["unit"]
        self.words = schema["step"]["words"]
        try:
            self.zone = None if schema["zone"] is None else ZoneInfo(schema["zone"])
        except (ZoneInfoNotFoundError, ValueError):
            raise DataError(
                f"the time zone {quoted(schema['zone'])} must be known here; "
                "pip install tzdata brings the zones"
            ) from None
        self.by_wall = bool(schema["by_wall_clock"])
        self.opening = np.array(schema["opening"], dtype=np.int64).reshape(-1, 2)
        self.closed_days = bool(schema["closed_days"])
        # where each row is the next step there are no gaps to find
        self.only_observed = bool(schema["every_row"])
        self.averaged = ""
        if schema["resample"] is not None:
            self.averaged = (
                f"; the model learned from means over {schema['resample']}, stamped at their end"
            )
        self.cycles: Sequence[str] = schema["calendar"]
        self.country: str | None = schema["holidays"]

    @property
    def of_time(self) -> bool:
        """Whether the steps are times, not rows."""
        return bool(self.unit != "row")

    def read(self, values: Sequence[Any], column: str) -> Ints:
        """Read stamps, (T,): datetimes, dates, numpy's, or text by ISO 8601; or numbers of rows.

        Raises:
            DataError: If one is none, or tells a zone where the model has none or none where it
                has one.
        """
        if not self.of_time:
            numbers = np.asarray(values)
            if numbers.dtype.kind not in "iu":
                raise DataError(
                    f"{quoted(column)} must hold whole numbers of rows, got {numbers.dtype}"
                )
            if (
                len(numbers)
                and not -MOST_ROW <= int(numbers.min()) <= int(numbers.max()) <= MOST_ROW
            ):
                raise DataError(f"{quoted(column)} must hold numbers of rows up to {MOST_ROW:,}")
            return numbers.astype(np.int64)
        # one long text would make every cell of an array as long
        texts = any(issubclass(kind, str) for kind in set(map(type, values)))
        alike = not texts or _are_long(values, len(PLAIN))
        array = np.asarray(values) if alike else np.empty(0)
        if self.zone is None and (instants := _plain(array)) is not None:
            return instants
        if array.dtype.kind == "M":
            if np.isnat(array).any():
                raise DataError(f"{quoted(column)} must hold a stamp in every row, got none in one")
            if self.zone is not None:
                raise DataError(self._why_zone(column, array[0]))
            return array.astype("datetime64[us]").astype(np.int64)
        return np.array([self._one(value, column) for value in values], dtype=np.int64)

    def _one(self, value: Any, column: str) -> int:
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError:
                raise DataError(
                    f"{quoted(column)} must hold stamps by ISO 8601, got {quoted(value)}"
                ) from None
        if isinstance(value, np.datetime64):
            value = value.astype("datetime64[us]").item()
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        if not isinstance(value, datetime) or value != value:
            raise DataError(f"{quoted(column)} must hold stamps, got {quoted(value)}")
        if (value.tzinfo is None) != (self.zone is None):
            raise DataError(self._why_zone(column, value))
        if value.tzinfo is not None:
            try:
                value = value.astimezone(UTC).replace(tzinfo=None)
            except OverflowError:
                raise DataError(
                    f"{quoted(column)} must hold stamps of the years 1 to 9999, got {quoted(value)}"
                ) from None
        return int((value - EPOCH) // timedelta(microseconds=1))

    def _why_zone(self, column: str, value: Any) -> str:
        if self.zone is None:
            return f"{quoted(column)} must hold stamps without a time zone, got {quoted(value)}"
        return (
            f"{quoted(column)} must hold stamps with a time zone, as the model has "
            f"{self.zone.key}, got {quoted(value)}; add the offset, such as +01:00"
        )

    def some(self) -> Ints:
        """Return one stamp that lies on the steps: the beginning of a year, or row 0."""
        if not self.of_time:
            return np.zeros(1, dtype=np.int64)
        start = np.array([np.datetime64("2024-01-01", "us").astype(np.int64)])
        if len(self.opening):
            every = start + np.arange(WEEK // self.count) * self.count
            start = every[self._open(every)][:1]
        return self.instants(start)

    def wall(self, instants: Ints) -> Ints:
        """Return the clock on the wall."""
        if self.zone is None:
            return instants
        offsets = _moved(instants, UTC, self.zone)
        return np.array(
            [(one.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1) for one in offsets],
            dtype=np.int64,
        )

    def instants(self, wall: Ints) -> Ints:
        """Return when the clock on the wall shows this; the earlier of two."""
        if self.zone is None:
            return wall
        found = _moved(wall, self.zone, UTC)
        return np.array(
            [(one.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1) for one in found],
            dtype=np.int64,
        )

    def axis(self, instants: Ints, column: str) -> "Axis":
        """Return the steps of all series, from the first stamp of their rows to the last.

        Raises:
            DataError: If stamps lie off the steps, or so far apart that one must be wrong.
        """
        seen = np.unique(instants)
        if self.only_observed:
            return Axis(self, seen, np.arange(len(seen)))
        ruler = self.ruler(seen)
        places = self._places(ruler, seen, column)
        if int(places[-1]) >= MOST_PER_ROW * len(instants):
            raise DataError(
                f"{quoted(column)} must hold stamps of one stretch of time, got "
                f"{int(places[-1]) + 1:,} steps of {self.words} from {self.shown(seen[0])} to "
                f"{self.shown(seen[-1])} in {len(instants):,} rows; one of them is wrong"
            )
        if len(self.opening):
            return self._opened(ruler, places)
        apart, counts = np.unique(np.diff(places), return_counts=True)
        if len(seen) > 2 and int(apart[counts.argmax()]) != 1:
            raise DataError(
                f"{quoted(column)} must hold stamps {self.words} apart, got most of them "
                f"{int(apart[counts.argmax()])} steps apart{self.averaged}"
            )
        return Axis(self, seen, places)

    def _places(self, ruler: Ints, seen: Ints, column: str) -> Ints:
        """Return how many steps each stamp lies behind the first."""
        if self.unit == "mo":
            months = _months(ruler)
            places, rest = np.divmod(months - months[0], self.count)
            rest = rest + (_add_months(ruler[:1], months - months[0]) != ruler)
        else:
            places, rest = np.divmod(ruler - ruler[0], self.count)
        if rest.any():
            off = int(np.flatnonzero(rest)[0])
            raise DataError(
                f"{quoted(column)} must hold stamps {self.words} apart, got "
                f"{self.shown(seen[off])}, which lies between two steps{self.averaged}"
            )
        return np.asarray(places, dtype=np.int64)

    def _opened(self, ruler: Ints, places: Ints) -> "Axis":
        """Leave out steps at which the series is closed, and few whole days without a row."""
        every = self.ahead(ruler[:1], np.arange(int(places[-1]) + 1))
        instants = self.instants(every) if self.by_wall else every
        wall = self.wall(instants)
        seen = np.zeros(len(every), dtype=bool)
        seen[places] = True
        kept = self._open(wall) | seen
        if self.closed_days:
            days, day = np.unique(wall[kept] // DAY, return_inverse=True)
            empty = np.bincount(day, seen[kept], len(days)) == 0
            edges = np.flatnonzero(np.diff(empty, prepend=~empty[:1]))
            runs = np.diff(edges, append=len(days))
            long = np.repeat(runs > MOST_HOLIDAYS, runs)
            kept[kept] = ~(empty & ~long)[day]
        # steps are counted without those that are left out
        counted = np.cumsum(kept) - 1
        return Axis(self, instants[kept][counted[places]], counted[places], instants[kept])

    def after(self, instants: Ints, horizon: int) -> Ints:
        """Return the stamps of the steps after the last one.

        Args:
            instants: All steps of the series: months are counted from the first.
            horizon: How many.
        """
        ruler = self.ruler(instants)
        if len(self.opening):
            # two weeks more: one that has begun, one whose clock changes
            week = WEEK // self.count
            a_week = int((self.opening[:, 1] - self.opening[:, 0]).sum()) * SECOND // self.count
            steps = np.arange(1, (horizon // a_week + 2) * week + 1)
            found = self.ahead(ruler[-1:], steps)
            found = self.instants(found) if self.by_wall else found
            return found[self._open(self.wall(found))][:horizon]
        behind = len(ruler) - 1
        if self.only_observed:
            ruler, behind = ruler[-1:], 0
        every = self.ahead(ruler[:1], np.arange(behind + 1, behind + 1 + horizon))
        return self.instants(every) if self.by_wall else every

    def ruler(self, instants: Ints) -> Ints:
        """Return places on which steps are equally far apart: time that passes, or the wall's."""
        if not self.by_wall:
            return instants
        wall = self.wall(instants)
        if self.zone is None:
            return wall
        # a day that begins an hour late begins at midnight
        begins = self.wall(instants - 1) // DAY != wall // DAY
        return np.where(begins, wall // DAY * DAY, wall)

    def ahead(self, first: Ints, steps: Ints) -> Ints:
        """Return places on the ruler so many steps after one."""
        if self.unit == "mo":
            return _add_months(first, steps * self.count)
        return np.asarray(first + steps * self.count, dtype=np.int64)

    def _open(self, wall: Ints) -> npt.NDArray[np.bool_]:
        within = (wall - MONDAY) % WEEK // SECOND
        places = np.searchsorted(self.opening.ravel(), within, side="right")
        return np.asarray(places % 2 == 1)

    @property
    def waves(self) -> int:
        """Channels that stamps alone tell."""
        return 2 * len(self.cycles) + (self.country is not None)

    def calendar(self, instants: Ints) -> Floats:
        """Return sine and cosine of every cycle, and whether it is a holiday, (T, waves)."""
        wall = self.wall(instants)
        days = wall / DAY
        phase = {
            "hour": days % 1,
            "weekday": (np.floor(days) + 3) % 7 / 7,
            "season": days % YEAR_DAYS / YEAR_DAYS,
        }
        columns = [wave(2 * np.pi * phase[c]) for c in self.cycles for wave in (np.sin, np.cos)]
        if self.country is not None:
            columns.append(_holidays(wall, self.country))
        return np.stack(columns, axis=1).astype(np.float32)

    def elapsed(self, instants: Ints) -> Floats:
        """Return log((1 + t) / 2) of the steps since the row before; 0 of the first, (T,)."""
        step = self.count * MONTH_SECONDS if self.unit == "mo" else self.count / SECOND
        passed = np.diff(instants, prepend=instants[:1]) / SECOND / step
        passed[:1] = 1.0
        return np.log((1.0 + passed) / 2.0).astype(np.float32)

    def shown(self, instant: int | np.int64) -> str:
        """Show a stamp in a sentence."""
        if not self.of_time:
            return f"row {int(instant)}"
        return str(self.given(np.array([instant]))[0])

    def given(self, instants: Ints) -> Any:
        """Return stamps as they are given back.

        Numbers of rows, `datetime64[us]`, or where the model has a zone datetimes in it.
        """
        if not self.of_time:
            return instants
        if self.zone is None:
            return instants.astype("datetime64[us]")
        return _moved(instants, UTC, self.zone)


class Axis:
    """The steps of a table, on which each series has its own.

    Args:
        steps: Of the model.
        instants: Of steps that hold a row, ascending.
        places: How many steps each of these lies behind the first.
        every: Of all steps, where they are not told by the first.
    """

    def __init__(
        self, steps: Steps, instants: Ints, places: Ints, every: Ints | None = None
    ) -> None:
        self._steps, self._instants, self._places = steps, instants, places
        self._every = instants if steps.only_observed else every

    def places(self, instants: Ints) -> Ints:
        """Return the places of some of the rows that it was made of."""
        return self._places[np.searchsorted(self._instants, instants)]

    def stamps(self, first: int, last: int) -> Ints:
        """Return the stamps of all steps from one place to another."""
        if self._every is not None:
            return self._every[first : last + 1]
        ruler = self._steps.ruler(self._instants[:1])
        every = self._steps.ahead(ruler, np.arange(first, last + 1))
        return self._steps.instants(every) if self._steps.by_wall else every


def _are_long(values: Sequence[Any], length: int) -> bool:
    try:
        return set(map(len, values)) == {length}
    except TypeError:  # of what has no length
        return False


def _plain(array: npt.NDArray[Any]) -> Ints | None:
    """Read stamps that are all written like 2024-05-01T12:00:00; None where any is not."""
    if array.dtype != np.dtype("<U19") or not len(array):
        return None
    code = np.ascontiguousarray(array).view(np.uint32).reshape(-1, 19)
    if not ((code[:, DIGITS] - ord("0")) < 10).all() or (code[:, MARKS] != BETWEEN).any():
        return None
    try:
        instants = array.astype("datetime64[us]").astype(np.int64)
    except ValueError:
        return None
    return instants if instants.min() >= YEAR_ONE else None


def _moved(instants: Ints, known: tzinfo, other: tzinfo) -> list[datetime]:
    """Return the times that a clock shows at another zone."""
    try:
        return [
            (EPOCH + timedelta(microseconds=int(one))).replace(tzinfo=known).astimezone(other)
            for one in instants
        ]
    except OverflowError:
        raise DataError(
            "stamps, and those of the steps forecast, must be of the years 1 to 9999"
        ) from None


def _months(ruler: Ints) -> Ints:
    return ruler.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)


def _add_months(first: Ints, months: Ints) -> Ints:
    """Add months to a stamp: on its day, or the last of a shorter month, as lockgate does."""
    stamp = first.astype("datetime64[us]")
    day = stamp.astype("datetime64[D]")
    firsts = stamp.astype("datetime64[M]") + months
    lengths = (firsts + 1).astype("datetime64[D]") - firsts.astype("datetime64[D]")
    ends_month = (day + 1).astype("datetime64[M]") != day.astype("datetime64[M]")
    of_month = (day - day.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    days = np.where(ends_month, lengths.astype(np.int64), np.minimum(of_month, lengths.astype(int)))
    moved = firsts.astype("datetime64[D]") + (days - 1) + (stamp - day)
    return np.asarray(moved.astype("datetime64[us]").astype(np.int64))


def _holidays(wall: Ints, country: str) -> Floats:
    try:
        import holidays
    except ModuleNotFoundError:
        raise DataError(
            'the model reads public holidays: pip install "lockgate-runtime[holidays]"'
        ) from None
    dates = wall.astype("datetime64[us]").astype("datetime64[D]")
    years = sorted({int(one) + 1970 for one in dates.astype("datetime64[Y]").astype(int)})
    code, _, part = country.upper().partition("-")
    parts = holidays.list_supported_countries(include_aliases=True).get(code, [])
    named = {name.upper(): name for name in parts}.get(part)
    known = holidays.country_holidays(code, subdiv=named, years=years, expand=False)
    days = {np.datetime64(day, "D") for day in known}
    return np.array([one in days for one in dates], dtype=np.float32)
