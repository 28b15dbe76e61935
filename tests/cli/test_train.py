"""`lockgate train` saves what Python's does, and Ctrl-C keeps the best so far and says so."""

import json
import signal
from importlib import import_module

import pytest

import lockgate as package
from lockgate.progress import FitProgress

PLAIN = ["--set", "validations=1", "--set", "average=0", "--set", "learning_rate=0.001"]
TRAIN = ["train", "shop.csv", "--target", "sold", "--horizon", 3, "--lookback", 7]
TRAIN += ["--set", "hidden_size=4", "--members", 1, "--no-mix", *PLAIN]


def test_it_gives_the_numbers_of_python(lockgate, csv, trained, strict_json, tmp_path):
    result = lockgate(*TRAIN, "--set", "max_epochs=2", "--json", "--out", "model")

    assert result.exit_code == 0, result.stderr
    told = strict_json(result.stdout)
    assert told.pop("folder") == "model"
    expected = json.loads(json.dumps(trained[0].metrics))
    for metrics in (told, expected):
        metrics["history"].pop("seconds")
    assert told == expected
    assert package.load(tmp_path / "model").config == trained[0].config


def test_it_prints_scores_beside_the_baselines_and_the_folder(lockgate, csv):
    result = lockgate(*TRAIN, "--set", "max_epochs=2", "--cell", "gru")

    assert result.exit_code == 0, result.stderr
    names = [line.split("  ")[0].strip() for line in result.stdout.splitlines()]
    assert names[:3] == ["model", "gru", "last value"]
    assert result.stdout.endswith("model: runs/shop-sold\n")


def test_ctrl_c_keeps_the_best_so_far_and_says_so(lockgate, csv, monkeypatch, tmp_path):
    def interrupt(history):
        if history.epochs == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(FitProgress, "on_fit", lambda *_: interrupt)

    result = lockgate(*TRAIN, "--out", "model")

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Interrupted: the best weights so far are kept.")
    history = package.load(tmp_path / "model").metrics["history"]
    assert (history["stopped"], len(history["validation"])) == ("interrupted", 3)


def test_ctrl_c_before_the_first_epoch_has_nothing_to_keep(lockgate, csv, monkeypatch, tmp_path):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("lockgate.training.fit"), "evaluate", interrupt)

    result = lockgate(*TRAIN, "--out", "model")

    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "lockgate: interrupted"
    assert [path.name for path in tmp_path.iterdir()] == ["shop.csv"]


@pytest.mark.parametrize("name", ["model.safetensors", "config.yaml"])
def test_a_full_disk_leaves_nothing_half_written(lockgate, csv, monkeypatch, tmp_path, name):
    from lockgate import files

    temporary = files._temporary

    def full(path):
        if path.name == name:
            raise OSError(28, "No space left on device")
        return temporary(path)

    monkeypatch.setattr(files, "_temporary", full)

    result = lockgate(*TRAIN, "--set", "max_epochs=1", "--out", "model")

    assert result.exit_code == 1
    assert "cannot be written, as its disk is full: make room there" in result.stderr
    # the look at the test part has happened, and stays counted; the fit need not be repeated
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["model.training", "shop.csv", "test_looks.json"]


def test_a_training_that_did_not_end_is_continued(lockgate, csv, monkeypatch, tmp_path):
    from lockgate import files

    temporary = files._temporary

    def full(path):
        if path.name == "config.yaml":
            raise OSError(28, "No space left on device")
        return temporary(path)

    with monkeypatch.context() as patched:
        patched.setattr(files, "_temporary", full)
        lockgate(*TRAIN, "--set", "max_epochs=2", "--out", "model")
    refused = lockgate(*TRAIN, "--set", "max_epochs=2", "--out", "model")
    result = lockgate(*TRAIN, "--set", "max_epochs=2", "--out", "model", "--resume")

    assert refused.exit_code == 2
    assert "whose training has not ended: pass resume=True (--resume)" in refused.stderr
    assert result.exit_code == 0, result.stderr
    assert package.load(tmp_path / "model").metrics["history"]["steps"]
    assert not (tmp_path / "model.training").exists()


def test_a_number_of_devices_that_is_none_is_refused(lockgate, csv, tmp_path):
    result = lockgate(*TRAIN, "--devices", 0, "--out", "model")

    assert result.exit_code == 2
    told = "lockgate: devices must be a whole number of at least 1, got 0\n"
    assert result.stderr == told
    assert not (tmp_path / "model.training").exists()
