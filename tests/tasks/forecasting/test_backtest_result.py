"""Scores of a backtest are those of a loop over its rows, pooled, by cutoff, by step, by series."""

import json
import math

import numpy as np
import polars as pl
import pytest

from lockgate.tasks.forecasting.backtest_result import (
    SCALE,
    BacktestResult,
    CutoffForecasts,
    coverage,
    joined,
    left_out,
    shared_columns,
)

HORIZON, SERIES, CUTOFFS = 2, 3, 4
NAMES = [f"day {number}" for number in range(CUTOFFS)]


@pytest.fixture
def parts():
    """Forecasts of three series from four cutoffs, with two missing targets."""
    rng = np.random.default_rng(0)
    made = []
    for cutoff in range(CUTOFFS):
        rows = SERIES * HORIZON
        y = rng.normal(10, 2, rows)
        frame = pl.DataFrame(
            {
                "unique_id": np.repeat(list("abc"), HORIZON),
                "ds": np.tile(cutoff + 1 + np.arange(HORIZON), SERIES),
                "cutoff": [cutoff] * rows,
                "y": pl.Series(y).set(pl.Series(np.arange(rows) == cutoff - 1), None),
                "lockgate": y + rng.normal(0, 1, rows),
                "naive": y + rng.normal(0, 1.2, rows),
                "ridge": y + 1.0,
                SCALE: np.repeat([1.0, 2.0, 4.0], HORIZON),
            }
        )
        made.append(frame)
    return made


def by_hand(parts, name, keep=bool, loss=abs):
    """Average a loss over the rows that are observed and kept."""
    rows = [row for part in parts for row in part.to_dicts()]
    losses = [loss(row[name] - row["y"]) for row in rows if row["y"] is not None and keep(row)]
    return sum(losses) / len(losses)


def test_scores_are_those_of_a_loop(parts):
    found = {one.name: one for one in CutoffForecasts.of(parts, HORIZON).scores("mae", NAMES)}

    assert list(found) == ["lockgate", "naive", "ridge"]
    for name, one in found.items():
        assert one.scores["mae"] == pytest.approx(by_hand(parts, name))
        rmse = math.sqrt(by_hand(parts, name, loss=lambda error: error**2))
        assert one.scores["rmse"] == pytest.approx(rmse)
        for number, cutoff in enumerate(NAMES):
            of_it = by_hand(parts, name, lambda row, number=number: row["cutoff"] == number)
            assert one.by_cutoff[cutoff] == pytest.approx(of_it)
        steps = [
            by_hand(parts, name, lambda row, k=k: row["ds"] - row["cutoff"] == k) for k in (1, 2)
        ]
        assert one.per_step == pytest.approx(steps)


@pytest.mark.parametrize("metric", ["rmse", "mase"])
def test_cutoffs_and_steps_are_scored_by_the_metric(parts, metric):
    one = CutoffForecasts.of(parts, HORIZON).scores(metric, NAMES)[0]

    if metric == "rmse":
        of_it = by_hand(parts, "lockgate", lambda row: row["cutoff"] == 2, lambda e: e**2)
        assert one.by_cutoff["day 2"] == pytest.approx(math.sqrt(of_it))
        return
    rows = [row for part in parts for row in part.to_dicts() if row["y"] is not None]
    errors = [(row["cutoff"], abs(row["lockgate"] - row["y"]) / row[SCALE]) for row in rows]
    assert one.scores["mase"] == pytest.approx(np.mean([error for _, error in errors]))
    of_it = [error for cutoff, error in errors if cutoff == 2]
    assert one.by_cutoff["day 2"] == pytest.approx(np.mean(of_it))


def test_a_scale_that_is_unknown_gives_no_mase(parts):
    unknown = [part.with_columns(pl.lit(float("nan")).alias(SCALE)) for part in parts]

    one = CutoffForecasts.of(unknown, HORIZON).scores("mase", NAMES)[0]

    assert one.scores["mase"] is None
    assert one.scores["mae"] == pytest.approx(by_hand(parts, "lockgate"))
    assert set(one.by_cutoff.values()) == {None}
    assert one.per_step == [None, None]


