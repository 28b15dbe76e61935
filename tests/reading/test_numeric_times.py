"""Numbers are read as stamps by their size, and only where they can be nothing else."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.reading.numeric_times import number_readings, rises

OUR_TIMES = st.datetimes(datetime(1974, 1, 1), datetime(2099, 1, 1))


def first_reading(*numbers: float) -> pl.Series:
    return number_readings(pl.Series(numbers, dtype=pl.Float64))[0].stamps


@settings(deadline=None)
@given(st.lists(OUR_TIMES, min_size=3), st.sampled_from([10**3, 10**6, 10**9]))
def test_counts_since_1970_tell_their_unit(stamps: list[datetime], per_second: int) -> None:
    whole = [t.replace(microsecond=t.microsecond // 1000 * 1000) for t in stamps]
    counts = [(t - datetime(1970, 1, 1)) // timedelta(milliseconds=1) for t in whole]

    read = first_reading(*(count * per_second // 1000 for count in counts))

    assert read.to_list() == whole


@settings(deadline=None)
@given(st.integers(10**8, 4 * 10**9), st.integers(0, 999_999))
def test_fractions_of_seconds_since_1970_are_kept(second: int, micro: int) -> None:
    reading = number_readings(pl.Series([second + micro / 1e6]))[-1]

    assert reading.stamps[0] == datetime(1970, 1, 1) + timedelta(seconds=second, microseconds=micro)


@settings(deadline=None)
@given(st.lists(OUR_TIMES, min_size=1))
def test_days_of_excel_are_right_to_the_second(stamps: list[datetime]) -> None:
    whole = [t.replace(microsecond=0) for t in stamps]
    days = [round((t - datetime(1899, 12, 30)) / timedelta(1), 6) for t in whole]

    assert first_reading(*days).to_list() == whole


def test_digits_come_before_counts_where_all_are_dates() -> None:
    assert first_reading(2024013118, 2024013119)[1] == datetime(2024, 1, 31, 19)
    assert first_reading(2024013118, 2024013125, 2024013127)[2].year == 2034
    # would be the year 1712
    assert first_reading(1712010203)[0] == datetime(2024, 4, 1, 22, 23, 23)


@pytest.mark.parametrize("numbers", [[0.0, 1.0], [12.5], [-5.0], [0.02, 0.04], [1e300], []])
def test_other_numbers_are_no_stamps(numbers: list[float]) -> None:
    assert number_readings(pl.Series(numbers, dtype=pl.Float64)) == []


def test_stamps_of_our_days_rise() -> None:
    assert rises(pl.Series([20240131.0, 20240201.0]))
    assert rises(pl.Series([1.7e12, 1.6e12]))
    assert not rises(pl.Series([1990.0, 1991.0]))
    assert not rises(pl.Series([1.7e9, 1.7e9]))
    assert not rises(pl.Series([1.7e9, None, 1.8e9]))
    many = [1.7e9 + k for k in range(20)]
    assert rises(pl.Series([*many, 5.0]))
    assert rises(pl.Series([None, *many]))
    assert not rises(pl.Series([*many, 1.6e9]))
    assert not rises(pl.Series([45321.0, 45322.0]))
