"""A fit repeats exactly, seeds move everything, and a device that is not here is refused."""

import pytest
import torch

from lockgate import DataError
from lockgate.settings import resolve
from lockgate.tasks.forecasting import train as training
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.prepare import prepare, read
from lockgate.tasks.forecasting.train import train
from lockgate.training import checkpoint
from lockgate.training.fit import evaluate


@pytest.fixture
def fit(table, small):
    def run(seed=0, name="", watch=None, **settings):
        config = resolve(ForecastConfig, small, settings)
        prepared = prepare(read(table, config.data), config.data)
        return train(prepared, config, seed=seed, name=name, **(watch or {}))

    return run


def weights(fitted) -> torch.Tensor:
    return torch.cat([p.flatten() for p in fitted.model.state_dict().values()])


def test_a_seed_repeats_a_fit_exactly_whatever_the_global_generator(fit):
    torch.manual_seed(1)
    first, history = fit(seed=2)
    torch.manual_seed(7)
    second, again = fit(seed=2)

    assert torch.equal(weights(first), weights(second))
    assert history.validation == again.validation


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"random_state": 1}, {"name": "both"}], ids=lambda o: next(iter(o))
)
def test_seed_state_and_name_each_change_a_fit(fit, other):
    assert not torch.equal(weights(fit()[0]), weights(fit(**other)[0]))


def test_a_name_changes_nothing_where_there_are_no_masks(fit):
    rates = dict.fromkeys(["input_dropout", "recurrent_dropout", "output_dropout"], 0.0)

    assert torch.equal(weights(fit(**rates)[0]), weights(fit(name="both", **rates)[0]))


@pytest.mark.parametrize("head", ["point", "student_t"])
def test_a_fit_that_was_killed_goes_on_to_the_same_weights(fit, tmp_path, monkeypatch, head):
    monkeypatch.setattr(checkpoint, "EVERY_SECONDS", 0.0)
    settings = {"validations": 3, "average": 0.9, "linear_path": "on", "name": "both", "head": head}

    def kill(history):
        if history.looks == 4:
            raise RuntimeError("killed")

    first, history = fit(**settings)
    with pytest.raises(RuntimeError, match="killed"):
        fit(watch={"checkpoint": tmp_path / "fit", "on_epoch": kill}, **settings)
    second, again = fit(watch={"checkpoint": tmp_path / "fit"}, **settings)

    assert torch.equal(weights(first), weights(second))
    assert history.validation == again.validation
    with pytest.raises(DataError, match="must be a checkpoint of this fit, got one of another"):
        fit(seed=1, watch={"checkpoint": tmp_path / "fit"}, **settings)


def test_a_device_that_is_not_here_is_refused(fit, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    for device in ("cuda", "tpu", "gpu0"):
        with pytest.raises(DataError, match=rf"device must be one that is here, auto.*'{device}'"):
            fit(device=device)


@pytest.mark.parametrize("forks", [1, 8])
def test_some_windows_of_a_large_part_stop_a_fit(fit, monkeypatch, forks):
    judged = []

    def evaluated(model, data, *args):
        judged.append(len(data))
        return evaluate(model, data, *args)

    monkeypatch.setattr("lockgate.training.fit.evaluate", evaluated)
    fit(forks=forks, max_epochs=1)
    whole = judged[1]
    monkeypatch.setattr(training, "MOST_JUDGED", 24)
    judged.clear()

    fit(forks=forks, max_epochs=1)

    assert whole > 24 >= judged[1] > 8
