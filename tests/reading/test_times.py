"""Time stamps are found and read in every usual format, and refused with their row."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.reading.tables import RawTable, read_raw
from lockgate.reading.times import find_times, row_numbers, time_candidates


def table(**columns: Sequence[object]) -> RawTable:
    return read_raw(pl.DataFrame(columns, strict=False))


STAMPS = [datetime(2024, 1, 31, 18), datetime(2024, 2, 1), datetime(2024, 12, 25, 13, 45, 7)]
DATES = [datetime(2024, 1, 31), datetime(2024, 2, 1), datetime(2024, 12, 25)]
SECONDS = [1_714_550_400, 1_714_554_000, 1_714_557_600]
EIGHT = [datetime(2024, 5, 1, hour) for hour in (8, 9, 10)]
LATE = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]


def test_typed_columns_need_no_format() -> None:
    zoned = pl.Series([datetime(2024, 6, 1, tzinfo=UTC)]).dt.convert_time_zone("Europe/Berlin")

    assert find_times(table(a=[date(2024, 6, 1)])).stamps.to_list() == [datetime(2024, 6, 1)]
    assert find_times(table(a=[STAMPS[0]])).stamps.to_list() == STAMPS[:1]
    assert find_times(table(a=zoned)).stamps.to_list() == zoned.to_list()
    assert find_times(table(a=zoned)).stamps.dtype == pl.Datetime("us", "Europe/Berlin")
    nano = pl.Series(STAMPS).cast(pl.Datetime("ns"))
    assert find_times(table(a=nano)).stamps.dtype == pl.Datetime("us")


def test_a_zone_that_is_named_is_the_clock_of_stamps() -> None:
    bare, told = ["2024-07-01 12:00:00"], ["2024-07-01 12:00:00+00:00"]
    since_1970 = find_times(table(t=[1_719_835_200]), "t", "%s", zone="America/New_York")

    for stamps, shows in (
        (find_times(table(when=bare), zone="America/New_York").stamps, "12:00 -04:00"),
        (find_times(table(when=told), zone="America/New_York").stamps, "08:00 -04:00"),
        (since_1970.stamps, "08:00 -04:00"),
    ):
        assert stamps.dt.to_string("%H:%M %:z").to_list() == [shows]
    assert find_times(table(when=told), zone="America/New_York").notices == ()
    assert not find_times(table(when=bare), zone="America/New_York").tells_zone


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


@pytest.mark.parametrize("name", ["time", "Timestamp", "openTime", "ts_ms", "Date (UTC)", "epoch"])
@pytest.mark.parametrize("per_second", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("as_text", [False, True])
def test_counts_since_1970_are_found_by_the_name_of_their_column(
    name: str, per_second: int, as_text: bool
) -> None:
    values = [second * per_second for second in SECONDS]

    times = find_times(
        table(**{name: list(map(str, values)) if as_text else values, "x": [1, 2, 3]})
    )

    assert times.stamps.to_list() == EIGHT
    assert times.columns == (name,)
    assert times.notices[0].endswith("seconds since 1970, read as UTC")


def test_numbers_are_no_times_without_a_name_or_order() -> None:
    shuffled = [SECONDS[0], SECONDS[2], SECONDS[1]]

    assert time_candidates(table(visits=SECONDS)) == []
    assert time_candidates(table(time=shuffled)) == []
    assert time_candidates(table(time=[0, 1, 2])) == []
    assert time_candidates(table(time=[1990, 1991, 1992])) == []
    assert time_candidates(table(date=[20240131, 20240201, 20240202])) == ["date"]
    assert time_candidates(table(ts=SECONDS, when=LATE[:3])) == ["when"]
    assert find_times(table(visits=shuffled), "visits").stamps[1] == EIGHT[2]


def test_days_of_excel_are_read_where_named() -> None:
    hours = find_times(table(when=["45321.25", "45321.29167", "45321.33333"]), "when").stamps
    fifths = find_times(table(when=[45321 + k / 5 / 86_400 for k in range(3)]), "when").stamps

    assert hours.to_list() == [datetime(2024, 1, 30, hour) for hour in (6, 7, 8)]
    assert fifths.dt.microsecond().to_list() == [0, 200_000, 400_000]


@pytest.mark.parametrize(
    ("columns", "remedy", "stamps"),
    [
        ({"Year": [1980, 1981]}, 'time="Year" (--time Year)', [1980, 1981]),
        ({"yr": ["1980", "1980"], "mo": ["1", "2"]}, 'time="yr,mo" (--time yr,mo)', [1980, 1980]),
        # of several series
        ({"Year": [1980, 1981] * 9}, 'time="Year" (--time Year)', [1980, 1981] * 9),
        ({"date": ["45321", "45322"]}, 'time="date" (--time date)', [2024, 2024]),
        ({"ym": [202401, 202402]}, 'time="ym" (--time ym)', [2024, 2024]),
        (
            {"when": ["31-Jan-24", "29-Feb-24"]},
            'time="when" (--time when) and time_format="%d-%b-%y" (--time-format %d-%b-%y)',
            [2024, 2024],
        ),
    ],
)
def test_advice_reads_the_stamps(
    columns: dict[str, list[object]], remedy: str, stamps: list[int]
) -> None:
    raw = table(**columns, x=[7.5, 3] * (len(stamps) // 2))

    with pytest.raises(DataError) as error:
        find_times(raw)

    assert f"; pass {remedy}; or, where the rows are equal steps" in str(error.value)
    advised = dict(re.findall(r'(\w+)="([^"]+)"', str(error.value).split("; pass ")[1]))
    assert find_times(raw, **advised).stamps.dt.year().to_list() == stamps


def test_parts_that_give_no_stamps_are_no_advice() -> None:
    with pytest.raises(DataError, match=r"got none among month .*; where the rows"):
        find_times(table(month=[1, 2], year=["a", "b"]))
    with pytest.raises(DataError, match=r"got none among year .*; where the rows"):
        find_times(table(year=[2024] * 4, hour=[0, 1, 2, 3]))


def test_rows_are_numbered_as_in_the_source() -> None:
    raw = read_raw(pl.DataFrame({"x": [1.0, None, 3.0]}))

    assert row_numbers(raw).stamps.to_list() == [1, 3]
    assert row_numbers(raw).columns == ()


def test_name_with_a_comma_is_one_column() -> None:
    raw = table(**{"date, local": ["2024-01-31"], "x": [1]})

    assert find_times(raw, "date, local").columns == ("date, local",)


def test_no_or_several_time_columns_raise() -> None:
    with pytest.raises(
        DataError,
        match=r"time must be a column of time stamps such as .* got none among Month \('1-01'\), "
        r"Sales \('266.0'\); where the rows are .* pass row_order=True \(--row-order\)$",
    ):
        find_times(table(Month=["1-01", "1-02"], Sales=["266.0", "145.9"]))
    with pytest.raises(
        DataError, match=r"hold time stamps, start, end; pass time=\"end\" \(--time"
    ):
        find_times(table(start=["2024-01-31", "soon", "2024-03-31"], end=DATES, x=[1, 2, 3]))
    with pytest.raises(
        DataError,
        match=r"one of the columns that hold time stamps, start, end; pass time=\"start\" \(--time",
    ):
        find_times(table(start=["2024-01-31", "2024-02-01"], end=DATES[:2], x=[1, 2]))


def test_unknown_names_raise() -> None:
    raw = table(Date=["2024-01-31"], hr=[1])

    with pytest.raises(DataError, match=r"columns of the table, got 'dat'; did you mean 'Date'\?"):
        find_times(raw, "dat")
    with pytest.raises(DataError, match=r"got 'minute'; the columns are Date, hr"):
        find_times(raw, "Date,minute")
    with pytest.raises(DataError, match=r"one to six different columns, got hr, hr"):
        find_times(raw, "hr,hr")


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
            r"time 't' must hold time stamps .* got '1-01' in row 1; where .*--row-order",
        ),
        (
            {"t": [*LATE, "24-01-05"]},
            None,
            r"time 't' must lie in the years 1000 to 9998, got 0024-01-05 in row 5; mend",
        ),
        ({"t": [*LATE, "-024-01-05"]}, None, r"years 1000 to 9998, got -0024-01-05 in row 5"),
        ({"t": [datetime(9999, 12, 31)]}, None, r"years 1000 to 9998, got 9999-12-31 in row 1"),
        (
            {"t": LATE},
            "%d.%m.%Y",
            r"stamps of the format '%d.%m.%Y', got '2024-01-01' in row 1; leave",
        ),
        ({"t": LATE}, "%Y %H", r"stamps of the format '%Y %H', got '2024-01-01' in row 1; leave"),
        (
            {"t": [1577836800000]},
            "%s",
            r"stamps of the format '%s', got '1577836800000' in row 1; leave time_format out$",
        ),
        (
            {"t": ["31-Jan-24", "29-Feb-24"]},
            "%d.%m.%Y",
            r'got \'31-Jan-24\' in row 1; pass time_format="%d-%b-%y" \(--time-format %d-%b-%y\)$',
        ),
        ({"t": ["a", "b"]}, "%d.%m.%Y", r"got 'a' in row 1$"),
        ({"t": [[1], [2]]}, None, r"got values of type List\(Int64\); where the rows are equal"),
        ({"t": [timedelta(1)]}, "%s", r"got values of type Duration"),
        (
            {"t": [1577836800, 1577836860, 7]},
            None,
            r"time 't' must hold seconds since 1970 in every row, got 7 in row 3; mend or delete",
        ),
        ({"t": ["45321", "45322", "soon"]}, None, r"hold Excel's days in every row, got soon in r"),
        ({"t": [20230228, 20230229, 20230301]}, None, r"such as 20240131 in .* 20230229 in row 2"),
        (
            {"t": [123]},
            None,
            r"time 't' must hold stamps such as 20240131, counts since 1970 or Excel's days, got "
            r"123 in row 1; where the rows are equal steps .*--row-order\) in place of time$",
        ),
        ({"t": [2024.5]}, None, r"time 't' must hold stamps such as .*, got 2024.5 in row 1"),
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
    counts = [str(second) for second in range(SECONDS[0], SECONDS[0] + 20)]
    for faulty in ("soon", "5"):
        with pytest.raises(DataError, match=rf"'ts' must hold seconds .* got {faulty} in row 21"):
            find_times(table(ts=[*counts, faulty]))
    assert time_candidates(table(t=[*LATE, "soon"], x=["a"] * 5)) == ["t"]
    assert time_candidates(table(t=["2024-01-01", "soon", "later", "never"])) == []
