"""Write files whole or not at all."""

import contextlib
import errno
import glob
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lockgate.errors import DataError


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` in UTF-8: under a temporary name beside it, then renamed."""
    with new_file(path) as file:
        file.write(text.encode())


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file that becomes `path` when the block ends without an error."""
    temporary = _beside(path)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` when the block ends without an error.

    Raises:
        FileExistsError: If there is a file or a folder with something in it at `path`.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise FileExistsError(f"{path} must be new or empty, and is neither")
    temporary = _beside(path)
    temporary.mkdir()
    try:
        yield temporary
        try:
            temporary.rename(path)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            raise FileExistsError(f"{path} must be new or empty, and was made meanwhile") from None
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def remove_folder(path: Path) -> None:
    """Remove a folder, if it is there: renamed first, so that no half of it is ever seen."""
    hidden = _temporary(path)
    try:
        path.rename(hidden)
    except FileNotFoundError:
        return
    shutil.rmtree(hidden)


def clear_half_written(path: Path) -> None:
    """Remove what killed processes left beside `path` as they wrote or removed it."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.????????"):
        if is_half_written(left):
            remove_folder(left) if left.is_dir() else left.unlink(missing_ok=True)


def is_half_written(path: Path) -> bool:
    """Tell whether a name is a temporary one: of what was written or removed when it was killed."""
    return re.fullmatch(r"\..+\.[0-9a-f]{8}", path.name) is not None


def read_regular(path: Path, most: int) -> bytes:
    """Read a file of at most `most` bytes.

    Raises:
        DataError: If it is larger, or no regular file: a pipe or a device may never end.
        OSError: If it cannot be read.
    """
    check_regular(path)
    # a pipe that was put in its place meanwhile does not block
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise DataError(f"{path} must be at most {most:,} bytes, got more")
    return data


def check_regular(path: Path) -> None:
    """Refuse what is no regular file, links to such included."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise DataError(f"{path} must be a regular file, got a folder, a pipe or a device")


def memory_at_hand() -> int:
    """Return how many bytes of memory are free, as far as the system tells; else 8 GiB."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 8 * 2**30


def _beside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return _temporary(path)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
