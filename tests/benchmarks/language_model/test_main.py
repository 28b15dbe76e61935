"""A run can be killed and gone on with."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace

import pytest
import torch

pytest.importorskip("safetensors", reason="checkpoints are of the extra [workbench]")

from benchmarks.common.files import ROOT
from benchmarks.language_model import __main__ as language_model
from benchmarks.language_model.config import PRESETS, Config, arm, override
from benchmarks.language_model.data import read_corpus
from benchmarks.language_model.fit import Fit


def settings_of(config):
    """Give a configuration as the command line has it."""
    given = [f"{field.name}={getattr(config, field.name)}" for field in fields(Config)]
    return [setting.replace("=False", "=false") for setting in given]


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_killed_run_goes_on_and_ends_as_one_not_killed(data, tmp_path, tiny, curve):
    epochs = 40
    settings = [*settings_of(tiny), f"max_epochs={epochs}", f"patience={epochs}"]
    options = [
        "--data",
        str(data),
        "--runs",
        str(tmp_path / "runs"),
        "--out",
        str(tmp_path / "out"),
    ]
    options += ["--arms", "locked", "weight", "--seeds", "4", "--workers", "1"]
    options += [part for setting in settings for part in ("--set", setting)]
    command = [sys.executable, "-m", "benchmarks.language_model", *options]
    checkpoints = tmp_path / "runs" / "locked-4.safetensors"
    run = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    while not checkpoints.exists() and run.poll() is None:
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not (tmp_path / "runs" / "weight-4.json").exists()

    with pytest.raises(ValueError, match=r"runs must be an empty folder, got .*--resume"):
        language_model.main(options)
    language_model.main([*options, "--resume"])

    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert [fit["arm"] for fit in results["fits"]] == ["locked", "weight"]
    assert len(results["sessions"]) == 2
    for found in results["fits"]:
        config = arm(override(PRESETS["small"], settings), found["arm"])
        fit = Fit(read_corpus(data, config), config, 4)
        fit.go_on()
        found["curve"] = [
            {k: v for k, v in e.items() if "seconds" not in k} for e in found["curve"]
        ]
        assert found["curve"] == curve(fit)
        assert found["test"] == fit.test()


def test_run_with_other_settings_is_not_gone_on_with(data, tmp_path, tiny):
    options = ["--data", str(data), "--runs", str(tmp_path), "--out", str(tmp_path)]
    args = language_model.arguments(options)
    language_model.begin(args, tiny)

    args = language_model.arguments([*options, "--resume"])
    with pytest.raises(ValueError, match=r"config must be that of the run"):
        language_model.begin(args, replace(tiny, bptt=8))
