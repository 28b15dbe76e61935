"""The examples run, and what they say of the cells holds."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = ["adding_problem", "copy_task"]
CELLS = ["rnn", "lstm", "gru"]


def call(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, f"{script}.py", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=EXAMPLES, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def module(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import an example as a module, as if it were run where it lies."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module(request.param)


@pytest.mark.parametrize("script", SCRIPTS)
def test_example_prints_and_writes_every_run(script: str, tmp_path: Path) -> None:
    options = ["--seeds", "2", "--out", "a/runs.json", "--plot", "a/plot.html"]
    done = call(script, "--quick", *(str(tmp_path / o) if "/" in o else o for o in options))

    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split()[:2] for line in done.stdout.splitlines()[4:10]]
    assert rows == [[cell, seed] for cell in CELLS for seed in "01"]
    assert done.stdout.count("before training") == 6
    written = json.loads((tmp_path / "a" / "runs.json").read_text(encoding="utf-8"))
    assert [[run["cell"], str(run["seed"])] for run in written["runs"]] == rows
    for run in written["runs"]:
        assert run["share"] == pytest.approx(run["loss"] / written["baseline"])
        assert run["curve"][-1] == [run["steps"], run["share"]]
    page = (tmp_path / "a" / "plot.html").read_text(encoding="utf-8")
    assert "gru 1 after training" in page


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_cannot_be_used_is_refused(script: str) -> None:
    done = call(script, "--lag", "0")

    assert done.returncode == 2
    assert "lag must be at least" in done.stderr
    assert done.stderr.rstrip().endswith("got 0")


@pytest.mark.parametrize("module", ["adding_problem"], indirect=True)
def test_the_sum_of_the_marked_numbers_is_asked_for(module: Any) -> None:
    task = module.AddingProblem(9)

    x, y = task.draw(4_000, torch.Generator().manual_seed(0))

    assert x.shape == (4_000, 9, 2)
    assert x[:, :4, 1].sum(1).eq(1).all()
    assert x[:, 4:, 1].sum(1).eq(1).all()
    torch.testing.assert_close((x[..., 0] * x[..., 1]).sum(1), y)
    always_one = torch.ones(4_000, 9, 1)
    assert float(task.loss(always_one, y)) == pytest.approx(task.baseline, rel=0.05)


@pytest.mark.parametrize("module", ["copy_task"], indirect=True)
def test_the_symbols_are_asked_for_after_the_sign(module: Any) -> None:
    task = module.CopyTask(lag=4, symbols=3)

    x, y = task.draw(50, torch.Generator().manual_seed(0))

    kinds = x.argmax(2)
    assert kinds.shape == y.shape == (50, 10)
    assert kinds[:, :3].equal(y[:, -3:])
    assert kinds[:, 3:].equal(torch.tensor([[0, 0, 0, 9, 0, 0, 0]]).expand(50, 7))
    assert set(kinds[:, :3].unique().tolist()) == set(range(1, 9))
    guess = torch.full((50, 10, 9), -1e4)
    guess[:, :-3, 0] = 0.0
    guess[:, -3:, 1:] = 0.0
    assert float(task.loss(guess, y)) == pytest.approx(task.baseline)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_rnn_fails_where_lstm_and_gru_learn(script: str, tmp_path: Path) -> None:
    done = call(script, "--out", str(tmp_path / "runs.json"))

    assert done.returncode == 0, done.stderr
    runs = json.loads((tmp_path / "runs.json").read_text(encoding="utf-8"))["runs"]
    shares = {run["cell"]: run["share"] for run in runs}
    assert shares["rnn"] > 0.5
    assert shares["lstm"] < 0.1
    assert shares["gru"] < 0.1
