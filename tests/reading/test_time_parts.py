"""Columns that are parts of a time make one stamp."""

from collections.abc import Sequence
from datetime import date, datetime, time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.errors import DataError
from lockgate.reading.tables import RawTable, read_raw
from lockgate.reading.times import find_times


def table(**columns: Sequence[object]) -> RawTable:
    return read_raw(pl.DataFrame(columns, strict=False))


@settings(deadline=None)
@given(
    st.lists(st.datetimes(datetime(1000, 1, 1), datetime(9998, 1, 1)), min_size=1),
    st.integers(1, 6),
    st.booleans(),
)
def test_parts_are_year_month_day_hour_minute_second(
    stamps: list[datetime], count: int, as_text: bool
) -> None:
    fields = [(t.year, t.month, t.day, t.hour, t.minute, t.second)[:count] for t in stamps]
    names = list("abcdef")[:count]
    columns = dict(zip(names, zip(*fields, strict=True), strict=True))
    if as_text:
        columns = {name: [f"{v:02d}" for v in values] for name, values in columns.items()}

    times = find_times(table(**columns), ",".join(names))

    start = (1, 1, 1, 0, 0, 0)
    assert times.stamps.to_list() == [datetime(*f, *start[count:]) for f in fields]
    assert times.columns == tuple(names)


@pytest.mark.parametrize(
    ("columns", "stamp"),
    [
        ({"d": ["1/31/2011"], "h": ["5"]}, datetime(2011, 1, 31, 5)),
        ({"d": ["31.01.2011"], "h": [5], "m": [7.0]}, datetime(2011, 1, 31, 5, 7)),
        ({"d": ["2011-01-31"], "h": [5], "m": [7], "s": [9]}, datetime(2011, 1, 31, 5, 7, 9)),
        ({"d": ["31/01/2011"], "t": ["18.30.00"]}, datetime(2011, 1, 31, 18, 30)),
        ({"d": ["2011-01-31"], "t": ["6:30 PM"]}, datetime(2011, 1, 31, 18, 30)),
        ({"d": ["20110131"], "h": ["23"]}, datetime(2011, 1, 31, 23)),
        ({"d": [20110131], "h": [23], "m": [5]}, datetime(2011, 1, 31, 23, 5)),
        ({"d": [date(2011, 1, 31)], "h": [23]}, datetime(2011, 1, 31, 23)),
        ({"d": [date(2011, 1, 31)], "t": [time(23, 5)]}, datetime(2011, 1, 31, 23, 5)),
    ],
)
def test_date_may_be_followed_by_a_clock(columns: dict[str, list[object]], stamp: datetime) -> None:
    assert find_times(table(**columns), list(columns)).stamps.to_list() == [stamp]


@pytest.mark.parametrize(
    ("name", "values", "months"),
    [
        ("quarter", [4, 1, 2], [(2023, 10), (2024, 1), (2024, 4)]),
        ("Qtr", ["Q4", "Q1", "Q2"], [(2023, 10), (2024, 1), (2024, 4)]),
        ("Month", ["Dec", "jan.", "February"], [(2023, 12), (2024, 1), (2024, 2)]),
    ],
)
def test_a_part_may_be_a_quarter_or_the_name_of_a_month(
    name: str, values: list[object], months: list[tuple[int, int]]
) -> None:
    frame = pl.DataFrame({"Year": [2023, 2024, 2024], name: values, "y": [1.0, 2.0, 3.0]})

    stamps = find_times(read_raw(frame), f"Year,{name}").stamps

    assert stamps.to_list() == [datetime(year, month, 1) for year, month in months]


def test_a_part_may_be_a_week() -> None:
    frame = pl.DataFrame({"year": [2020, 2020, 2021], "week": [52, 53, 1], "y": [1.0, 2.0, 3.0]})

    stamps = find_times(read_raw(frame), "year,week").stamps

    assert stamps.to_list() == [
        datetime(2020, 12, 21),
        datetime(2020, 12, 28),
        datetime(2021, 1, 4),
    ]


def test_nothing_comes_behind_a_quarter() -> None:
    frame = pl.DataFrame({"year": [2020], "quarter": [1], "day": [3], "y": [1.0]})

    with pytest.raises(DataError, match="time must end with 'quarter', got 'day' after it"):
        find_times(read_raw(frame), "year,quarter,day")
