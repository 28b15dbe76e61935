"""Fit the rungs of a study, side by side and each only once."""

import contextlib
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from joblib import Parallel, cpu_count, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from pydantic import BaseModel, ConfigDict

from lockgate.data.errors import DataError
from lockgate.data.files import new_folder, write_text
from lockgate.nn import Reach
from lockgate.studies.problem import Problem
from lockgate.training import History

# windows of the fixed sample on which the reach of the gradient is measured


class Task(NamedTuple):
    """One fit to do: a rung, a seed and the run."""

    rung: str
    seed: int
    config: Any
    problem: Problem


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
        """Lowest validation loss, in the scaled unit."""
        return min(self.history.validation)


def fit_folder(study: Path, rung: str, seed: int) -> Path:
    """Return where a fit is kept."""
    return study / "fits" / rung / f"seed-{seed}"


def device_kind(device: str) -> str:
    """Return what kind of device the setting `device` means on this machine."""
    if device != "auto":
        return device
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return "cpu" if accelerator is None else accelerator.type


def default_workers(device: str) -> int:
    """Return one process for each core that joblib may use; one for an accelerator."""
    return int(cpu_count()) if device_kind(device) == "cpu" else 1


def run_fits(study: Path, tasks: Sequence[Task], workers: int) -> Iterator[Fit]:
    """Yield every fit of `tasks`: those found in `study` at once, the others as they finish.

    Raises:
        ChildProcessError: If a worker was killed, as it is where memory runs out.
    """
    waiting = []
    for task in tasks:
        if (fit_folder(study, task.rung, task.seed) / "fit.json").exists():
            yield read_fit(fit_folder(study, task.rung, task.seed))
        else:
            waiting.append(task)
    if waiting:
        # a worker may have been started in another directory
        study = study.absolute()
        # one thread each: recurrent steps are too small to share between cores
        parallel = Parallel(workers, return_as="generator_unordered", batch_size=1)
        run = run_fit if workers == 1 else _run_fit_in_worker
        try:
            yield from parallel(delayed(run)(study, task) for task in waiting)
        except TerminatedWorkerError:
            raise ChildProcessError(
                "a process that fits was killed, perhaps for want of memory: continue with "
                "resume=True (--resume), and with fewer workers if it happens again"
            ) from None


def run_fit(study: Path, task: Task) -> Fit:
    """Fit one task and keep it in the study's folder, whole or not at all."""
    prepared, problem = load_prepared(study, task.problem), task.problem
    began = time.perf_counter()
    with _one_thread():
        fitted, history = problem.train(prepared, task.config, seed=task.seed, name=task.rung)
        seconds = time.perf_counter() - began
        reach = None if history.stopped == "diverged" else problem.reach(fitted, prepared)
    fit = Fit(
        rung=task.rung,
        seed=task.seed,
        history=history,
        seconds=seconds,
        parameters=sum(p.numel() for p in fitted.model.parameters()),
        reach=reach,
    )
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    kept = fit_folder(study, task.rung, task.seed)
    try:
        with new_folder(kept) as folder:
            fitted.write_into(folder)
            write_text(folder / "fit.json", fit.model_dump_json())
    except FileExistsError:
        # a process that outlived a killed study has finished the same fit: it is the same
        return read_fit(kept)
    return fit


def _run_fit_in_worker(study: Path, task: Task) -> Fit:
    # Ctrl-C reaches every process of the group: the study ends its workers itself, and a fit must
    # not take it for the wish to stop early
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return run_fit(study, task)


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


def save_prepared(study: Path, prepared: Any, problem: Problem) -> None:
    """Keep the prepared data where `load_prepared` finds them."""
    with new_folder(study / "prepared") as folder:
        problem.save(prepared, folder)


def load_prepared(study: Path, problem: Problem) -> Any:
    """Map the prepared data of a study; a process that fits several rungs maps them once."""
    folder = study.absolute() / "prepared"
    # a folder of the same name may be that of another study by now
    about = (folder / "preprocessing.json").stat()
    return _map_prepared(folder, about.st_ino, about.st_mtime_ns, problem)


@lru_cache(maxsize=1)
def _map_prepared(folder: Path, inode: int, mtime_ns: int, problem: Problem) -> Any:  # noqa: ARG001
    return problem.load(folder)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
