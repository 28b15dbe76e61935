"""Time stamps are found and read in every usual format, and refused with their row."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.errors import DataError
from lockgate.reading.tables import RawTable, read_raw
from lockgate.reading.times import find_times, time_candidates


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
def test_zones_lead_to_utc(zone: str) -> None:
    text = [f"2024-06-01T01:30:00{zone}", f"2024-06-01T02:30:00{zone}"]

    times = find_times(table(when=text))

    assert times.stamps.to_list() == [datetime(2024, 5, 31, 23, 30), datetime(2024, 6, 1, 0, 30)]
    assert times.notices == ("time 'when' tells its time zone: all stamps converted to UTC",)


@pytest.mark.parametrize("zone", ["Z", " UTC", "+00:00"])
def test_utc_stays_as_it_is(zone: str) -> None:
    times = find_times(table(when=[f"2024-06-01 01:30:00{zone}"]))

    assert times.stamps.to_list() == [datetime(2024, 6, 1, 1, 30)]
    assert len(times.notices) == 1


def test_typed_columns_need_no_format() -> None:
    zoned = pl.Series([datetime(2024, 6, 1, tzinfo=UTC)]).dt.convert_time_zone("Europe/Berlin")

    assert find_times(table(a=[date(2024, 6, 1)])).stamps.to_list() == [datetime(2024, 6, 1)]
    assert find_times(table(a=[STAMPS[0]])).stamps.to_list() == STAMPS[:1]
    assert find_times(table(a=zoned)).stamps.to_list() == [datetime(2024, 6, 1)]
    nano = pl.Series(STAMPS).cast(pl.Datetime("ns"))
    assert find_times(table(a=nano)).stamps.dtype == pl.Datetime("us")


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
    ("value", "stamp"),
    [
        ("2011", datetime(2011, 1, 1)),
        ("201112", datetime(2011, 12, 1)),
        ("20111231", datetime(2011, 12, 31)),
        ("2011123123", datetime(2011, 12, 31, 23)),
        ("201112312305", datetime(2011, 12, 31, 23, 5)),
        ("20111231230559", datetime(2011, 12, 31, 23, 5, 59)),
        (20111231, datetime(2011, 12, 31)),
    ],
)
def test_digits_are_stamps_only_where_named(value: object, stamp: datetime) -> None:
    assert find_times(table(t=[value]), "t").stamps.to_list() == [stamp]
    assert time_candidates(table(t=[value])) == []


def test_time_format_reads_anything() -> None:
    months = find_times(table(when=["Jan 05", "Feb 05"]), time_format="%b %y")
    parts = find_times(table(a=["31|1", "1|2"], b=[2011, 2011]), "a,b", "%d|%m %Y")
    seconds = find_times(table(t=[1_577_836_800, 1_577_836_860_000 // 1000]), "t", "%s")

    assert months.stamps.to_list() == [datetime(2005, 1, 1), datetime(2005, 2, 1)]
    assert parts.stamps.to_list() == [datetime(2011, 1, 31), datetime(2011, 2, 1)]
    assert seconds.stamps.to_list() == [datetime(2020, 1, 1), datetime(2020, 1, 1, 0, 1)]


def test_name_with_a_comma_is_one_column() -> None:
    raw = table(**{"date, local": ["2024-01-31"], "x": [1]})

    assert find_times(raw, "date, local").columns == ("date, local",)


def test_no_or_several_time_columns_raise() -> None:
    with pytest.raises(
        DataError,
        match=r"time must be a column of time stamps such as .* got none among Month \('1-01'\), "
        r'Sales \(\'266.0\'\); name the column or its parts, time="year,month,day,hour" \(--time',
    ):
        find_times(table(Month=["1-01", "1-02"], Sales=["266.0", "145.9"]))
    with pytest.raises(
        DataError,
        match=r"one of the columns that hold time stamps, start, end; pass time=\"start\" \(--time",
    ):
        find_times(table(start=["2024-01-31"], end=[date(2024, 1, 31)], x=[1]))


def test_unknown_names_raise() -> None:
    raw = table(Date=["2024-01-31"], hr=[1])

    with pytest.raises(DataError, match=r"columns of the table, got 'dat'; did you mean 'Date'\?"):
        find_times(raw, "dat")
    with pytest.raises(DataError, match=r"got 'minute'; the columns are Date, hr"):
        find_times(raw, "Date,minute")
    with pytest.raises(DataError, match=r"one to six different columns, got hr, hr"):
        find_times(raw, "hr,hr")


LATE = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]


@pytest.mark.parametrize(
    ("columns", "time_format", "message"),
    [
        (
            {"t": [*LATE, None], "h": [1] * 5},
            None,
            r"time 't' must hold a value in every row, got none in row 5",
        ),
        (
            {"t": [*LATE, "2024-02-31"]},
            None,
            r"time 't' must hold dates and times that exist, got '2024-02-31' in row 5; mend",
        ),
        (
            {"t": [*LATE, "05/01/2024"]},
            None,
            r"must hold stamps of one format, got '05/01/2024' in row 5, where others read %Y-",
        ),
        ({"t": [*LATE, "soon"]}, None, r"got 'soon' in row 5, where others read %Y-%m-%d; mend"),
        (
            {"t": ["1-01", "1-02"]},
            None,
            r"time 't' must hold time stamps .* got '1-01' in row 1; pass its format, time_format=",
        ),
        (
            {"t": [*LATE, "24-01-05"]},
            None,
            r"time 't' must lie in the years 1000 to 9998, got 0024-01-05 in row 5; mend",
        ),
        ({"t": [*LATE, "-024-01-05"]}, None, r"years 1000 to 9998, got -0024-01-05 in row 5"),
        ({"t": [datetime(9999, 12, 31)]}, None, r"years 1000 to 9998, got 9999-12-31 in row 1"),
        ({"t": LATE}, "%d.%m.%Y", r"stamps of the format '%d.%m.%Y', got '2024-01-01' in row 1$"),
        ({"t": LATE}, "%Y %H", r"stamps of the format '%Y %H', got '2024-01-01' in row 1$"),
        (
            {"t": [1577836800]},
            None,
            r"seconds since 1970 are time_format=\"%s\" \(--time-format %s",
        ),
        (
            {"t": [123]},
            None,
            r"time 't' must hold years, or stamps such as 20240131, got 123 in row 1",
        ),
        ({"t": [2024.5]}, None, r"time part 't' must hold whole numbers, got 2024.5 in row 1"),
        (
            {"t": [11], "m": [1]},
            None,
            r"time part 't' must hold years of four digits, got 11 in row 1",
        ),
        (
            {"y": [2023, 2023], "m": [2, 2], "d": [28, 29], "h": [0, 0]},
            None,
            r"'y,m,d,h' must hold dates and times that exist, got '2023-2-29 0:00:00' in row 2",
        ),
        ({"d": ["2023-02-28"], "h": [24]}, None, r"that exist, got '2023-02-28 24:00:00' in row 1"),
        (
            {"d": [datetime(2024, 1, 1, 5)], "h": [3]},
            None,
            r"time part 'd' must hold dates alone as other parts follow, got 2024-01-01 05:00",
        ),
        (
            {"d": LATE[:1], "h": [1], "m": [1], "s": [1], "u": [1]},
            None,
            r"time must end with the second, got 'u' after it",
        ),
        ({"t": [time(5)]}, None, r"time 't' must hold time stamps .* got '05:00:00"),
    ],
)
def test_faulty_stamps_raise(
    columns: dict[str, list[object]], time_format: str | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        find_times(table(**columns), list(columns), time_format)


def test_a_few_faulty_stamps_do_not_hide_the_column() -> None:
    assert time_candidates(table(t=[*LATE, "soon"], x=["a"] * 5)) == ["t"]
    assert time_candidates(table(t=["2024-01-01", "soon", "later", "never"])) == []
