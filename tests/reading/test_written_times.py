"""Stamps in text are read by the format that they show, or that is named."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.reading.tables import RawTable, read_raw
from lockgate.reading.times import find_times
from lockgate.reading.zones import wall_clock


def table(**columns: Sequence[object]) -> RawTable:
    return read_raw(pl.DataFrame(columns, strict=False))


STAMPS = [datetime(2024, 1, 31, 18), datetime(2024, 2, 1), datetime(2024, 12, 25, 13, 45, 7)]
DATES = [datetime(2024, 1, 31), datetime(2024, 2, 1), datetime(2024, 12, 25)]


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S.%f",
        "%Y/%m/%d %H:%M:%S",
        "%d.%m.%Y %H:%M:%S",
        "%d/%m/%Y %H:%M:%S",
        "%m/%d/%Y %H:%M:%S",
        "%m-%d-%Y %H:%M:%S",
        "%d/%m/%Y %H.%M.%S",
        "%m/%d/%Y %I:%M:%S %p",
    ],
)
def test_stamps_read_back(form: str) -> None:
    text = [stamp.strftime(form) for stamp in STAMPS]

    times = find_times(table(x=[1, 2, 3], when=text))

    assert times.stamps.to_list() == STAMPS
    assert times.stamps.dtype == pl.Datetime("us")
    assert (times.stamps.name, times.columns, times.notices) == ("ds", ("when",), ())


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"])
def test_dates_read_back(form: str) -> None:
    assert find_times(table(when=[d.strftime(form) for d in DATES])).stamps.to_list() == DATES


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("1/31/2011", datetime(2011, 1, 31)),
        ("31.1.2011 9:05", datetime(2011, 1, 31, 9, 5)),
        ("2011-01-31 18", datetime(2011, 1, 31, 18)),
        ("1749-01", datetime(1749, 1, 1)),
        ("2011/12", datetime(2011, 12, 1)),
        ("2011-01-31 18:00:00.25", datetime(2011, 1, 31, 18, 0, 0, 250_000)),
        ("1/31/2011 12:30 AM", datetime(2011, 1, 31, 0, 30)),
    ],
)
def test_short_stamps_are_read(text: str, stamp: datetime) -> None:
    assert find_times(table(when=[text])).stamps.to_list() == [stamp]


def test_fractions_may_come_and_go() -> None:
    text = ["2024-01-01 00:00:00", "2024-01-01 00:00:00.5", "2024-01-01 00:00:01"]

    assert [t.microsecond for t in find_times(table(when=text)).stamps] == [0, 500_000, 0]


@pytest.mark.parametrize("zone", ["+02:00", "+0200", " +02:00", "+02"])
def test_an_offset_is_kept(zone: str) -> None:
    text = [f"2024-06-01T01:30:00{zone}", f"2024-06-01T02:30:00{zone}"]

    times = find_times(table(when=text))

    assert times.stamps.dtype == pl.Datetime("us", "Etc/GMT-2")
    assert wall_clock(times.stamps).to_list() == [datetime(2024, 6, 1, h, 30) for h in (1, 2)]
    assert times.tells_zone
    assert times.notices[0].startswith("time 'when' is +02:00 throughout: taken as Etc/GMT-2; ")


@pytest.mark.parametrize("zone", ["Z", " UTC", "+00:00"])
def test_utc_stays_as_it_is(zone: str) -> None:
    times = find_times(table(when=[f"2024-06-01 01:30:00{zone}"]))

    assert times.stamps.dtype == pl.Datetime("us", "UTC")
    assert wall_clock(times.stamps).to_list() == [datetime(2024, 6, 1, 1, 30)]
    assert times.notices == ("time 'when' is in UTC",)


def test_order_of_rows_tells_day_from_month() -> None:
    # both orders read everywhere; only one of them rises
    days = ["01/02/2024", "02/02/2024", "01/03/2024"]
    months = ["01/02/2024", "02/01/2024", "02/03/2024"]

    assert [t.month for t in find_times(table(when=days)).stamps] == [2, 2, 3]
    assert [t.month for t in find_times(table(when=months)).stamps] == [1, 2, 2]
    assert [t.month for t in find_times(table(when=days[::-1])).stamps] == [3, 2, 2]


def test_day_and_month_that_cannot_be_told_raise() -> None:
    text = ["01/02/2024", "01/03/2024", "01/04/2024"]
    message = (
        r"time 'when' must tell day and month apart, got stamps that read as %d/%m/%Y and as "
        r'%m/%d/%Y; pass time_format="%d/%m/%Y" \(--time-format %d/%m/%Y\)'
    )

    with pytest.raises(DataError, match=message):
        find_times(table(when=text))
    assert find_times(table(when=text), time_format="%m/%d/%Y").stamps[2] == datetime(2024, 1, 4)
    assert find_times(table(when=["02/02/2024", "03/03/2024"])).stamps[1] == datetime(2024, 3, 3)


@pytest.mark.parametrize(
    ("text", "stamps"),
    [
        (["1980Q1", "1980Q2"], [datetime(1980, 1, 1), datetime(1980, 4, 1)]),
        (["1980-Q3", "1980-Q4"], [datetime(1980, 7, 1), datetime(1980, 10, 1)]),
        (["1980 q3", "1980 q4"], [datetime(1980, 7, 1), datetime(1980, 10, 1)]),
        (["Q1 1980", "Q2 1980"], [datetime(1980, 1, 1), datetime(1980, 4, 1)]),
        (["Q1/1980", "Q2/1980"], [datetime(1980, 1, 1), datetime(1980, 4, 1)]),
        (["2024M05", "2024M06"], [datetime(2024, 5, 1), datetime(2024, 6, 1)]),
        (["2024-W05", "2024-W06"], [datetime(2024, 1, 29), datetime(2024, 2, 5)]),
        (["2024W05", "2024W06"], [datetime(2024, 1, 29), datetime(2024, 2, 5)]),
        (["2020-W53", "2021-W01"], [datetime(2020, 12, 28), datetime(2021, 1, 4)]),
        (["2024-W05-1", "2024-W05-7"], [datetime(2024, 1, 29), datetime(2024, 2, 4)]),
        (["2024W051", "2024W057"], [datetime(2024, 1, 29), datetime(2024, 2, 4)]),
    ],
)
def test_quarters_and_weeks_are_their_first_day(text: list[str], stamps: list[datetime]) -> None:
    assert find_times(table(when=text, x=[1, 2])).stamps.to_list() == stamps


def test_quarters_and_weeks_that_do_not_exist_raise() -> None:
    with pytest.raises(DataError, match=r"got '1980Q5' in row 2, where others read %YQ%q; mend"):
        find_times(table(when=["1980Q1", "1980Q5"]), "when")
    with pytest.raises(DataError, match=r"dates and times that exist, got '2024-W53' in row 2"):
        find_times(table(when=["2024-W05", "2024-W53", "2025-W01"]))


def test_time_format_reads_anything() -> None:
    months = find_times(table(when=["Jan 05", "Feb 05"]), time_format="%b %y")
    parts = find_times(table(a=["31|1", "1|2"], b=[2011, 2011]), "a,b", "%d|%m %Y")
    seconds = find_times(table(t=[1_577_836_800, 1_577_836_860_000 // 1000]), "t", "%s")

    assert months.stamps.to_list() == [datetime(2005, 1, 1), datetime(2005, 2, 1)]
    assert parts.stamps.to_list() == [datetime(2011, 1, 31), datetime(2011, 2, 1)]
    assert seconds.stamps.to_list() == [datetime(2020, 1, 1), datetime(2020, 1, 1, 0, 1)]
