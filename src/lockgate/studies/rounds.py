"""Play the rounds of a study: all rungs on one fold after another, until all is decided."""

import logging
import math
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from lockgate.charts.formats import duration
from lockgate.scoring.arrays import FloatArray
from lockgate.studies.best import best_set
from lockgate.studies.clock import Clock
from lockgate.studies.delivery import is_single
from lockgate.studies.finished import RESULTS
from lockgate.studies.fits import Fit, Job, read_judged, read_spreads, run_fits
from lockgate.studies.folder import LOOKS, keep_looks, planned_looks
from lockgate.studies.gather import Judged, gather
from lockgate.studies.judge import best_cell
from lockgate.studies.looks import LookPlan
from lockgate.studies.plan import BUDGET_IN_USE, TYPICAL_EPOCHS, Plan, Watcher, choosing_of
from lockgate.studies.rule import PairVerdict, judge, resting, stop
from lockgate.studies.stretches import Stretch, Stretches
from lockgate.tasks.base import Task
from lockgate.tasks.stack.config import CellName
from lockgate.tasks.stack.rungs import Rung, model_config, parent_name

LOG = logging.getLogger(__name__)
CHOOSING = 0
"""The number of the rounds that choose the cell, of whose fits no verdict is made."""
Ended = Literal["decided", "rows", "rounds", "budget"]


class Played(NamedTuple):
    """What came of the rounds."""

    cell: CellName
    cell_rung: str
    fits: tuple[Fit, ...]
    choosing: tuple[Judged, ...]  # rounds that chose the cell; none where there is one
    rounds: tuple[Judged, ...]
    verdicts: tuple[PairVerdict, ...]
    at_looks: tuple[tuple[PairVerdict, ...], ...]  # the verdicts as each look told them
    may_be_best: tuple[str, ...]
    blocks: int
    looks: LookPlan
    round_seconds: float  # of one more round of what is open
    ended: Ended


