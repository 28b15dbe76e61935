"""Folders of gigabytes that are built: those of processes that were killed are cleared."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from lockgate.files import is_half_written, new_folder, remove_folder

LOCK = "lock"
"""File of a folder that whoever builds it holds; it stays, and is empty."""


@contextmanager
def building(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `folder`, as `new_folder` does.

    What killed processes left beside it as they built is cleared before. A process holds a lock on
    what it builds, which ends with it; where the system knows none, nothing is cleared.

    Raises:
        FileExistsError: As `new_folder` does.
        DiskFullError: Likewise.
    """
    clear_abandoned(folder.parent)
    held = None
    try:
        with new_folder(folder) as temporary:
            held = _held(temporary)
            yield temporary
    finally:
        # when it has its name: without a lock it would be taken for abandoned
        if held is not None:
            held.close()


def clear_abandoned(parent: Path) -> None:
    """Remove half-built folders whose lock nobody holds."""
    for left in parent.glob(".*"):
        # gone meanwhile, or never held
        with suppress(FileNotFoundError), (left / LOCK).open("rb") as lock:
            if is_half_written(left) and _takes(lock):
                remove_folder(left)


def _held(folder: Path) -> IO[bytes] | None:
    """Hold the lock of a folder; None where there are no locks, and no file of one."""
    new = folder / f"{LOCK}.new"
    file = new.open("wb")
    if not _takes(file):
        file.close()
        new.unlink()
        return None
    # never seen before it is held
    os.rename(new, folder / LOCK)
    return file


def _takes(file: IO[bytes]) -> bool:
    try:
        import fcntl  # absent on Windows
    except ImportError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or on a disk without locks
        return False
    return True
