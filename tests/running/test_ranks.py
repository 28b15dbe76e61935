"""One network trained on several processes is that of one, and none of them outlives another."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, distributed

import lockgate
from lockgate.errors import DataError
from lockgate.running import ranks
from lockgate.running.ranks import check_devices, of_torchrun, together
from lockgate.training import group
from lockgate.training.group import ALONE, Group, here

DROPS = {"input_dropout": 0.2, "recurrent_dropout": 0.2, "output_dropout": 0.2}
FAST = {**DROPS, "hidden_size": 4, "max_epochs": 3, "batch_size": 13, "device": "cpu"}
ONE = {"members": 1, "mix": False}
FORECAST = {"target": "sold", "horizon": 3, "lookback": 7}
WORDS = {**ONE, "embedding_size": 3, "linear_path": "off", "min_count": 1}
Outcome = tuple[dict[str, Any], dict[str, Tensor]]


def train(source: Any, out: Path, settings: dict[str, Any]) -> Outcome:
    """Return the curves and the weights of a training."""
    fitted, folder = lockgate.train(source, out=out, **{**FAST, **settings})
    return fitted.metrics, weights_in(folder)


def weights_in(folder: Path) -> dict[str, Tensor]:
    files = sorted(folder.rglob("*.safetensors"))
    found = {f"{file.name}/{key}": one for file in files for key, one in load_file(file).items()}
    return {key: one for key, one in found.items() if one.is_floating_point()}


def histories(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    found = metrics["history"]
    return found if isinstance(found, list) else [found]


def assert_same(found: Outcome, expected: Outcome, name: str) -> None:
    pairs = list(zip(histories(found[0]), histories(expected[0]), strict=True))
    for own, theirs in pairs:
        assert own["steps"] == theirs["steps"], name
        assert own["stopped"] == theirs["stopped"], name
        for curve in ("training", "validation", "gradient_norm"):
            assert own[curve] == pytest.approx(theirs[curve], rel=1e-4), (name, curve)
    assert len(pairs) > 0
    assert found[1].keys() == expected[1].keys()
    for key, weight in found[1].items():
        torch.testing.assert_close(weight, expected[1][key], rtol=1e-4, atol=1e-5, msg=key)


def cases(labelled: Any, table: pl.DataFrame, folder: Path) -> dict[str, tuple[Any, dict]]:
    """What is trained: sources and settings."""
    vectors = folder / "vectors.txt"
    vectors.write_text("good 1 0 0\nbad 0 1 0\nfilm 0 0 1\n")
    texts, steps = labelled("texts")[0], labelled("steps")[0]
    seventh = pl.int_range(pl.len()) % 7 == 0
    holes = table.with_columns(sold=pl.when(~seventh).then("sold"))
    lines = [f"the {one} cat sat on the {other} mat" for one in "abc" for other in "defg"] * 9
    stops = {"patience": 1, "learning_rate": 0.03, "max_epochs": 40, "average": 0.0}
    return {
        "holes": (holes, {**FORECAST, **ONE, "metric": "rmse", "schedule": "cosine"}),
        "members": (table, {**FORECAST, "members": 2, "max_epochs": 1}),
        "thawed": (texts, {**WORDS, "vectors": str(vectors), "freeze_vectors": 1}),
        "words": (lines, {"task": "language", "embedding_size": 3, "chunk_steps": 5}),
        "stops": (table, {**FORECAST, **ONE, **stops}),
        "pretrained": (texts, {**WORDS, "pretrain": True, "pretrain_epochs": 2}),
        "truncated": (
            steps,
            {**ONE, "at_steps": True, "truncated_bptt_steps": 3, "bidirectional": False},
        ),
        "more rows than one evaluates at once": (
            pl.concat([table] * 4).with_columns(
                day=pl.date(2000, 1, 1) + pl.duration(days=pl.int_range(pl.len()))
            ),
            {**FORECAST, **ONE, "max_epochs": 1, "batch_size": 301},
        ),
    }


QUICK = ("holes", "thawed", "words")


@pytest.mark.parametrize(
    ("processes", "quick"), [(2, True), pytest.param(3, False, marks=pytest.mark.slow)]
)
def test_processes_train_the_network_of_one(
    processes: int,
    quick: bool,
    labelled: Any,
    table: pl.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kinds = cases(labelled, table, tmp_path)

    with together(processes, "cpu"):
        for name in QUICK if quick else kinds:
            source, settings = kinds[name]
            assert here().size == processes
            found = train(source, tmp_path / f"{name}-together", settings)
            with monkeypatch.context() as patch:
                patch.setattr(group, "_here", ALONE)
                expected = train(source, tmp_path / f"{name}-alone", settings)

            assert_same(found, expected, name)
    assert here() is ALONE


class KilledError(Exception):
    """Stands for a kill."""


@pytest.mark.slow
def test_what_one_process_began_several_go_on_with(
    table: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    settings = {**FORECAST, **ONE, "average": 0.9}
    expected = train(table, tmp_path / "whole", settings)
    monkeypatch.setattr("lockgate.training.checkpoint.EVERY_SECONDS", 0.0)
    monkeypatch.setattr("lockgate.training.checkpoint._SHARE", 1e9)

    with monkeypatch.context() as patch:
        patch.setattr("lockgate.runs.FitProgress.on_fit", lambda *_: _kill_at(4))
        with pytest.raises(KilledError):
            train(table, tmp_path / "broken", settings)
    found = train(table, tmp_path / "broken", {**settings, "resume": True, "devices": 2})

    assert_same(found, expected, "resumed")
    assert "processes: 1 there and 2 here" in caplog.text
    assert not distributed.is_initialized()


def _kill_at(look: int) -> Callable[[Any], None]:
    def on_epoch(history: Any) -> None:
        if history.looks == look:
            raise KilledError

    return on_epoch


def test_when_one_process_ends_the_first_one_ends_whatever_it_does() -> None:
    began = []

    def compute() -> None:
        with together(2, "cpu"):
            here().call(signal.raise_signal, signal.SIGKILL)
            began.append(time.monotonic())
            while time.monotonic() < began[0] + 30:
                sum(range(1_000))

    with pytest.raises(ChildProcessError, match=r"^process 2 of the 2 .* by signal 9: continue"):
        compute()

    assert time.monotonic() - began[0] < 5
    assert here() is ALONE
    assert not distributed.is_initialized()


@pytest.mark.slow
def test_what_goes_wrong_in_another_process_is_told() -> None:
    def compute() -> None:
        with together(3, "cpu"):
            here().call(divmod, 1, 0)
            here().told(0)
            here().summed([1.0])

    with pytest.raises(ChildProcessError, match=r"code 1 \(ZeroDivisionError: .*\): continue"):
        compute()


@pytest.mark.slow
def test_an_error_of_the_first_process_ends_the_others() -> None:
    others: list[Any] = []
    enter = ranks._Others.__enter__

    def entered(self: Any) -> Any:
        others.append(self)
        return enter(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks._Others, "__enter__", entered)
        with pytest.raises(KilledError), together(2, "cpu"):
            raise KilledError

    assert [one.returncode is not None for one in others[0]._started] == [True]


@pytest.mark.slow
def test_a_process_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks.sys, "executable", "/bin/false")

    with (
        pytest.raises(ChildProcessError, match=r"process 2 of the 2 .* ended by exit code 1: con"),
        together(2, "cpu"),
    ):
        raise AssertionError


ENDLESS = {"hidden_size": 4, "lookback": 7, "max_epochs": 10**6, "patience": 10**6}


@pytest.fixture
def command(csv: Path) -> list[str]:
    """A command that trains until it is ended."""
    told = [f"--set={name}={value}" for name, value in ENDLESS.items()]
    words = ["train", str(csv), "--target", "sold", "--horizon", "3", "--members", "1", "--no-mix"]
    return [*words, *told, "--out", str(csv.with_name("model"))]


@pytest.mark.slow
@pytest.mark.parametrize("which", ["first", "other"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("seconds", [0.3, 10], ids=["while-it-starts", "while-it-trains"])
def test_a_signal_to_one_process_ends_all(
    seconds: float, how: signal.Signals, which: str, command: list[str]
) -> None:
    first = subprocess.Popen(
        [sys.executable, "-m", "lockgate", *command, "--devices", "2"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    children = Path(f"/proc/{first.pid}/task/{first.pid}/children")
    deadline = time.monotonic() + 60
    while not children.read_text().split():
        assert first.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    other = int(children.read_text().split()[0])
    time.sleep(seconds)

    os.kill(first.pid if which == "first" else other, how)
    told = first.communicate(timeout=10)[1].strip().splitlines()[-1:]

    assert first.returncode == (1 if (which, how) != ("first", signal.SIGKILL) else -how)
    until = time.monotonic() + 5
    while is_there(other) and time.monotonic() < until:
        time.sleep(0.1)
    assert not is_there(other)
    if first.returncode == 1:
        sentence = "interrupted" if how == signal.SIGINT else "process 2 of the 2 that train"
        assert sentence in told[0]
        assert told[0].endswith("continue with resume=True (--resume)")


HANGS = """
import ctypes, signal
from lockgate.running import ranks
from lockgate.training.group import here