def play_rounds(
    plan: Plan, out: Path, stretches: Stretches, clock: Clock, watcher: Watcher
) -> Played:
    """Choose the cell, then fit and judge round after round until nothing is left to decide.

    After each pass over the folds the verdicts are looked at. The study ends when all are decided,
    or no further round could decide what is open, or the rounds are played, or the budget affords
    no further pass: then its last look has all that is left to spend. What is decided rests.

    Raises:
        DataError: If every fit that would choose the cell diverged.
    """
    player = _Player(plan, out, stretches, clock, watcher)
    first = stretches.of_pass(0)
    choosing = player.choose(choosing_of(first))
    metric, config = plan.config.training.metric, plan.config
    cell_rung = best_cell(choosing, metric) if choosing else plan.cells[0].name
    cell = next(rung.cell for rung in plan.cells if rung.name == cell_rung)
    assert cell is not None
    ladder = [rung for rung in plan.rungs if rung.name == cell_rung or not rung.cell]
    names = {rung.name for rung in ladder}
    pairs = [
        (rung.name, parent)
        for rung in ladder
        if not rung.cell and (parent := parent_name(rung, cell)) in names
    ]
    affordable = _affordable(plan, player.fits, clock.of_this_run)
    if affordable < len(first) and not (out / LOOKS).exists():
        seconds = len(first) * _epochs(plan, player.fits) * plan.round_epoch
        LOG.warning(
            "a pass over the %d folds takes about %s, more than the budget of %s leaves: it is "
            "played all the same, as less tells nothing",
            *(len(first), duration(seconds), config.budget),
        )
    ended_before = (out / RESULTS).exists()
    looks = planned_looks(out, len(first), config.rounds, ended=ended_before)
    planned = min(looks.looks[-1], max(affordable // len(first), 1) * len(first))
    player.most = plan.choosing + plan.judged * planned

    rounds: list[Judged] = []
    at_looks: list[tuple[PairVerdict, ...]] = []
    rest: Collection[str] = ()
    ended: Ended
    while True:
        before = clock.seconds
        number = len(at_looks)
        playing = [rung for rung in ladder if rung.name not in rest]
        rounds += player.play(number, playing, cell)
        of_pass = clock.seconds - before
        over = clock.of_this_run + of_pass + _to_deliver(plan, player.fits) > plan.budget
        if over and len(rounds) < looks.looks[-1]:
            looks = keep_looks(out, looks.closed(len(rounds)))
        evidence = gather(
            rounds, folds=len(first), power=plan.task.power(metric), stay=stretches.stay
        )
        at_looks.append(judge(evidence, pairs, looks, math.log1p(config.smallest_effect / 100.0)))
        rest = resting(at_looks[-1])
        if stop(at_looks[-1]) is not None:
            ended = "rows" if any(one.outcome == "open" for one in at_looks[-1]) else "decided"
            break
        if len(rounds) >= looks.looks[-1]:
            ended = "budget" if looks.is_closed else "rounds"
            break
    return Played(
        cell=cell,
        cell_rung=cell_rung,
        fits=tuple(player.fits),
        choosing=tuple(choosing),
        rounds=tuple(rounds),
        verdicts=at_looks[-1],
        at_looks=tuple(at_looks),
        may_be_best=best_set(evidence.table(), looks),
        blocks=int(evidence.blocks()[0].max()) + 1,
        looks=looks,
        round_seconds=_round_seconds(player.fits, names - set(rest), plan.workers),
        ended=ended,
    )


class _Player:
    """Fits rounds, and counts their fits."""

    def __init__(
        self, plan: Plan, out: Path, stretches: Stretches, clock: Clock, watcher: Watcher
    ) -> None:
        self._plan, self._out, self._stretches = plan, out, stretches
        self._clock, self._watcher = clock, watcher
        self.fits: list[Fit] = []
        self.most = plan.fits  # until the looks are planned

    def choose(self, stretches: Sequence[Stretch]) -> list[Judged]:
        """Fit the plain networks to some folds; nothing where there is one."""
        cells = self._plan.cells
        if len(cells) < 2:
            return []
        jobs = [self._jobs(CHOOSING, stretch, cells, "lstm") for stretch in stretches]
        return self._judged([CHOOSING] * len(stretches), stretches, jobs)

    def play(self, number: int, rungs: Sequence[Rung], cell: CellName) -> list[Judged]:
        """Play the rounds of a pass, from 0."""
        stretches = self._stretches.of_pass(number)
        rounds = [number * len(stretches) + fold + 1 for fold in range(len(stretches))]
        jobs = [
            self._jobs(one, stretch, rungs, cell)
            for one, stretch in zip(rounds, stretches, strict=True)
        ]
        return self._judged(rounds, stretches, jobs)

    def _jobs(
        self, number: int, stretch: Stretch, rungs: Sequence[Rung], cell: CellName
    ) -> list[Job]:
        task = self._plan.task
        return [
            Job(rung.name, number, run_of(self._plan, rung, cell), task, stretch.fold.name)
            for rung in rungs
        ]

    def _judged(
        self, rounds: Sequence[int], stretches: Sequence[Stretch], jobs: Sequence[Sequence[Job]]
    ) -> list[Judged]:
        # there may be time for more than was thought
        self.most = max(self.most, len(self.fits) + sum(map(len, jobs)))
        every = [job for own in jobs for job in own]
        asked = {(job.rung, job.seed, job.fold): job for job in every}
        for fit in run_fits(self._out, every, self._plan.place):
            self.fits.append(fit)
            LOG.info(
                "fit %d: round %d, %s, best epoch %g, %.1f s",
                *(len(self.fits), fit.seed, fit.rung, fit.history.best_epoch, fit.seconds),
            )
            self._clock.keep(self._out)
            job = asked[fit.rung, fit.seed, fit.fold]
            self._watcher.on_history(job.name, job.config, fit.history)
            self._watcher.on_fit(fit, len(self.fits), self.most)
        return [
            Judged(
                *(number, fold, stretch),
                _read_all(read_judged, self._out, own),
                _read_all(read_spreads, self._out, own),
            )
            for fold, (number, stretch, own) in enumerate(zip(rounds, stretches, jobs, strict=True))
        ]


def _read_all(
    read: Callable[[Path, Job], FloatArray | None], out: Path, jobs: Sequence[Job]
) -> dict[str, FloatArray]:
    found = {job.rung: read(out, job) for job in jobs}
    return {rung: one for rung, one in found.items() if one is not None}


def _affordable(plan: Plan, fits: Sequence[Fit], spent: float) -> int:
    """Return how many rounds the budget affords, by what the fits so far took."""
    if math.isinf(plan.budget):
        return int(plan.config.rounds)
    left = BUDGET_IN_USE * plan.budget - spent - _to_deliver(plan, fits)
    return max(int(left / (_epochs(plan, fits) * plan.round_epoch)), 1)


def _to_deliver(plan: Plan, fits: Sequence[Fit]) -> float:
    """Return about how long the networks to be delivered take: any rung may be the one."""
    members = 1 if is_single(plan.task, plan.config) else plan.config.members
    epoch = sum(plan.epoch_seconds.values()) / len(plan.epoch_seconds)
    return float(_epochs(plan, fits) * epoch * -(-members // plan.workers))


def _epochs(plan: Plan, fits: Sequence[Fit]) -> float:
    """Return how many epochs as they were timed a fit takes."""
    if not fits:
        return float(TYPICAL_EPOCHS)
    timed = sum(plan.epoch_seconds[fit.rung] for fit in fits)
    return sum(fit.seconds for fit in fits) / timed


def _round_seconds(fits: Sequence[Fit], rungs: Collection[str], workers: int) -> float:
    """Return what a round of some rungs takes, by the clock."""
    seconds: dict[str, list[float]] = {}
    for fit in fits:
        if fit.rung in rungs:
            seconds.setdefault(fit.rung, []).append(fit.seconds)
    return sum(sum(own) / len(own) for own in seconds.values()) / workers


def run_of(plan: Plan, rung: Rung, cell: CellName) -> Any:
    """Return the settings of a run of a rung."""
    network = model_config(rung, plan.config.model, cell, plan.rungs)
    run = run_config(plan.task, plan.config, network)
    if rung.run is None:
        return run
    # what computes is the study's to say
    device = {"device": run.training.device}
    return run.model_copy(update={"training": rung.run.training.model_copy(update=device)})


def run_config(task: Task, config: Any, network: Any) -> Any:
    """Return the settings of one run of a study."""
    own = {name: getattr(config, name) for name in task.run.model_fields}
    return task.run(**{**own, "model": network})
