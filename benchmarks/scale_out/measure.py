"""Time batches of fits in one place after the other."""

import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from benchmarks.scale_out.fits import (
    WAYS,
    Times,
    Way,
    epochs_for,
    jobs_of,
    place_of,
    times_in,
    write_prepared,
)
from lockgate.files import new_folder
from lockgate.running.packed import pack, unpack
from lockgate.studies.fits import read_fit


class Sample(NamedTuple):
    """A batch of fits in one place."""

    way: str
    round: int
    fits: int
    wall: float  # seconds from the first handed in to the last in its folder
    computed: float  # seconds of all fits together
    between: float  # seconds of a worker from the end of a fit to the beginning of the next
    result: float  # seconds from the end of a fit until its folder is here
    driver: float  # seconds of the processor, for each fit, of the process that was started

    @property
    def per_minute(self) -> float:
        """Fits per minute."""
        return 60.0 * self.fits / self.wall

    @property
    def overhead(self) -> float:
        """Seconds of a worker for each fit in which it does not compute."""
        return (WAYS[self.way].workers * self.wall - self.computed) / self.fits


def sample(folder: Path, name: str, number: int, fits: int, epochs: int) -> Sample:
    """Run fits in a place that is warm: its processes run, and its data are there.

    Args:
        folder: That holds the prepared data.
        name: Of the way.
        number: Of the round.
        fits: How many for each worker.
        epochs: Of a fit.
    """
    way = WAYS[name]
    with tempfile.TemporaryDirectory(dir=folder) as home, place_of(way, Path(home)) as place:
        own = Path(home).name
        list(place.run(jobs_of(folder, f"{own}-warm", 2 * way.workers, 1)))
        jobs = jobs_of(folder, f"{own}-timed", fits * way.workers, epochs)
        arrived: dict[Path, float] = {}
        cpu, began = time.process_time(), time.time()
        for done in place.run(jobs):
            arrived[done.absolute()] = time.time()
        wall, cpu = max(arrived.values()) - began, time.process_time() - cpu
    told = {path: times_in(path) for path in arrived}
    computed = sum(one.ended - one.began for one in told.values())
    in_driver = way == Way(1)  # which computes itself: its processor is not all overhead
    return Sample(
        *(name, number, len(jobs), wall, computed, _between(list(told.values()))),
        result=statistics.median(at - told[path].ended for path, at in arrived.items()),
        driver=0.0 if in_driver else cpu / len(jobs),
    )


def _between(told: list[Times]) -> float:
    """Return the median seconds of a worker from one fit to the next; 0 where each did one."""
    order = sorted(told, key=lambda one: (one.process, one.began))
    gaps = [b.began - a.ended for a, b in pairwise(order) if a.process == b.process]
    return statistics.median(gaps) if gaps else 0.0


def storing(folder: Path, times: int = 20) -> float:
    """Return the median seconds in which what came of a fit is stored and read."""
    packed, taken = pack(next(folder.glob("tried/*"))), []
    for number in range(times):
        began = time.perf_counter()
        with new_folder(folder / "stored" / str(number)) as stored:
            unpack(packed, stored)
        read_fit(folder / "stored" / str(number))
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def prepare(folder: Path, seconds: float) -> int:
    """Leave what fits read in a folder, and return the epochs of one that takes so long."""
    write_prepared(folder / "prepared")
    return epochs_for(folder, seconds)


def data_of(folder: Path) -> tuple[int, float]:
    """Return the bytes of the data of a fold, and the seconds in which a node writes them."""
    packed = pack(folder / "prepared")
    began = time.perf_counter()
    with new_folder(folder / "sent") as sent:
        unpack(packed, sent)
    return sum(len(content) for content in packed.values()), time.perf_counter() - began
