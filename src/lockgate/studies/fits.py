"""Fit the rungs of a study, side by side and each only once."""

import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from lockgate.files import new_folder, write_text
from lockgate.nn import Reach
from lockgate.running.jobs import FolderJob, Place
from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.base import Span, Task
from lockgate.training.history import History

JUDGED = "judged.npy"
SPREADS = "spreads.npy"
CHECKPOINTS = "checkpoints"


class Job(NamedTuple):
    """One fit to do: a rung in a round, or a member of what is delivered."""

    rung: str
    seed: int
    """Of the first weights, the batches and the masks: the number of the round, or the member."""
    config: Any
    task: Task
    fold: str | None = None
    """The fold it learns from; None for a member, which learns from the whole."""
    learn: Span = "train"
    stop: Span | None = "validation"

    def prepared(self, study: Path) -> Path:
        """Return where the data that it learns from are kept."""
        return study / "prepared" / (self.fold or "whole")

    @property
    def name(self) -> str:
        """What tells it from others of the study: where it is kept."""
        if self.fold is not None:
            return f"rounds/{self.seed}-{self.fold}/{self.rung}"
        # of a study that went on, members of the same rung may take other steps
        steps = self.config.training.max_steps or "early"
        return f"delivered/{self.rung}/{self.learn}-{steps}-{self.seed}"

    def folder(self, study: Path) -> Path:
        """Return where it is kept."""
        return study / self.name

    def checkpoint(self, study: Path) -> Path:
        """Return the file from which it goes on if it is killed."""
        return study / CHECKPOINTS / f"{self.name.replace('/', '.')}.safetensors"


class Fit(BaseModel):
    """What is kept of a finished fit: of one in a round beside its predictions of the rows judged,
    of a member beside the model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")

    rung: str
    seed: int
    fold: str | None
    history: History
    seconds: float
    parameters: int
    validation: float | None
    """Score on the rows that stopped it, of the weights kept, in the unit of the data: each fold
    has a scale of its own. None of a member, and of a fit that diverged."""
    temperature: float
    """By which its scores are divided before they are probabilities; 1 where none are."""
    reach: Reach | None
    """Of the best weights; None if the fit diverged."""

    @property
    def diverged(self) -> bool:
        """Whether the loss ran off to infinity."""
        return self.history.stopped == "diverged"


def run_fits(study: Path, jobs: Sequence[Job], place: Place) -> Iterator[Fit]:
    """Yield every fit of `jobs`: those found in `study` at once, the others as they finish.

    Raises:
        ChildProcessError: If what computes was killed or is gone.
    """
    return run_fits_in([(study, job) for job in jobs], place)


def run_fits_in(jobs: Sequence[tuple[Path, Job]], place: Place) -> Iterator[Fit]:
    """Yield the fits of jobs as `run_fits` does, each with the folder that it is kept in.

    Raises:
        ChildProcessError: If what computes was killed or is gone.
    """
    waiting = []
    for study, job in jobs:
        if (job.folder(study) / "fit.json").exists():
            yield read_fit(job.folder(study))
        else:
            paths = (job.prepared(study),), job.folder(study), (job,), job.checkpoint(study)
            waiting.append(FolderJob(write_fit, *paths))
    if waiting:
        yield from map(read_fit, place.run(waiting))


def write_fit(out: Path, prepared_folder: Path, job: Job, *, keeps: Path | None) -> None:
    """Fit one job, and write what is kept of it into the folder `out`.

    Args:
        out: A folder.
        prepared_folder: Of the data that it learns from.
        job: The fit.
        keeps: The file from which it goes on if it is killed; None keeps none.
    """
    prepared, task = load_prepared(prepared_folder, job.task), job.task
    began = time.perf_counter()
    fitted, history = task.train(
        *(prepared, job.config),
        seed=job.seed,
        name=job.rung,
        learn=job.learn,
        stop=job.stop,
        checkpoint=keeps,
    )
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    # of a fit that went on, what was fitted before counts too
    seconds = max(time.perf_counter() - began, sum(history.seconds))
    reach, validation = None, None
    if history.stopped != "diverged":
        reach = task.reach(fitted, prepared)
        if job.fold is not None:
            validation = task.validation_score(history.kept_loss, prepared, job.config)
    fit = Fit(
        rung=job.rung,
        seed=job.seed,
        fold=job.fold,
        history=history,
        seconds=seconds,
        parameters=fitted.parameters,
        validation=validation,
        temperature=task.committees.temperature(fitted) if task.committees else 1.0,
        reach=reach,
    )
    if job.fold is None:
        fitted.write_into(out)
    elif not fit.diverged:
        np.save(out / JUDGED, task.predict(fitted, prepared, "test"))
        committees = task.committees
        spreads = committees.spreads(fitted, prepared, "test") if committees else None
        if spreads is not None:
            np.save(out / SPREADS, spreads)
    write_text(out / "fit.json", fit.model_dump_json())


def read_fit(folder: Path) -> Fit:
    """Read what `write_fit` kept beside the model."""
    return Fit.model_validate_json((folder / "fit.json").read_text(encoding="utf-8"))


def read_judged(study: Path, job: Job) -> FloatArray | None:
    """Read what a fit in a round predicts of the rows judged; None if it diverged."""
    return _read_array(job.folder(study) / JUDGED)


def read_spreads(study: Path, job: Job) -> FloatArray | None:
    """Read how far off a fit in a round may be, as it forecasts; None if it forecasts no spread."""
    return _read_array(job.folder(study) / SPREADS)


def _read_array(path: Path) -> FloatArray | None:
    return np.load(path, allow_pickle=False) if path.exists() else None


def save_prepared(folder: Path, prepared: Any, task: Task) -> None:
    """Keep prepared data where `load_prepared` finds them."""
    with new_folder(folder) as temporary:
        task.save(prepared, temporary)


def load_prepared(folder: Path, task: Task) -> Any:
    """Map prepared data; a process that fits several rungs to them maps them once."""
    folder = folder.absolute()
    # a folder of the same name may be that of another study by now
    about = (folder / "preprocessing.json").stat()
    return _map_prepared(folder, about.st_ino, about.st_mtime_ns, task)


@lru_cache(maxsize=8)
def _map_prepared(folder: Path, inode: int, mtime_ns: int, task: Task) -> Any:  # noqa: ARG001
    return task.load(folder)
