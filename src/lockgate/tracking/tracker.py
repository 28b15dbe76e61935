"""Tell every tool that a run is tracked for of its fits and of its end."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from lockgate.tracking.config import WriterName
from lockgate.tracking.ended import Ended
from lockgate.tracking.mlflow import NOTES, MlflowWriter
from lockgate.tracking.tensorboard import TensorBoardWriter
from lockgate.training.history import History


class Writer(Protocol):
    """Writes for one tool; what is there already is not written again."""

    def fit(self, folder: Path, name: str, config: Any, history: History) -> None:
        """Write a fit that is done."""

    def end(self, folder: Path, ended: Ended) -> None:
        """Write what came of the whole run."""


class Tracker(NamedTuple):
    """The tools that a run is tracked for, and where its files lie."""

    writers: Sequence[Writer]
    folder: Path

    def fit(self, name: str, config: Any, history: History) -> None:
        """Write a fit that is done.

        Args:
            name: What tells it from other fits of the run: `rounds/1-pass-0-fold-0/lstm`.
            config: The settings of its run.
            history: Its curves.
        """
        for writer in self.writers:
            writer.fit(self.folder, name, config, history)

    def end(self, config: Any) -> None:
        """Write what the folder of the run holds, now that it is whole.

        Args:
            config: The settings of the run.
        """
        if self.writers:
            ended = Ended.read(self.folder, config)
            for writer in self.writers:
                writer.end(self.folder, ended)


def open_tracker(
    names: Sequence[WriterName] | None, out: Path, notes: Path | None = None
) -> Tracker:
    """Open what a run is tracked with, before anything is fitted.

    Args:
        names: The tools; None for none.
        out: The folder of the run.
        notes: Folder that lasts until the run is written. Default: `out`.

    Raises:
        DataError: If MLflow cannot open its store.
        ModuleNotFoundError: If a library is not installed, with the line that installs it.
    """
    writers: list[Writer] = []
    names = names or ()
    if "tensorboard" in names:
        writers.append(TensorBoardWriter())
    if "mlflow" in names:
        writers.append(MlflowWriter(out, (notes or out) / NOTES))
    return Tracker(writers, out)
