"""Scores of several series: MAE and RMSE of all points, MASE in the naive error of each series."""

import numpy as np
import pytest

from lockgate.scoring.metrics import PointMetric, point_losses, score
from lockgate.tasks.forecasting.origins import Origins
from lockgate.tasks.forecasting.scorer import WindowScorer

RNG = np.random.default_rng(0)
TRUTH = RNG.normal(size=(7, 3))
TRUTH[2, 1] = np.nan
FORECAST = TRUTH + RNG.normal(size=(7, 3))
SCALES = np.array([1.0, 1.0, 10.0, 10.0, 10.0, np.nan, 2.0])
ORIGINS = Origins(np.arange(7), np.zeros(7, np.int64), (), np.ones(7))


def test_one_series_is_scored_as_ever() -> None:
    scorer = WindowScorer(TRUTH, "mae", 2.5, ORIGINS)

    assert scorer.scores(FORECAST) == score(TRUTH, FORECAST, 2.5)._asdict()
    assert (scorer.losses(FORECAST) == point_losses(TRUTH, FORECAST, "mae").losses).all()


@pytest.mark.parametrize("metric", ["mae", "rmse", "mase"])
def test_several_series_are_scored_each_in_its_scale(metric: PointMetric) -> None:
    scorer = WindowScorer(TRUTH, metric, SCALES, ORIGINS)

    scores = scorer.scores(FORECAST)

    errors = np.abs(TRUTH - FORECAST)
    assert scores["mae"] == pytest.approx(np.nanmean(errors))
    assert scores["rmse"] == pytest.approx(np.sqrt(np.nanmean(errors**2)))
    scaled = [
        errors[window, step] / SCALES[window]
        for window in range(7)
        for step in range(3)
        if not np.isnan(errors[window, step] / SCALES[window])
    ]
    assert scores["mase"] == pytest.approx(np.mean(scaled))
    power = 0.5 if metric == "rmse" else 1.0
    total = (scorer.losses(FORECAST).sum() / scorer.counts.sum()) ** power
    assert total == pytest.approx(scores[metric])
    by_step = {"mae": errors, "rmse": errors**2, "mase": errors / SCALES[:, None]}[metric]
    np.testing.assert_allclose(scorer.per_step(FORECAST), np.nanmean(by_step, axis=0) ** power)


def test_without_any_scale_there_is_no_mase() -> None:
    scorer = WindowScorer(TRUTH, "mae", np.full(7, np.nan), ORIGINS)

    assert scorer.scores(FORECAST)["mase"] is None
