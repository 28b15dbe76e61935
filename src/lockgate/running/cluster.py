"""Run jobs on the nodes of a Ray cluster.

A folder that jobs read is sent to a node once, and the folder that a job writes is sent back and
kept by this process: nothing is lost with a node, and no file system need be shared. Ray repeats a
job whose worker or node died. Where the head of the cluster is gone, nothing more comes of it.
"""

import contextlib
import logging
import os
import platform
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lockgate.errors import DataError, listed, need
from lockgate.files import DiskFullError, new_folder, told_when_full
from lockgate.running.jobs import FolderJob
from lockgate.running.local import one_thread
from lockgate.running.packed import Packed, digest, pack, store, unpack, unpacked

ATTEMPTS = 6  # after so many dead workers of one job, it is the job
PATIENCE = 10.0
"""Seconds without an answer after which the head of a cluster is gone; Ray itself waits 60."""
ASKED_EVERY = 1.0


@contextlib.contextmanager
def open_cluster(
    address: str, *, workers: int | None = None, gpus: float = 0.0
) -> Iterator["Cluster"]:
    """Connect this process to a Ray cluster, and leave it at the end.

    Args:
        address: `host:port` of the head, or `"auto"`: what the variable `RAY_ADDRESS` names, or the
            cluster that was started on this machine.
        workers: Jobs at a time; None for as many as the cluster takes.
        gpus: Share of a GPU that a job is given.

    Raises:
        DataError: If there is no such cluster, this process is of another one, or a node has other
            versions than this process.
        ModuleNotFoundError: If Ray is not installed.
    """
    # what a process computes is no business of others
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = need("ray", "a cluster")
    if ray.is_initialized():
        raise DataError("ray must be left out in a process that is connected to a Ray cluster")
    head = _head(address)
    if not _answers(head):
        raise DataError(
            f"ray must be the address of a Ray cluster that runs, and {head[0]}:{head[1]} does not "
            "answer: start one with `ray start --head`"
        )
    try:
        ray.init(f"{head[0]}:{head[1]}", log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise DataError(f"ray cannot connect to {head[0]}:{head[1]}: {error}") from None
    try:
        cluster = Cluster(ray, head, workers, gpus)
        cluster.check()
        yield cluster
        cluster.forget()
    finally:
        ray.shutdown()


class Cluster:
    """The nodes of a Ray cluster that this process is connected to."""

    def __init__(self, ray: Any, head: tuple[str, int], workers: int | None, gpus: float) -> None:
        self._ray, self._head, self._workers, self._gpus = ray, head, workers, gpus
        self._sent: dict[Path, tuple[str, Any]] = {}

    @property
    def workers(self) -> int:
        """Jobs at a time."""
        if self._workers is not None:
            return self._workers
        there = self._ray.cluster_resources()
        free = there.get("CPU", 0.0)
        if self._gpus:
            free = min(free, there.get("GPU", 0.0) / self._gpus)
        return max(int(free), 1)

    def check(self) -> None:
        """Ask every node for its versions.

        Raises:
            DataError: If the nodes have no processor, or no GPU, for a job; or other versions than
                this process, which would fit other networks.
        """
        there = self._ray.cluster_resources()
        if not there.get("CPU"):
            raise DataError("ray must be a cluster with processors for jobs, got one without")
        if self._gpus > there.get("GPU", 0.0):
            raise DataError(
                f"ray must be a cluster with a GPU for each fit, got {there.get('GPU', 0.0):g} GPUs"
            )
        self._on_each_node(_check, versions())

    def run(self, jobs: Sequence[FolderJob]) -> Iterator[Path]:
        """Yield the folder of every job; see `lockgate.running.jobs.Place`."""
        ray = self._ray
        self._check_head()
        # one more for each worker, so that none waits for this process
        most = self._workers or 2 * self.workers
        remote = ray.remote(_on_node).options(
            num_cpus=1, num_gpus=self._gpus, max_retries=ATTEMPTS - 1
        )
        waiting = list(reversed(jobs))
        running: dict[Any, FolderJob] = {}
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    job = waiting.pop()
                    sent = [self._send(folder) for folder in job.reads]
                    names, folders = [name for name, _ in sent], [one for _, one in sent]
                    call = remote.remote(versions(), job.run, job.arguments, names, *folders)
                    running[call] = job
                for call in self._finished(list(running)):
                    job = running.pop(call)
                    yield _kept(job, self._result(call))
        finally:
            for call in running:
                ray.cancel(call, force=True)

    def forget(self) -> None:
        """Delete on every node what was sent to it."""
        names = tuple(name for name, _ in self._sent.values())
        with contextlib.suppress(ChildProcessError):  # a node that is gone keeps what it has
            self._check_head()
            self._on_each_node(_delete, names)

    def _send(self, folder: Path) -> tuple[str, Any]:
        """Put a folder where every node finds it; return its name and what stands for it."""
        if folder not in self._sent:
            packed = pack(folder)
            self._sent[folder] = digest(packed), self._put(packed)
        return self._sent[folder]

    def _put(self, packed: Packed) -> Any:
        """Give a value to Ray, which writes what its memory does not hold to the disk."""
        try:
            return self._ray.put(packed)
        except self._ray.exceptions.OutOfDiskError:
            raise DiskFullError.of(Path(tempfile.gettempdir()), "its disk is full") from None

    def _finished(self, calls: list[Any]) -> list[Any]:
        """Wait for at least one call.

        Raises:
            ChildProcessError: If the head of the cluster is gone.
        """
        done: list[Any] = []
        while not done:
            self._check_head()  # nodes go on for a while without it
            done, _ = self._ray.wait(calls, timeout=ASKED_EVERY)
        return done

    def _check_head(self) -> None:
        # without it whatever asks Ray for something else waits, until Ray ends this process
        if not _answers(self._head):
            raise ChildProcessError(
                f"the head of the Ray cluster at {self._head[0]}:{self._head[1]} is gone: "
                "continue on another with resume=True (--resume)"
            )

    def _result(self, call: Any) -> Any:
        """Return what a call returned, or raise what it raised.

        Raises:
            ChildProcessError: If its workers died again and again.
            DiskFullError: If a node has no room.
        """
        errors = self._ray.exceptions
        try:
            return self._ray.get(call)
        except errors.RayTaskError as error:
            raise error.cause from None
        except errors.OutOfDiskError:
            room = Path(tempfile.gettempdir())
            raise DiskFullError.of(room, "its disk is full", on="a node") from None
        except errors.RayError as error:
            why = str(error).strip().partition("\n")[0]
            raise ChildProcessError(
                f"a job on the Ray cluster was lost {ATTEMPTS} times ({why}), perhaps for want of "
                "memory: continue with resume=True (--resume), and with fewer workers if it "
                "happens again"
            ) from None

    def _on_each_node(self, run: Callable[..., None], *arguments: Any) -> None:
        strategies = self._ray.util.scheduling_strategies
        calls = [
            self._ray.remote(run)
            .options(
                num_cpus=0,
                scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(
                    node["NodeID"], soft=False
                ),
            )
            .remote(*arguments)
            for node in self._ray.nodes()
            if node["Alive"]
        ]
        while calls:
            for call in self._finished(calls):
                calls.remove(call)
                self._result(call)


def versions() -> dict[str, str]:
    """Return what must be the same wherever a fit runs, so that it gives the same network."""
    packages = {name: version(name) for name in ("lockgate", "numpy", "torch")}
    return {"python": platform.python_version().rpartition(".")[0], **packages}


def _check(expected: dict[str, str]) -> None:
    found = versions()
    other = [
        f"{name} {found[name]} instead of {own}"
        for name, own in expected.items()
        if found[name] != own
    ]
    if other:
        raise DataError(
            f"every node of the Ray cluster must have the versions of this process, and "
            f"{socket.gethostname()} has {listed(other)}: install the same there"
        )


def _delete(names: Sequence[str]) -> None:
    for name in names:
        shutil.rmtree(store() / name, ignore_errors=True)


def _on_node(
    expected: dict[str, str],
    run: Callable[..., None],
    arguments: Sequence[Any],
    names: Sequence[str],
    *sent: Packed,
) -> Packed:
    """Do a job on a node: give it folders to read, and return what it wrote."""
    _check(expected)  # a node may have come after the others were asked
    room = Path(tempfile.gettempdir())
    with told_when_full(room, within=room, on=socket.gethostname()):
        reads = [unpacked(packed, name) for packed, name in zip(sent, names, strict=True)]
        with tempfile.TemporaryDirectory(prefix="lockgate-") as folder, one_thread():
            run(Path(folder), *reads, *arguments, keeps=None)
            return pack(Path(folder))


def _kept(job: FolderJob, packed: Packed) -> Path:
    with contextlib.suppress(FileExistsError), new_folder(job.writes) as folder:
        unpack(packed, folder)
    return job.writes


def _head(address: str) -> tuple[str, int]:
    """Return host and port of the head of a cluster."""
    if address == "auto":
        from ray._private.services import get_ray_address_from_environment

        try:
            address = get_ray_address_from_environment("auto", None)
        except ConnectionError:
            raise DataError(
                "ray must name a Ray cluster that runs, and there is none on this machine: start "
                "one with `ray start --head`, or pass host:port of the head"
            ) from None
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        raise DataError(f'ray must be "auto" or host:port of the head, got {address!r}')
    return host, int(port)


def _answers(head: tuple[str, int]) -> bool:
    """Tell whether the head of a cluster can be reached."""
    try:
        with socket.create_connection(head, timeout=PATIENCE):
            return True
    except OSError:
        return False
