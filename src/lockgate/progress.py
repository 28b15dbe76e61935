"""What a terminal shows while a study or a fit runs."""

import logging
import math
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from lockgate.studies.fits import Fit
from lockgate.studies.plan import Plan, Watcher
from lockgate.training.history import History
from lockgate.tuning.plan import TunePlan
from lockgate.tuning.trial import Trial
from lockgate.tuning.watcher import TuneWatcher

OnHistory = Callable[[str, Any, History], None]
"""Is told the name, the settings and the history of a fit."""


def bars_are_shown() -> bool:
    """Tell whether there are bars: neither with a log of every step, nor where all is silent."""
    return logging.getLogger("lockgate").getEffectiveLevel() == logging.WARNING


def _counting() -> Progress:
    """Return bars that count what is done of so many, and tell the time that is left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not bars_are_shown(),
    )


class _Bar:
    """A bar that is gone, or stays as it was last, when the block ends."""

    _progress: Progress

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.pause()

    def pause(self) -> None:
        """Stop the bar, for what else is to be shown."""
        # stopping a bar that never showed would print an empty line above an error
        if self._progress.live.is_started:
            self._progress.stop()


class Steps(_Bar):
    """A bar without an end that says what is done now; it leaves no trace."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,
            # nothing can be cleared from a file
            disable=not (bars_are_shown() and console.is_terminal),
        )
        self._task = self._progress.add_task("", total=None)

    def on_step(self, doing: str) -> None:
        """Show what is done now."""
        self._progress.update(self._task, description=escape(doing))
        self._progress.start()
        self._progress.refresh()


class StudyProgress(_Bar, Watcher):
    """Bars that tell what a study is at and count its fits, on standard error."""

    def __init__(
        self,
        on_prepared: Callable[[Plan], None] = lambda _: None,
        on_plan: Callable[[Plan], None] = lambda _: None,
        on_history: OnHistory = lambda *_: None,
    ) -> None:
        """Call `on_prepared` and `on_plan` with the plan while no bar is shown.

        And `on_history` with the name, the settings and the history of each fit that is done.
        """
        self._on_prepared, self._on_plan, self._on_history = on_prepared, on_plan, on_history
        self._steps = Steps()
        self._progress = _counting()
        self._task = self._progress.add_task("fits", total=None, start=False)

    def pause(self) -> None:
        """Stop both bars, for what else is to be shown."""
        self._steps.pause()
        super().pause()

    def on_step(self, doing: str) -> None:
        """Show what is done before the fits and after them."""
        super().pause()
        self._steps.on_step(doing)

    def on_prepared(self, plan: Plan) -> None:
        """Hand the plan on."""
        self._steps.pause()
        self._on_prepared(plan)

    def on_plan(self, plan: Plan) -> None:
        """Hand the plan on, and show how many fits there are."""
        self._steps.pause()
        self._on_plan(plan)
        self._progress.start()
        self._progress.update(self._task, total=plan.fits)
        self._progress.start_task(self._task)

    def on_fit(self, fit: Fit, done: int, total: int) -> None:
        """Count a fit."""
        text = f"{fit.rung} seed {fit.seed}: best epoch {fit.history.best_epoch}"
        self._progress.update(self._task, completed=done, total=total, description=text)
        if done == total:
            self._progress.update(self._task, description="fits done")

    def on_history(self, name: str, config: Any, history: History) -> None:
        """Hand the curves of a fit on."""
        self._on_history(name, config, history)