ranks.GRACE, ranks._may_hang = 0.5, lambda device: device == "cpu"
with ranks.together(2, "cpu"):
    here().call(signal.raise_signal, signal.SIGKILL)
    ctypes.CDLL(None).sleep(60)
"""


@pytest.mark.slow
def test_a_process_that_hangs_in_a_step_ends_itself() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=45)

    assert done.returncode == 1
    assert done.stderr == (
        "lockgate: process 2 of the 2 that train together ended by signal 9: continue with "
        "resume=True (--resume)\n"
    )


def is_there(process: int) -> bool:
    """Tell whether a process runs; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_torchrun_starts_the_processes(csv: Path, tmp_path: Path) -> None:
    settings = {**FORECAST, **FAST, **ONE}
    expected = train(csv, tmp_path / "alone", settings)
    told = [f"--set={name}={value}" for name, value in settings.items() if name != "target"]
    words = ["train", str(csv), "--target", "sold", "--out", str(tmp_path / "model"), *told]

    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*torchrun, "-m", "lockgate", *words], capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"model: {tmp_path / 'model'}") == 1
    fitted = lockgate.load(tmp_path / "model")
    assert_same((fitted.metrics, weights_in(tmp_path / "model")), expected, "torchrun")


def test_without_torchrun_a_process_is_by_itself() -> None:
    for environment in ({}, {"WORLD_SIZE": "1", "RANK": "0"}, {"WORLD_SIZE": "4"}):
        with of_torchrun(environment) as is_first:
            assert is_first
            assert here() is ALONE


def test_devices_are_a_number_that_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (0, -1, 1.5, True, "2"):
        with pytest.raises(DataError, match=f"^devices must be a whole number .*, got {wrong!r}$"):
            check_devices(wrong, "cpu")
    check_devices(1, "cpu")
    check_devices(64, "cpu")

    monkeypatch.setattr(ranks, "check_device", lambda _: None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_devices(2, "cuda")
    with pytest.raises(DataError, match=r"devices must be at most 2, as .* cuda, got 3; pass"):
        check_devices(3, "cuda")
    with pytest.raises(DataError, match=r"devices must be at most 1, as .* mps, got 2; pass"):
        check_devices(2, "mps")
    check_devices(1, "mps")
    with monkeypatch.context() as patch:
        patch.setattr(ranks, "here", lambda: Group(0, 2, 0))
        with pytest.raises(DataError, match=r"device must be cpu or cuda where .*, got mps; pass"):
            check_devices(1, "mps")
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    with pytest.raises(DataError, match="devices must be 1 in a process that belongs to a group"):
        check_devices(2, "cpu")


def test_one_device_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks.subprocess, "Popen", None)

    with together(1, "cpu"):
        assert here() is ALONE
