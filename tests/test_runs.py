"""A training writes over nothing, is saved whole or not at all, and goes on where it was killed."""

import json
import shutil
import signal
from importlib import import_module
from pathlib import Path

import pytest

import lockgate
from lockgate import DataError, runs
from lockgate.progress import FitProgress


@pytest.mark.parametrize(
    ("table", "target", "expected"),
    [
        ("data/weather.csv.gz", "T (degC)", "runs/weather-T-degC"),
        (Path("sales.parquet"), "sold", "runs/sales-sold"),
        ("sample:co2", "co2", "runs/co2-co2"),
        (None, "../../etc", "runs/table-..-..-etc"),
        ("温度.csv", "湿度", "runs/温度-湿度"),
        (None, "/", "runs/table"),
        ("(.csv", "%", "runs/table"),
    ],
)
def test_the_default_folder_names_table_and_target(table, target, expected):
    out = runs.default_out(table, target)

    assert str(out) == expected
    assert out.parent == Path("runs")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_train_writes_over_nothing(table, small, tmp_path, kind):
    out = tmp_path / "taken"
    if kind == "folder":
        out.mkdir()
    mine = out / "notes.txt" if kind == "folder" else out
    mine.write_text("mine")

    with pytest.raises(DataError, match=r"out must be a new folder, got .*taken"):
        lockgate.train(table, out=out, **small)

    assert mine.read_text() == "mine"


def test_an_interrupted_training_keeps_the_best_so_far(table, small, tmp_path, monkeypatch):
    told = FitProgress.on_fit

    def interrupted(progress, *fit):
        show = told(progress, *fit)

        def on_epoch(history):
            show(history)
            if history.epochs == 2:
                signal.raise_signal(signal.SIGINT)

        return on_epoch

    monkeypatch.setattr(FitProgress, "on_fit", interrupted)

    fitted, folder = lockgate.train(table, out=tmp_path / "model", **{**small, "max_epochs": 50})

    history = lockgate.load(folder).metrics["history"]
    assert history["stopped"] == "interrupted"
    assert len(history["validation"]) == 2
    monkeypatch.undo()
    whole, _ = lockgate.train(table, out=tmp_path / "whole", **small)
    assert fitted.metrics["test"] == whole.metrics["test"]


def test_a_training_that_diverged_at_once_is_not_saved(table, small, tmp_path):
    told = {**small, "learning_rate": 1e38, "metric": "rmse"}

    with pytest.raises(
        DataError, match="diverged in its first epoch: pass a smaller learning_rate"
    ):
        lockgate.train(table, out=tmp_path / "model", **told)

    assert list(tmp_path.iterdir()) == []


class KilledError(Exception):
    """Stands for a kill."""


def kill_at(monkeypatch, validation):
    """Kill `lockgate.train` at a validation, counted over all of its fits."""
    seen = []

    def on_epoch(history):
        seen.append(history.looks)
        if len(seen) == validation:
            raise KilledError

    monkeypatch.setattr(FitProgress, "on_fit", lambda *_: on_epoch)


def count_steps(monkeypatch):
    """Count the steps of all fits from now on."""
    module, steps = import_module("lockgate.training.fit"), []
    step = module.take_step
    monkeypatch.setattr(module, "take_step", lambda *args: (steps.append(1), step(*args))[1])
    return steps


def files_of(folder):
    """Read a fitted folder: bytes of its weights, and its JSON less the seconds."""
    weights = {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}
    texts = [(folder / f"{name}.json").read_text() for name in ("config", "preprocessing")]
    metrics = json.loads((folder / "metrics.json").read_text())
    for history in metrics.get("histories", [metrics.get("history", {})]):
        history.pop("seconds", None)
    return weights, texts, metrics


@pytest.fixture
def pair(table, small, tmp_path_factory, monkeypatch):
    """Train two members that are fitted twice, undisturbed and one after the other."""
    settings = {**small, "members": 2, "mix": True, "max_epochs": 3}
    monkeypatch.setattr(runs, "default_workers", lambda _: 1)
    with monkeypatch.context() as patched:
        steps = count_steps(patched)
        _, folder = lockgate.train(table, out=tmp_path_factory.mktemp("pair") / "model", **settings)
    return settings, files_of(folder), len(steps)


# in the first fits, after one of them, in the second fits, after one of them
@pytest.mark.parametrize("validation", [1, 4, 7, 9])
def test_a_killed_training_goes_on_to_the_same_model(
    validation, pair, table, tmp_path, monkeypatch
):
    settings, expected, steps = pair
    out = tmp_path / "model"
    taken = count_steps(monkeypatch)
    with monkeypatch.context() as patched:
        kill_at(patched, validation)
        with pytest.raises(KilledError):
            lockgate.train(table, out=out, **settings)
    assert not out.exists()
    before = len(taken)

    lockgate.train(table, out=out, resume=True, **settings)

    assert files_of(out) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "test_looks.json"]
    # members that had ended are not fitted again
    again = before + len(taken[before:]) - steps
    assert again < steps / 4


@pytest.fixture
def killed(table, small, tmp_path, monkeypatch):
    """Kill the training of one network at its end; give the folder that it was to write."""
    with monkeypatch.context() as patched:
        kill_at(patched, 2)
        with pytest.raises(KilledError):
            lockgate.train(table, out=tmp_path / "model", **small)
    return tmp_path / "model"


def test_a_training_that_has_not_ended_is_not_begun_anew(killed, table, small):
    with pytest.raises(DataError, match=r"has not ended: pass resume=True .* or delete .*training"):
        lockgate.train(table, out=killed, **small)


def test_a_training_goes_on_with_its_own_settings_and_data_alone(killed, table, small):
    with pytest.raises(DataError, match=r"learning_rate is 0\.001 there and 0\.01 here; delete it"):
        lockgate.train(table, out=killed, resume=True, **{**small, "learning_rate": 0.01})
    with pytest.raises(DataError, match="its data, first weights or random numbers are others"):
        lockgate.train(table.head(390), out=killed, resume=True, **small)


def test_what_a_kill_left_half_written_is_removed(killed, table, small, trained, monkeypatch):
    left = killed.with_name(".model.0123abcd")
    left.mkdir()
    (left / "config.json").touch()
    half = killed.with_name("model.training") / ".train-0.safetensors.0123abcd"
    half.touch()
    seen = []
    monkeypatch.setattr(FitProgress, "on_fit", lambda *_: lambda _: seen.append(half.exists()))

    _, folder = lockgate.train(table, out=killed, resume=True, **small)

    assert files_of(folder) == files_of(trained[1])
    assert seen == [False]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["model", "test_looks.json"]


def test_a_training_that_was_killed_after_its_end_is_loaded(trained, table, small, tmp_path):
    folder, fits = tmp_path / "model", tmp_path / "model.training"
    shutil.copytree(trained[1], folder)
    fits.mkdir()

    fitted, again = lockgate.train(table, out=folder, resume=True, **small)

    assert (fitted.metrics, again) == (trained[0].metrics, folder)
    assert not fits.exists()
    with pytest.raises(DataError, match=r"which holds another: training\.max_epochs is 2 there"):
        lockgate.train(table, out=folder, resume=True, **{**small, "max_epochs": 3})


def test_resume_begins_where_there_is_nothing_to_continue(trained, table, small, tmp_path):
    _, folder = lockgate.train(table, out=tmp_path / "model", resume=True, **small)

    assert files_of(folder) == files_of(trained[1])
