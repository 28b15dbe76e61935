"""Fit settings to folds and compare them with the default, each fit once."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lockgate.scoring.arrays import FloatArray
from lockgate.studies.clock import Clock
from lockgate.studies.fits import Fit, Job, read_judged, read_spreads, run_fits_in
from lockgate.studies.plan import Plan
from lockgate.studies.stretches import Stretch
from lockgate.tuning.prepared import Preparation

LOG = logging.getLogger(__name__)
DEFAULT = "default"
"""What the fits of the default settings are called."""


class Entrant(NamedTuple):
    """Settings to be fitted, with what they learn from."""

    name: str
    run: Any
    preparation: Preparation


class Place(NamedTuple):
    """Where a fit is done: the seed, and the fold by its number in a pass."""

    seed: int
    of_pass: int
    fold: int


class Fitted(NamedTuple):
    """What came of a fit in a fold."""

    fit: Fit
    stretch: Stretch
    judged: FloatArray | None  # None if it diverged
    spreads: FloatArray | None = None  # of a network that forecasts one


class Bench:
    """Does the fits of a search, and counts them."""

    def __init__(
        self, plan: Plan, out: Path, clock: Clock, on_fit: Callable[[Fit, Job, int], None]
    ) -> None:
        """Call `on_fit` with each fit that is done, what it was to be, and how many that makes."""
        self._plan, self._out, self._clock, self._on_fit = plan, out, clock, on_fit
        self._known: dict[tuple[str, Place], Fit] = {}

    @property
    def power(self) -> float:
        """The power of the mean loss that the metric is."""
        return self._plan.task.power(self._plan.config.training.metric)

    def fit(self, wanted: Sequence[tuple[Entrant, Place]]) -> dict[tuple[str, Place], Fitted]:
        """Fit entrants side by side; those of earlier runs are read, not repeated.

        Raises:
            ChildProcessError: If a worker was killed.
        """
        jobs = {(entrant.name, place): self._job(entrant, place) for entrant, place in wanted}
        new = {key: job for key, job in jobs.items() if key not in self._known}
        keys = {(job.rung, job.seed, job.fold): key for key, (_, job, _) in new.items()}
        to_do = [(root, job) for root, job, _ in new.values()]
        for fit in run_fits_in(to_do, self._plan.place):
            key = keys[fit.rung, fit.seed, fit.fold]
            self._known[key] = fit
            LOG.info(
                "fit %d: %s, %s, seed %d, best epoch %g, %.1f s",
                *(len(self._known), fit.rung, fit.fold, fit.seed, fit.history.best_epoch),
                fit.seconds,
            )
            self._clock.keep(self._out)
            self._on_fit(fit, new[key][1], len(self._known))
        return {
            key: Fitted(self._known[key], stretch, read_judged(root, job), read_spreads(root, job))
            for key, (root, job, stretch) in jobs.items()
        }

    def seconds_of(self, name: str) -> float | None:
        """Return the mean seconds of the fits of an entrant so far."""
        own = [fit.seconds for (known, _), fit in self._known.items() if known == name]
        return sum(own) / len(own) if own else None

    def fits_of(self, name: str, least_seed: int, most_seed: int) -> list[Fit]:
        """Return the fits of an entrant whose seeds lie between two, in their order."""
        own = [fit for (known, _), fit in self._known.items() if known == name]
        kept = [fit for fit in own if least_seed <= fit.seed <= most_seed]
        return sorted(kept, key=lambda fit: (fit.seed, fit.fold or ""))

    def _job(self, entrant: Entrant, place: Place) -> tuple[Path, Job, Stretch]:
        stretch = entrant.preparation.stretches(place.of_pass)[place.fold]
        job = Job(entrant.name, place.seed, entrant.run, self._plan.task, stretch.fold.name)
        return entrant.preparation.root, job, stretch
