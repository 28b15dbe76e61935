"""A frequency is read, named, counted in steps, told from stamps, and laid out as a grid."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.errors import DataError
from lockgate.reading.frequency import Frequency

frequencies = st.builds(Frequency, st.integers(1, 10**6), st.sampled_from(["s", "mo"]))


def stamps(start: datetime, *steps: timedelta | relativedelta) -> pl.Series:
    times = [start]
    for step in steps:
        times.append(times[-1] + step)
    return pl.Series("ds", times)


@pytest.mark.parametrize(
    ("text", "count", "unit", "name"),
    [
        ("45s", 45, "s", "45s"),
        ("10m", 600, "s", "10m"),
        ("90min", 5400, "s", "90m"),
        ("1h", 3600, "s", "1h"),
        ("24h", 86_400, "s", "1d"),
        ("7d", 604_800, "s", "1w"),
        ("26w", 26 * 604_800, "s", "26w"),
        ("1mo", 1, "mo", "1mo"),
        ("6mo", 6, "mo", "2q"),
        ("1q", 3, "mo", "1q"),
        ("12mo", 12, "mo", "1y"),
        ("2y", 24, "mo", "2y"),
    ],
)
def test_duration_is_read_and_named(text: str, count: int, unit: str, name: str) -> None:
    frequency = Frequency.parse(text)

    assert frequency == (count, unit)
    assert str(frequency) == name


@settings(deadline=None)
@given(frequencies)
def test_name_reads_back(frequency: Frequency) -> None:
    assert Frequency.parse(str(frequency)) == frequency


@pytest.mark.parametrize("text", ["1.5h", "h", "-1h", "1H", "1 h", "1x", "", "1h30m", "٣h"])
def test_other_forms_raise(text: str) -> None:
    with pytest.raises(DataError, match=r"resample must be a whole number followed by s, m"):
        Frequency.parse(text, "resample")


def test_zero_and_other_types_raise() -> None:
    with pytest.raises(DataError, match=r"frequency must be at least 1h, got '0h'"):
        Frequency.parse("0h")
    with pytest.raises(TypeError, match=r'frequency must be a duration such as "1h", got 3'):
        Frequency.parse(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("frequency", "duration", "steps"),
    [("1h", "1d", 24), ("1h", 7, 7), ("1h", " 7 ", 7), ("10m", "1w", 1008), ("1mo", "1y", 12)],
)
def test_duration_counts_in_steps(frequency: str, duration: str | int, steps: int) -> None:
    assert Frequency.parse(frequency).steps(duration) == steps


@pytest.mark.parametrize(
    ("frequency", "duration", "message"),
    [
        ("1h", "90m", "horizon must be a multiple of the frequency 1h, got '90m'"),
        ("1h", "30m", "horizon must be a multiple of the frequency 1h, got '30m'"),
        ("1mo", "30d", "horizon must be a multiple of the frequency 1mo, got '30d'"),
        ("1d", "1mo", "horizon must be a multiple of the frequency 1d, got '1mo'"),
        ("1h", 0, "horizon must be at least 1 step, got 0"),
        ("1h", "-3", "horizon must be at least 1 step, got -3"),
        ("1h", "soon", "horizon must be a whole number followed by"),
    ],
)
def test_no_whole_steps_raise(frequency: str, duration: str | int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Frequency.parse(frequency).steps(duration)


@pytest.mark.parametrize("duration", [True, 1.5, None])
def test_steps_of_another_type_raise(duration: object) -> None:
    with pytest.raises(TypeError, match="lookback must be a number of steps or a duration such as"):
        Frequency.parse("1h").steps(duration, "lookback")  # type: ignore[arg-type]


@settings(deadline=None)
@given(
    start=st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(
        # days up to 27 end no month, so that dateutil's rule for them is ours
        lambda t: t.replace(day=min(t.day, 27))
    ),
    count=st.integers(1, 40),
    months=st.integers(1, 30),
)
def test_grid_of_months_agrees_with_dateutil(start: datetime, count: int, months: int) -> None:
    grid = Frequency(months, "mo").range(start, count)

    assert grid.to_list() == [start + relativedelta(months=months * k) for k in range(count)]
    assert grid.dtype == pl.Datetime("us")


@settings(deadline=None)
@given(
    start=st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),
    frequency=st.builds(Frequency, st.integers(1, 10**6), st.just("s"))
    | st.builds(Frequency, st.integers(1, 40), st.just("mo")),
    count=st.integers(1, 30),
)
def test_offset_is_a_place_on_the_grid(start: datetime, frequency: Frequency, count: int) -> None:
    grid = frequency.range(start, count + 1)

    assert grid[0] == start
    assert frequency.offset(start, count) == grid[count]
    assert frequency.steps_between(start, grid[count]) == count
    assert frequency.steps_between(start, grid[count] - timedelta(microseconds=1)) == count - 1


def test_last_days_of_months_stay_last_days() -> None:
    grid = Frequency.parse("1mo").range(datetime(2023, 11, 30, 6), 5)

    assert grid.dt.date().cast(pl.String).to_list() == [
        "2023-11-30",
        "2023-12-31",
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
    ]
    assert Frequency.parse("1mo").offset(datetime(2024, 3, 31), -1) == datetime(2024, 2, 29)


@settings(deadline=None)
@given(
    frequency=st.builds(Frequency, st.integers(1, 10**5), st.just("s"))
    | st.builds(Frequency, st.integers(1, 24), st.just("mo")),
    count=st.integers(3, 50),
    start=st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).filter(lambda t: t.day < 28),
)
def test_grid_tells_its_frequency(frequency: Frequency, count: int, start: datetime) -> None:
    assert Frequency.infer(frequency.range(start, count)) == frequency


def test_frequency_is_told_despite_gaps() -> None:
    hours = Frequency.parse("1h").range(datetime(2024, 1, 1), 100)
    kept = hours.gather([*range(10), *range(30, 50), 60, *range(70, 100)])

    assert str(Frequency.infer(kept)) == "1h"


@pytest.mark.parametrize(
    ("name", "times"),
    [
        # the first working day of each month: 28 to 33 days apart
        ("1mo", stamps(datetime(2024, 1, 1), *(timedelta(d) for d in (31, 29, 31, 30, 33, 28)))),
        ("4w", stamps(datetime(2024, 1, 1), *[timedelta(28)] * 6)),
        ("31d", stamps(datetime(2024, 2, 3), *[timedelta(31)] * 6)),
        ("1mo", stamps(datetime(2024, 7, 1), *[relativedelta(months=1)] * 2)),  # 31 and 31 days
        ("1y", stamps(datetime(2021, 12, 31), *[relativedelta(years=1)] * 4)),
        ("1y", stamps(datetime(2021, 1, 1), *(timedelta(d) for d in (365, 365, 366, 365, 364)))),
        ("1q", stamps(datetime(2023, 3, 31), *(timedelta(d) for d in (91, 92, 92, 91)))),
        ("1w", stamps(datetime(2024, 1, 6), *[timedelta(7)] * 5)),
    ],
    ids=[
        "working days",
        "28 days",
        "31 days",
        "July to September",
        "years",
        "366",
        "quarters",
        "w",
    ],
)
def test_months_are_told_from_fixed_days(name: str, times: pl.Series) -> None:
    assert str(Frequency.infer(times)) == name


def test_irregular_stamps_raise() -> None:
    seconds = [timedelta(seconds=s) for s in (59, 60, 61, 60, 58, 62)]
    message = r'got 1m as the most common difference, in 33% of them; pass resample="1h" \(--res'

    with pytest.raises(DataError, match=message):
        Frequency.infer(stamps(datetime(2024, 1, 1), *seconds))
    with pytest.raises(DataError, match=r"whole number of seconds .* got 0.5 s as the most"):
        Frequency.infer(stamps(datetime(2024, 1, 1), *[timedelta(milliseconds=500)] * 5))


def test_two_stamps_raise() -> None:
    message = r"at least 3 different stamps to tell their frequency, got 2; pass resample"

    with pytest.raises(DataError, match=message):
        Frequency.infer(stamps(datetime(2024, 1, 1), timedelta(1)))
