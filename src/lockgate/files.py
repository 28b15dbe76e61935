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
from typing import IO, Any

from lockgate.errors import DataError

_FULL = "its disk is full"


class DiskFullError(OSError):
    """A disk has no room for what is to be written; the message is one sentence."""

    path: Path
    """What was to be written."""

    @staticmethod
    def of(path: Path, reason: str, on: str = "") -> "DiskFullError":
        """Word it; `on` names the machine where it is another."""
        where = f"{path} on {on}" if on else str(path)
        error = DiskFullError(f"{where} cannot be written, as {reason}: make room there")
        error.path = path
        return error


@contextlib.contextmanager
def told_when_full(path: Path, within: Path | None = None, on: str = "") -> Iterator[None]:
    """Say that the disk is full where what the block writes to `path` has no room.

    Args:
        path: What is written.
        within: What it is called meanwhile: files in it are told by the name `path`.
        on: The machine, where it is another than the user's.

    Raises:
        DiskFullError: If the disk is full.
    """
    try:
        yield
    except DiskFullError as error:
        if within is None or not error.path.is_relative_to(within):
            raise
        raise DiskFullError.of(path, _FULL, on) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError.of(path, _FULL, on) from None
        # numpy tells of it in numbers alone: "8268 requested and 4064 written"
        if re.search(r"\d+ requested and \d+ written", str(error)):
            raise DiskFullError.of(path, f"{_FULL} or broken", on) from None
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` in UTF-8: under a temporary name beside it, then renamed."""
    with new_file(path) as file:
        file.write(text.encode())


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file that becomes `path` when the block ends without an error.

    Raises:
        DiskFullError: If there is no room for it.
    """
    with told_when_full(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(path)
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def check_frame_file(path: Path) -> None:
    """Refuse a name for a frame that tells no form it can be written in."""
    if path.suffix not in (".csv", ".parquet"):
        raise DataError(f"out must end in .csv or .parquet, got {path}")


def write_frame(frame: Any, path: Path) -> None:
    """Write a polars frame, whole or not at all, in the form that the name ends in.

    Raises:
        DataError: If it ends in neither `.csv` nor `.parquet`.
        DiskFullError: If there is no room for it.
    """
    check_frame_file(path)
    write = frame.write_parquet if path.suffix == ".parquet" else frame.write_csv
    with new_file(path) as file:
        write(file)


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` when the block ends without an error.

    Raises:
        FileExistsError: If there is a file or a folder with something in it at `path`.
        DiskFullError: If there is no room for it.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise FileExistsError(f"{path} must be new or empty, and is neither")
    temporary = _temporary(path)
    with told_when_full(path, within=temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        try:
            yield temporary
            _become(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def _become(temporary: Path, path: Path) -> None:
    try:
        temporary.rename(path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise FileExistsError(f"{path} must be new or empty, and was made meanwhile") from None


def take_room(path: Path) -> None:
    """Take the room on its disk of a file that is to be mapped, where the system can.

    Such a file is as long as it will be, with nothing behind it: where the disk fills later, the
    process is killed as it writes to the memory.

    Raises:
        OSError: If there is no room.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            # of a disk that cannot
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
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


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
