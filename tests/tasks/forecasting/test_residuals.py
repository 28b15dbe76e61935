"""What is planted in errors is told, and nothing of errors that hold nothing."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from lockgate.tasks.forecasting.origins import Origins
from lockgate.tasks.forecasting.residuals import errors_by_clock, residual_checks
from lockgate.tasks.forecasting.scorer import WindowScorer
from lockgate.tasks.results import Check

ROWS, HORIZON = 600, 2
FORECAST = np.linspace(10.0, 20.0, ROWS)[:, None] + np.zeros((ROWS, HORIZON))
NOISE = np.random.default_rng(0).normal(size=(ROWS, HORIZON))


def told(errors: np.ndarray, names: tuple[str, ...] = ()) -> dict[str, Check]:
    rows = len(errors)
    series = np.arange(rows) % max(len(names), 1)
    origins = Origins(np.arange(rows), series, names, np.ones(rows))
    scorer = WindowScorer(FORECAST[:rows] + errors, "mae", None, origins)
    return {one["name"]: one for one in residual_checks(scorer, FORECAST[:rows], (24,))}


def test_errors_without_anything_left_pass() -> None:
    checks = told(NOISE)

    assert [*checks] == [
        "Bias of forecasts",
        "Errors over time",
        "Season of 24 steps",
        "Size of errors",
    ]
    assert {one["status"] for one in checks.values()} == {"pass"}


@pytest.mark.parametrize(("shift", "side"), [(0.4, "low"), (-0.4, "high")])
def test_a_bias_is_told_with_its_side(shift: float, side: str) -> None:
    bias = told(NOISE + shift)["Bias of forecasts"]

    share = abs((NOISE + shift).mean()) / np.abs(NOISE + shift).mean()
    assert bias["status"] == "warn"
    assert bias["text"].startswith(
        f"Forecasts of the test part are too {side} on average, by {share:.0%} of the mean"
    )


def test_errors_that_grow_are_told_and_those_that_shrink_pass() -> None:
    later = np.where(np.arange(ROWS) > ROWS / 2, 1.0, 0.5)[:, None]

    grown, shrunk = (told(own)["Errors over time"] for own in (NOISE * later, NOISE * later[::-1]))

    assert grown["status"] == "warn"
    assert "larger in the later half of the test part" in grown["text"]
    assert shrunk["status"] == "pass"
    assert "smaller in the later half" in shrunk["text"]


def test_a_season_that_is_left_is_told() -> None:
    wave = 2.0 * np.sin(np.arange(ROWS) * 2 * np.pi / 24)[:, None]

    season = told(NOISE + wave)["Season of 24 steps"]

    first = (NOISE + wave)[:, 0]
    left = np.corrcoef(first[:-24], first[24:])[0, 1]
    assert season["status"] == "warn"
    assert f"(correlation {left:.2f})" in season["text"]


def test_errors_that_follow_the_level_are_told() -> None:
    size = told(NOISE * (FORECAST - 9.5))["Size of errors"]

    assert size["status"] == "warn"
    assert size["text"].startswith("Errors are larger where forecasts are higher (correlation 0.")


def test_of_several_series_only_what_holds_for_all_is_told() -> None:
    assert [*told(NOISE, ("a", "b"))] == ["Bias of forecasts", "Errors over time"]


def test_of_few_forecasts_nothing_is_told() -> None:
    assert told(NOISE[:19]) == {}


@pytest.mark.parametrize(
    ("step", "clock", "name"),
    [
        (timedelta(hours=1), "hour", "05:00"),
        (timedelta(days=1), "weekday", "Sat"),
        (timedelta(days=7), "month", "02"),
    ],
)
def test_errors_are_told_by_the_clock_of_their_step(step: timedelta, clock: str, name: str) -> None:
    begin = datetime(2024, 1, 1)
    scorer = WindowScorer(
        FORECAST + NOISE,
        "mae",
        None,
        Origins(np.arange(ROWS), np.zeros(ROWS, np.int64), (), np.ones(ROWS)),
    )
    stamps = [begin + step * (row + ahead) for row in range(ROWS) for ahead in (1, 2)]

    told = errors_by_clock(scorer, FORECAST, pl.Series(stamps))

    assert told["clock"] == clock
    of_stamp = {
        "hour": lambda stamp: f"{stamp:%H}:00",
        "weekday": lambda stamp: f"{stamp:%a}",
        "month": lambda stamp: f"{stamp:%m}",
    }[clock]
    for ahead in range(HORIZON):
        own = [
            abs(NOISE[row, ahead])
            for row in range(ROWS)
            if of_stamp(stamps[HORIZON * row + ahead]) == name
        ]
        found = told["errors"][told["names"].index(name)][ahead]
        assert found == pytest.approx(np.mean(own))


def test_numbered_rows_have_no_clock() -> None:
    origins = Origins(np.arange(3), np.zeros(3, np.int64), (), np.ones(3))
    scorer = WindowScorer(NOISE[:3], "mae", None, origins)

    assert errors_by_clock(scorer, NOISE[:3], pl.Series(range(6))) is None


def test_errors_that_follow_the_level_as_intervals_do_pass() -> None:
    errors, spreads = NOISE * (FORECAST - 9.5), FORECAST - 9.5
    origins = Origins(np.arange(ROWS), np.zeros(ROWS, np.int64), (), np.ones(ROWS))
    scorer = WindowScorer(FORECAST + errors, "mae", None, origins)

    passed = residual_checks(scorer, FORECAST, (), spreads)[-1]
    told = residual_checks(scorer, FORECAST, (), 1.0 / spreads)[-1]

    assert passed["name"] == told["name"] == "Size of errors"
    assert passed["status"] == "pass"
    assert told["status"] == "warn"
    assert told["text"].startswith(
        "Beside the spreads forecast for them, errors are larger where forecasts are higher"
    )
