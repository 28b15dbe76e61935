"""Calendar features say where in the day, the week and the year a row lies."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lockgate
from lockgate.reading.frequency import Frequency
from lockgate.tasks.forecasting.calendar import calendar_cycles, calendar_features, elapsed

ONE_YEAR = np.array(["2019-01-01", "2020-01-01"], dtype="datetime64[us]")
THREE_YEARS = np.array(["2018-01-01", "2021-01-01"], dtype="datetime64[us]")


@pytest.mark.parametrize(
    ("step", "cycles"),
    [
        ("20ms", ("hour", "weekday")),
        ("10m", ("hour", "weekday")),
        ("12h", ("hour", "weekday")),
        ("1d", ("weekday",)),
        ("1w", ()),
        ("1mo", ()),
        ("1y", ()),
    ],
)
def test_only_cycles_longer_than_a_step_are_features(step: str, cycles: tuple[str, ...]) -> None:
    yearly = () if step == "1y" else ("season",)

    assert calendar_cycles(Frequency.parse(step), ONE_YEAR) == cycles
    assert calendar_cycles(Frequency.parse(step), THREE_YEARS) == cycles + yearly


def test_rows_without_times_have_no_features() -> None:
    assert calendar_cycles(Frequency(1, "row"), np.arange(1, 1001)) == ()
    assert calendar_features(np.arange(1, 5), ()).shape == (4, 0)


def test_the_season_is_a_feature_only_where_training_spans_two_years() -> None:
    begin, hourly = np.datetime64("2018-01-01", "us"), Frequency.parse("1h")
    almost, whole = begin + np.timedelta64(730, "D"), begin + np.timedelta64(731, "D")

    assert "season" not in calendar_cycles(hourly, np.array([begin, almost]))
    assert "season" in calendar_cycles(hourly, np.array([begin, whole]))


def features_at(stamp: str, cycle: str) -> list[float]:
    return calendar_features(np.array([stamp], dtype="datetime64[us]"), (cycle,))[0].tolist()


@pytest.mark.parametrize(
    ("stamp", "cycle", "sin", "cos"),
    [
        ("2024-02-29T00:00", "hour", 0, 1),
        ("2024-02-29T06:00", "hour", 1, 0),
        ("2024-02-29T18:00", "hour", -1, 0),
        ("2024-01-01T23:00", "weekday", 0, 1),  # a Monday, all day long
        ("2024-01-04T00:00", "weekday", np.sin(6 * np.pi / 7), np.cos(6 * np.pi / 7)),
        ("1970-01-01T00:00", "season", 0, 1),
        ("1974-01-01T00:00", "season", 0, 1),  # four years later, the leap day included
        ("1970-07-02T15:00", "season", 0, -1),
    ],
)
def test_features_at_known_dates(stamp: str, cycle: str, sin: float, cos: float) -> None:
    np.testing.assert_allclose(features_at(stamp, cycle), [sin, cos], atol=1e-6)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)))
def test_the_weekday_is_that_of_the_calendar(stamp: datetime) -> None:
    angle = 2 * np.pi * stamp.weekday() / 7

    features = features_at(stamp.isoformat(), "weekday")

    np.testing.assert_allclose(features, [np.sin(angle), np.cos(angle)], atol=1e-6)


def test_features_stand_in_the_order_of_the_cycles() -> None:
    ds = np.array(["2024-02-29T06:00", "2024-02-29T07:00"], dtype="datetime64[us]")

    both = calendar_features(ds, ("hour", "season"))

    expected = [calendar_features(ds, ("hour",)), calendar_features(ds, ("season",))]
    np.testing.assert_array_equal(both, np.concatenate(expected, axis=1))
    assert both.dtype == np.float32
    assert calendar_features(ds, ()).shape == (2, 0)


def test_time_since_the_row_before_is_that_of_its_own_series_in_steps() -> None:
    hours = [0.0, 1.0, 1.0, 4.5, 100.0, 100.25]  # a second series begins with the third
    ds = np.datetime64("2024-01-01", "us") + (np.array(hours) * 3.6e9).astype("timedelta64[us]")

    found = elapsed(ds, np.array([0, 2]), Frequency.parse("30m"))

    steps = [1.0, 2.0, 1.0, 7.0, 191.0, 0.5]
    np.testing.assert_allclose(found, np.log((1 + np.array(steps)) / 2), rtol=1e-6)
    assert found.dtype == np.float32


def test_a_model_of_irregular_steps_reads_how_much_time_has_passed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    hours = rng.exponential(1.0, 700) + 0.05
    way = hours * rng.uniform(20, 80, 700)
    # the speed of each way is written down at the end of the next
    speed = np.concatenate([[50.0], (way / hours)[:-1]])
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(hours.cumsum(), unit="h")
    frame = pd.DataFrame({"at": stamps, "speed": speed, "way": way})
    told: dict[str, Any] = {
        "target": "speed",
        "horizon": 1,
        "lookback": 4,
        "normalise": "none",
        "cell": "gru",
    }
    told |= {"hidden_size": 16, "max_epochs": 25, "learning_rate": 0.01}
    told |= {"input_dropout": 0.0, "recurrent_dropout": 0.0, "output_dropout": 0.0}

    told |= {"members": 1, "mix": False}
    plain, read = (
        lockgate.train(frame, out=tmp_path / calendar, calendar=calendar, **told)[0]
        for calendar in ("observed", "irregular")
    )

    assert read.preprocessing.channels == (
        *plain.preprocessing.channels,
        "time since the row before",
    )
    mae = [one.metrics["test"]["mae"] for one in (plain, read)]
    assert mae[1] < 0.5 * mae[0]
    loaded = lockgate.load(tmp_path / "irregular")
    # of the first row nothing is known; it must lie before what is read
    for rows in (5, 300):
        pd.testing.assert_frame_equal(loaded.predict(frame.tail(rows)), read.predict(frame))
