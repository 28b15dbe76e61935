"""Time stamps: read, laid on the steps of a model, and turned into waves."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
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
MOST_SKIPPED = 400 * 366  # slots looked at for one that is open


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
        # where each row is the next step there are no gaps to find
        self.every_row = bool(schema["every_row"]) or bool(len(self.opening))
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
            return numbers.astype(np.int64)
        array = np.asarray(values)
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
        if not isinstance(value, datetime):
            raise DataError(f"{quoted(column)} must hold stamps, got {quoted(value)}")
        if (value.tzinfo is None) != (self.zone is None):
            raise DataError(self._why_zone(column, value))
        if value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return int((value - EPOCH) // timedelta(microseconds=1))

    def _why_zone(self, column: str, value: Any) -> str:
        if self.zone is None:
            return f"{quoted(column)} must hold stamps without a time zone, got {quoted(value)}"
        return (
            f"{quoted(column)} must hold stamps with a time zone, as the model has "
            f"{self.zone.key}, got {quoted(value)}; add the offset, such as +01:00"
        )

    def wall(self, instants: Ints) -> Ints:
        """Return the clock on the wall."""
        if self.zone is None:
            return instants
        zone = self.zone
        offsets = [
            (EPOCH + timedelta(microseconds=int(one))).replace(tzinfo=UTC).astimezone(zone)
            for one in instants
        ]
        return np.array(
            [(one.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1) for one in offsets],
            dtype=np.int64,
        )

    def instants(self, wall: Ints) -> Ints:
        """Return when the clock on the wall shows this; the earlier of two."""
        if self.zone is None:
            return wall
        zone = self.zone
        found = [
            (EPOCH + timedelta(microseconds=int(one))).replace(tzinfo=zone).astimezone(UTC)
            for one in wall
        ]
        return np.array(
            [(one.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1) for one in found],
            dtype=np.int64,
        )

    def places(self, instants: Ints, column: str) -> Ints:
        """Return how many steps each stamp lies behind the first, (T,), ascending.

        Raises:
            DataError: If stamps repeat or lie off the steps.
        """
        if self.every_row:
            self._check_ascending(np.diff(instants), column)
            return np.arange(len(instants))
        ruler = self.wall(instants) if self.by_wall else instants
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
                f"{self.shown(instants[off])}, which lies between two steps"
            )
        self._check_ascending(np.diff(places), column)
        return np.asarray(places, dtype=np.int64)

    def _check_ascending(self, steps: Ints, column: str) -> None:
        if (steps <= 0).any():
            raise DataError(f"{quoted(column)} must tell the rows apart, got a stamp twice")

    def laid_out(self, instants: Ints, places: Ints) -> Ints:
        """Return the stamps of all steps from the first place to the last."""
        if self.every_row:
            return instants
        ruler = (self.wall(instants) if self.by_wall else instants)[:1]
        steps = np.arange(int(places[-1]) + 1)
        every = self._ahead(ruler, steps)
        return self.instants(every) if self.by_wall else every

    def after(self, instants: Ints, horizon: int) -> Ints:
        """Return the stamps of the steps after the last one.

        Args:
            instants: All steps of the series: months are counted from the first.
            horizon: How many.
        """
        ruler = self.wall(instants) if self.by_wall else instants
        if not len(self.opening):
            behind = len(ruler) - 1
            if self.every_row:
                ruler, behind = ruler[-1:], 0
            every = self._ahead(ruler[:1], np.arange(behind + 1, behind + 1 + horizon))
            return self.instants(every) if self.by_wall else every
        found: list[int] = []
        for step in range(1, MOST_SKIPPED):
            place = self._ahead(ruler[-1:], np.array([step]))
            stamp = self.instants(place) if self.by_wall else place
            if self._open(self.wall(stamp))[0]:
                found.append(int(stamp[0]))
                if len(found) == horizon:
                    break
        return np.array(found, dtype=np.int64)

    def _ahead(self, first: Ints, steps: Ints) -> Ints:
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
        passed = np.diff(instants, prepend=instants[:1]) / SECOND / (self.count / SECOND)
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
        zone = self.zone
        return [
            (EPOCH + timedelta(microseconds=int(one))).replace(tzinfo=UTC).astimezone(zone)
            for one in instants
        ]


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
    code, _, part = country.partition("-")
    known = holidays.country_holidays(code.upper(), subdiv=part or None, years=years, expand=False)
    days = {np.datetime64(day, "D") for day in known}
    return np.array([one in days for one in dates], dtype=np.float32)
