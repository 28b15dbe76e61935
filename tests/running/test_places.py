"""A job on folders leaves its folder whole, once, wherever it runs."""

import time
from pathlib import Path

import pytest

from lockgate.errors import DataError
from lockgate.running.jobs import FolderJob
from lockgate.running.places import Local, open_place


def copy(out: Path, source: Path, more: str, *, keeps: Path | None) -> None:
    """Write what a folder says, and more."""
    if keeps is not None:
        keeps.write_text("so far")
    (out / "said").write_text((source / "said").read_text() + more)


def fail(out: Path, *, keeps: Path | None) -> None:
    """Write half of it."""
    (out / "half").write_text("half")
    raise ValueError("no")


def wait_until_killed(out: Path, sign: Path, *, keeps: Path | None) -> None:
    """Write half of it, and go on for longer than a test lasts."""
    (out / "half").write_text("half")
    sign.touch()
    time.sleep(600)


def fail_after(out: Path, sign: Path, *, keeps: Path | None) -> None:
    """Fail as soon as the other one writes."""
    while not sign.exists():
        time.sleep(0.01)
    raise ValueError("no")


def test_a_job_reads_folders_and_leaves_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("source").mkdir()
    Path("source/said").write_text("a")
    jobs = [FolderJob(copy, (Path("source"),), Path(f"out/{n}"), (str(n),)) for n in range(3)]

    done = list(Local(1).run(jobs))

    assert sorted(path.name for path in done) == ["0", "1", "2"]
    assert [(tmp_path / "out" / str(n) / "said").read_text() for n in range(3)] == [
        "a0",
        "a1",
        "a2",
    ]


def test_a_job_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"):
        list(Local(1).run([FolderJob(fail, (), tmp_path / "out")]))
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_fails_leaves_nothing_of_those_beside_it(tmp_path: Path) -> None:
    sign, out = tmp_path / "sign", tmp_path / "out"
    jobs = [
        FolderJob(run, (), out / run.__name__, (sign,)) for run in (wait_until_killed, fail_after)
    ]

    with pytest.raises(ValueError, match="no"):
        list(Local(2).run(jobs))

    assert list(out.iterdir()) == []


def test_a_folder_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "said").write_text("b")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "said").write_text("by another process")

    list(Local(1).run([FolderJob(copy, (tmp_path,), tmp_path / "out", ("",))]))

    assert (tmp_path / "out" / "said").read_text() == "by another process"


def test_a_place_has_a_worker_for_each_core_unless_told() -> None:
    with open_place("cpu", workers=None, ray=None) as place:
        assert place.workers >= 1
    with open_place("cpu", workers=5, ray=None) as place:
        assert place == Local(5)


def test_shares_of_gpus_are_those_of_a_cluster() -> None:
    with (
        pytest.raises(DataError, match="gpus_per_fit must be left out without ray"),
        open_place("cuda", workers=None, ray=None, gpus=0.5),
    ):
        pass


def test_what_a_job_keeps_meanwhile_is_gone_when_it_is_done(tmp_path: Path) -> None:
    (tmp_path / "said").write_text("a")
    keeps = tmp_path / "meanwhile"

    [out] = Local(1).run([FolderJob(copy, (tmp_path,), tmp_path / "out", ("",), keeps)])

    assert (out / "said").read_text() == "a"
    assert not keeps.exists()
