"""A disk that fills at a moment of choice: each file that is written whole asks it for room."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest


class FullDisk:
    """Counts the writings of this process, and refuses all from one on.

    `os.fsync` ends the writing of a file of ours and of Optuna's journal, `numpy.save` is what
    writes arrays into folders that become whole.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.written, self._from = 0, float("inf")
        fsync, save = os.fsync, np.save

        def sync(file: int) -> None:
            self._write()
            fsync(file)

        def save_or_fail(file: object, *more: object) -> None:
            self._write()
            save(file, *more)

        monkeypatch.setattr(os, "fsync", sync)
        monkeypatch.setattr(np, "save", save_or_fail)

    def fill(self, after: int) -> None:
        """Let so many more writings end well, and no other."""
        self._from = self.written + after

    def make_room(self) -> None:
        """Let all end well."""
        self._from = float("inf")

    def _write(self) -> None:
        if self.written >= self._from:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.written += 1


def find_it_full(out: Path, *, keeps: Path | None) -> None:
    """Write half of what a job is to write."""
    del keeps
    (out / "half").write_text("half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