def test_a_forecast_that_is_not_finite_is_infinitely_wrong(parts):
    broken = [part.with_columns(naive=pl.lit(float("inf"))) for part in parts]

    assert CutoffForecasts.of(broken, HORIZON).scores("mae", NAMES)[1].scores["mae"] == math.inf


def test_a_column_that_a_cutoff_lacks_is_left_out_and_told(parts):
    parts[2] = parts[2].drop("ridge")

    assert shared_columns(parts) == ("lockgate", "naive")
    assert joined(parts).columns == ["unique_id", "ds", "cutoff", "y", "lockgate", "naive"]
    assert left_out(parts) == ["ridge could not be computed at every cutoff: left out"]
    assert joined(parts).height == CUTOFFS * SERIES * HORIZON


def test_ends_of_intervals_are_kept_and_not_scored_as_forecasts(parts):
    bounded = [
        part.with_columns(
            (pl.col("lockgate") - 1).alias("lockgate-lo-80"),
            (pl.col("lockgate") + 1).alias("lockgate-hi-80"),
        )
        for part in parts
    ]

    found = CutoffForecasts.of(bounded, HORIZON).scores("mae", NAMES)

    assert [one.name for one in found] == ["lockgate", "naive", "ridge"]
    assert joined(bounded).columns[-2:] == ["lockgate-lo-80", "lockgate-hi-80"]
    inside = by_hand(parts, "lockgate", loss=lambda error: abs(error) <= 1)
    assert coverage(bounded, [80.0]) == {"80": pytest.approx(inside)}
    unknown = [part.with_columns(y=pl.lit(None, pl.Float64)) for part in bounded]
    assert coverage(unknown, [80.0]) == {"80": None}
    assert coverage(parts, []) == {}


@pytest.fixture
def result(parts):
    forecasts = CutoffForecasts.of(parts, HORIZON)
    return BacktestResult(
        forecasts=joined(parts),
        metric="mae",
        cutoffs=tuple(NAMES),
        horizon=HORIZON,
        fits=1,
        windows=len(forecasts.truth),
        scores=forecasts.scores("mae", NAMES),
        coverage={"80": 0.75, "95": None},
        by_series=forecasts.by_series(),
        notices=("3 series",),
    )


def test_a_terminal_shows_pooled_scores_then_by_cutoff_by_step_and_by_series(result, parts):
    pooled, by_cutoff, by_step, series = result.sections()

    assert pooled.lines == (
        "12 forecasts of 2 steps from 4 cutoffs, day 0 to day 3; 1 fit",
        "intervals of level 80 hold 75.0% of the truths",
        "note: 3 series",
    )
    assert [row["model"] for row in pooled.rows] == ["lockgate", "naive", "ridge"]
    assert [row["cutoff"] for row in by_cutoff.rows] == NAMES
    assert [row["step"] for row in by_step.rows] == [1, 2]
    better = result.by_series.better
    assert f"lockgate is better than naive in {better} of 3 series" in series.lines[-1]
    assert [row["series"] for row in series.rows] == ["best", "median", "worst"]


def test_many_steps_are_shown_in_part(parts, result):
    from dataclasses import replace

    long = replace(
        result,
        horizon=168,
        scores=tuple(
            one._replace(per_step=[float(k) for k in range(168)]) for one in result.scores
        ),
    )

    rows = long.sections()[2].rows

    assert [row["step"] for row in rows] == [1, 25, 49, 73, 96, 120, 144, 168]
    assert [row["lockgate"] for row in rows] == [row["step"] - 1.0 for row in rows]


def test_it_is_plain_values_without_the_frame(result):
    plain = result.to_dict()

    assert json.loads(json.dumps(plain)) == plain
    assert "forecasts" not in plain
    assert plain["scores"][0]["name"] == "lockgate"
    assert plain["by_series"]["shown"][0]["which"] == "best"
