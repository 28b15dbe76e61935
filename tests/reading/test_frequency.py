"""A frequency is read, named, counted in steps, told from stamps, and laid out as a grid."""

import re
from datetime import datetime, timedelta

import polars as pl
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.errors import DataError
from lockgate.reading.frequency import Frequency, resample_advice

SECOND = 1_000_000
frequencies = st.builds(
    Frequency, st.integers(1, 90_000), st.sampled_from(["us", "mo"])
) | st.builds(Frequency, st.integers(1, 10**15), st.just("us"))


def stamps(start: datetime, *steps: timedelta | relativedelta) -> pl.Series:
    times = [start]
    for step in steps:
        times.append(times[-1] + step)
    return pl.Series("ds", times)


@pytest.mark.parametrize(
    ("text", "count", "unit", "name"),
    [
        ("250us", 250, "us", "250us"),
        ("20ms", 20_000, "us", "20ms"),
        ("1500ms", 1_500_000, "us", "1500ms"),
        ("3000ms", 3 * SECOND, "us", "3s"),
        ("45s", 45 * SECOND, "us", "45s"),
        ("10m", 600 * SECOND, "us", "10m"),
        ("90min", 5400 * SECOND, "us", "90m"),
        ("1h", 3600 * SECOND, "us", "1h"),
        ("24h", 86_400 * SECOND, "us", "1d"),
        ("7d", 604_800 * SECOND, "us", "1w"),
        ("26w", 26 * 604_800 * SECOND, "us", "26w"),
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
    with pytest.raises(DataError, match=r"resample must be a whole number followed by us, ms, s"):
        Frequency.parse(text, "resample")


def test_zero_and_other_types_raise() -> None:
    with pytest.raises(DataError, match=r"frequency must be at least 1h, got '0h'"):
        Frequency.parse("0h")
    with pytest.raises(DataError, match=r"frequency must be at most 8000y, got '999999999w'"):
        Frequency.parse("999999999w")
    with pytest.raises(TypeError, match=r'frequency must be a duration such as "1h", got 3'):
        Frequency.parse(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("frequency", "duration", "steps"),
    [
        ("1h", "1d", 24),
        ("1h", 7, 7),
        ("1h", " 7 ", 7),
        ("10m", "1w", 1008),
        ("1mo", "1y", 12),
        ("20ms", "3s", 150),
    ],
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
        ("20ms", "50ms", "horizon must be a multiple of the frequency 20ms, got '50ms'"),
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
    frequency=st.builds(Frequency, st.integers(1, 10**12), st.just("us"))
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
    frequency=st.builds(Frequency, st.integers(1, 10**11), st.just("us"))
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


@pytest.mark.parametrize(("name", "step"), [("20ms", 20_000), ("16667us", 16_667), ("1us", 1)])
def test_steps_below_a_second_are_told_despite_gaps(name: str, step: int) -> None:
    times = Frequency(step, "us").range(datetime(2024, 5, 1, 8), 60)

    assert str(Frequency.infer(times.gather([*range(20), *range(30, 60)]))) == name


def irregular(*steps: float) -> pl.Series:
    return stamps(datetime(2024, 1, 1), *(timedelta(seconds=step) for step in steps * 20))


def advised(times: pl.Series, least: Frequency | None = None) -> Frequency | None:
    found = re.fullmatch(
        r'; pass resample="(\w+)" \(--resample \1\)', resample_advice(times, least)
    )
    return Frequency.parse(found[1]) if found else None


def test_irregular_stamps_raise_with_a_resample_that_fits_their_spacing() -> None:
    message = (
        r"time must advance by one step in at least half of the rows, got 1m as the most common "
        r'one, in 33% of them; pass resample="2m" \(--resample 2m\)$'
    )

    with pytest.raises(DataError, match=message):
        Frequency.infer(irregular(59, 60, 62, 60, 64, 63))
    with pytest.raises(DataError, match=r'got 20ms .* resample="50ms" \(--resample 50ms\)$'):
        Frequency.infer(irregular(0.019, 0.02, 0.023, 0.02, 0.022, 0.024))


def test_resample_that_leaves_too_little_is_no_advice() -> None:
    hours, seconds = [timedelta(hours=h) for h in (1, 3, 2, 5)], irregular(0.9, 1.1, 1.3)

    assert advised(stamps(datetime(2024, 1, 1), *hours)) is None
    assert advised(seconds[:1]) is None
    assert advised(seconds, Frequency.parse("1m")) is None
    # ten seconds of each hour: a mean over an hour would know too little
    bursts = pl.Series([datetime(2024, 1, 1, h, 0, s) for h in range(24) for s in range(10)])
    assert advised(bursts) is None
    # half a minute, then nothing for a year, then half a minute
    assert advised(pl.concat([seconds, seconds.dt.offset_by("1y")])) is None


@settings(deadline=None)
@given(st.lists(st.integers(1, 10**9), min_size=30, max_size=60))
def test_resample_that_is_advised_is_no_finer_than_the_stamps(steps: list[int]) -> None:
    times = stamps(datetime(2024, 1, 1), *(timedelta(microseconds=step) for step in steps))

    if frequency := advised(times):
        assert frequency.longest >= timedelta(microseconds=sorted(steps)[len(steps) // 2 - 1])
        assert 9 <= frequency.steps_between(times[0], times[-1]) <= 2 * len(times)


def test_numbers_of_rows_are_a_frequency() -> None:
    rows = Frequency.infer(pl.Series([1, 2, 5]))

    assert (rows, str(rows)) == ((1, "row"), "1 row")
    assert rows.range(4, 3).equals(pl.Series("ds", [4, 5, 6]))
    assert (rows.offset(4, -2), rows.steps_between(4, 9), rows.steps(7)) == (2, 5, 7)
    message = (
        r"lookback must be a number of rows where the rows are the steps, got '24h'; pass how many "
        "rows that is"
    )
    with pytest.raises(DataError, match=message):
        rows.steps("24h", "lookback")


def test_two_stamps_raise() -> None:
    message = r"at least 3 different stamps to tell their frequency, got 2$"

    with pytest.raises(DataError, match=message):
        Frequency.infer(stamps(datetime(2024, 1, 1), timedelta(1)))