class TuneProgress(StudyProgress, TuneWatcher):
    """Bars that tell what a search is at, count its fits and name the best trial so far."""

    def __init__(
        self,
        on_search: Callable[[TunePlan], None] = lambda _: None,
        on_history: OnHistory = lambda *_: None,
    ) -> None:
        """Call `on_search` with the plan while no bar is shown, `on_history` as a study does."""
        super().__init__(on_history=on_history)
        self._on_search, self._best = on_search, ""
        self._change: float | None = None

    def on_search(self, plan: TunePlan, fits: int) -> None:
        """Hand the plan on, and show how many fits there are at most."""
        self._steps.pause()
        self._on_search(plan)
        self._progress.update(self._task, total=fits)
        self._progress.start_task(self._task)

    def on_trial(self, trial: Trial) -> None:
        """Remember the best trial."""
        if trial.change is not None and (self._change is None or trial.change < self._change):
            self._change = trial.change
            self._best = f", best {trial.name} {100.0 * math.expm1(trial.change):+.1f} %"

    def on_fit(self, fit: Fit, done: int, total: int) -> None:
        """Count a fit."""
        self._steps.pause()
        self._progress.start()
        text = f"{fit.rung} on {fit.fold}{self._best}"
        self._progress.update(self._task, completed=done, total=total, description=text)


class BacktestProgress(_Bar):
    """A bar that counts the cutoffs of a backtest and tells which fit is at what, on standard
    error.
    """

    def __init__(self, on_plan: Callable[[Any], None] = lambda _: None) -> None:
        """Call `on_plan` with the plan while no bar is shown."""
        self._on_plan, self._steps, self._fit = on_plan, Steps(), ""
        self._progress = _counting()
        self._task = self._progress.add_task("cutoffs", total=None, start=False)

    def pause(self) -> None:
        """Stop both bars, for what else is to be shown."""
        self._steps.pause()
        super().pause()

    def on_step(self, doing: str) -> None:
        """Show what is done before the plan."""
        self._steps.on_step(doing)

    def on_plan(self, plan: Any) -> None:
        """Hand the plan on, and show how many `cutoffs` it has."""
        self._steps.pause()
        self._on_plan(plan)
        self._progress.start()
        self._progress.update(self._task, total=len(plan.cutoffs))
        self._progress.start_task(self._task)

    def on_refit(self, number: int, refits: int) -> None:
        """Show that a fit begins."""
        self._fit = f"fit {number} of {refits}"
        self._progress.update(self._task, description=self._fit)

    def on_fit(self, number: int, fits: int, doing: str) -> Callable[[History], None]:
        """Return what shows an epoch of one of the networks of a fit; safe in threads."""
        of = f"{self._fit}, {doing} {number} of {fits}" if fits > 1 else self._fit

        def on_epoch(history: History) -> None:
            text = f"{of}: epoch {history.epochs}"
            self._progress.update(self._task, description=text)

        return on_epoch

    def on_cutoff(self, done: int, cutoffs: int) -> None:
        """Count a cutoff."""
        doing = "cutoffs done" if done == cutoffs else "cutoffs"
        self._progress.update(self._task, completed=done, total=cutoffs, description=doing)


class FitProgress(_Bar):
    """Bars that count the epochs of fits, one for each that runs, on standard error."""

    def __init__(self, max_epochs: int) -> None:
        self._max_epochs = max_epochs
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not bars_are_shown(),
        )
        self._doing, self._lock = "", threading.Lock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def on_fit(self, number: int, fits: int, doing: str) -> Callable[[History], None]:
        """Add the bar of a fit, and take away those of what was done before; safe in threads.

        Returns:
            What shows an epoch of this fit.
        """
        with self._lock:
            if doing != self._doing:
                self._doing = doing
                for task in self._progress.task_ids:
                    self._progress.remove_task(task)
        of = f"{doing} {number} of {fits}: " if fits > 1 else ""
        bar = self._progress.add_task(of or "epochs", total=self._max_epochs)

        def on_epoch(history: History) -> None:
            losses = [f"training {history.training[-1]:.4f}"]
            if history.validation:
                losses.append(f"validation {history.validation[-1]:.4f}")
                losses.append(f"best epoch {history.best_epoch}")
            text = of + ", ".join(losses)
            self._progress.update(bar, completed=history.epochs, description=text)

        return on_epoch
