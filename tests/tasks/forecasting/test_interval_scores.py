"""Scores of intervals are those of what they give, with the series that are covered least."""

import json
from typing import Any

import numpy as np
import pytest

from lockgate.scoring.conformal import levels_as_quantiles
from lockgate.tasks.base import HeldOut
from lockgate.tasks.forecasting.interval_scores import score_intervals
from lockgate.tasks.forecasting.intervals import Intervals
from lockgate.tasks.forecasting.origins import Origins
from lockgate.tasks.forecasting.scorer import WindowScorer

NAMES = ("large", "small", "short")
STDS = np.array([100.0, 1.0, 10.0])


def held_out(
    rows: int, horizon: int = 2, seed: int = 0, series: Any = None, name: str = "fold-0"
) -> HeldOut:
    """Forecasts of 5.0 whose errors are normal, in the deviations of their series."""
    rng = np.random.default_rng(seed)
    which = np.zeros(rows, np.int64) if series is None else np.asarray(series)
    stds = np.ones(rows) if series is None else STDS[which]
    origins = Origins(np.arange(rows), which, () if series is None else NAMES, stds)
    truth = 5.0 + stds[:, None] * rng.normal(size=(rows, horizon)) * np.arange(1, horizon + 1)
    return HeldOut(name, WindowScorer(truth, "mae", None, origins), np.full(truth.shape, 5.0))


def made(*parts: HeldOut) -> Intervals:
    made = Intervals.of(parts)
    assert made is not None
    return made


def test_scores_are_those_of_the_intervals() -> None:
    intervals, test = made(held_out(400)), held_out(300, seed=7)

    scored = score_intervals(intervals, test.scorer, test.prediction, "the test part")

    assert scored is not None
    for one, level in zip(scored["levels"], (80, 95), strict=True):
        low, high = intervals.quantiles(
            test.prediction, test.scorer.origins, levels_as_quantiles([level])
        )
        inside = (test.scorer.truth >= low) & (test.scorer.truth <= high)
        assert one["share"] == pytest.approx(inside.mean())
        assert one["low"] <= one["share"] <= one["high"]
        assert one["share"] == pytest.approx(level / 100, abs=0.06)
    # the CRPS of a normal forecast of deviation s is s / sqrt(pi) at best; here s is 1 and 2
    assert scored["crps"] == pytest.approx(1.5 / np.sqrt(np.pi), rel=0.1)
    assert sum(scored["placed"]) == pytest.approx(1.0)
    assert scored["words"] == [
        "Intervals are told by 400 forecasts of rows held out, of which about 200 do not overlap. "
        f"Of the test part the 80 % interval covers {100 * scored['levels'][0]['share']:.1f} % "
        f"[{100 * scored['levels'][0]['low']:.0f}, {100 * scored['levels'][0]['high']:.0f}] and "
        f"the 95 % interval covers {100 * scored['levels'][1]['share']:.1f} % "
        f"[{100 * scored['levels'][1]['low']:.0f}, {100 * scored['levels'][1]['high']:.0f}]."
    ]
    json.dumps(scored, allow_nan=False)


def test_scores_name_the_series_that_are_covered_least() -> None:
    intervals = made(held_out(300, series=np.arange(300) % 3))
    test = held_out(90, seed=3, series=np.arange(90) % 3)
    off = np.where(test.scorer.origins.series == 1, 3.0, 0.0)[:, None]

    scored = score_intervals(intervals, test.scorer, test.prediction + off, "the test part")

    assert scored is not None
    assert scored["levels"][0]["least_covered"][0]["series"] == "small"


def test_no_quantile_is_below_the_bound() -> None:
    intervals, test = made(held_out(200)), held_out(30, seed=1)

    scored = score_intervals(intervals, test.scorer, test.prediction, "the test part", least=5.0)

    assert scored is not None
    unbounded = score_intervals(intervals, test.scorer, test.prediction, "the test part")
    assert unbounded is not None
    assert scored["levels"][0]["width"] < 0.7 * unbounded["levels"][0]["width"]


def test_where_truths_lie_is_told_in_the_spreads_forecast_for_them() -> None:
    def with_spreads(rows: int, seed: int) -> HeldOut:
        one = held_out(rows, seed=seed)
        spreads = np.where(np.arange(rows) % 2, 10.0, 1.0)[:, None] * np.array([1.0, 2.0])
        noise = np.random.default_rng(seed).normal(size=spreads.shape)
        scorer = one.scorer._replace(truth=one.prediction + spreads * noise)
        return one._replace(scorer=scorer, spreads=spreads)

    intervals, test = made(with_spreads(400, 1)), with_spreads(400, 2)

    scored = score_intervals(
        intervals, test.scorer, test.prediction, "the test part", spreads=test.spreads
    )

    assert scored is not None
    assert scored["levels"][0]["share"] == pytest.approx(0.8, abs=0.05)
    assert scored["words"][0].startswith(
        "Intervals are told by 400 forecasts of rows held out, of which about 200 do not overlap, "
        "each in the spread that the networks forecast for it. Of the test part the 80 % interval"
    )
    assert min(scored["placed"]) > 0.06
    assert max(scored["placed"]) < 0.14
