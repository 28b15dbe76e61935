"""A sweep is of the task's own network, disturbs nothing, and repeats itself."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

import lockgate
from lockgate import DataError
from lockgate.tasks import registry
from lockgate.training.streams import Streams
from lockgate.tuning import steepest

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "dog", "ran", "to", "barn", "by", "sea"]


@pytest.fixture
def swept(small):
    """The settings of the small network, for as many epochs as a sweep needs."""
    return {**small, "max_epochs": 60, "batches": 80}


def of(labelled, small, kind):
    """Give a source of a task and its settings."""
    shared = {"hidden_size": 4, "max_epochs": 60, "batches": 60, "batch_size": 16}
    if kind == "language":
        text = [" ".join(np.random.default_rng(i).choice(WORDS, 12)) for i in range(60)]
        return text, {**shared, "task": "language", "chunk_steps": 5, "embedding_size": 4}
    source, told = labelled(kind)
    return source, {**shared, **told, "linear_path": "off"}


def test_it_gives_rates_losses_and_where_the_picture_is(table, swept, tmp_path):
    result = lockgate.lr_find(table, out=tmp_path / "rates", **swept)

    assert len(result.rates) == len(result.losses) == len(result.smoothed) <= 80
    assert result.rates[0] == pytest.approx(1e-5)
    assert result.learning_rate == swept["learning_rate"]
    assert result.report_path == tmp_path / "rates" / "report.html"
    assert [path.name for path in tmp_path.rglob("*")] == ["rates", "report.html"]
    fitted = steepest.lines(result.rates, result.losses)
    assert result.smoothed == tuple(fitted.values)
    assert result.suggestion == steepest.suggest(result.rates, fitted)
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert told["rates"] == list(result.rates)
    assert told["folder"] == str(tmp_path / "rates")


def test_it_begins_with_the_network_and_the_batch_of_train(table, small, tmp_path, monkeypatch):
    """The first loss is that of train's network on train's first batch, dropout off."""
    off = dict.fromkeys(("input_dropout", "recurrent_dropout", "output_dropout"), 0.0)
    settings = {**small, **off, "max_epochs": 60, "batches": 60, "random_state": 5}
    result = lockgate.lr_find(table, out=tmp_path / "rates", **settings)
    seen = []
    from importlib import import_module

    module = import_module("lockgate.tasks.forecasting.train")
    real = module.fit

    def fit(model, train, validation, config, streams, *others, **named):
        copy = Streams(*(torch.Generator() for _ in range(3)))
        copy.batches.set_state(streams.batches.get_state())
        [first, *_] = train.draw_batches(config.batch_size, config.epoch_windows, copy.batches)
        batch = train.batch(first)
        with torch.no_grad():
            error = (model(*batch.inputs) - batch.y)[batch.y.isfinite()]
        seen.append(error.abs().mean().item())
        return real(model, train, validation, config, streams, *others, **named)

    monkeypatch.setattr(module, "fit", fit)
    lockgate.train(table, out=tmp_path / "model", **{**settings, "max_epochs": 1, "batches": None})

    assert result.losses[0] == pytest.approx(seen[-1], rel=1e-5)


@pytest.mark.parametrize("kind", ["class", "steps", "number", "texts", "several", "language"])
def test_it_is_there_for_every_task_and_repeats_itself(labelled, small, kind, tmp_path):
    source, settings = of(labelled, small, kind)
    states = torch.get_rng_state(), random.getstate()

    one, other = (lockgate.lr_find(source, out=tmp_path / n, **settings) for n in ("a", "b"))

    assert one.losses == other.losses
    assert one.task == ("language" if kind == "language" else "labels")
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    another = lockgate.lr_find(source, out=tmp_path / "c", random_state=1, **settings)
    assert another.losses != one.losses


def test_the_test_part_and_validation_have_no_share(table, swept, tmp_path, monkeypatch):
    task = registry.suitable(table, ["target"], None)
    asked = []
    kind = type(task)
    start = kind.start
    monkeypatch.setattr(kind, "part", lambda *_: asked.append("part"))
    monkeypatch.setattr(
        kind,
        "start",
        lambda self, prepared, config, streams, learn="train": (
            asked.append(learn) or start(self, prepared, config, streams, learn)
        ),
    )

    lockgate.lr_find(table, out=tmp_path / "runs" / "rates", **swept)

    assert asked == ["train"]
    assert not (tmp_path / "runs" / "test_looks.json").exists()


def test_its_command_repeats_it(csv, swept, tmp_path):
    result = lockgate.lr_find(csv, out=tmp_path / "rates", low_rate=1e-4, **swept)

    assert result.command.startswith(f"lockgate lr-find {csv.name} --target sold --horizon 3")
    assert "--low-rate 0.0001" in result.command
    assert "--batches 80" in result.command
    assert "--no-mix" not in result.command


def test_what_is_in_memory_is_named_as_in_python(table, swept, tmp_path):
    result = lockgate.lr_find(table, out=tmp_path / "rates", **swept)

    assert result.command.startswith("lockgate.lr_find(frame, target='sold'")


def test_a_folder_that_holds_something_is_refused_before_anything_is_read(tmp_path, swept):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a").touch()

    with pytest.raises(DataError, match=r"out must be a new folder, got .*old: pass another out"):
        lockgate.lr_find("no-such-table.csv", out=tmp_path / "old", **swept)


def test_a_loss_that_diverges_within_a_decade_is_refused(table, swept, tmp_path):
    with pytest.raises(
        DataError,
        match=r"low_rate must be lower, got 1e\+36: from there the loss diverged within a "
        r"decade, after \d+ batches; pass low_rate=1e-05 \(--low-rate 1e-05\)",
    ):
        lockgate.lr_find(
            table, out=tmp_path / "rates", low_rate=1e36, high_rate=1e38, metric="rmse", **swept
        )
    assert not (tmp_path / "rates").exists()


def test_too_few_batches_are_refused(table, small, tmp_path):
    with pytest.raises(DataError, match="a fit must have at least 50 batches, ten for each decade"):
        lockgate.lr_find(table, out=tmp_path / "rates", **small)


def test_rates_must_lie_apart(table, swept, tmp_path):
    with pytest.raises(
        DataError, match=r"high_rate must be at least 100 times low_rate, got 0.01 and 0.001"
    ):
        lockgate.lr_find(table, out=tmp_path / "r", low_rate=1e-3, high_rate=1e-2, **swept)


def test_a_result_is_a_value(table, swept, tmp_path):
    result = lockgate.lr_find(table, out=tmp_path / "rates", **swept)

    assert isinstance(result, lockgate.RateResult)
    assert replace(result) == result
