"""What was begun elsewhere goes on, and it is told once that its last bits may differ."""

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from counting import examples, network
from safetensors import safe_open
from safetensors.torch import save_file

import lockgate
from lockgate.running.jobs import FolderJob
from lockgate.running.places import Local
from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.pretrain import pretrain
from lockgate.training import checkpoint as checkpoints
from lockgate.training import origin as module
from lockgate.training.history import History
from lockgate.training.origin import ENTRY, Origin, warn_if_elsewhere

SENTENCE = (
    "note: what was begun elsewhere goes on here (torch: 1.0.0 there and {torch} here, threads: 3 "
    "there and {threads} here): its weights may differ in their last bits from those of a run that "
    "was not stopped"
)


def sentence(threads: int) -> str:
    return SENTENCE.format(torch=torch.__version__, threads=threads)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == module.__name__]


def write(path: Path, **others: Any) -> Path:
    """Leave a file whose header has an origin like that of here, but for some entries."""
    here = Origin.here(1).model_copy(update=others)
    save_file({"weight": torch.zeros(1)}, path, {ENTRY: here.model_dump_json()})
    return path


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is written now be of another machine."""
    monkeypatch.setattr(checkpoints, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "_SHARE", 1e9)
    there = Origin.here().model_copy(update={"torch": "1.0.0", "threads": 3})
    monkeypatch.setattr(checkpoints, "Origin", SimpleNamespace(here=lambda: there))


def test_here_tells_threads_torch_and_instruction_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Origin.here()

    assert (here.torch, here.threads) == (torch.__version__, torch.get_num_threads())
    assert here.instructions.startswith(f"torch {torch.backends.cpu.get_cpu_capability()}, ")
    monkeypatch.setenv("LOCKGATE_BACKEND", "reference")
    assert Origin.here(7).instructions.endswith(", backend reference")
    monkeypatch.delenv("LOCKGATE_BACKEND")
    monkeypatch.setattr(module.kernels, "status", lambda: None)
    assert Origin.here(7).instructions.endswith(", no kernels")


def test_several_files_are_told_of_in_one_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = [write(tmp_path / f"{n}", torch="1.0.0", threads=3) for n in range(3)]

    warn_if_elsewhere([*files, write(tmp_path / "here"), tmp_path / "none"], threads=1)

    assert told(caplog) == [sentence(threads=1)]
    assert caplog.records[0].levelno == logging.WARNING


def test_nothing_is_told_of_what_was_begun_here_or_is_no_checkpoint(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "damaged").write_bytes(b"\x00" * 99)
    save_file({"weight": torch.zeros(1)}, tmp_path / "bare")

    warn_if_elsewhere([write(tmp_path / "a"), tmp_path / "damaged", tmp_path / "bare"], threads=1)

    assert told(caplog) == []


class KilledError(Exception):
    """Stands for a kill."""


def kill_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(_self: Any, _number: int, _fits: int, _doing: str) -> Any:
        def on_epoch(_: History) -> None:
            raise KilledError

        return on_epoch

    monkeypatch.setattr("lockgate.progress.FitProgress.on_fit", kill)


@pytest.mark.parametrize("members", [1, 2])
def test_a_training_that_goes_on_elsewhere_says_so_and_is_whole(
    members: int,
    table: Any,
    small: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = {**small, "members": members, "max_epochs": 2}
    request.getfixturevalue("elsewhere")
    with monkeypatch.context() as patched:
        kill_fit(patched)
        with pytest.raises(KilledError):
            lockgate.train(table, out=tmp_path / "a", **settings)
    assert told(caplog) == []
    monkeypatch.undo()
    monkeypatch.setattr("lockgate.runs.default_workers", lambda _: 2)

    _, folder = lockgate.train(table, out=tmp_path / "a", resume=True, **settings)

    assert told(caplog) == [sentence(1 if members > 1 else torch.get_num_threads())]
    assert (folder / "config.json").exists()


def leave(out: Path, *, keeps: Path | None) -> None:
    """Do a job."""
    (out / "told").write_text(str(keeps))


def test_jobs_of_this_machine_that_go_on_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = write(tmp_path / "kept", torch="1.0.0", threads=3)

    list(Local(1).run([FolderJob(leave, (), tmp_path / "out", keeps=kept)]))

    assert told(caplog) == [sentence(threads=1)]
    assert not kept.exists()


def test_a_checkpoint_holds_its_origin(tmp_path: Path) -> None:
    config = LabelConfig.model_validate({"model": {"pretrain_epochs": 1}})
    pretrain(network(False), examples([12] * 8), config, checkpoint=tmp_path / "fit")

    with safe_open(tmp_path / "fit", framework="pt") as file:
        assert json.loads(file.metadata()[ENTRY]) == Origin.here().model_dump()
