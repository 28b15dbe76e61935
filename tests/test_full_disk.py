"""A disk that fills is told of in one sentence, and what was begun goes on once there is room."""

import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from full_disk import FullDisk, find_it_full
from typer.testing import CliRunner

import lockgate
from lockgate.cli.app import app
from lockgate.files import DiskFullError
from lockgate.running.jobs import FolderJob
from lockgate.running.places import Local

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
import faults

SENTENCE = re.compile(
    r"^(\S+) cannot be written, as its disk is full(?: or broken)?: make room there, and "
    r"continue with resume=True \(--resume\)$"
)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    return FullDisk(monkeypatch)


def check(told: str, out: Path) -> None:
    """See that the sentence names what could not be written, and that nothing is half written."""
    found = SENTENCE.match(told)
    assert found, told
    assert Path(found[1]).is_relative_to(out.parent)
    assert faults.half_written(out.parent) == []
    assert faults.left_over(out.parent) == []


def go_on(disk: FullDisk, out: Path, writings: int, run: Callable[..., Any]) -> tuple[Any, int]:
    """Let the disk fill again and again; return what came in the end, and how often it was full."""
    filled = 0
    while True:
        # a folder of more files than there is room for would never become whole
        disk.fill(writings + filled)
        try:
            return run(resume=filled > 0), filled
        except DiskFullError as error:
            told = str(error)
        check(told, out)
        filled += 1


@pytest.mark.parametrize("members", [1, 2])
def test_a_training_goes_on_once_there_is_room(
    members: int,
    disk: FullDisk,
    table: Any,
    small: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lockgate.training.checkpoint.EVERY_SECONDS", 0.0)
    monkeypatch.setattr("lockgate.training.checkpoint._SHARE", 1e9)
    monkeypatch.setattr("lockgate.runs.default_workers", lambda _: 1)
    settings = {**small, "members": members}
    _, folder = lockgate.train(table, out=tmp_path / "whole" / "a", **settings)
    out = tmp_path / "full" / "a"

    (_, again), filled = go_on(
        disk, out, 2, lambda **how: lockgate.train(table, out=out, **settings, **how)
    )

    assert filled > 0
    for path in folder.glob("*.safetensors"):
        assert (again / path.name).read_bytes() == path.read_bytes()
    assert sorted(path.name for path in out.parent.iterdir()) == ["a", "test_looks.json"]


def test_a_study_goes_on_once_there_is_room(
    disk: FullDisk, csv: Path, small_study: dict[str, Any], finished: Any, tmp_path: Path
) -> None:
    out = tmp_path / "runs" / "a"

    result, filled = go_on(
        disk, out, 15, lambda **how: lockgate.study(csv, out=out, **small_study, **how)
    )

    assert filled > 5
    assert faults.numbers(result.results) == faults.numbers(finished.results)


SLOW = [pytest.param(writings, marks=pytest.mark.slow) for writings in (20, 30)]


@pytest.mark.parametrize("writings", [60, *SLOW])
def test_a_search_goes_on_once_there_is_room(
    writings: int,
    disk: FullDisk,
    table: Any,
    space: dict[str, Any],
    small_tune: dict[str, Any],
    searched: Any,
    tmp_path: Path,
) -> None:
    out = tmp_path / "runs" / "a"

    result, filled = go_on(
        disk,
        out,
        writings,
        lambda **how: lockgate.tune(table, out=out, space=space, **small_tune, **how),
    )

    assert filled > 1
    assert faults.numbers(result.results) == faults.numbers(searched.results)


def test_a_command_ends_with_the_sentence(
    disk: FullDisk, csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    disk.fill(2)

    command = "train shop.csv --target sold --horizon 3 --set max_epochs=1 --out a"
    result = CliRunner().invoke(app, [*command.split(), "--set", "members=1"])

    *_, line = result.stderr.splitlines()
    assert result.exit_code == 1
    assert SENTENCE.match(line.removeprefix("lockgate: "))
    assert csv.exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_process_of_its_own_cannot_write_is_told_here(workers: int, tmp_path: Path) -> None:
    jobs = [FolderJob(find_it_full, (), tmp_path / "out" / str(n)) for n in range(2)]

    with pytest.raises(DiskFullError, match=rf"^{tmp_path}/out/\d cannot be written, as its disk"):
        list(Local(workers).run(jobs))

    assert list((tmp_path / "out").iterdir()) == []


def test_the_error_is_the_same_in_another_process() -> None:
    error = DiskFullError.of(Path("a/b"), "its disk is full", on="c")

    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - as a worker sends it

    assert (str(again), again.path) == (str(error), error.path)
    assert str(error) == "a/b on c cannot be written, as its disk is full: make room there"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Give a disk of so many KiB, and when asked again one that has grown."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = []

    def of(size: int) -> Path:
        again = ["-o", f"remount,size={size}k"] if mounted else ["-o", f"size={size}k"]
        command = ["mount", "-t", "tmpfs", *again, "tmpfs", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("a disk in memory can be mounted by root alone")
        mounted.append(size)
        return place

    yield of
    if mounted:
        subprocess.run(["umount", str(place)], check=True)


DATA = "--sample co2 --horizon 26 --lookback 52 --set hidden_size=8 --set max_epochs=2 --quiet"
JUDGED = f"{DATA} --set members=2 --folds 3 --rounds 3 --budget none --workers 2"
STUDY = f"study {JUDGED} --rungs lstm,both --smallest-effect 0.1"
TUNE = f"tune {JUDGED} --trials 3"
TRAIN = f"train {DATA} --set members=2"


@pytest.mark.slow
@pytest.mark.parametrize("command", [STUDY, TUNE, TRAIN], ids=["study", "tune", "train"])
def test_a_command_goes_on_as_a_small_disk_grows(
    command: str, small_disk: Callable[[int], Path], tmp_path: Path
) -> None:
    def run(out: Path, *more: str) -> subprocess.CompletedProcess[str]:
        told = [
            str(Path(sys.executable).parent / "lockgate"),
            *command.split(),
            "--out",
            str(out),
            *more,
        ]
        return subprocess.run(told, capture_output=True, text=True, check=False)

    assert run(tmp_path / "whole").returncode == 0
    filled, size = 0, 16.0
    while True:
        out = small_disk(int(size)) / "a"
        done = run(out, *(["--resume"] if filled else []))
        if done.returncode == 0:
            break
        *before, line = done.stderr.splitlines()
        assert (done.returncode, before) == (1, []), done.stderr
        check(line.removeprefix("lockgate: "), out)
        size *= 1.5
        filled += 1

    assert filled > 1
    if command != TRAIN:
        assert faults.results(out) == faults.results(tmp_path / "whole")
    fitted = out if command == TRAIN else out / "fitted"
    expected = tmp_path / "whole" / fitted.relative_to(out)
    for path in expected.glob("*.safetensors"):
        assert (fitted / path.name).read_bytes() == path.read_bytes()
