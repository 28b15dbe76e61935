"""Folders as plain values, so that they can be sent to another machine."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lockgate.errors import DataError
from lockgate.files import new_folder

Packed: TypeAlias = dict[str, npt.NDArray[np.uint8]]
"""The bytes of each file of a folder, by its path in it."""


def pack(folder: Path) -> Packed:
    """Read every file of a folder and of those in it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): np.fromfile(path, np.uint8) for path in paths}


def digest(packed: Packed) -> str:
    """Return a name for a folder of this content."""
    hashed = hashlib.blake2b(digest_size=16)
    for name, content in packed.items():
        hashed.update(f"{len(name)} {name} {len(content)} ".encode())
        hashed.update(content.data)
    return hashed.hexdigest()


def unpack(packed: Packed, folder: Path) -> None:
    """Write the files into a folder that is there.

    Raises:
        DataError: If a name leads out of the folder.
    """
    for name, content in packed.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise DataError(f"packed files must lie in their folder, got {name!r}")
        path.parent.mkdir(parents=True, exist_ok=True)
        content.tofile(path)


def unpacked(packed: Packed, name: str) -> Path:
    """Return a folder of this machine that holds the files; it is written once.

    Args:
        packed: The files.
        name: Their `digest`.
    """
    folder = store() / name
    if folder.is_dir():
        return folder
    try:
        with new_folder(folder) as temporary:
            unpack(packed, temporary)
    except OSError:
        # another process of this machine may have written the same meanwhile
        if not folder.is_dir():
            raise
    return folder


def store() -> Path:
    """Return the folder of this user in which data that were sent are kept.

    Raises:
        DataError: If another user has made it.
    """
    # on Windows a user has no number, and a temporary folder that others cannot open
    user = f"-{os.getuid()}" if hasattr(os, "getuid") else ""
    folder = Path(tempfile.gettempdir()) / f"lockgate{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if not _of_this_user_alone(folder.lstat()):
        raise DataError(f"{folder} must be a folder of this user alone: delete it, or set TMPDIR")
    return folder


def _of_this_user_alone(found: os.stat_result) -> bool:
    if not stat.S_ISDIR(found.st_mode):
        return False
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o077)
