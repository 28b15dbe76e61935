"""The ridge is scikit-learn's on the flattened window, its strength the best on validation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge as Judge
from sklearn.preprocessing import StandardScaler

from lockgate.scoring.metrics import METRICS, score
from lockgate.tasks.forecasting import ridge as module
from lockgate.tasks.forecasting.ridge import (
    MOST_FEATURES,
    RIDGE_STRENGTHS,
    fit_ridge,
    ridge_why_not,
)
from lockgate.tasks.forecasting.windows import Known, Series, Windows

STD = 7.0
ONE = Series(np.zeros(1, np.int64), np.array([20.0]), np.array([STD]))


def series(rows=400, channels=3, missing=0.0, lookback=6, horizon=4, seed=0):
    """A series whose target follows its second channel, cut into training and validation."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, channels)).cumsum(axis=0) * 0.2
    inputs[2:, 0] += inputs[:-2, -1]
    target = inputs[:, 0].copy()
    target[rng.random(rows) < missing] = np.nan
    arrays = torch.tensor(inputs).float(), torch.tensor(target).float()
    cut = rows * 3 // 4
    train = torch.arange(lookback - 1, cut - horizon)
    validation = torch.arange(cut, rows - horizon)
    return (
        Windows(*arrays, train, lookback, horizon, ONE),
        Windows(*arrays, validation, lookback, horizon, ONE),
    )


def flattened(windows):
    """Features, targets and last values of every window, by the definition."""
    batch = windows.batch(slice(None))
    x, y = (tensor.double().numpy().copy() for tensor in (batch.x, batch.y))
    last = x[:, -1, :1].copy()
    x[:, :, 0] -= last
    features = x.reshape(len(x), -1)
    if windows.known is not None:
        steps = range(1, windows.horizon + 1)
        rows = [[origin + step for step in steps] for origin in windows.origins.tolist()]
        ahead = windows.known.values.double().numpy()[np.array(rows)]
        features = np.concatenate([features, ahead.reshape(len(x), -1)], axis=1)
    return features, y - last, last


def judged(train, windows, strength):
    """The same forecast by scikit-learn."""
    x, y, _ = flattened(train)
    whole = np.isfinite(y).all(axis=1)
    scaler = StandardScaler().fit(x[whole])
    judge = Judge(alpha=strength * whole.sum(), solver="svd")
    judge.fit(scaler.transform(x[whole]), y[whole])
    features, _, last = flattened(windows)
    return windows.invert(judge.predict(scaler.transform(features)) + last)


@pytest.mark.parametrize("missing", [0.0, 0.05])
@pytest.mark.parametrize("metric", METRICS)
def test_ridge_is_that_of_scikit_learn_at_the_best_strength_on_validation(metric, missing):
    train, validation = series(missing=missing)
    truth = validation.invert(validation.truth().numpy())

    fitted = fit_ridge(train, validation, metric)

    scores = {
        strength: score(truth, judged(train, validation, strength), 1.0).of(metric)
        for strength in RIDGE_STRENGTHS.values
    }
    best = min(scores, key=scores.get)
    assert fitted.strength == best
    np.testing.assert_allclose(
        fitted.forecast(validation), judged(train, validation, best), rtol=1e-6
    )


def with_known(windows):
    """The same windows, of which the last channel, squared, is known ahead."""
    return replace(windows, known=Known(windows.inputs[:, -1:].square(), windows.origins + 1))


def test_what_is_known_ahead_is_among_the_features():
    train, validation = map(with_known, series(missing=0.05))

    fitted = fit_ridge(train, validation, "mae")

    assert fitted.coefficients.shape == (6 * 3 + 4, 4)
    expected = judged(train, validation, fitted.strength)
    np.testing.assert_allclose(fitted.forecast(validation), expected, rtol=1e-6)
    refitted = fitted.refit(validation)
    expected = judged(validation, train, fitted.strength)
    np.testing.assert_allclose(refitted.forecast(train), expected, rtol=1e-6)


def test_a_ridge_of_one_strength_is_that_which_was_chosen():
    train, validation = series(missing=0.05)
    chosen = fit_ridge(train, validation, "mae")
    first, rest = train.select(slice(0, 90)), train.select(slice(90, None))

    sums = module.sums_of(train)
    parts = sums.without(module.sums_of(first)), module.sums_of(rest)

    same = module.ridge_of(sums, chosen.strength)
    np.testing.assert_allclose(same.forecast(validation), chosen.forecast(validation), rtol=1e-6)
    for mine, other in zip(*parts, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-8)


