"""Fits of a study that tell when they began and ended, and the places that they run in."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.common.files import ROOT
from lockgate.running.cluster import open_cluster
from lockgate.running.jobs import FolderJob, Place
from lockgate.running.places import Local
from lockgate.settings import resolve
from lockgate.studies.fits import Job, save_prepared, write_fit
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.task import TASK

TOLD = "times.json"
TRIED_EPOCHS = 3


class Way(NamedTuple):
    """Where fits run."""

    workers: int
    nodes: int = 0  # of a Ray cluster on this machine; 0 for this machine without Ray


WAYS = {
    "this process": Way(1),
    "two processes": Way(2),
    "Ray, one worker": Way(1, nodes=1),
    "Ray, two workers": Way(2, nodes=1),
    "Ray, two nodes of one worker": Way(2, nodes=2),
}


class Times(NamedTuple):
    """Of one fit, by the clock of this machine."""

    process: int
    began: float
    ended: float


def config_of(epochs: int) -> ForecastConfig:
    """Return a fit of so many epochs to the CO2 sample: a schedule goes to its end."""
    told = {"target": "co2", "horizon": "26w", "max_epochs": epochs, "schedule": "cosine"}
    return resolve(ForecastConfig, told)


def write_prepared(folder: Path) -> None:
    """Keep the data that all fits read."""
    config = config_of(1)
    save_prepared(folder, TASK.prepare(TASK.read("sample:co2", config), config), TASK)


def timed_fit(out: Path, prepared: Path, job: Job, *, keeps: Path | None) -> None:
    """Fit as a study does, and tell when."""
    began = time.time()
    write_fit(out, prepared, job, keeps=keeps)
    (out / TOLD).write_text(json.dumps([os.getpid(), began, time.time()]), encoding="utf-8")


def times_in(folder: Path) -> Times:
    """Read what a fit told."""
    return Times(*json.loads((folder / TOLD).read_text(encoding="utf-8")))


def jobs_of(folder: Path, name: str, count: int, epochs: int) -> list[FolderJob]:
    """Return fits that read `folder / "prepared"` and leave folders beside it."""
    jobs = [Job("lstm", seed, config_of(epochs), TASK, fold="f0") for seed in range(count)]
    return [
        FolderJob(timed_fit, (folder / "prepared",), folder / name / str(job.seed), (job,))
        for job in jobs
    ]


def epochs_for(folder: Path, seconds: float) -> int:
    """Return of how many epochs a fit takes at least so many seconds here, on one thread."""
    done = next(iter(Local(1).run(jobs_of(folder, "tried", 1, TRIED_EPOCHS))))
    told = json.loads((done / "fit.json").read_text(encoding="utf-8"))["history"]
    of_epoch = sum(told["seconds"]) / TRIED_EPOCHS
    return max(int(-(-seconds // of_epoch)), 1)


@contextlib.contextmanager
def place_of(way: Way, home: Path) -> Iterator[Place]:
    """Yield where fits run; a cluster is started for them, and ends with them."""
    if not way.nodes:
        yield Local(way.workers)
        return
    sys.path.insert(0, str(ROOT / "tests" / "plugins"))
    from ray_nodes import Nodes

    os.environ["RAY_AUTH_MODE"] = "disabled"
    processors = way.workers // way.nodes
    nodes = Nodes(home, modules=ROOT, nodes=way.nodes, processors=processors)
    try:
        with open_cluster(nodes.address, workers=way.workers) as cluster:
            yield cluster
    finally:
        nodes.end()
