"""A network forecasts on top of a ridge that has not seen the window it is trained on."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import torch

import lockgate
from lockgate import DataError
from lockgate.scoring.baselines import Grid
from lockgate.tasks.forecasting import linear_path as module
from lockgate.tasks.forecasting import ridge as ridges
from lockgate.tasks.forecasting.linear_path import (
    BLOCKS,
    LinearForecast,
    fit_linear_path,
    linear_path_why_not,
)
from lockgate.tasks.forecasting.ridge import fit_ridge
from lockgate.tasks.forecasting.windows import Known, Series, Windows

ONE = Series(np.zeros(1, np.int64), np.array([20.0]), np.array([7.0]))
LOOKBACK, HORIZON, ROWS = 6, 4, 200


def series(rows=ROWS, seed=0, missing=0.05, noise=0) -> tuple[Windows, Windows]:
    """A random walk with a few holes, and as many columns of noise as told."""
    rng = np.random.default_rng(seed)
    target = torch.from_numpy(rng.normal(size=2 * rows).cumsum() * 0.3).float()
    beside = torch.from_numpy(rng.normal(size=(2 * rows, noise))).float()
    inputs = torch.cat([target[:, None], beside], dim=1)
    target[torch.from_numpy(rng.random(2 * rows) < missing)] = torch.nan
    train = torch.arange(LOOKBACK - 1, rows - HORIZON)
    rest = torch.arange(rows, 2 * rows - HORIZON)
    return (
        Windows(inputs, target, train, LOOKBACK, HORIZON, ONE),
        Windows(inputs, target, rest, LOOKBACK, HORIZON, ONE),
    )


def errors(forecast: torch.Tensor, windows: Windows) -> float:
    return float((forecast - windows.truth()).square().nanmean())


def test_a_training_window_is_forecast_by_windows_that_share_no_row_with_it():
    train, validation = series()
    path = fit_linear_path(train, validation, "mae")
    edges = np.linspace(0, len(train), BLOCKS + 1).round().astype(int)

    for start, stop in pairwise(edges):
        first, last = train.origins[start], train.origins[stop - 1]
        apart = (train.origins <= first - LOOKBACK - HORIZON) | (
            train.origins >= last + LOOKBACK + HORIZON
        )
        others = ridges.sums_of(train.select(apart.nonzero()[:, 0]))
        judge = ridges.ridge_of(others, path.ridge.strength)
        expected = judge.forecast_scaled(train.select(slice(start, stop)))
        np.testing.assert_allclose(path.training[start:stop], expected, rtol=1e-4, atol=1e-5)


def test_what_is_left_of_training_windows_is_as_large_as_what_is_left_of_others(monkeypatch):
    # 186 features of noise and 191 windows: a weak ridge knows its own windows by heart
    monkeypatch.setattr(ridges, "RIDGE_STRENGTHS", Grid((1e-3, 1e-2), 0, 2))
    train, validation = series(noise=30, missing=0.0)

    path = fit_linear_path(train, validation, "mae")

    own = errors(torch.from_numpy(path.ridge.forecast_scaled(train)), train)
    others = errors(torch.from_numpy(path.ridge.forecast_scaled(validation)), validation)
    assert own < 0.2 * others
    assert 0.5 * others < errors(path.training, train) < 2 * others


def test_the_frozen_forecast_is_the_ridge_s():
    train, validation = series()
    path = fit_linear_path(train, validation, "mae")
    forecast = LinearForecast(LOOKBACK, HORIZON)

    forecast.take(path.ridge)

    expected = path.ridge.forecast_scaled(validation)
    x = validation.x(slice(None))
    np.testing.assert_allclose(forecast(x), expected, rtol=1e-4, atol=1e-5)
    assert not list(forecast.parameters())
    assert set(forecast.state_dict()) == {"weight", "bias"}


def test_the_frozen_forecast_reads_what_is_known_ahead_as_the_ridge_does():
    parts = series(noise=2)
    ahead = torch.randn(2 * ROWS, 2, generator=torch.Generator().manual_seed(0))
    train, validation = (replace(one, known=Known(ahead, one.origins + 1)) for one in parts)
    path = fit_linear_path(train, validation, "mae")
    forecast = LinearForecast(3 * LOOKBACK + 2 * HORIZON, HORIZON)

    forecast.take(path.ridge)

    few = torch.tensor([5, 0, 90])
    expected = path.ridge.forecast_scaled(validation)[few]
    found = forecast(validation.x(few), validation.ahead(few))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert path.under(train).known is train.known


def test_too_few_windows_for_blocks_are_named():
    assert linear_path_why_not(series()[0]) is None
    assert linear_path_why_not(series(rows=33, missing=0.0)[0]) == (
        "of 24 training windows only 2 share no row with a fifth of them, and 10 are needed, as "
        "many as a window has rows"
    )
    with pytest.raises(ValueError, match="train must allow a linear path: of 21 training"):
        fit_linear_path(series(rows=30)[0], series()[1], "mae")


def straight(rows=500) -> pl.DataFrame:
    """A series in which a line of the last two weeks is all that there is to know, and noise."""
    rng = np.random.default_rng(0)
    sold = list(rng.normal(size=14))
    for _ in range(rows - 14):
        sold.append(0.6 * sold[-14] - 0.5 * sold[-3] + rng.normal())
    day = np.datetime64("2020-01-01", "us") + np.arange(rows) * np.timedelta64(1, "D")
    return pl.DataFrame({"day": day, "sold": np.array(sold) * 9 + 50})


STRAIGHT = {"target": "sold", "horizon": 3, "lookback": 14, "hidden_size": 4}


def test_training_begins_with_the_ridge_and_never_forgets_it(tmp_path):
    told = {**STRAIGHT, "max_epochs": 1, "learning_rate": 1e-6, "members": 1, "mix": False}

    fitted, _ = lockgate.train(straight(), **told, linear_path="on", out=tmp_path / "model")

    ridge = next(b for b in fitted.metrics["baselines"] if b["name"] == "ridge")
    assert fitted.metrics["test"]["mae"] == pytest.approx(ridge["test"]["mae"], rel=1e-3)


def test_a_loaded_model_forecasts_on_top_of_the_same_ridge(tmp_path, table, small):
    fitted, folder = lockgate.train(table, **small, linear_path="on", out=tmp_path / "model")

    loaded = lockgate.load(folder)

    assert loaded.predict(table).equals(fitted.predict(table))
    assert torch.equal(loaded.model.linear.weight, fitted.model.linear.weight)
    assert loaded.evaluate(table).to_dict() == fitted.evaluate(table).to_dict()
    config = json.loads((folder / "config.json").read_text())
    assert config["model"]["linear_path"] == "on"
    config["model"]["linear_path"] = "off"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match="must hold the weights of config"):
        lockgate.load(folder)


def test_auto_builds_on_a_ridge_where_that_makes_a_network_clearly_better(tmp_path):
    noise = straight().with_columns(sold=pl.Series(np.random.default_rng(1).normal(size=500)))

    kept = {}
    for name, table in (("on", straight()), ("off", noise)):
        told = {**STRAIGHT, "max_epochs": 1, "linear_path": "auto"}
        fitted, _ = lockgate.train(table, **told, out=tmp_path / name)
        kept[name] = fitted.config.model.linear_path

    assert kept == {"on": "on", "off": "off"}


def test_a_study_has_a_rung_of_it_and_serves_all_fits_of_a_fold_with_one_ridge(
    table, small_study, tmp_path, monkeypatch
):
    fitted = []
    monkeypatch.setattr(module, "fit_ridge", lambda *args: fitted.append(1) or fit_ridge(*args))
    told = {**small_study, "rungs": "gru,linear-path", "rounds": 3, "max_epochs": 1}

    result = lockgate.study(table, **told, out=tmp_path / "study")

    rung = next(r for r in result.results["rungs"] if r["name"] == "linear-path")
    # one for each of three folds, and one for the whole
    assert rung["words"] == "GRU + on top of a ridge"
    assert (rung["parent"], len(rung["rounds"]), len(fitted)) == ("gru", 3, 4)


def test_a_path_that_cannot_be_is_refused_with_what_helps(table, small, small_study, tmp_path):
    told = {**small, "max_epochs": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ridges, "MOST_FEATURES", 30)
        patch.setattr("lockgate.tasks.forecasting.choose.MOST_FEATURES", 30)
        with pytest.raises(
            DataError,
            match=r"linear_path must be off with these windows, got on: a ridge takes at most 30 "
            r"features.*; pass lookback=6 \(--lookback 6\), or pass linear_path=off",
        ):
            lockgate.train(table, **told, linear_path="on", out=tmp_path / "a")
        lockgate.train(table, **{**told, "lookback": 6}, linear_path="on", out=tmp_path / "b")
        auto, _ = lockgate.train(table, **told, linear_path="auto", out=tmp_path / "c")
        with pytest.raises(DataError, match="or leave linear-path out of rungs"):
            lockgate.study(table, **{**small_study, "rungs": "gru,linear-path"}, out=tmp_path / "d")
    assert auto.config.model.linear_path == "off"
    long = {**told, "lookback": 60, "linear_path": "on"}
    with pytest.raises(DataError, match=r"share no row with a fifth.*; pass lookback=29 \("):
        lockgate.train(table, **long, out=tmp_path / "e")
    lockgate.train(table, **{**long, "lookback": 29}, out=tmp_path / "f")