def test_a_linear_law_is_found_and_forecast_in_the_targets_unit():
    train, validation = series(channels=2)
    for windows in (train, validation):
        # each value is the other channel's, 4 rows earlier: known over the whole horizon
        windows.inputs[4:, 0] = windows.inputs[:-4, 1]
        windows.target.copy_(windows.inputs[:, 0])

    fitted = fit_ridge(train, validation, "rmse")

    truth = validation.invert(validation.truth().numpy())
    assert score(truth, fitted.forecast(validation), None).rmse < 0.001 * truth.std()
    assert fitted.strength == RIDGE_STRENGTHS.values[0]
    assert fitted.setting == (
        "strength 1e-10 per training window, chosen on validation, at the edge of those tried "
        "(1e-10 to 1e+06)"
    )


def test_cutting_the_windows_into_chunks_changes_nothing(monkeypatch):
    train, validation = series(missing=0.05)
    whole = fit_ridge(train, validation, "mae")

    monkeypatch.setattr(module, "_CHUNK_BYTES", 7 * 8 * 18)
    cut = fit_ridge(train, validation, "mae")

    assert cut.strength == whole.strength
    np.testing.assert_allclose(cut.forecast(validation), whole.forecast(validation), rtol=1e-9)


def test_a_level_shift_of_the_target_shifts_the_forecast():
    train, validation = series()
    fitted = fit_ridge(train, validation, "mae")
    before = fitted.forecast(validation)

    validation.inputs[:, 0] += 3.0

    np.testing.assert_allclose(fitted.forecast(validation), before + 3.0 * STD, rtol=1e-5)


def test_a_constant_channel_takes_no_part():
    train, validation = series(channels=3)
    train.inputs[:, 2] = 0.7
    fitted = fit_ridge(train, validation, "mae")
    before = fitted.forecast(validation)

    validation.inputs[:, 2] = 1e15

    np.testing.assert_allclose(fitted.forecast(validation), before)


def test_more_features_than_windows_can_be_fitted():
    train, validation = series(rows=60, lookback=20)

    forecast = fit_ridge(train, validation, "mae").forecast(validation)

    assert np.isfinite(forecast).all()
    assert forecast.shape == (len(validation), 4)


def test_too_many_features_are_refused_with_the_limit():
    lookback = MOST_FEATURES // 3 + 1
    train, validation = series(rows=3 * lookback, lookback=lookback)

    assert ridge_why_not(train) == (
        "a ridge takes at most 6,000 features, and a lookback of 2,001 with 3 channels makes 6,003"
    )
    few = replace(with_known(train), lookback=1999)
    assert ridge_why_not(few) == (
        "a ridge takes at most 6,000 features, and a lookback of 1,999 with 3 channels, and 4 of "
        "categories and what is known ahead, makes 6,001"
    )
    assert ridge_why_not(replace(few, horizon=3)) is None
    with pytest.raises(ValueError, match="train must allow a ridge: a ridge takes at most 6,000"):
        fit_ridge(train, validation, "mae")


def test_validation_without_truth_is_refused():
    train, validation = series()
    blind = Windows(
        validation.inputs,
        torch.full_like(validation.target, np.nan),
        *(validation.origins, 6, 4, ONE),
    )

    with pytest.raises(ValueError, match="validation must hold at least one observed target"):
        fit_ridge(train, blind, "mae")


def test_the_setting_names_the_strength():
    train, validation = series()

    fitted = fit_ridge(train, validation, "mae")._replace(strength=10.0**-1.5)

    assert fitted.setting == "strength 0.032 per training window, chosen on validation"


def test_a_padded_window_has_a_constant_past_before_its_first_row():
    train, _ = series(rows=30, lookback=6, horizon=2)
    three = Series(np.array([0, 4, 12]), np.zeros(3), np.ones(3))
    windows = replace(train, series=three, origins=torch.tensor([0, 2, 5, 11, 12, 14, 20]))

    (x, last) = module._changes(windows, slice(None))

    inputs = windows.inputs.double().numpy()
    for k, origin in enumerate(windows.origins.tolist()):
        first = max(start for start in (0, 4, 12) if start <= origin)
        rows = [inputs[max(row, first)].copy() for row in range(origin - 5, origin + 1)]
        for row in rows:
            row[0] -= inputs[origin, 0]
        np.testing.assert_array_equal(x[k], np.concatenate(rows))
        assert last[k] == inputs[origin, 0]


def test_a_ridge_of_many_windows_is_fitted_to_some_of_them(monkeypatch):
    train, validation = series()
    some = train.sampled(40)
    monkeypatch.setattr(module, "MOST_FITTED", 40)

    fitted = fit_ridge(train, validation, "mae")

    expected = judged(some, validation, fitted.strength)
    np.testing.assert_allclose(fitted.forecast(validation), expected, rtol=1e-6)
    again = fitted.refit(train)
    np.testing.assert_allclose(again.coefficients, fitted.coefficients, atol=1e-6)
