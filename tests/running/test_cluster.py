"""On a Ray cluster jobs leave the folders that they leave here, whatever dies meanwhile.

The clusters are of several nodes on this machine.
"""

import contextlib
import errno
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray_nodes import Nodes

from lockgate.errors import DataError
from lockgate.files import DiskFullError
from lockgate.running.cluster import _check, _head, _on_node, open_cluster, versions
from lockgate.running.jobs import FolderJob


def write_slowly(
    out: Path, source: Path, seconds: float, marks: Path, *, keeps: Path | None
) -> None:
    """Leave a mark of who does it, wait, then copy what is said."""
    assert keeps is None
    (marks / f"{os.getpid()}").touch()
    time.sleep(seconds)
    (out / "within").mkdir()
    (out / "within" / "said").write_bytes((source / "said").read_bytes())


def refuse(_out: Path, **_: object) -> None:
    raise DataError("rows must be two at least, got 1")


def fill(_out: Path, **_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def die(_out: Path, **_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    pytest.importorskip("ray", reason="Ray is not installed")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    made = Nodes(tmp_path, modules=Path(__file__).parent)
    yield made
    made.end()


@pytest.fixture
def jobs(tmp_path: Path) -> Any:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "said").write_bytes(b"\x00\xff")
    (tmp_path / "marks").mkdir()

    def make(count: int, seconds: float = 0.0) -> list[FolderJob]:
        marks = tmp_path / "marks"
        reads = (tmp_path / "source",)
        return [
            FolderJob(write_slowly, reads, tmp_path / "out" / str(n), (seconds, marks))
            for n in range(count)
        ]

    return make


def whole(jobs: list[FolderJob]) -> bool:
    return all((job.writes / "within" / "said").read_bytes() == b"\x00\xff" for job in jobs)


@pytest.mark.slow
def test_jobs_run_on_every_node_and_leave_their_folders_here(nodes: Nodes, jobs: Any) -> None:
    todo = jobs(7, 0.3)

    with open_cluster(nodes.address) as cluster:
        assert cluster.workers == 2
        done = list(cluster.run(todo))

    assert sorted(done) == sorted(job.writes for job in todo)
    assert whole(todo)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["worker", "node"])
def test_what_dies_is_done_again(nodes: Nodes, jobs: Any, tmp_path: Path, what: str) -> None:
    todo = jobs(8, 1.0)

    with open_cluster(nodes.address) as cluster:
        running = cluster.run(todo)
        next(running)
        if what == "worker":
            for mark in (tmp_path / "marks").iterdir():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(mark.name), signal.SIGKILL)
        else:
            nodes.kill("node")
        list(running)

    assert whole(todo)


@pytest.mark.slow
def test_without_its_head_a_cluster_is_gone(nodes: Nodes, jobs: Any) -> None:
    with open_cluster(nodes.address) as cluster:
        running = cluster.run(jobs(100, 0.5))
        next(running)
        nodes.kill("head")
        with pytest.raises(ChildProcessError, match=r"the head .* is gone: continue on another"):
            list(running)


@pytest.mark.slow
def test_errors_of_a_job_are_those_that_it_raises_here(nodes: Nodes, tmp_path: Path) -> None:
    with open_cluster(nodes.address) as cluster:
        with pytest.raises(DataError, match=r"^rows must be two at least, got 1$"):
            list(cluster.run([FolderJob(refuse, (), tmp_path / "out")]))
        with pytest.raises(ChildProcessError, match=r"was lost 6 times .*resume=True"):
            list(cluster.run([FolderJob(die, (), tmp_path / "out")]))

    assert not (tmp_path / "out").exists()


def test_versions_that_differ_are_told_with_the_node() -> None:
    _check(versions())
    with pytest.raises(
        DataError,
        match=rf"versions of this process, and {socket.gethostname()} has torch .* instead of 1\.0",
    ):
        _check({**versions(), "torch": "1.0"})


def test_a_full_disk_of_a_node_is_told_with_the_node() -> None:
    place = f"{tempfile.gettempdir()} on {socket.gethostname()}"
    with pytest.raises(DiskFullError, match=f"^{place} cannot be written, as its disk is full"):
        _on_node(versions(), fill, (), ())


@pytest.mark.slow
def test_a_full_disk_of_a_node_is_told_here(nodes: Nodes, tmp_path: Path) -> None:
    told = pytest.raises(DiskFullError, match=r" on \S+ cannot be written, as its disk is full")
    with open_cluster(nodes.address) as cluster, told:
        list(cluster.run([FolderJob(fill, (), tmp_path / "out")]))

    assert not (tmp_path / "out").exists()


def test_an_address_that_does_not_answer_is_told_at_once() -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(DataError, match=rf"{address} does not answer: start one with `ray"),
            open_cluster(address),
        ):
            pass


def test_without_ray_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(ModuleNotFoundError, match=r'needs ray: pip install "lockgate\[ray\]"$'),
        open_cluster("auto"),
    ):
        pass


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "head:port", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(DataError, match='ray must be "auto" or host:port of the head, got'):
        _head(address)
