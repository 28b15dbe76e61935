"""What is knowable of a table before training is told, with a remedy that works on it."""

import datetime

import numpy as np
import polars as pl
import pytest

from lockgate.settings import resolve
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.task import TASK

ROWS = 24 * 60


@pytest.fixture(scope="module")
def hourly():
    """Sixty days of temperatures in kelvin, and rain, which is 0 most of the time."""
    rng = np.random.default_rng(0)
    hours = np.arange(ROWS)
    temperature = 280 + 8 * np.sin(hours * 2 * np.pi / 24) + rng.normal(0, 1, ROWS)
    rain = np.where(rng.random(ROWS) < 0.1, rng.exponential(2, ROWS), 0.0)
    start = datetime.datetime(2024, 1, 1)
    ds = [start + datetime.timedelta(hours=hour) for hour in range(ROWS)]
    return pl.DataFrame({"ds": ds, "kelvin": temperature, "rain": rain})


def advice_on(table, **settings):
    config = resolve(ForecastConfig, {"target": "kelvin", "horizon": 3, **settings})
    data = TASK.read(table, config)
    return TASK.advice(data, TASK.prepare(data, config))


def test_a_clean_table_needs_no_advice(hourly):
    assert advice_on(hourly) == ()


def test_a_long_lookback_is_advised_against(hourly):
    [advice] = advice_on(hourly, lookback=201)

    assert advice.startswith("lookback is 201 steps: recurrent networks learn slowly")


def test_a_lookback_that_misses_the_season_of_its_horizon_is_told(hourly):
    [advice] = advice_on(hourly, horizon=30, lookback=12)

    assert advice == (
        "lookback is 12 steps, less than the season of 24 that the horizon of 30 holds: "
        "lookback=24 (--lookback 24) reads a whole one"
    )
    assert advice_on(hourly, horizon=30, lookback=24) == ()
    assert advice_on(hourly, horizon=12, lookback=12) == ()


def test_values_that_cannot_be_are_told_with_what_reads_them_as_missing(hourly):
    faulty = hourly.with_columns(
        kelvin=pl.when(pl.int_range(pl.len()) % 144 == 7).then(5.0).otherwise("kelvin")
    )

    [advice] = advice_on(faulty)

    assert advice.startswith("10 values of 5 in 'kelvin', where all others lie from 26")
    assert advice.endswith('if they are faults, missing="5" (--missing "5") reads them as missing')
    assert advice_on(faulty, missing="5") == ()


def test_no_remedy_would_take_values_out_of_another_column(hourly):
    faulty = hourly.with_columns(
        kelvin=pl.when(pl.int_range(pl.len()) % 144 == 7).then(0.0).otherwise("kelvin")
    )

    [advice] = advice_on(faulty)

    assert advice.endswith("if they are faults, leave these cells empty")


def test_values_are_faulty_as_they_were_read_not_as_they_were_averaged(hourly):
    faulty = hourly.with_columns(
        kelvin=pl.when(pl.int_range(pl.len()) % 144 == 7).then(-9999.0).otherwise("kelvin")
    )

    [advice] = advice_on(faulty, resample="2h")

    assert advice.startswith("10 values of -9999 in 'kelvin'")
    assert advice_on(faulty, resample="2h", missing="-9999") == ()


def test_long_gaps_of_the_target_are_told(hourly):
    holed = hourly.with_columns(
        kelvin=pl.when(pl.int_range(pl.len()).is_between(600, 720)).then(None).otherwise("kelvin")
    )

    [advice] = advice_on(holed)

    assert advice == (
        "1 gap of 'kelvin' that no window reads across hold 8% of the steps, the longest 121 steps "
        "from 2024-01-26 00:00:00: what is told holds for the rest"
    )
