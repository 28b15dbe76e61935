"""Rows land on a regular grid: averaged where they must be, missing where nothing is known."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.errors import DataError
from lockgate.reading.frequency import Frequency, resample_advice
from lockgate.tasks.forecasting.grid import Grid, to_grid
from lockgate.tasks.forecasting.slots import Slots

START = datetime(2024, 1, 1)


def grid_of(
    times: list[datetime], resample: str | None = None, **columns: list[float | None]
) -> Grid:
    frame = pl.DataFrame(
        {"ds": times, **columns}, schema_overrides=dict.fromkeys(columns, pl.Float64)
    )
    rows = pl.Series(range(1, len(times) + 1))
    return to_grid(
        frame.with_columns(pl.col("ds").cast(pl.Datetime("us"))), rows, resample=resample
    )


def minutes(*places: float) -> list[datetime]:
    return [START + timedelta(minutes=place) for place in places]


def test_regular_rows_stay_as_they_are() -> None:
    grid = grid_of(minutes(0, 10, 20, 30), x=[1, None, 3, 4])

    assert grid.frame["ds"].to_list() == minutes(0, 10, 20, 30)
    assert grid.frame["x"].to_list() == [1, None, 3, 4]
    assert (str(grid.frequency), grid.notices) == ("10m", ())


def test_gaps_are_laid_out_and_told() -> None:
    grid = grid_of(minutes(0, 10, 40, 50, 60, 80, 90), x=[0, 1, 4, 5, 6, 8, 9])

    assert grid.frame["x"].to_list() == [0, 1, None, None, 4, 5, 6, None, 8, 9]
    assert grid.frame["ds"].to_list() == minutes(*range(0, 100, 10))
    assert grid.notices == ("2 gaps, 3 steps in all, the longest 2 steps from 2024-01-01 00:20:00",)


def test_rows_are_sorted_by_time() -> None:
    grid = grid_of(minutes(20, 0, 10, 30), x=[3, 1, 2, 4])

    assert grid.frame["x"].to_list() == [1, 2, 3, 4]
    assert grid.notices == ("rows were not in the order of time: sorted",)


def test_repeated_stamps_are_averaged() -> None:
    times = minutes(*range(0, 200, 10), 50, 50)

    grid = grid_of(times, x=[*range(20), 8, 14], z=[1.0] * 5 + [None] * 17)

    assert grid.frame["x"].to_list() == [0, 1, 2, 3, 4, 9, *range(6, 20)]  # (5 + 8 + 14) / 3
    assert grid.frame["z"].to_list() == [1.0] * 5 + [None] * 15
    assert grid.notices[1] == "2 repeated time stamps averaged, the first 2024-01-01 00:50:00"


def test_many_repeated_stamps_raise() -> None:
    times = [START + timedelta(days=k // 24) for k in range(100)]
    message = (
        r"time must tell the rows apart, got 5 different stamps in 100 rows$"  # too few to average
    )

    with pytest.raises(DataError, match=message):
        grid_of(times, x=[1.0] * 100)
    assert grid_of(times, "1d", x=[1.0] * 100).frame.height == 5
    tens = minutes(*range(0, 90, 10))
    assert grid_of([*tens, tens[4]], x=[1.0] * 10).frame.height == 9
    with pytest.raises(DataError, match="got 8 different stamps in 9 rows"):
        grid_of([*tens[:8], tens[4]], x=[1.0] * 9)


def test_the_average_that_repeated_stamps_are_advised_reads_them() -> None:
    hours = [START + timedelta(hours=k // 3) for k in range(300)]

    with pytest.raises(
        DataError, match=r"got 100 different .* pass resample=\"1h\" \(--resample 1h"
    ):
        grid_of(hours, x=[1.0] * 300)

    assert grid_of(hours, "1h", x=[1.0] * 300).frame.height == 100


def test_sentinels_become_missing_before_anything_else() -> None:
    times = pl.Series("ds", minutes(0, 10, 10, *range(20, 200, 10)))
    frame = pl.DataFrame([times]).with_columns(
        x=pl.Series([-9999.0, -9999.0, 5.0, *[1.0] * 18]), z=pl.lit(0.0)
    )

    grid = to_grid(frame, pl.Series(range(21)), missing=(-9999.0, 7.5))

    assert grid.frame["x"].to_list()[:3] == [None, 5.0, 1.0]
    assert grid.frame["z"].null_count() == 0
    assert grid.notices[:2] == ("-9999 read as missing in x (2)", "7.5 stands in no column")


def test_infinite_values_raise() -> None:
    with pytest.raises(
        DataError, match=r"column 'x' must hold finite numbers, got .* in row 3; lea"
    ):
        grid_of(minutes(0, 10, 20), x=[1, None, float("-inf")])


def test_stamps_off_the_grid_raise_with_a_resample_that_reads_them() -> None:
    places = [0, 10, 20, 31, 40, 50, 60, 71, *range(80, 150, 10)]
    message = (
        r"2 of 15 time stamps are off the 10m grid, the first 2024-01-01 00:31:00; "
        r'pass resample="10m" \(--resample 10m\)$'
    )

    with pytest.raises(DataError, match=message):
        grid_of(minutes(*places), x=[1.0] * 15)
    assert grid_of(minutes(*places), "10m", x=[1.0] * 15).frame["x"].drop_nulls().len() == 13
    with pytest.raises(DataError, match=r"1 of 8 .* the first 2024-01-01 00:01:00$"):
        grid_of(minutes(1, 10, 20, 30, 40, 50, 60, 70), x=[1.0] * 8)


@settings(deadline=None)
@given(st.lists(st.sampled_from([1, 2, 30, 700, 9_000, 10**5]), min_size=30, max_size=200))
def test_a_resample_that_is_advised_leaves_steps_to_learn_from(seconds: list[int]) -> None:
    times = [START + timedelta(seconds=s) for s in np.cumsum(seconds).tolist()]

    if advice := re.search(r'="(\w+)"', resample_advice(pl.Series(times))):
        means = grid_of(times, advice[1], x=[1.0] * len(times)).frame["x"]
        assert means.drop_nulls().len() >= max(9, 0.4 * len(means))


def test_stamps_rounded_to_milliseconds_are_read_with_the_resample_advised() -> None:
    sixtieths = [START + timedelta(milliseconds=round(k * 1000 / 60)) for k in range(600)]

    with pytest.raises(DataError, match=r"off the 17ms grid, .*; pass resample=\"17ms\" \(--res"):
        grid_of(sixtieths, x=[1.0] * 600)
    assert grid_of(sixtieths, "17ms", x=[1.0] * 600).frame.null_count().row(0) == (0, 0)


def test_steps_below_a_second_are_laid_out_and_averaged() -> None:
    times = [START + timedelta(milliseconds=20 * k) for k in range(1, 51) if k not in (7, 8)]

    grid = grid_of(times, x=[1.0] * 48)
    means = grid_of(times, "100ms", x=list(range(48))).frame

    assert (str(grid.frequency), grid.frame.height) == ("20ms", 50)
    assert grid.notices == (
        "1 gap, 2 steps in all, the longest 2 steps from 2024-01-01 00:00:00.140",
    )
    assert means["x"].to_list()[:2] == [2, 6]
    assert means["ds"].to_list()[-1] == START + timedelta(seconds=1)


def test_rows_of_a_table_are_a_grid_of_their_own() -> None:
    frame = pl.DataFrame({"ds": [2, 3, 6], "x": [1.0, 2.0, 3.0]})

    grid = to_grid(frame, pl.Series([2, 3, 6]))

    assert grid.frame.rows() == [(2, 1), (3, 2), (4, None), (5, None), (6, 3)]
    assert grid.notices == ("1 gap, 2 steps in all, the longest 2 steps from 4",)
    far = to_grid(pl.DataFrame({"ds": [1, 900], "x": [1.0, 2.0]}), pl.Series([1, 900]))
    assert far.frame.height == 900


def test_working_days_are_off_the_grid_of_months() -> None:
    days = [date(2024 + k // 12, k % 12 + 1, 1) for k in range(24)]
    working = [day + timedelta({5: 2, 6: 1}.get(day.weekday(), 0)) for day in days]
    times = [datetime.combine(day, time()) for day in working]
    message = (
        r"7 of 24 time stamps are off the 1mo grid, the first 2024-06-03 00:00:00; "
        r'pass resample="1mo" \(--resample 1mo\)$'
    )

    with pytest.raises(DataError, match=message):
        grid_of(times, x=[1.0] * 24)
    assert grid_of(times, "1mo", x=[1.0] * 24).frame.height > 20


def test_gaps_in_months_are_laid_out() -> None:
    months = [START + relativedelta(months=k) for k in (0, 1, 2, 5, 6)]

    grid = grid_of(months, x=[0, 1, 2, 5, 6])

    assert grid.frame["x"].to_list() == [0, 1, 2, None, None, 5, 6]
    assert grid.notices == ("1 gap, 2 steps in all, the longest 2 steps from 2024-04-01 00:00:00",)


def bin_mean(
    times: list[datetime], values: list[float | None], edge: datetime, frequency: Frequency
) -> float | None:
    """Average over the bin that ends at `edge`, one value after the other."""
    months = relativedelta(months=frequency.count)
    begin = edge - (months if frequency.unit == "mo" else timedelta(microseconds=frequency.count))
    inside = [v for t, v in zip(times, values, strict=True) if begin < t <= edge and v is not None]
    expected = (edge - begin) / (times[1] - times[0])
    return sum(inside) / len(inside) if inside and 2 * len(inside) >= expected else None


def is_edge(time: datetime, frequency: Frequency) -> bool:
    if frequency.unit == "mo":
        months = 12 * time.year + time.month - 1
        return time == datetime(time.year, time.month, 1) and months % frequency.count == 0
    # START is a Monday, so that weeks too are counted from it
    return (time - START) % timedelta(microseconds=frequency.count) == timedelta(0)


@settings(deadline=None, max_examples=25)
@pytest.mark.parametrize(
    ("base", "resample"),
    [("10m", "1h"), ("15m", "90m"), ("7h", "1w"), ("1h", "1d"), ("3d", "1mo"), ("1d", "1q")],
)
@given(
    first=st.integers(0, 50),
    size=st.integers(60, 150),
    holes=st.floats(0, 1),
    second=st.sampled_from([0, 7]),
    seed=st.integers(0, 10**6),
)
def test_means_agree_with_a_scalar_loop(
    base: str, resample: str, first: int, size: int, holes: float, second: int, seed: int
) -> None:
    random, frequency = np.random.default_rng(seed), Frequency.parse(resample)
    step = Frequency.parse(base).longest
    times = [START + (first + k) * step + timedelta(seconds=second) for k in range(size)]
    columns = {
        "x": [random.uniform(-9, 9) if random.random() > holes else None for _ in range(size)],
        "z": [1.0] * size,
    }

    frame = grid_of(times, resample, **columns).frame

    for row in frame.rows(named=True):
        assert is_edge(row["ds"], frequency)
        for name, values in columns.items():
            expected = bin_mean(times, values, row["ds"], frequency)
            assert row[name] == (None if expected is None else pytest.approx(expected, abs=1e-12))
    edges = [t for t in frequency.range(START, 400) if t < times[-1] + 2 * frequency.longest]
    full = [t for t in edges if bin_mean(times, columns["z"], t, frequency) is not None]
    assert frame.drop_nulls("z")["ds"].to_list() == full


def test_ends_that_know_too_little_are_left_out() -> None:
    grid = grid_of(minutes(*range(50, 200, 10)), "1h", x=[1.0] * 15)

    assert grid.frame["ds"].to_list() == minutes(120, 180)  # 2 of 6 before, 1 of 6 after


def test_mean_stands_at_the_end_of_its_bin() -> None:
    grid = grid_of(minutes(10, 20, 30, 40, 50, 60, 70, 80, 90), "30m", x=list(range(1, 10)))

    assert grid.frame.rows() == [(minutes(30)[0], 2), (minutes(60)[0], 5), (minutes(90)[0], 8)]


def test_thin_means_are_missing_column_by_column() -> None:
    x = [1, 1, 1, 1, 1, 1, 1, 1, None, None, None, None, 1, 1, 1, 1, 1, 1]
    z = [*x[:8], 5, None, None, None, *x[12:]]

    grid = grid_of(minutes(*range(10, 190, 10)), "1h", x=x, z=z)

    assert grid.frame["x"].to_list() == [1, None, 1]  # 2 of 6
    assert grid.frame["z"].to_list() == [1, pytest.approx(7 / 3), 1]  # 3 of 6
    assert grid.notices == ("1 mean over less than half of a 1h step left missing",)


def test_resampling_regular_rows_by_their_own_step_changes_nothing() -> None:
    months = [START + relativedelta(months=k) for k in range(30)]
    values = [float(k) for k in range(30)]

    assert grid_of(months, "1mo", x=values).frame.equals(grid_of(months, x=values).frame)
    hours = minutes(*range(0, 1800, 60))
    assert grid_of(hours, "1h", x=values).frame.equals(grid_of(hours, x=values).frame)


def test_irregular_rows_can_be_resampled() -> None:
    places = [0.9, 1.5, 2.1, 2.9, 4.2, 4.8, 9]

    grid = grid_of(minutes(*places), "1m", x=[1, 2, 3, 4, 5, 6, 7])

    assert grid.frame["x"].to_list() == [1, 2, 3.5, None, 5.5, None, None, None, 7]
    assert grid.notices == ("2 gaps, 4 steps in all, the longest 3 steps from 2024-01-01 00:06:00",)


def test_resampling_to_finer_steps_raises() -> None:
    with pytest.raises(DataError, match=r"resample must be no finer than .* 10m apart, got '5m'"):
        grid_of(minutes(0, 10, 20), "5m", x=[1.0] * 3)
    with pytest.raises(DataError, match=r"resample must be a whole number followed by"):
        grid_of(minutes(0, 10, 20), "hourly", x=[1.0] * 3)
    with pytest.raises(DataError, match=r"time must hold at least 2 different stamps, got 1"):
        grid_of(minutes(0), "1h", x=[1.0])


@pytest.mark.parametrize("resample", [None, "1h"])
def test_absurd_grid_raises(resample: str | None) -> None:
    times = [*minutes(*range(0, 600, 60)), datetime(2042, 1, 1)]
    message = (
        r"the 1h grid must have at most 50 steps for each row, got 157,801 for 11 rows: nothing "
        r"lies between 2024-01-01 09:00:00 and 2042-01-01 00:00:00; mend the stamp that is wrong$"
    )

    with pytest.raises(DataError, match=message):
        grid_of(times, resample, x=[1.0] * 11)


def in_zone(zone: str, step: str, first: str, last: str) -> pl.Series:
    """Stamps that pandas lays on the clock of a zone."""
    if step == "D":  # a midnight that is skipped leaves a day that begins later
        days = pd.date_range(first, last).tz_localize(zone, nonexistent="shift_forward")
    else:
        days = pd.date_range(first, last, freq=step, tz=zone)
    return pl.Series("ds", days).dt.cast_time_unit("us")


@pytest.mark.parametrize(
    ("step", "zone", "frequency", "by_wall_clock"),
    [
        ("15min", "Europe/Berlin", "15m", False),
        ("h", "America/New_York", "1h", False),
        ("D", "America/New_York", "1d", True),
        ("D", "America/Sao_Paulo", "1d", True),
        ("W", "Europe/London", "1w", True),
        ("MS", "Europe/Berlin", "1mo", True),
        ("ME", "Australia/Sydney", "1mo", True),
        ("D", "UTC", "1d", True),
    ],
)
def test_the_grid_of_a_zone_has_no_gap_where_its_clock_changes(
    step: str, zone: str, frequency: str, *, by_wall_clock: bool
) -> None:
    times = in_zone(zone, step, "2018-01-01", "2018-12-31" if step != "15min" else "2018-04-30")
    values = pl.Series("x", range(len(times))).cast(pl.Float64)

    grid = to_grid(pl.DataFrame([times, values]), pl.Series(range(len(times))))

    assert grid.notices == ()
    assert (grid.slots.step, grid.slots.by_wall_clock) == (frequency, by_wall_clock)
    assert grid.frame["ds"].equals(times)
    assert grid.frame["x"].equals(values)


def test_stamps_at_utc_midnight_stay_days_of_24_hours_in_any_zone() -> None:
    utc = pl.Series("ds", pd.date_range("2024-01-01", periods=200, tz="UTC"))
    times = utc.dt.cast_time_unit("us").dt.convert_time_zone("America/New_York")

    grid = to_grid(pl.DataFrame([times]).with_columns(x=1.0), pl.Series(range(200)))

    assert grid.frame["ds"].equals(times)
    assert not grid.slots.by_wall_clock


def test_means_over_days_of_a_zone_end_at_its_midnight() -> None:
    times = in_zone("Europe/Berlin", "h", "2024-03-29 01:00", "2024-04-03 00:00")
    day = times.dt.offset_by("-1h").dt.day().cast(pl.Float64).alias("x")

    grid = to_grid(pl.DataFrame([times, day]), pl.Series(range(len(times))), resample="1d")

    assert grid.frame["x"].to_list() == [29, 30, 31, 1, 2]
    assert grid.frame["ds"].dt.to_string("%d %H%:z").to_list() == [
        *["30 00+01:00", "31 00+01:00", "01 00+02:00", "02 00+02:00", "03 00+02:00"],
    ]


def test_a_stamp_off_the_grid_of_a_zone_is_shown_with_its_offset() -> None:
    times = in_zone("Europe/Berlin", "D", "2024-03-01", "2024-05-01").to_list()
    times[40] += timedelta(hours=5)
    frame = pl.DataFrame({"ds": times}).with_columns(x=1.0)

    with pytest.raises(DataError, match=r"1 of 62 .* off the 1d grid, .* 05:00:00\+02:00"):
        to_grid(frame, pl.Series(range(62)))


def closed_grid(times: pl.Series, **options: Any) -> Grid:
    """Lay out rows whose value is their number."""
    frame = pl.DataFrame([times]).with_columns(x=pl.int_range(pl.len()).cast(pl.Float64))
    return to_grid(frame, pl.Series(range(len(times))), **options)


def of_days(*days: int, weeks: int = 12) -> pl.Series:
    """Midnights of some days of the week, from Monday, 0, on."""
    every = [START + timedelta(days=k) for k in range(7 * weeks) if k % 7 in days]
    return pl.Series("ds", every, pl.Datetime("us"))


def of_shop(zone: str | None = None) -> pl.Series:
    """Hours from 9 to 17 on business days, over a change of the clock."""
    hours = pd.date_range("2024-01-01", "2024-04-30", freq="h", tz=zone)
    inside = hours[(hours.day_of_week < 5) & (hours.hour >= 9) & (hours.hour <= 17)]
    return pl.Series("ds", inside).dt.cast_time_unit("us")


@pytest.mark.parametrize(
    ("times", "step", "words"),
    [
        (of_days(0, 1, 2, 3, 4), "1d", "Mon to Fri"),
        (of_days(0, 1, 3, 5), "1d", "Mon to Tue, Thu, Sat"),
        (of_days(0, 2, 4), "1d", "Mon, Wed, Fri"),  # 2 days apart, and 3
        (of_shop(), "1h", "Mon to Fri 09:00 to 17:00 (9 slots)"),
        (of_shop("America/New_York"), "1h", "Mon to Fri 09:00 to 17:00 (9 slots)"),
    ],
)
def test_there_are_no_rows_where_it_is_closed(times: pl.Series, step: str, words: str) -> None:
    grid = closed_grid(times)

    assert grid.notices == (f"open {words}: steps count open slots",)
    assert grid.slots.step == step
    assert grid.frame["ds"].equals(times)
    assert grid.frame["x"].null_count() == 0


def test_rows_without_a_value_on_closed_days_are_no_slots() -> None:
    every = of_days(*range(7))
    frame = pl.DataFrame([every]).with_columns(x=pl.when(pl.col("ds").dt.weekday() < 6).then(1.0))

    grid = to_grid(frame, pl.Series(range(len(every))))

    assert grid.frame["ds"].equals(of_days(0, 1, 2, 3, 4))


def test_always_lays_out_what_is_closed() -> None:
    grid = closed_grid(of_days(0, 1, 2, 3, 4), calendar="always")

    assert grid.frame.height == 7 * 12 - 2
    assert grid.notices[0].startswith("11 gaps, 22 steps in all")


def test_observed_takes_each_stamp_as_the_next_step() -> None:
    random = np.random.default_rng(0)
    places = [START + timedelta(seconds=int(s)) for s in random.integers(60, 9_000, 99).cumsum()]
    irregular = closed_grid(pl.Series("ds", places, pl.Datetime("us")), calendar="observed")
    days = of_days(0, 1, 2, 3, 4).filter(pl.Series([True] * 20 + [False] * 15 + [True] * 25))
    business = closed_grid(days, calendar="observed")

    assert irregular.frame["ds"].to_list() == places
    told = "every observed stamp is the next step; stamps of forecasts are "
    assert irregular.notices == (f"{told}{irregular.slots.step} apart",)
    assert business.frame["ds"].equals(days)
    assert business.notices == (f"{told}1d apart, Mon to Fri",)
    assert business.slots.after(days, 1)[0].weekday() == 0


def test_irregular_stamps_are_steps_whose_forecasts_are_a_median_apart() -> None:
    random = np.random.default_rng(0)
    places = [START + timedelta(seconds=int(s)) for s in random.integers(60, 9_000, 99).cumsum()]
    grid = closed_grid(pl.Series("ds", places, pl.Datetime("us")), calendar="irregular")
    business = closed_grid(of_days(0, 1, 2, 3, 4), calendar="irregular")

    assert grid.frame["ds"].to_list() == places
    assert grid.slots.opening == business.slots.opening == ()
    step = grid.slots.after(grid.frame["ds"], 2)
    assert step.to_list() == [places[-1] + k * grid.slots.frequency.longest for k in (1, 2)]


def test_gaps_by_chance_stay_missing_rows() -> None:
    random = np.random.default_rng(0)
    hours = pl.Series("ds", pd.date_range(START, periods=2_000, freq="h")).dt.cast_time_unit("us")

    grid = closed_grid(hours.filter(pl.Series(random.random(2_000) > 0.3)))

    assert grid.slots.opening == ()
    assert grid.frame.height > 1_990


def test_means_expect_the_slots_that_are_open() -> None:
    shop = of_shop("Europe/Berlin")

    days = closed_grid(shop, resample="1d")
    pairs = closed_grid(of_shop(), resample="2h")

    # 9 hours of 24, and 17:00 alone in its bin
    assert days.notices == ("open Tue to Sat: steps count open slots",)
    assert days.frame["x"].to_list() == [9.0 * k + 4 for k in range(days.frame.height)]
    assert pairs.notices == ("open Mon to Fri 10:00 to 18:00 (5 slots): steps count open slots",)
    assert pairs.frame["x"].null_count() == 0
    kept = closed_grid(shop.tail(9 * 3), resample="1d", like=days.slots)
    assert kept.frame["ds"].equals(days.frame["ds"].tail(3))


@pytest.mark.parametrize("resample", [None, "1d"])
def test_absurd_grid_of_a_calendar_raises_before_it_takes_memory(resample: str | None) -> None:
    shop = of_shop()
    faulty = pl.Series("ds", [*shop.to_list(), datetime(9990, 1, 1, 9)], pl.Datetime("us"))

    with pytest.raises(DataError, match=r"grid must have at most 50 steps for each row, got 1\d,"):
        closed_grid(faulty, resample=resample)


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("step", ["1h", "1d", "1mo"])
def test_too_few_stamps_to_tell_a_step_lie_on_the_grid_of_another_table(
    step: str, rows: int
) -> None:
    first = datetime(2024, 2, 1)
    stamps = pl.datetime_range(first, datetime(2024, 6, 1), step, eager=True).head(rows)
    frame = pl.DataFrame({"ds": stamps, "y": [1.0, 2.0][:rows]})

    grid = to_grid(frame, pl.Series(range(rows)), like=Slots(step=step))

    assert grid.frame["ds"].to_list() == stamps.to_list()
    assert grid.slots.step == step
    with pytest.raises(DataError, match="at least 3 different stamps to tell their frequency"):
        to_grid(frame, pl.Series(range(rows)))


def test_two_stamps_off_the_grid_of_another_table_raise() -> None:
    stamps = [datetime(2024, 2, 1), datetime(2024, 2, 1, 1, 30)]
    frame = pl.DataFrame({"ds": stamps, "y": [1.0, 2.0]})

    with pytest.raises(DataError, match="1 of 2 time stamps are off the 1h grid"):
        to_grid(frame, pl.Series([0, 1]), like=Slots(step="1h"))
