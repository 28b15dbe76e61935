"""Fit the rungs of a study, side by side and each only once."""

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from lockgate.errors import DataError
from lockgate.files import new_folder, write_text
from lockgate.nn import Reach
from lockgate.running.local import run_jobs
from lockgate.tasks.base import Span, Task
from lockgate.training.history import History


class Job(NamedTuple):
    """One fit to do: a rung, a seed and the run, and what it learns from and is stopped by."""

    rung: str
    seed: int
    config: Any
    task: Task
    learn: Span = "train"
    stop: Span | None = "validation"

    def folder(self, study: Path) -> Path:
        """Return where it is kept."""
        if (self.learn, self.stop) == ("train", "validation"):
            return fit_folder(study, self.rung, self.seed)
        return study / "delivered" / self.learn / f"seed-{self.seed}"


class Fit(BaseModel):
    """What is kept of a finished fit beside the fitted model."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")

    rung: str
    seed: int
    history: History
    seconds: float
    parameters: int
    reach: Reach | None = None
    """Of the best weights; None if the fit diverged, or is older than this measurement."""

    @property
    def diverged(self) -> bool:
        """Whether the loss ran off to infinity."""
        return self.history.stopped == "diverged"

    @property
    def validation(self) -> float:
        """Validation loss of the weights kept, in the scaled unit."""
        return self.history.kept_loss


def fit_folder(study: Path, rung: str, seed: int) -> Path:
    """Return where a fit is kept."""
    return study / "fits" / rung / f"seed-{seed}"


def run_fits(study: Path, jobs: Sequence[Job], workers: int) -> Iterator[Fit]:
    """Yield every fit of `jobs`: those found in `study` at once, the others as they finish.

    Raises:
        ChildProcessError: If a worker was killed.
    """
    waiting = []
    for job in jobs:
        if (job.folder(study) / "fit.json").exists():
            yield read_fit(job.folder(study))
        else:
            waiting.append(job)
    if waiting:
        # a worker may have been started in another directory
        study = study.absolute()
        yield from run_jobs(run_fit, [(study, job) for job in waiting], workers)


def run_fit(study: Path, job: Job) -> Fit:
    """Fit one job and keep it in the study's folder, whole or not at all."""
    prepared, task = load_prepared(study, job.task), job.task
    began = time.perf_counter()
    fitted, history = task.train(
        prepared, job.config, seed=job.seed, name=job.rung, learn=job.learn, stop=job.stop
    )
    seconds = time.perf_counter() - began
    reach = None if history.stopped == "diverged" else task.reach(fitted, prepared)
    fit = Fit(
        rung=job.rung,
        seed=job.seed,
        history=history,
        seconds=seconds,
        parameters=fitted.parameters,
        reach=reach,
    )
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    kept = job.folder(study)
    try:
        with new_folder(kept) as folder:
            fitted.write_into(folder)
            write_text(folder / "fit.json", fit.model_dump_json())
    except FileExistsError:
        # a process that outlived a killed study has finished the same fit: it is the same
        return read_fit(kept)
    return fit


def read_fit(folder: Path) -> Fit:
    """Read what `run_fit` kept beside the model."""
    return Fit.model_validate_json((folder / "fit.json").read_text(encoding="utf-8"))


def finite(fits: Iterable[Fit]) -> list[Fit]:
    """Return the fits that did not diverge."""
    return [fit for fit in fits if not fit.diverged]


def best_rung(fits: Iterable[Fit], power: float) -> str:
    """Return the rung of the best mean validation score over its seeds that did not diverge.

    Raises:
        DataError: If every fit diverged.
    """
    scores: dict[str, list[float]] = {}
    for fit in finite(fits):
        scores.setdefault(fit.rung, []).append(fit.validation**power)
    if not scores:
        raise DataError("every fit diverged: pass a smaller learning_rate")
    return min(scores, key=lambda rung: float(np.mean(scores[rung])))


def save_prepared(study: Path, prepared: Any, task: Task) -> None:
    """Keep the prepared data where `load_prepared` finds them."""
    with new_folder(study / "prepared") as folder:
        task.save(prepared, folder)


def load_prepared(study: Path, task: Task) -> Any:
    """Map the prepared data of a study; a process that fits several rungs maps them once."""
    folder = study.absolute() / "prepared"
    # a folder of the same name may be that of another study by now
    about = (folder / "preprocessing.json").stat()
    return _map_prepared(folder, about.st_ino, about.st_mtime_ns, task)


@lru_cache(maxsize=1)
def _map_prepared(folder: Path, inode: int, mtime_ns: int, task: Task) -> Any:  # noqa: ARG001
    return task.load(folder)
