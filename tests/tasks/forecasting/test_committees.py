"""Several forecasters are their mean, mixed with a baseline that has learned from as many rows."""

import numpy as np
import pytest

import lockgate
from lockgate.settings import resolve
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.ridge import fit_ridge
from lockgate.tasks.forecasting.task import TASK


@pytest.fixture
def prepared(table, small):
    config = resolve(ForecastConfig, small)
    return TASK.prepare(TASK.read(table, config), config), config


@pytest.fixture
def fits(prepared):
    return [TASK.train(*prepared, seed=seed)[0] for seed in range(3)]


@pytest.fixture
def ridge(table, prepared):
    compared = TASK.baselines(table, *prepared, "stopping").baselines
    return next(one for one in compared if one.name == "ridge")


def test_the_forecast_is_the_mean_of_the_members(prepared, fits):
    data = prepared[0]
    joined = TASK.committees.join(fits, data, None)

    each = [TASK.predict(one, data, "test") for one in fits]

    np.testing.assert_allclose(TASK.predict(joined, data, "test"), np.mean(each, axis=0))
    for k, own in enumerate(each):
        alone = TASK.committees.alone(joined, k)
        np.testing.assert_array_equal(TASK.predict(alone, data, "test"), own)


def test_a_mixture_is_the_weighted_mean_before_it_is_bounded(table, prepared, fits, ridge):
    data = prepared[0]
    joined = TASK.committees.join(fits, data, None)
    mixed = TASK.committees.mixed(joined, ridge, 0.3)

    networks, linear = TASK.predict(joined, data, "test"), ridge.predict("test")

    np.testing.assert_allclose(TASK.predict(mixed, data, "test"), 0.3 * networks + 0.7 * linear)
    unmixed = TASK.committees.mixed(mixed, None, 1.0)
    np.testing.assert_array_equal(TASK.predict(unmixed, data, "test"), networks)


def test_a_ridge_is_fitted_again_with_its_strength_to_all_before_the_test_part(
    table, prepared, ridge
):
    data, config = prepared
    again = TASK.committees.refit(table, data, config, ridge)

    windows = data.windows("development")
    assert again.model.strength == ridge.model.strength
    assert not np.allclose(again.model.coefficients, ridge.model.coefficients)
    # the judge: the eigenvalues' way, whose search is given this strength alone
    with pytest.MonkeyPatch.context() as patch:
        from lockgate.scoring.baselines import Grid
        from lockgate.tasks.forecasting import ridge as module

        patch.setattr(module, "RIDGE_STRENGTHS", Grid((ridge.model.strength,), 0, 1))
        judge = fit_ridge(windows, windows, "mae")
    np.testing.assert_allclose(again.model.coefficients, judge.coefficients, atol=1e-7)
    np.testing.assert_allclose(again.model.intercept, judge.intercept, atol=1e-7)


def test_naive_baselines_have_nothing_to_fit_again(table, prepared):
    data, config = prepared
    last = TASK.baselines(table, data, config).baselines[0]

    assert TASK.committees.refit(table, data, config, last) is last


def test_halves_share_no_target_and_are_the_validation_part(prepared):
    data = prepared[0]
    stopping, mixing = data.split.rows("stopping"), data.split.rows("mixing")

    assert [*stopping, *mixing] == [*data.split.rows("validation")]
    windows = data.windows("stopping")
    assert int(windows.origins[-1]) + windows.horizon < mixing.start
    assert data.windows("development").origins[-1] + windows.horizon < data.split.validation


def test_a_part_too_short_to_be_halved_is_told(table, small):
    config = resolve(ForecastConfig, {**small, "horizon": 12, "split": "0.9,0.05,0.05"})
    data = TASK.prepare(TASK.read(table, config), config)

    why_not = TASK.committees.why_not_halved(data)

    steps = len(data.split.rows("validation"))
    assert why_not == f"half of the validation part, {steps} steps, holds no window of 12"


@pytest.mark.parametrize("members", [1, 3])
def test_a_folder_forecasts_as_what_was_saved(table, small, tmp_path, members):
    told = {**small, "members": members, "mix": True}
    fitted, folder = lockgate.train(table, out=tmp_path / "model", **told)

    again = lockgate.load(folder)

    names = {path.name for path in folder.glob("*.safetensors")} - {
        "ridge.safetensors",
        "intervals.safetensors",
    }
    several = {f"model-{k}.safetensors" for k in (1, 2, 3)}
    assert names == ({"model.safetensors"} if members == 1 else several)
    assert again.predict(table).equals(fitted.predict(table))
    assert again.mixture.weight == fitted.mixture.weight == fitted.metrics["delivered"]["weight"]
    assert again.config == fitted.config
    columns = ["unique_id", "ds", "forecast"]
    assert again.predict(table).columns == columns + (["spread"] if members > 1 else [])


def test_a_folder_that_names_more_networks_than_it_holds_is_refused(table, small, tmp_path):
    _, folder = lockgate.train(table, out=tmp_path / "model", **small)
    path = folder / "config.json"

    for fits, message in ((2, "model-1.safetensors must hold weights"), (0, "1 to 1000 fits")):
        path.write_text(path.read_text().replace('"fits": 1', f'"fits": {fits}'))
        with pytest.raises(lockgate.DataError, match=message):
            lockgate.load(folder)
        path.write_text(path.read_text().replace(f'"fits": {fits}', '"fits": 1'))
