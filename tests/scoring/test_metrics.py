"""Scores agree with scikit-learn and utilsforecast, and no forecast is silently left out."""

import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from utilsforecast import losses as judge

from lockgate.scoring.metrics import (
    METRICS,
    PointScores,
    mase_scale,
    metric_power,
    point_losses,
    score,
    score_per_step,
)


def example(windows=13, horizon=5, missing=0.2, seed=0):
    rng = np.random.default_rng(seed)
    truth = 20 + 7 * rng.normal(size=(windows, horizon))
    truth[rng.random(truth.shape) < missing] = np.nan
    return truth, 20 + 7 * rng.normal(size=truth.shape)


def test_scores_are_those_of_scikit_learn_on_the_observed_points():
    truth, forecast = example()
    seen = ~np.isnan(truth)

    scores = score(truth, forecast, scale_mae=3.0)

    assert scores.mae == pytest.approx(mean_absolute_error(truth[seen], forecast[seen]))
    assert scores.rmse == pytest.approx(root_mean_squared_error(truth[seen], forecast[seen]))
    assert scores.mase == pytest.approx(scores.mae / 3.0)


@pytest.mark.parametrize("season", [1, 7])
def test_mase_is_that_of_utilsforecast_on_a_gapless_training_part(season):
    truth, forecast = example(missing=0.0)
    train = np.random.default_rng(1).normal(size=101).cumsum()
    frame = {"unique_id": [0] * truth.size, "y": truth.ravel(), "m": forecast.ravel()}
    train_frame = pl.DataFrame({"unique_id": [0] * 101, "ds": range(101), "y": train})

    expected = judge.mase(pl.DataFrame(frame), ["m"], season, train_frame)["m"][0]

    assert score(truth, forecast, mase_scale(train, season)).mase == pytest.approx(expected)


def test_a_missing_training_row_spoils_only_its_own_differences():
    train = np.array([3.0, 1.0, np.nan, 5.0, 4.0, 9.0, 6.0])

    expected = np.mean([abs(5.0 - 1.0), abs(9.0 - 5.0), abs(6.0 - 4.0)])

    assert mase_scale(train, 2) == pytest.approx(expected)


@pytest.mark.parametrize(
    "train",
    [np.full(50, 0.1), np.array([1.0, np.nan, 2.0]), np.array([1.0]), np.full(9, np.nan)],
    ids=["constant", "no-pair-observed", "shorter-than-a-season", "nothing-observed"],
)
def test_a_training_part_without_differences_has_no_mase(train):
    truth, forecast = example()

    scale = mase_scale(train, 1)

    assert scale is None
    assert score(truth, forecast, scale).mase is None
    assert np.isnan(score_per_step(truth, forecast, "mase", scale)).all()


def test_a_constant_written_in_rounded_numbers_has_no_mase():
    assert mase_scale(np.cumsum(np.full(10, 0.1)) - np.arange(10) * 0.1 + 7.0, 1) is None


def test_season_must_be_positive():
    with pytest.raises(ValueError, match="season must be at least 1, got 0"):
        mase_scale(np.ones(3), 0)


@pytest.mark.parametrize("metric", METRICS)
def test_each_step_is_scored_as_if_it_stood_alone(metric):
    truth, forecast = example(windows=31, horizon=7)

    steps = score_per_step(truth, forecast, metric, 2.5)

    alone = [
        getattr(score(truth[:, [k]], forecast[:, [k]], 2.5), metric) for k in range(truth.shape[1])
    ]
    assert steps == pytest.approx(alone)


def test_a_step_never_observed_has_no_score_and_shifts_no_other():
    truth, forecast = example(horizon=4, missing=0.0)
    truth[:, 1] = np.nan

    steps = score_per_step(truth, forecast, "mae")

    expected = np.abs(truth - forecast).mean(axis=0)
    np.testing.assert_allclose(steps, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("metric", METRICS)
def test_a_forecast_that_is_not_finite_is_infinitely_wrong(bad, metric):
    truth, forecast = example(missing=0.0)
    forecast[3, 2] = bad

    assert score(truth, forecast, 1.0) == PointScores(np.inf, np.inf, np.inf)
    assert list(np.isinf(score_per_step(truth, forecast, metric, 1.0))) == [0, 0, 1, 0, 0]
    losses, counts = point_losses(truth, forecast, metric)
    assert np.flatnonzero(np.isinf(losses)).tolist() == [3]
    assert (counts == 5).all()


def test_a_forecast_that_is_not_finite_costs_nothing_where_the_truth_is_missing():
    truth, forecast = example()
    spoilt = np.where(np.isnan(truth), np.nan, forecast)

    assert score(truth, spoilt, 1.0) == score(truth, forecast, 1.0)


def test_an_error_too_large_to_be_squared_is_infinite():
    truth, forecast = np.zeros((2, 1)), np.array([[1.0], [1e300]])

    assert score(truth, forecast, None).rmse == np.inf
    assert point_losses(truth, forecast, "rmse").losses.tolist() == [1.0, np.inf]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 999),
    windows=st.integers(1, 9),
    horizon=st.integers(1, 6),
    metric=st.sampled_from(METRICS),
)
def test_losses_of_windows_give_back_the_score(seed, windows, horizon, metric):
    truth, forecast = example(windows, horizon, 0.5, seed)
    truth[0, 0] = 1.0

    losses = point_losses(truth, forecast, metric)

    scores = score(truth, forecast, 4.0)
    expected = scores.rmse if metric == "rmse" else scores.mae
    assert losses.counts.tolist() == np.isfinite(truth).sum(axis=1).tolist()
    assert losses.score(metric_power(metric)) == pytest.approx(expected)


def test_a_window_without_truth_has_neither_loss_nor_count():
    truth, forecast = example(missing=0.0)
    truth[4] = np.nan

    losses, counts = point_losses(truth, forecast, "mae")

    assert losses[4] == 0
    assert counts[4] == 0


def test_a_part_without_truth_cannot_be_scored():
    nothing = np.full((3, 2), np.nan)

    with pytest.raises(ValueError, match="truth must hold at least one observed value, got none"):
        score(nothing, np.zeros((3, 2)), None)
    with pytest.raises(ValueError, match="truth must hold at least one observed value, got none"):
        point_losses(nothing, np.zeros((3, 2)), "mae").score(1.0)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"one shape .*, got \(3, 2\) and \(3, 1\)"):
        score(np.zeros((3, 2)), np.zeros((3, 1)), None)


def test_an_unknown_metric_is_named():
    with pytest.raises(ValueError, match="metric must be one of mae, rmse, mase, got 'mape'"):
        point_losses(np.zeros((3, 2)), np.zeros((3, 2)), "mape")


def test_metrics_are_the_fields_of_scores():
    assert PointScores._fields == METRICS


def test_a_fit_of_a_default_study_is_scored_in_less_than_a_second():
    truth, forecast = example(windows=1300, horizon=24)

    start = time.perf_counter()
    score(truth, forecast, 1.0)
    for metric in METRICS:
        score_per_step(truth, forecast, metric, 1.0)
        point_losses(truth, forecast, metric)

    assert time.perf_counter() - start < 1.0
