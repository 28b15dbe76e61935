"""Start the processes that train one model together, and end them all when one of them ends."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from _thread import interrupt_main
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import torch
from torch import distributed

from lockgate.errors import DataError, quoted, shortened
from lockgate.running.local import end_with
from lockgate.running.machine import check_device, device_kind
from lockgate.training.group import LostError, here, joined

ASKED_EVERY = 0.1  # seconds
GRACE = 10.0  # seconds in which what is interrupted must end
INTERRUPTED = "training was interrupted: continue with resume=True (--resume)"


def check_devices(devices: int, device: str) -> None:
    """Refuse a number of processes that cannot train together here.

    Raises:
        DataError: If there are fewer GPUs, the number is none, or what torchrun has started would
            be on a device that exchanges nothing.
    """
    if isinstance(devices, bool) or not isinstance(devices, int) or devices < 1:
        raise DataError(f"devices must be a whole number of at least 1, got {quoted(devices)}")
    if devices == 1:
        if here().size > 1 and device_kind(device) == "mps":
            raise DataError(
                "device must be cpu or cuda where several processes train together, got mps; pass "
                "device=cpu (--set device=cpu)"
            )
        return
    check_device(device)
    kind = device_kind(device)
    most = torch.cuda.device_count() if kind == "cuda" else 1
    if kind != "cpu" and devices > most:
        raise DataError(
            f"devices must be at most {most}, as many as this machine has of kind {kind}, got "
            f"{devices}; pass fewer, or device=cpu (--set device=cpu)"
        )
    if not distributed.is_available():
        raise DataError(f"devices must be 1 with a torch without torch.distributed, got {devices}")
    if distributed.is_initialized():
        raise DataError(
            f"devices must be 1 in a process that belongs to a group already, got {devices}: as "
            "many train together as were started"
        )


@contextlib.contextmanager
def together(devices: int, device: str) -> Iterator[None]:
    """Let each `fit` inside the block compute on so many processes of this machine.

    This process is the first of them and does all else alone. The others are started here, and are
    gone when the block ends, however it ends; when this one is killed they end by themselves.

    Args:
        devices: Number of processes; 1 changes nothing.
        device: The setting `device` of the fits.

    Raises:
        DataError: If this machine has not so many devices.
        ChildProcessError: If one of the others ended, or at Ctrl-C, in one sentence. Where this
            process hangs in a step on a GPU then, it prints the sentence and ends itself.
    """
    check_devices(devices, device)
    if devices == 1:
        yield
        return
    threads, own = torch.get_num_threads(), max(1, torch.get_num_threads() // devices)
    with tempfile.TemporaryDirectory() as folder, _Others(devices, Path(folder), own) as others:
        torch.set_num_threads(own)
        try:
            others.start()
            store = others.found()
            with _on_loopback(), joined(0, devices, 0, store), others.watched(_may_hang(device)):
                yield
        except KeyboardInterrupt:
            raise ChildProcessError(others.why() or INTERRUPTED) from None
        except LostError as error:
            raise ChildProcessError(others.why(wait=5.0) or str(error)) from None
        finally:
            torch.set_num_threads(threads)


class _Others:
    """The processes that are started beside this one; none is left when the block ends."""

    def __init__(self, devices: int, folder: Path, threads: int) -> None:
        self._devices, self._folder, self._threads = devices, folder, threads
        self._started: list[subprocess.Popen[bytes]] = []
        self._errors: list[IO[bytes]] = []

    def __enter__(self) -> "_Others":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            process.kill()
            process.wait()
        for errors in self._errors:
            errors.close()

    def start(self) -> None:
        """Start them; each writes into a file what it has to say."""
        command = [sys.executable, "-m", "lockgate.running.ranks", str(self._folder)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(self._threads)}
        for rank in range(1, self._devices):
            errors = (self._folder / f"{rank}.txt").open("w+b")
            self._errors.append(errors)
            numbers = map(str, (rank, self._devices, os.getpid()))
            self._started.append(
                subprocess.Popen(  # noqa: S603 - this interpreter, and words of our own
                    [*command, *numbers],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env=environment,
                )
            )

    def found(self) -> Any:
        """Return the store in which the others have told that they are there.

        Raises:
            LostError: If one of them ended before.
        """
        store, there = _store(self._folder, self._devices), [*map(str, range(1, self._devices))]
        while not store.check(there):
            if self._ended() is not None:
                raise LostError("another process of the training could not be started")
            time.sleep(ASKED_EVERY)
        return store

    @contextlib.contextmanager
    def watched(self, may_hang: bool) -> Iterator[None]:
        """Interrupt what is done in the block, whatever it is, when one of the others ends.

        What may hang, and does, ends with this process.
        """
        over, deciding = threading.Event(), threading.Lock()

        def watch() -> None:
            while not over.wait(ASKED_EVERY):
                if self._ended() is not None:
                    with deciding:
                        if not over.is_set():
                            interrupt_main()
                    if may_hang and not over.wait(GRACE):
                        print(f"lockgate: {self.why()}", file=sys.stderr, flush=True)
                        os._exit(1)
                    return

        # another thread than the first cannot be interrupted, and learns it in the next step
        if threading.current_thread() is threading.main_thread():
            threading.Thread(target=watch, daemon=True).start()
        try:
            yield
        finally:
            with deciding:
                over.set()

    def why(self, wait: float = 0.0) -> str | None:
        """Say which of the others ended, and why, if one did or does within some seconds."""
        until = time.monotonic() + wait
        # who has only lost the others ends well
        while (rank := self._ended(well=False)) is None:
            if time.monotonic() >= until:
                return None
            time.sleep(ASKED_EVERY)
        code, errors = self._started[rank - 1].returncode, self._errors[rank - 1]
        errors.seek(0)
        lines = errors.read().decode(errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        # a library that is interrupted while it is imported may abort
        if code == -signal.SIGINT or KeyboardInterrupt.__name__ in said:
            return INTERRUPTED
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
        return (
            f"process {rank + 1} of the {self._devices} that train together ended by {reason}"
            f"{f' ({shortened(said)})' if said else ''}: continue with resume=True (--resume)"
        )

    def _ended(self, well: bool = True) -> int | None:
        """Return the rank of one that has ended; of one that ended well only if asked for."""
        codes = enumerate((process.poll() for process in self._started), start=1)
        return next((rank for rank, code in codes if code or (well and code == 0)), None)


@contextlib.contextmanager
def of_torchrun(environment: Mapping[str, str] = os.environ) -> Iterator[bool]:
    """Let each `fit` inside the block compute on the processes that torchrun has started, if any.

    Yields:
        Whether this process has something to do in the block: it is the first, or by itself. The
        others help it until it is done.
    """
    if int(environment.get("WORLD_SIZE", "1")) < 2 or "RANK" not in environment:
        yield True
        return
    rank, size = int(environment["RANK"]), int(environment["WORLD_SIZE"])
    local = int(environment.get("LOCAL_RANK", rank))
    try:
        with joined(rank, size, local) as group:
            if rank == 0:
                yield True
                group.told(None)
                return
            with contextlib.suppress(LostError):  # the first one tells
                group.help()
            yield False
    except KeyboardInterrupt:
        raise ChildProcessError(INTERRUPTED) from None


def _may_hang(device: str) -> bool:
    """Tell whether a step may wait for ever for a process that is gone, as it does on GPUs."""
    return device_kind(device) == "cuda"


def _store(folder: Path, size: int) -> Any:
    """Open a file in which processes find each other: unlike a port it is this user's alone."""
    return distributed.FileStore(str(folder / "store"), size)  # type: ignore[attr-defined]


@contextlib.contextmanager
def _on_loopback() -> Iterator[None]:
    """Let the processes of this machine be reached from no other."""
    name = "GLOO_SOCKET_IFNAME"
    if name in os.environ:
        yield
        return
    os.environ[name] = "lo0" if sys.platform == "darwin" else "lo"
    try:
        yield
    finally:
        del os.environ[name]


def main(folder: str, rank: int, size: int, parent: int) -> None:
    """Help the process that has started this one, until it lets go or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is for the first one to tell
    # polars takes the signal for itself when it is imported, which the first fit would do
    import polars  # noqa: F401

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with(parent)
    store = _store(Path(folder), size)
    store.set(str(rank), "there")
    with _on_loopback(), joined(rank, size, rank, store) as group:
        try:
            group.help()
        except LostError:
            pass  # the first one tells
        except Exception as error:
            sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
