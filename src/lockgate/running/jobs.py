"""Jobs that read folders and write one, and what runs them.

Such a job finds everything that it needs in folders, and leaves everything that came of it in one
that is written whole or not at all. So it can be sent to another machine, and whoever is
interrupted goes on with the jobs whose folders are missing.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class FolderJob(NamedTuple):
    """A call of `run(out, *reads, *arguments, keeps=keeps)`; the folder `out` becomes `writes`."""

    run: Callable[..., None]
    """A module-level function, so that it can be sent anywhere."""
    reads: tuple[Path, ...]
    writes: Path
    arguments: tuple[Any, ...] = ()
    keeps: Path | None = None
    """A file that it may write meanwhile, and go on from if it is killed. It is removed when the
    folder is written, and there is none on another machine."""


class Place(Protocol):
    """Runs jobs on folders."""

    @property
    def workers(self) -> int:
        """Jobs at a time."""

    def run(self, jobs: Sequence[FolderJob]) -> Iterator[Path]:
        """Yield the folder of every job in the order in which they finish.

        A job computes on one thread: recurrent steps are too small to share between cores.

        Raises:
            ChildProcessError: If what computes was killed or is gone.
        """
