"""Baselines do what their names say, in the target's unit, and never peek past the origin."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.scoring.baselines import Skipped
from lockgate.tasks.forecasting import layout
from lockgate.tasks.forecasting.baselines import (
    bounded,
    fit_baselines,
    naive_baselines,
    skipped_baselines,
)
from lockgate.tasks.forecasting.windows import Series, Windows

MEAN, STD = 20.0, 7.0
ONE = Series(np.zeros(1, np.int64), np.array([MEAN]), np.array([STD]))


def make_windows(target, lookback=5, horizon=3, origins=None, covariates=0, seed=0):
    """Windows over one scaled series; its holes are filled forward, the first ones with 0."""
    target = np.asarray(target, dtype=np.float32)
    filled = target.copy()
    for row in range(len(filled)):
        if np.isnan(filled[row]):
            filled[row] = filled[row - 1] if row else 0.0
    noise = np.random.default_rng(seed).normal(size=(len(target), covariates))
    inputs = np.column_stack([filled, noise]).astype(np.float32)
    if origins is None:
        origins = range(lookback - 1, len(target) - horizon)
    return Windows(
        torch.from_numpy(inputs),
        torch.from_numpy(target),
        torch.tensor(list(origins), dtype=torch.int64),
        lookback,
        horizon,
        ONE,
    )


def random_walk(rows=97, missing=0.2, seed=0):
    rng = np.random.default_rng(seed)
    values = 0.3 * rng.normal(size=rows).cumsum()
    values[rng.random(rows) < missing] = np.nan
    return values.astype(np.float32).astype(np.float64)


def forecast_of(name, windows, seasons=(7,)):
    baselines = {baseline.name: baseline for baseline in naive_baselines(seasons)}
    return baselines[name].forecast(windows)


def seasonal_judge(values, origin, step, season):
    """The definition, one value at a time."""
    row = origin + step
    while row > origin:
        row -= season
    while row >= 0 and math.isnan(values[row]):
        row -= season
    return values[row] if row >= 0 else last_judge(values, origin)


def last_judge(values, origin):
    seen = [value for value in values[: origin + 1] if not math.isnan(value)]
    return seen[-1] if seen else 0.0


def test_last_value_is_the_latest_observed_one():
    values = random_walk()
    windows = make_windows(values)

    expected = [[last_judge(values, int(o))] * 3 for o in windows.origins]

    np.testing.assert_allclose(forecast_of("last value", windows), windows.invert(expected))


@settings(max_examples=60, deadline=None)
@given(
    season=st.integers(1, 40),
    horizon=st.integers(1, 15),
    missing=st.sampled_from([0.0, 0.3, 0.9]),
    seed=st.integers(0, 99),
)
def test_seasonal_naive_is_the_latest_observed_value_of_the_phase(season, horizon, missing, seed):
    values = random_walk(61, missing, seed)
    windows = make_windows(values, lookback=2, horizon=horizon)

    forecast = forecast_of(f"seasonal naive {season}", windows, (season,))

    expected = [
        [seasonal_judge(values, int(origin), step, season) for step in range(1, horizon + 1)]
        for origin in windows.origins
    ]
    np.testing.assert_allclose(forecast, windows.invert(expected))


def test_seasonal_naive_reads_beyond_the_lookback():
    values = np.arange(40.0) % 12
    windows = make_windows(values, lookback=3, horizon=4, origins=[24, 31])

    forecast = forecast_of("seasonal naive 12", windows, (12,))

    np.testing.assert_allclose(forecast, windows.invert(windows.truth().numpy()))


def test_a_phase_never_observed_takes_the_last_value():
    values = np.arange(20.0)
    values[3::7] = np.nan
    windows = make_windows(values, lookback=2, horizon=7, origins=[12])

    # step 5 is row 17, of the phase of row 3
    assert forecast_of("seasonal naive 7", windows)[0, 4] == pytest.approx(12.0 * STD + MEAN)


def test_before_the_first_observed_value_the_training_mean_is_forecast():
    values = np.full(12, np.nan)
    values[9:] = 4.0
    windows = make_windows(values, lookback=2, horizon=2, origins=[5])

    for name in ("last value", "seasonal naive 7"):
        assert forecast_of(name, windows).tolist() == [[MEAN] * 2]


@pytest.mark.parametrize("lookback", [2, 5, 11])
def test_drift_continues_the_line_through_both_ends_of_the_lookback(lookback):
    values = random_walk()
    windows = make_windows(values, lookback=lookback)
    x = windows.batch(slice(None)).x.numpy().astype(float)

    expected = []
    for window in x[:, :, 0]:
        line = np.polyfit([0, lookback - 1], window[[0, -1]], 1)
        expected.append(np.polyval(line, lookback - 1 + np.arange(1, 4)))

    np.testing.assert_allclose(forecast_of("drift", windows), windows.invert(expected))


def test_drift_over_one_row_is_level():
    windows = make_windows(random_walk(missing=0), lookback=1)

    np.testing.assert_array_equal(forecast_of("drift", windows), forecast_of("last value", windows))


def test_window_mean_is_the_mean_of_the_filled_target():
    windows = make_windows(random_walk(), lookback=11, covariates=2)

    expected = windows.batch(slice(None)).x[:, :, 0].double().mean(dim=1, keepdim=True)

    np.testing.assert_allclose(
        forecast_of("window mean", windows), windows.invert(expected.expand(-1, 3).numpy())
    )


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_no_baseline_reads_a_row_after_the_origin(missing):
    rng = np.random.default_rng(5)
    values = random_walk(160, missing, seed=3)
    learn = make_windows(values, covariates=2, origins=range(4, 90))
    check = make_windows(values, covariates=2, origins=range(95, 110))
    origin = 120
    windows = make_windows(values, covariates=2, origins=[origin])
    shaken = make_windows(values, covariates=2, origins=[origin])
    for rows in (shaken.inputs[origin + 1 :], shaken.target[origin + 1 :]):
        rows.copy_(torch.from_numpy(1e3 * rng.normal(size=tuple(rows.shape))))

    baselines = fit_baselines(learn, check, (1, 7, 24), "mae")

    assert len(baselines) == 7
    for baseline in baselines:
        np.testing.assert_array_equal(
            baseline.forecast(shaken), baseline.forecast(windows), err_msg=baseline.name
        )


def test_baselines_are_named_in_order_and_say_what_was_chosen():
    learn = make_windows(random_walk(missing=0.01))

    baselines = fit_baselines(learn, learn, (24, 168), "rmse")

    assert [(baseline.name, bool(baseline.setting)) for baseline in baselines] == [
        ("last value", False),
        ("seasonal naive 24", False),
        ("seasonal naive 168", False),
        ("drift", False),
        ("window mean", False),
        ("ridge", True),
    ]
    assert skipped_baselines(learn) == ()


def test_a_baseline_that_cannot_be_computed_is_named_with_its_reason():
    values = random_walk(30, missing=0)
    values[::3] = np.nan
    learn = make_windows(values)

    baselines = fit_baselines(learn, learn, (), "mae")

    assert [baseline.name for baseline in baselines] == ["last value", "drift", "window mean"]
    assert skipped_baselines(learn) == (
        Skipped("ridge", "every training window lacks a target value"),
    )


def test_no_forecast_of_a_bounded_baseline_is_below_the_bound():
    windows = make_windows(random_walk())
    free = fit_baselines(windows, windows, (7,), "mae")

    for kept, other in zip(bounded(free, 18.0), free, strict=True):
        assert (kept.name, kept.setting) == (other.name, other.setting)
        assert np.array_equal(kept.forecast(windows), np.maximum(other.forecast(windows), 18.0))
        assert (other.forecast(windows) < 18).any()
    assert bounded(free, None) == free


def test_a_padded_window_is_forecast_from_its_rows_alone():
    target = np.array([1.0, 3.0, 2.0, 50.0, 60.0, 7.0, 8.0, 5.0, 4.0, 9.0, 2.0])
    starts = np.array([0, 3, 5])
    series = Series(starts, np.zeros(3), np.ones(3))
    windows = replace(make_windows(target, origins=[1, 2, 3, 4, 5, 7, 10]), series=series)
    last_value, seasonal, drift, mean = naive_baselines([2])

    for k, origin in enumerate(windows.origins.tolist()):
        first = starts[starts <= origin].max()
        own = target[first : origin + 1]
        read = own[-5:]
        slope = (read[-1] - read[0]) / (len(read) - 1) if len(read) > 1 else 0.0
        expected = {
            last_value: [own[-1]] * 3,
            seasonal: [own[-2], own[-1], own[-2]] if len(own) > 1 else [own[-1]] * 3,
            drift: [own[-1] + step * slope for step in (1, 2, 3)],
            mean: [read.mean()] * 3,
        }
        for baseline, values in expected.items():
            found = baseline.forecast(windows)[k]
            np.testing.assert_allclose(found, values, rtol=1e-6, err_msg=baseline.name)


@pytest.mark.parametrize("rows", [1, 6])
def test_blocks_of_series_are_forecast_as_all_at_once(rows, monkeypatch):
    target = np.random.default_rng(0).normal(size=30)
    target[[2, 9, 20]] = np.nan
    series = Series(np.array([0, 4, 11, 19]), np.arange(4.0), np.ones(4))
    windows = make_windows(np.nan_to_num(target), origins=[0, 1, 6, 7, 13, 15, 21, 26])
    windows = replace(windows, series=series, target=torch.from_numpy(target).float())
    expected = [one.forecast(windows) for one in naive_baselines([2, 5])]

    monkeypatch.setattr(layout, "BLOCK_ROWS", rows)

    for one, forecast in zip(naive_baselines([2, 5]), expected, strict=True):
        np.testing.assert_allclose(one.forecast(windows), forecast, rtol=1e-12)
