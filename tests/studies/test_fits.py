"""Rungs of one round start alike and see the same batches; what is kept of a fit reads back."""

import math
import shutil
from importlib import import_module

import numpy as np
import pytest
import torch

from lockgate.nn import Reach
from lockgate.running.local import default_workers
from lockgate.running.places import Local
from lockgate.settings import resolve
from lockgate.studies import fits
from lockgate.studies.fits import JUDGED, Fit, Job, read_judged, read_spreads
from lockgate.tasks.forecasting.config import ForecastConfig, ForecasterConfig
from lockgate.tasks.forecasting.forks import Forks
from lockgate.tasks.forecasting.ladder import LADDER
from lockgate.tasks.forecasting.prepare import prepare, read
from lockgate.tasks.forecasting.task import REACH_WINDOWS, Forecasting
from lockgate.tasks.forecasting.train import train
from lockgate.tasks.forecasting.windows import Windows
from lockgate.tasks.stack.rungs import model_config
from lockgate.training import checkpoint
from lockgate.training.history import History

FORECASTING = Forecasting()

RUNGS = {rung.name: rung for rung in LADDER}


@pytest.fixture
def begin(table, small, monkeypatch):
    """Fit a rung; give the weights it began with, and the windows of its batches in order.

    Of stretches of windows these are the first of each, and how many.
    """
    config = resolve(ForecastConfig, small)
    prepared = prepare(read(table, config.data), config.data)
    module = import_module("lockgate.tasks.forecasting.train")
    fit = module.fit

    def run(name, seed):
        start, batches = {}, []

        def spied_fit(model, *args, **kwargs):
            start.update({key: value.clone() for key, value in model.state_dict().items()})
            return fit(model, *args, **kwargs)

        def spied(draw):
            def draw_batches(data, *args):
                drawn = draw(data, *args)
                batches.extend(drawn)
                return drawn

            return draw_batches

        monkeypatch.setattr(module, "fit", spied_fit)
        for kind in (Windows, Forks):
            monkeypatch.setattr(kind, "draw_batches", spied(kind.draw_batches))
        network = model_config(RUNGS[name], ForecasterConfig(hidden_size=4), "lstm")
        train(prepared, config.model_copy(update={"model": network}), seed=seed, name=name)
        return start, torch.cat(batches)

    return run


@pytest.mark.parametrize("name", ["input-dropout", "both", "stacked", "bidirectional"])
def test_rungs_of_a_seed_share_their_first_weights_and_the_order_of_batches(begin, name):
    weights, batches = begin("lstm", 0)
    others, other_batches = begin(name, 0)

    assert len(batches) > 100
    if name == "bidirectional":
        # it reads each window by itself
        assert (batches.ndim, other_batches.ndim) == (2, 1)
        assert len(other_batches) == 2 * 271
    else:
        assert torch.equal(batches, other_batches)
    shared = [
        key for key in weights if key.startswith("stack") or name in ("input-dropout", "both")
    ]
    assert len(shared) >= 4
    for key in shared:
        assert torch.equal(weights[key], others[key]), key


def test_seeds_differ_in_weights_and_in_the_order_of_batches(begin):
    weights, batches = begin("lstm", 0)
    others, other_batches = begin("lstm", 1)

    assert not torch.equal(batches, other_batches)
    assert not torch.equal(weights["stack.weight_ih_l0"], others["stack.weight_ih_l0"])
    assert not torch.equal(weights["head.weight"], others["head.weight"])


def make_fit(rung, validation, seed=0, stopped="early"):
    epochs = len(validation)
    curves = dict.fromkeys(["training", "gradient_norm", "seconds"], [1.0] * epochs)
    history = History(**curves, validation=validation, stopped=stopped)
    return Fit(
        rung=rung,
        seed=seed,
        fold="pass-0-fold-0",
        history=history,
        seconds=1.0,
        parameters=3,
        validation=None,
        temperature=1.0,
        reach=None,
    )


def test_a_diverged_fit_reads_as_it_was_written():
    fit = make_fit("a", [0.5, float("nan"), float("inf")], stopped="diverged")

    again = Fit.model_validate_json(fit.model_dump_json())

    assert str(again) == str(fit)
    assert again.diverged


def test_a_reach_that_exploded_reads_as_it_was_written():
    fit = make_fit("a", [0.5]).model_copy(update={"reach": Reach((1.0, math.inf), math.inf)})

    again = Fit.model_validate_json(fit.model_dump_json())

    assert again.reach == fit.reach
    assert isinstance(again.reach, Reach)


def test_an_accelerator_gets_one_process():
    assert default_workers("cuda") == 1
    assert default_workers("cpu") >= 1


@pytest.fixture
def fitted(table, small):
    """Fit a network to the small table; give it and the prepared table."""

    def run(**settings):
        config = resolve(ForecastConfig, {**small, **settings})
        prepared = prepare(read(table, config.data), config.data)
        return train(prepared, config)[0], prepared

    return run


def test_the_reach_is_that_of_the_stack_without_the_level(fitted):
    last, prepared = fitted(lookback=9)
    model, windows = last.model, prepared.windows("validation").thinned(REACH_WINDOWS)
    x = windows.x(slice(None))
    x[..., 0] -= x[:, -1:, 0]
    x.requires_grad_()
    output, _ = model.stack(x)
    jacobian = [
        torch.autograd.grad(step.sum(), x, retain_graph=True)[0]
        for step in model.head(output[:, -1]).unbind(1)
    ]
    exact = torch.stack(jacobian).square().sum((0, 3)).mean(0).sqrt().flip(0)

    reach = FORECASTING.reach(last, prepared)

    assert len(reach.norms) == 9
    assert len(windows) == 58
    torch.testing.assert_close(torch.tensor(reach.norms), exact, rtol=0.2, atol=0)


