"""What is fitted anew is what `train` delivers from the same rows, and is never half trained."""

import numpy as np
import pytest

import lockgate
from lockgate import DataError
from lockgate.settings import resolve
from lockgate.studies.anew import fit_anew, networks_of, uninterrupted
from lockgate.tasks.base import ignore
from lockgate.tasks.forecasting.as_of import as_of, learned_from, model_columns
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.task import TASK
from lockgate.training import checkpoint

SEVERAL = {"members": 2, "mix": True}
KNOWN, HELD = 350, 62  # rows that are known; of these the validation part


@pytest.fixture
def fitted_anew(table, small):
    """Fit to the first rows of the table."""

    def run(checkpoints=None, on_fit=lambda *_: ignore, **settings):
        config = resolve(ForecastConfig, {**small, **settings})
        data = TASK.read(table, config)
        own, prepared = learned_from(data, range(KNOWN), config)
        return fit_anew(TASK, own, prepared, config, on_fit, checkpoints), data

    return run


@pytest.mark.parametrize("told", [{}, SEVERAL], ids=["one", "several, mixed"])
def test_it_is_what_train_delivers_from_the_same_rows(fitted_anew, table, small, tmp_path, told):
    dates = table["day"][KNOWN - HELD], table["day"][KNOWN]
    split = ",".join(str(day) for day in dates)

    mine, data = fitted_anew(**told)

    theirs, _ = lockgate.train(table, out=tmp_path / "model", **{**small, **told, "split": split})
    assert mine.preprocessing == theirs.preprocessing
    known = as_of(data, mine.preprocessing, KNOWN - 1)
    mine, theirs = (model_columns(one, known)["lockgate"] for one in (mine, theirs))
    np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("told", [{}, SEVERAL], ids=["one", "several, mixed"])
def test_the_ridge_keeps_its_strength_and_has_learned_from_all_rows(fitted_anew, table, told):
    fitted, _ = fitted_anew(**told)

    config = fitted.config
    data = TASK.read(table, config)
    _, prepared = learned_from(data, range(KNOWN), config)
    choose = "stopping" if told else "validation"
    compared = TASK.baselines(data, prepared, config, choose).baselines
    (ridge,) = (one.model for one in compared if one.name == "ridge")
    assert fitted.ridge.strength == ridge.strength
    expected = ridge.refit(prepared.windows("development"))
    np.testing.assert_array_equal(fitted.ridge.coefficients, expected.coefficients)
    assert not np.allclose(fitted.ridge.coefficients, ridge.coefficients, rtol=1e-6)


def test_networks_are_counted(small):
    counts = [
        networks_of(TASK, resolve(ForecastConfig, {**small, **told}))
        for told in ({}, {"mix": True}, SEVERAL)
    ]

    assert counts == [1, 2, 4]


@pytest.mark.parametrize("told", [{}, SEVERAL], ids=["one", "several, mixed"])
def test_an_interrupted_fit_is_no_model(fitted_anew, told):
    def on_fit(*_):
        def on_epoch(_):
            raise KeyboardInterrupt

        return on_epoch

    with pytest.raises(KeyboardInterrupt):
        fitted_anew(on_fit=on_fit, **told)


def test_fewer_fits_than_were_asked_for_are_an_interruption():
    with pytest.raises(KeyboardInterrupt):
        uninterrupted(lambda _: [])([None])
    assert uninterrupted(lambda _: [])([]) == []


def test_one_network_that_diverges_is_refused(fitted_anew):
    with pytest.raises(DataError, match="diverged in its first epoch"):
        fitted_anew(learning_rate=1e38, metric="rmse")


@pytest.mark.parametrize("told", [{}, SEVERAL], ids=["one", "several, mixed"])
def test_fits_go_on_from_their_checkpoints(fitted_anew, tmp_path, monkeypatch, told):
    monkeypatch.setattr(checkpoint, "EVERY_SECONDS", 0.0)
    whole, _ = fitted_anew(**told)

    def killed_after_one(*_):
        def on_epoch(history):
            if history.epochs == 2:
                raise RuntimeError("killed")

        return on_epoch

    with pytest.raises(RuntimeError, match="killed"):
        fitted_anew(checkpoints=tmp_path, on_fit=killed_after_one, **told)
    assert list(tmp_path.glob("train-*.safetensors"))

    again, _ = fitted_anew(checkpoints=tmp_path, **told)

    for mine, theirs in zip(again.models, whole.models, strict=True):
        for name, weight in mine.state_dict().items():
            np.testing.assert_array_equal(weight, theirs.state_dict()[name], err_msg=name)
