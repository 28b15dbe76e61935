"""Search batch after batch, until the trials or the time are used up."""

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from lockgate.errors import DataError
from lockgate.files import write_text
from lockgate.studies.clock import Clock
from lockgate.studies.plan import BUDGET_IN_USE, Plan
from lockgate.tuning.bench import DEFAULT, Bench, Entrant
from lockgate.tuning.halving import BATCH, SHARE, judge_batch
from lockgate.tuning.prepared import Preparations
from lockgate.tuning.sampler import propose
from lockgate.tuning.space import Space
from lockgate.tuning.storage import TrialStorage
from lockgate.tuning.trial import Trial, best_of

LOG = logging.getLogger(__name__)
CANDIDATES = 3
"""Trials that are fitted again after the search."""
ENDED = "search.json"
Ended = Literal["trials", "budget"]


class Searched(NamedTuple):
    """What came of the search."""

    trials: tuple[Trial, ...]
    ended: Ended
    fitted_again: int  # at most, as the time allows

    @property
    def candidates(self) -> list[Trial]:
        """The best few of those that looked better than the default, at least the best one."""
        best = best_of(self.trials, self.fitted_again)
        return [trial for trial in best if (trial.change or 0.0) < 0.0] or best[:1]


class Searching(NamedTuple):
    """What a search is done with."""

    plan: Plan
    out: Path
    space: Space
    known: Mapping[str, Any] | None  # the default settings, where they lie in the space
    default: Entrant
    bench: Bench
    preparations: Preparations
    storage: TrialStorage
    clock: Clock


def search(with_: Searching, on_trial: Callable[[Trial], None]) -> Searched:
    """Ask for batches of trials and judge them, until there are enough or time is up.

    Once a search has ended it has: what a resumed run finds ended is not searched on, so that what
    is judged then stays the same.

    Args:
        with_: What it is done with.
        on_trial: Called with each trial that is done.

    Raises:
        DataError: If the default diverges, or the storage holds other trials.
    """
    config, finished = with_.plan.config, with_.storage.finished
    trials: list[Trial] = []
    ended = _ended(with_.out)
    if ended is not None:
        count, why, again = ended
        if sorted(finished)[:count] != list(range(count)):
            raise DataError(
                f"storage must hold the {count} trials of this search, got {len(finished)}: pass "
                "the storage that it was begun with"
            )
        return Searched(tuple(finished[number] for number in range(count)), why, again)
    of_batch = 0.0
    while len(trials) < config.trials:
        if trials and not _affords(with_, trials, of_batch):
            return _end(with_, trials, "budget")
        began = with_.clock.of_this_run
        for trial in _batch(with_, trials, finished):
            trials.append(trial)
            on_trial(trial)
        of_batch = with_.clock.of_this_run - began
    return _end(with_, trials, "trials")


def _batch(
    with_: Searching, before: Sequence[Trial], finished: Mapping[int, Trial]
) -> Sequence[Trial]:
    """Return the trials of the batch that follows, done or found done."""
    first, batch = len(before), len(before) // BATCH
    count = min(BATCH, with_.plan.config.trials - first)
    proposed = propose(
        with_.space,
        before,
        count,
        batch=batch,
        seed=with_.plan.config.training.random_state,
        default=with_.known,
    )
    numbered = dict(enumerate(proposed, start=first))
    for number, values in numbered.items():
        with_.storage.begin(number, values)
    if all(number in finished for number in numbered):
        return [finished[number] for number in numbered]
    judged = judge_batch(with_.bench, with_.preparations, with_.default, batch, numbered)
    for trial in judged:
        LOG.info("trial %d: %s, %s", trial.number, trial.state, _told(trial))
        with_.storage.finish(trial)
    return judged


def _affords(with_: Searching, trials: Sequence[Trial], of_batch: float) -> bool:
    """Tell whether there is time for another batch, a pass of fits again, and the delivery."""
    budget = with_.plan.budget
    if math.isinf(budget):
        return True
    return with_.clock.of_this_run + of_batch + to_finish(with_, trials) < BUDGET_IN_USE * budget


def to_finish(with_: Searching, trials: Sequence[Trial]) -> float:
    """Return about how long a pass over the folds takes, and then the delivery."""
    return _to_finish(with_, best_of(trials, CANDIDATES))


def _to_finish(with_: Searching, candidates: Sequence[Trial]) -> float:
    seconds, plan = seconds_of(with_, candidates), with_.plan
    of_pass = sum(seconds.values()) * len(plan.folds.folds) / plan.workers
    return of_pass + to_deliver(plan, max(seconds.values()))


def to_deliver(plan: Plan, seconds: float) -> float:
    """Return about how long the fits to be delivered take, if one in the rounds takes so long."""
    members = getattr(plan.config, "members", 1)
    # they learn from all but the test part, and baselines are fitted beside them
    return 2.0 * seconds * -(-members // plan.workers)


def seconds_of(with_: Searching, trials: Sequence[Trial]) -> dict[str, float]:
    """Return the mean seconds of a fit of the default and of some trials, by their names."""
    seconds = {DEFAULT: with_.bench.seconds_of(DEFAULT) or 0.0}
    for trial in trials:
        seconds[trial.name] = sum(trial.seconds.values()) / max(len(trial.seconds), 1)
    if not seconds[DEFAULT]:  # all batches were found done
        seconds[DEFAULT] = max(seconds.values())
    return seconds


def most_fits(config: Any, folds: int) -> int:
    """Return how many fits there are, if all trials are done and no round is left out."""
    whole, rest = divmod(config.trials, BATCH)
    sizes = [BATCH] * whole + [rest] * bool(rest)
    of_trials = sum(size + -(-size // SHARE) * (folds - 1) for size in sizes)
    again = (1 + min(CANDIDATES, config.trials)) * int(config.rounds)
    return int(folds + of_trials + again)


def _end(with_: Searching, trials: Sequence[Trial], why: Ended) -> Searched:
    again = _affordable(with_, trials)
    told = {"trials": len(trials), "ended": why, "fitted_again": again}
    write_text(with_.out / ENDED, json.dumps(told))
    return Searched(tuple(trials), why, again)


def _affordable(with_: Searching, trials: Sequence[Trial]) -> int:
    """Return how many trials there is time to fit again, one at the least."""
    left = BUDGET_IN_USE * with_.plan.budget - with_.clock.of_this_run
    for count in range(CANDIDATES, 1, -1):
        if _to_finish(with_, best_of(trials, count)) < left:
            return count
    return 1


def _ended(out: Path) -> tuple[int, Ended, int] | None:
    path = out / ENDED
    if not path.exists():
        return None
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return int(known["trials"]), known["ended"], int(known["fitted_again"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DataError(f"{path} must tell how a search ended: pass another out") from None


def _told(trial: Trial) -> str:
    if not trial.by_fold:
        return trial.reason or "no score"
    change = math.expm1(math.fsum(trial.by_fold.values()) / len(trial.by_fold))
    return f"{100.0 * change:+.1f} % against the default"
