"""What a terminal shows while a study or a fit runs."""

import logging
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from lockgate.studies.fits import Fit
from lockgate.studies.plan import Plan
from lockgate.training.history import History


def bars_are_shown() -> bool:
    """Tell whether there are bars: neither with a log of every step, nor where all is silent."""
    return logging.getLogger("lockgate").getEffectiveLevel() == logging.WARNING


class StudyProgress:
    """A bar that counts the fits of a study, on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not bars_are_shown(),
        )
        self._task = self._progress.add_task("fits", total=None, start=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # stopping a bar that never showed would print an empty line above the error
        if self._progress.live.is_started:
            self._progress.stop()

    def on_plan(self, plan: Plan) -> None:
        """Show how many fits there are."""
        self._progress.start()
        self._progress.update(self._task, total=plan.fits)
        self._progress.start_task(self._task)

    def on_fit(self, fit: Fit, done: int, total: int) -> None:
        """Count a fit."""
        text = f"{fit.rung} seed {fit.seed}: best epoch {fit.history.best_epoch}"
        self._progress.update(self._task, completed=done, total=total, description=text)
        if done == total:
            self._progress.update(self._task, description="fits done")


class FitProgress:
    """A bar that counts the epochs of one fit, on standard error."""

    def __init__(self, max_epochs: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not bars_are_shown(),
        )
        self._task = self._progress.add_task("epochs", total=max_epochs)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def on_epoch(self, history: History) -> None:
        """Show the epoch's losses."""
        text = (
            f"training {history.training[-1]:.4f}, validation {history.validation[-1]:.4f}, "
            f"best epoch {history.best_epoch}"
        )
        self._progress.update(self._task, completed=history.epochs, description=text)