def test_the_reach_is_measured_without_dropout_and_in_the_same_way_twice(fitted):
    last, prepared = fitted(recurrent_dropout=0.5, input_dropout=0.5)
    last.model.train()

    assert FORECASTING.reach(last, prepared) == FORECASTING.reach(last, prepared)


def test_a_window_of_one_step_has_no_reach(fitted):
    assert FORECASTING.reach(*fitted(lookback=1, max_epochs=1)) is None


@pytest.fixture
def prepared(table, small, tmp_path):
    """Keep a prepared table as a fold and as the whole of a study; give its settings."""
    config = resolve(ForecastConfig, small)
    prepared = prepare(read(table, config.data), config.data)
    for place in ("a-fold", "whole"):
        fits.save_prepared(tmp_path / "prepared" / place, prepared, FORECASTING)
    return config, prepared


def test_a_fit_of_a_round_keeps_what_it_predicts_and_no_weights(prepared, tmp_path):
    config, told = prepared
    job = Job("lstm", 2, config, FORECASTING, "a-fold")

    [fit] = fits.run_fits(tmp_path, [job], Local(1))

    assert sorted(path.name for path in job.folder(tmp_path).iterdir()) == ["fit.json", JUDGED]
    model, _ = train(told, config, seed=2, name="lstm")
    assert np.array_equal(read_judged(tmp_path, job), model.forecast(told.windows("test")))
    assert (fit.seed, fit.fold, fit.temperature) == (2, "a-fold", 1.0)


def test_a_fit_of_a_round_that_forecasts_a_spread_keeps_it(prepared, tmp_path):
    config, told = prepared
    config = resolve(ForecastConfig, config.model_dump(), {"head": "normal"})
    job, plain = (Job(name, 2, config, FORECASTING, "a-fold") for name in ("lstm", "other"))

    [fit] = fits.run_fits(tmp_path, [job], Local(1))

    model, _ = train(told, config, seed=2, name="lstm")
    assert np.array_equal(read_spreads(tmp_path, job), model.spreads(told.windows("test")))
    assert read_spreads(tmp_path, plain) is None
    assert fit.validation is None


def test_a_member_keeps_its_weights(prepared, tmp_path):
    config, _ = prepared
    job = Job("lstm", 0, config, FORECASTING)

    list(fits.run_fits(tmp_path, [job], Local(1)))

    assert FORECASTING.load_fitted(job.folder(tmp_path)).config == config
    assert read_judged(tmp_path, job) is None


def test_a_fit_that_is_there_is_read(prepared, tmp_path, monkeypatch):
    config, _ = prepared
    job = Job("lstm", 0, config, FORECASTING, "a-fold")
    [kept] = fits.run_fits(tmp_path, [job], Local(1))
    monkeypatch.setattr(fits, "write_fit", None)

    assert list(fits.run_fits(tmp_path, [job], Local(1))) == [kept]


def one_fit(study, job):
    [fit] = fits.run_fits(study, [job], Local(1))
    return fit


@pytest.fixture
def kill_at(monkeypatch):
    """Kill whatever fits at a step, counted from now on; give the steps that were taken."""
    module = import_module("lockgate.training.fit")
    step, taken = module.take_step, []
    monkeypatch.setattr(checkpoint, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(checkpoint, "_SHARE", 1e9)

    def kill(at):
        taken.clear()

        def counted(*args):
            if len(taken) == at:
                raise RuntimeError("killed")
            taken.append(1)
            return step(*args)

        monkeypatch.setattr(module, "take_step", counted)
        return taken

    return kill


@pytest.mark.parametrize("fold", ["a-fold", None])
def test_a_killed_fit_goes_on_from_its_last_epoch_to_the_same_end(
    prepared, fold, tmp_path, kill_at
):
    config, _ = prepared
    job = Job("lstm", 2, config, FORECASTING, fold)
    whole = tmp_path / "whole"
    shutil.copytree(tmp_path / "prepared", whole / "prepared")
    expected = one_fit(whole, job)
    kill_at(7)
    with pytest.raises(RuntimeError, match="killed"):
        one_fit(tmp_path, job)
    assert job.checkpoint(tmp_path).exists()
    assert not job.folder(tmp_path).exists()

    taken = kill_at(None)
    fit = one_fit(tmp_path, job)

    # of two epochs the first is not repeated
    assert len(taken) == 5
    assert fit.history.validation == expected.history.validation
    assert fit.reach == expected.reach
    assert fit.seconds >= sum(fit.history.seconds)
    name = JUDGED if fold else "model.safetensors"
    assert (job.folder(tmp_path) / name).read_bytes() == (job.folder(whole) / name).read_bytes()
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_each_fit_has_a_checkpoint_of_its_own(prepared, tmp_path):
    config, _ = prepared
    longer = config.model_copy(
        update={"training": config.training.model_copy(update={"max_steps": 9})}
    )
    jobs = [
        Job(rung, seed, of, FORECASTING, fold, learn)
        for rung in ("lstm", "both")
        for seed in (0, 1)
        for of in (config, longer)
        for fold, learn in (("a-fold", "train"), ("b-fold", "train"), (None, "development"))
    ]

    folders = {job.folder(tmp_path) for job in jobs}
    assert len({job.checkpoint(tmp_path) for job in jobs}) == len(folders) == 16
    assert {job.checkpoint(tmp_path).parent for job in jobs} == {tmp_path / "checkpoints"}
