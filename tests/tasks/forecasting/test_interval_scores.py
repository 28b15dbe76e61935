"""Scores of intervals are those of what they give, with the series that are covered least."""

import json

import numpy as np
import pytest
from held import held_out, made

from lockgate.scoring.conformal import levels_as_quantiles
from lockgate.tasks.base import HeldOut
from lockgate.tasks.forecasting.interval_scores import score_intervals


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
        "Intervals come from the errors of 400 forecasts of rows held out, of which about 200 do "
        "not overlap. On the test part the 80 % interval covers "
        f"{100 * scored['levels'][0]['share']:.1f} % "
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
        "Intervals come from the errors of 400 forecasts of rows held out, of which about 200 do "
        "not overlap, each in the spread that the networks forecast for it. On the test part the "
        "80 % interval"
    )
    assert min(scored["placed"]) > 0.06
    assert max(scored["placed"]) < 0.14
