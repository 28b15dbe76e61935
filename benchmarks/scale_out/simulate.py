"""A simulation of a study or a search on many nodes, from the parts of a fit that were measured.

Jobs come in passes: none of a pass begins before the one before is stored, as a verdict or a batch
of trials needs all of it. The process that was started hands jobs in one after the other, and
stores what comes back one after the other, in the order in which it comes. The data of a fold are
sent to a node when its first job of that fold begins, over one link, one after the other. A worker
takes the next job as soon as it is free.

What is left out: nodes that fail, links of nodes among each other, and what is computed between
passes where it is not given as `between`.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True)
class Parts:
    """Seconds that a fit costs beside its computing."""

    hand_in: float = 0.0
    """Of the process that was started, for each job."""
    start: float = 0.0
    """Of the worker, from when it has the job until it computes."""
    store: float = 0.0
    """Of the process that was started, for what comes back."""
    ship: float = 0.0
    """Of the link, for the data of a fold to a node."""
    between: float = 0.0
    """Of the process that was started, before each pass."""


class Job(NamedTuple):
    """A fit: the fold whose data it reads, and the seconds that it computes."""

    fold: int
    seconds: float


Pass = Sequence[Job]


class Simulated(NamedTuple):
    """What came of a simulation."""

    seconds: float
    fits: int
    computed: float  # seconds of all fits together

    @property
    def per_minute(self) -> float:
        """Fits per minute."""
        return 60.0 * self.fits / self.seconds

    def efficiency(self, workers: int) -> float:
        """Return the share of the workers' time in which they compute."""
        return self.computed / (workers * self.seconds)


def simulate(passes: Sequence[Pass], nodes: int, workers: int, parts: Parts) -> Simulated:
    """Let passes run on nodes of so many workers each.

    Example:
        >>> simulate([[Job(0, 60.0)] * 4], nodes=2, workers=1, parts=Parts()).per_minute
        2.0
    """
    driver, link = 0.0, 0.0
    sent: dict[tuple[int, int], float] = {}  # when the data of a fold are on a node
    for jobs in passes:
        driver += parts.between
        free = [(driver, node) for node in range(nodes) for _ in range(workers)]
        heapq.heapify(free)
        ends = []
        for job in jobs:
            driver += parts.hand_in
            at, node = heapq.heappop(free)
            begins = max(at, driver)
            if parts.ship and (node, job.fold) not in sent:
                link = max(link, begins) + parts.ship
                sent[node, job.fold] = link
            begins = max(begins, sent.get((node, job.fold), 0.0))
            end = begins + parts.start + job.seconds
            heapq.heappush(free, (end, node))
            ends.append(end)
        for end in sorted(ends):
            driver = max(driver, end) + parts.store
    every = list(itertools.chain.from_iterable(passes))
    return Simulated(driver, len(every), sum(job.seconds for job in every))


def limits(
    passes: Sequence[Pass], nodes: int, workers: int, parts: Parts
) -> Iterator[tuple[str, float]]:
    """Yield what holds workers up, with the share of the time that would be saved without it.

    The most comes first; shares need not add up to one, as one wait may hide another.
    """
    whole = simulate(passes, nodes, workers, parts).seconds
    merged = [list(itertools.chain.from_iterable(passes))]
    without: dict[str, Callable[[], Simulated]] = {
        "passes": lambda: simulate(merged, nodes, workers, replace(parts, between=0.0)),
        "storing": lambda: simulate(passes, nodes, workers, replace(parts, store=0.0)),
        "handing in": lambda: simulate(passes, nodes, workers, replace(parts, hand_in=0.0)),
        "starting": lambda: simulate(passes, nodes, workers, replace(parts, start=0.0)),
        "sending data": lambda: simulate(passes, nodes, workers, replace(parts, ship=0.0)),
    }
    saved = {name: 1.0 - run().seconds / whole for name, run in without.items()}
    yield from sorted(saved.items(), key=lambda one: -one[1])


FOLDS, MEMBERS, CELLS, RUNGS = 5, 5, 3, 9
BATCH, TRIALS, AGAIN = 6, 40, 4


def study(seconds: float, spread: float = 0.0, rounds: int = 30) -> list[Pass]:
    """Return the passes of a study of nine rungs over five folds that is not decided early.

    Three cells are compared on every fold. The chosen one and the six other rungs then play the
    rounds, a pass for each five; what is selected is fitted by five members, twice.

    Args:
        seconds: Of a fit, on average.
        spread: Of the logarithm of the seconds.
        rounds: At most.
    """
    counts = [CELLS] + [RUNGS - CELLS + 1] * (rounds // FOLDS)
    return _drawn([[count] * FOLDS for count in counts] + [[MEMBERS]] * 2, seconds, spread)


def search(seconds: float, spread: float = 0.0, rounds: int = 10) -> list[Pass]:
    """Return the passes of a search of 40 trials over five folds; arguments as in `study`.

    The default settings are fitted to every fold. A batch of six trials is fitted to the first
    fold, and its better third to the others. The best three and the default are then fitted again,
    and what is selected is fitted by five members, twice.
    """
    batches = [min(BATCH, TRIALS - done) for done in range(0, TRIALS, BATCH)]
    counts = [[1] * FOLDS]
    for size in batches:
        counts += [[size], [0] + [-(-size // 3)] * (FOLDS - 1)]
    counts += [[AGAIN] * FOLDS] * (rounds // FOLDS) + [[MEMBERS]] * 2
    return _drawn(counts, seconds, spread)


def _drawn(counts: Sequence[Sequence[int]], seconds: float, spread: float) -> list[Pass]:
    """Return passes of so many jobs on each fold, the same at every call."""
    drawn = np.random.default_rng(0)
    mean = -spread * spread / 2  # so that they take `seconds` on average
    return [
        [
            Job(fold, seconds * float(np.exp(drawn.normal(mean, spread))))
            for fold, count in enumerate(of_pass)
            for _ in range(count)
        ]
        for of_pass in counts
    ]
