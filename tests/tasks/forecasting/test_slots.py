"""Slots lead from steps to stamps and back, over changes of daylight saving."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from pydantic import ValidationError

from lockgate import DataError
from lockgate.reading.frequency import Frequency
from lockgate.tasks.forecasting.slots import Slots


def zoned(zone: str, *stamps: str) -> pl.Series:
    utc = pl.Series("ds", stamps).str.to_datetime("%Y-%m-%d %H:%M%z", time_unit="us")
    return utc.dt.convert_time_zone(zone)


@pytest.mark.parametrize(
    ("step", "zone", "last", "following"),
    [
        ("1h", "Europe/Berlin", "2024-03-31 01:00+0100", ["03:00+02:00", "04:00+02:00"]),
        ("1h", "Europe/Berlin", "2024-10-27 02:00+0200", ["02:00+01:00", "03:00+01:00"]),
        ("1d", "Europe/Berlin", "2024-03-31 00:00+0100", ["00:00+02:00", "00:00+02:00"]),
        ("1w", "America/New_York", "2024-11-01 00:00-0400", ["00:00-05:00", "00:00-05:00"]),
        ("1mo", "America/New_York", "2024-03-01 00:00-0500", ["00:00-04:00", "00:00-04:00"]),
        # where daylight saving began at midnight, the day begins at 1
        ("1d", "America/Sao_Paulo", "2018-11-03 00:00-0300", ["01:00-02:00", "00:00-02:00"]),
    ],
)
def test_steps_follow_their_clock_over_a_change(
    step: str, zone: str, last: str, following: list[str]
) -> None:
    slots = Slots.of(Frequency.parse(step), zone)
    stamps = zoned(zone, last)

    after = slots.after(stamps, 2)

    assert after.dtype == pl.Datetime("us", zone)
    assert after.dt.to_string("%H:%M%:z").to_list() == following
    assert slots.stamps(slots.ruler(after)).equals(after)
    ruler = slots.ruler(pl.concat([stamps, after]))
    assert step == "1mo" or ruler.diff().drop_nulls().n_unique() == 1


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata", "Africa/Cairo", "Pacific/Apia"])
@pytest.mark.parametrize("step", ["30m", "1h", "6h", "1d"])
def test_the_ruler_and_the_stamps_are_inverse(step: str, zone: str | None) -> None:
    slots = Slots.of(Frequency.parse(step), zone)
    every = Frequency.parse(step).longest
    ruler = pl.Series("ds", [datetime(2022, 12, 30) + k * every for k in range(2_000)])

    stamps = slots.stamps(ruler.cast(pl.Datetime("us")))

    assert stamps.is_sorted()
    assert slots.ruler(stamps).to_list() == ruler.to_list()


@pytest.mark.parametrize("zone", ["Europe/Dublin", "Europe/London", "Australia/Sydney"])
def test_the_ruler_of_passing_time_shows_the_clock_of_winter(zone: str) -> None:
    noons = pl.Series([datetime(2020, month, 15, 12) for month in range(1, 13)])

    ruler = Slots.of(Frequency.parse("6h"), zone).ruler(noons.dt.replace_time_zone(zone))

    assert {stamp.hour for stamp in ruler} == {11, 12}


def test_a_day_that_a_zone_skipped_has_the_stamp_of_the_next() -> None:
    days = pl.Series([datetime(2011, 12, day) for day in (29, 30, 31)], dtype=pl.Datetime("us"))

    stamps = Slots.of(Frequency.parse("1d"), "Pacific/Apia").stamps(days)

    assert stamps.dt.day().to_list() == [29, 31, 31]


def test_slots_without_a_zone_have_days_of_24_hours() -> None:
    slots = Slots.of(Frequency.parse("1d"), None)

    assert not slots.by_wall_clock
    days = pl.Series("ds", [datetime(2024, 3, 30)], pl.Datetime("us"))
    assert slots.after(days, 2).to_list() == [datetime(2024, 3, 30) + timedelta(k) for k in (1, 2)]


BUSINESS = Slots(step="1d", opening=((0, 5 * 86_400),))
SHOP = Slots(
    step="1h",
    zone="Europe/Berlin",
    opening=tuple((day * 86_400 + 9 * 3_600, day * 86_400 + 18 * 3_600) for day in range(5)),
)
SATURDAYS = Slots(step="1h", opening=((9 * 3_600, 18 * 3_600), (5 * 86_400, 5 * 86_400 + 7_200)))


@pytest.mark.parametrize(
    ("slots", "duration", "steps"),
    [
        (BUSINESS, "5d", 5),
        (BUSINESS, "1w", 5),
        (BUSINESS, "10d", 10),
        (BUSINESS, "2w", 10),
        (BUSINESS, 3, 3),
        (BUSINESS, "3", 3),
        (SHOP, "1d", 9),
        (SHOP, "1w", 45),
        (SHOP, "4h", 4),
        (SATURDAYS, "1w", 11),
    ],
)
def test_durations_count_open_slots(slots: Slots, duration: str | int, steps: int) -> None:
    assert slots.steps(duration) == steps


def test_days_of_unlike_hours_are_no_duration() -> None:
    message = (
        r"lookback must be a number of steps or weeks where days have unlike hours "
        r"\(Mon 09:00 to 17:00 \(9 slots\), Sat 00:00 to 01:00 \(2 slots\)\), got '2d'"
    )

    with pytest.raises(DataError, match=message):
        SATURDAYS.steps("2d", "lookback")
    with pytest.raises(DataError, match="horizon must be at least 1w"):
        SATURDAYS.steps("0w")


@pytest.mark.parametrize(
    ("slots", "periods"),
    [(BUSINESS, (5, 261)), (SHOP, (9, 45, 2348)), (SATURDAYS, (11, 574))],
)
def test_seasons_are_counted_in_slots(slots: Slots, periods: tuple[int, ...]) -> None:
    assert slots.periods() == periods


def test_steps_go_on_behind_what_is_closed() -> None:
    friday = pl.Series("ds", [datetime(2024, 3, 29)], pl.Datetime("us"))
    closing = zoned("Europe/Berlin", "2024-03-29 17:00+0100")

    days = BUSINESS.after(friday, 6).dt.to_string("%a %d").to_list()
    hours = SHOP.after(closing, 10).dt.to_string("%a %H:%M%:z").to_list()

    assert days == ["Mon 01", "Tue 02", "Wed 03", "Thu 04", "Fri 05", "Mon 08"]
    assert hours[0] == "Mon 09:00+02:00"  # summer has begun meanwhile
    assert hours[8:] == ["Mon 17:00+02:00", "Tue 09:00+02:00"]


def business_days(*without: int) -> pl.Series:
    """Twelve weeks of business days from Monday, less those of some places."""
    days = [datetime(2024, 1, 1) + timedelta(k) for k in range(84) if k % 7 < 5]
    kept = [day for place, day in enumerate(days) if place not in without]
    return pl.Series("ds", kept, pl.Datetime("us"))


@pytest.mark.parametrize(
    ("without", "closed", "absent"),
    [
        ((), 0, 0),
        ((11,), 1, 0),  # a holiday
        ((11, 30, 31), 2, 0),
        (tuple(range(20, 25)), 1, 0),  # a week between two weekends
        (tuple(range(20, 26)), 0, 6),  # more than that is a gap
    ],
)
def test_a_few_whole_days_are_closed_and_more_are_a_gap(
    without: tuple[int, ...], closed: int, absent: int
) -> None:
    seen = business_days(*without)

    slots = Slots(step="1d").opened(seen, "auto").with_holidays(seen)
    places, holidays = slots.laid_out(seen)

    assert slots.opening == BUSINESS.opening
    assert len(places) - len(seen) == absent
    assert len(places) == 60 - (len(without) - absent)
    assert (len(holidays) > 0) == (closed > 0)


def test_many_empty_days_are_gaps_all_of_them() -> None:
    seen = business_days(*range(4, 60, 7))

    slots = Slots(step="1d").opened(seen, "auto").with_holidays(seen)

    assert slots.opening
    assert not slots.holidays
    assert len(slots.laid_out(seen)[0]) == 60


def test_a_row_where_it_is_closed_is_a_slot() -> None:
    sunday = pl.Series("ds", [datetime(2024, 2, 4)], pl.Datetime("us"))
    seen = pl.concat([business_days(), sunday]).sort()

    slots = Slots(step="1d").opened(seen, "auto")

    assert slots.opening == BUSINESS.opening
    assert slots.laid_out(seen)[0].to_list() == seen.to_list()


@pytest.mark.parametrize(
    "opening", [((5, 1),), ((0, 100),), ((86_400, 172_800), (0, 86_400)), ((-86_400, 0),)]
)
def test_an_opening_that_no_stamps_show_is_refused(opening: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValidationError, match="opening must be whole steps of a week, in order"):
        Slots(step="1d", opening=opening)
