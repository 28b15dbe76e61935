"""The rows that rounds learn from and are judged on: folds as runs of their own."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lockgate.running.local import default_workers, run_jobs
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.scoring.baselines import Skipped, reference
from lockgate.studies.fits import save_prepared
from lockgate.studies.plan import Plan, Watcher, folds_of
from lockgate.tasks.base import Scorer, Task
from lockgate.tasks.folds import Fold, Round
from lockgate.tasks.results import Scores


class Naive(NamedTuple):
    """A baseline in a fold: what it predicts of the rows judged."""

    name: str
    setting: str
    judged: FloatArray


class Stretch(NamedTuple):
    """A fold that is ready to be learned from."""

    fold: Fold
    scorer: Scorer  # of the rows judged
    rows: IntArray  # of the data, behind each loss
    naive: tuple[Naive, ...]  # in the folds of the first pass alone
    skipped: tuple[Skipped, ...]


class Stretches:
    """The folds of a study, each prepared once and kept in its folder."""

    def __init__(self, plan: Plan, out: Path, watcher: Watcher, *, baselines: bool = True) -> None:
        """Fit baselines to the folds of the first pass, or to none."""
        self._plan, self._out, self._watcher = plan, out, watcher
        self._baselines = baselines
        self._known: dict[str, Stretch] = {}

    @property
    def stay(self) -> bool:
        """Whether every pass is over the same folds."""
        return self._folds(0) == self._folds(1)

    def of_pass(self, number: int) -> tuple[Stretch, ...]:
        """Return the folds of a pass, from 0; those of the first have baselines."""
        folds = self._folds(number)
        missing = [fold for fold in folds if fold.name not in self._known]
        if missing:
            compared = self._baselines and number == 0
            also = ", and their baselines" if compared else ""
            self._watcher.on_step(f"preparing {len(missing)} folds{also}")
            self._prepare(missing, compared=compared)
        return tuple(self._known[fold.name] for fold in folds)

    def _folds(self, number: int) -> tuple[Fold, ...]:
        return folds_of(self._plan, number).folds

    def _prepare(self, folds: Sequence[Fold], *, compared: bool) -> None:
        plan, task, config = self._plan, self._plan.task, self._plan.config
        # the linear models of texts take longer than networks do: folds side by side
        jobs = [(task, plan.data, config, fold, compared) for fold in folds]
        workers = min(plan.workers, default_workers("cpu"))  # here, where the data are
        for fold, one, naive, skipped in run_jobs(_ready, jobs, workers):
            if not (self._out / "prepared" / fold.name).exists():
                save_prepared(self._out / "prepared" / fold.name, one.prepared, task)
            scorer = task.scorer(one.data, one.prepared, config, "test")
            rows = task.rounds.judged(fold, one.prepared, scorer)
            self._known[fold.name] = Stretch(fold, scorer, rows, naive, skipped)


def _ready(
    task: Task, data: Any, config: Any, fold: Fold, compared: bool
) -> tuple[Fold, Round, tuple[Naive, ...], tuple[Skipped, ...]]:
    """Prepare a fold, and have its baselines predict what is judged if they are compared."""
    one = task.rounds.prepare(data, config, fold)
    if not compared:
        return fold, one, (), ()
    found = task.baselines(one.data, one.prepared, config)
    told = tuple(Naive(each.name, each.setting, each.predict("test")) for each in found.baselines)
    return fold, one, told, found.skipped


def naive(stretch: Stretch, name: str) -> Naive:
    """Return a baseline of a fold."""
    return next(one for one in stretch.naive if one.name == name)


def best_baseline(
    stretches: Sequence[Stretch], metric: str, among: Collection[str] | None = None
) -> str | None:
    """Return the baseline of the best mean score over folds; None if none has a score in each.

    Args:
        stretches: The folds of the first pass.
        metric: The score.
        among: Those to choose from; by default all.
    """
    names = dict.fromkeys(one.name for stretch in stretches for one in stretch.naive)
    scores = {
        name: mean_scores(stretches, name) for name in names if among is None or name in among
    }
    return best_scored(scores, metric)


def best_scored(scores: Mapping[str, Scores], metric: str) -> str | None:
    """Return the name of the best scores; None if none has the metric."""
    known = {name: own for name, own in scores.items() if own.get(metric) is not None}
    try:
        return reference(known, metric) if known else None
    except ValueError:
        return None


def mean_scores(stretches: Sequence[Stretch], name: str) -> Scores:
    """Return the scores of a baseline, means over folds; none if a fold lacks it."""
    by_fold = [scores for one in stretches if (scores := scores_in(one, name)) is not None]
    return mean_of(by_fold) if len(by_fold) == len(stretches) else {}


def scores_in(stretch: Stretch, name: str) -> Scores | None:
    """Return the scores of a baseline in a fold; None if it was left out there."""
    found = [one for one in stretch.naive if one.name == name]
    return stretch.scorer.scores(found[0].judged) if found else None


def mean_of(several: Sequence[Scores]) -> Scores:
    """Return the mean of each score; None of one that is missing somewhere."""
    means: Scores = {}
    for name in several[0] if several else ():
        known = [value for scores in several if (value := scores[name]) is not None]
        means[name] = float(np.mean(known)) if len(known) == len(several) else None
    return means
