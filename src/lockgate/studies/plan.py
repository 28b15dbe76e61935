"""Plan a study before it runs: what is read, how it is cut, which fits, and how long they take."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch

from lockgate.errors import DataError, count_of, option
from lockgate.reading.frequency import Frequency
from lockgate.running.jobs import Place
from lockgate.running.local import one_thread
from lockgate.running.machine import check_device
from lockgate.running.places import open_place
from lockgate.studies.evidence import LEAST_FOLDS
from lockgate.studies.tuned import Tuned, check_prepared, tuned_rungs
from lockgate.tasks.base import Task
from lockgate.tasks.folds import FOLDS, Folds
from lockgate.tasks.stack.config import StackConfig
from lockgate.tasks.stack.rungs import Rung, choose_rungs, model_config
from lockgate.training.fit import EVALUATION_BATCH, TRAINING_SAMPLE
from lockgate.training.history import History

# what a fit takes where early stopping ends it; only the estimate rests on it
TYPICAL_EPOCHS = 15
# processes side by side share memory bandwidth, and a budget must not be overrun
BUDGET_IN_USE = 0.8


# a step of long sequences takes seconds: one that long is timed once
LONG_SECONDS = 1.0


# seconds from which on a user is told that there are ways to shorten a study
LONG_STUDY = 2 * 3600


LOG = logging.getLogger(__name__)


class Watcher:
    """Is told what a study is at; this one listens to nothing."""

    def on_step(self, doing: str) -> None:
        """Hear what is done now, before the fits and after them: `"reading shop.csv"`."""

    def on_prepared(self, plan: "Plan") -> None:
        """Hear of the plan as soon as the data are read, before anything is timed."""

    def on_plan(self, plan: "Plan") -> None:
        """Hear of the plan before the first fit."""

    def on_fit(self, fit: Any, done: int, total: int) -> None:
        """Hear of every fit, how many are done and how many there are."""

    def on_history(self, name: str, config: Any, history: History) -> None:
        """Hear of the curves of every fit, those delivered too: its name, settings and history.

        A study that goes on tells of those again that were found done.
        """


SILENT = Watcher()


class Plan(NamedTuple):
    """A study that is ready to run."""

    config: Any
    task: Task
    data: Any
    prepared: Any
    rungs: tuple[Rung, ...]
    folds: Folds  # of the first pass
    place: Place
    epoch_seconds: dict[str, float]  # of one fit, by rung; empty before they are timed
    epoch_steps: int
    tuned: Tuned | None = None
    ample: int | None = None  # folds of a pass where they are more than the settings say

    @property
    def workers(self) -> int:
        """Fits at a time."""
        return self.place.workers

    @property
    def cells(self) -> tuple[Rung, ...]:
        """The plain networks of which the others are built on the best."""
        return tuple(rung for rung in self.rungs if rung.cell)

    @property
    def choosing(self) -> int:
        """Fits that choose the cell, before round 1."""
        return len(self.cells) * len(choosing_of(self.folds.folds)) if len(self.cells) > 1 else 0

    @property
    def judged(self) -> int:
        """Rungs that are fitted in a round: the chosen cell, and what builds on it."""
        return len(self.rungs) - len(self.cells) + 1

    @property
    def fits(self) -> int:
        """Number of fits, if all rounds are done and no rung rests."""
        return self.choosing + self.judged * int(self.config.rounds)

    @property
    def round_epoch(self) -> float:
        """Seconds of an epoch of everything that a round fits, side by side."""
        cells = [self.epoch_seconds[rung.name] for rung in self.cells]
        others = sum(self.epoch_seconds.values()) - sum(cells)
        return (others + sum(cells) / len(cells)) / self.workers

    @property
    def typical_seconds(self) -> float:
        """Estimated time of all fits if each ends after `TYPICAL_EPOCHS`, or at its limit."""
        training = self.config.training
        return self._seconds(typical_epochs(training), int(self.config.rounds))

    @property
    def most_seconds(self) -> float:
        """Estimated time of all fits if none stops early."""
        return self._seconds(self.config.training.max_epochs, int(self.config.rounds))

    def seconds_of(self, passes: int) -> float:
        """Return the estimated time of the fits of some passes over the folds, and of those
        delivered.
        """
        epochs = typical_epochs(self.config.training)
        epoch = sum(self.epoch_seconds.values()) / len(self.epoch_seconds)
        delivered = epochs * epoch * -(-self.config.members // self.workers)
        return float(self._seconds(epochs, passes * len(self.folds.folds)) + delivered)

    @property
    def budget(self) -> float:
        """Seconds after which a run of the study begins no further pass."""
        return budget_of(self.config)

    @property
    def advice(self) -> tuple[str, ...]:
        """What a user should know before starting; of the time it takes, once that is known."""
        of_data = self.task.advice(self.data, self.prepared)
        return (*self._of_evidence(), *of_data, *self._of_time())

    def _of_evidence(self) -> Iterator[str]:
        """Tell that no verdict will be possible."""
        if (why_not := why_no_verdict(self)) is not None:
            yield f"no verdict is possible: {why_not}"

    def _of_time(self) -> Iterator[str]:
        if min(self.most_seconds, self.budget) > LONG_STUDY:
            yield (
                f"the fits may take {self.most_seconds / 3600:.0f} hours: fewer rungs or rounds, "
                f"or {option('budget', '1h')}, take less; a study that is stopped goes on by "
                "--resume"
            )

    def _seconds(self, epochs: int, rounds: int) -> float:
        limit = self.config.training.max_steps
        most = epochs if limit is None else min(epochs, limit / self.epoch_steps)
        cells = sum(self.epoch_seconds[rung.name] for rung in self.cells)
        choosing = len(choosing_of(self.folds.folds)) * cells if self.choosing else 0.0
        return (choosing / self.workers + rounds * self.round_epoch) * most


def typical_epochs(training: Any) -> int:
    """Return what a fit takes, if it ends early where it may."""
    most = int(training.max_epochs)
    return min(TYPICAL_EPOCHS, most) if training.schedule == "constant" else most


def choosing_of(folds: Sequence[Any]) -> Sequence[Any]:
    """Return those of some folds that choose the cell: a few, evenly spread."""
    count = min(FOLDS, len(folds))
    return [folds[number * len(folds) // count] for number in range(count)]


def place_of(config: Any) -> AbstractContextManager[Place]:
    """Return, for a `with` block, where the settings of a study say that its fits run.

    Raises:
        DataError: If that is a cluster which cannot be used.
    """
    return open_place(
        config.training.device, workers=config.workers, ray=config.ray, gpus=config.gpus_per_fit
    )


def why_no_verdict(plan: Plan) -> str | None:
    """Tell why no verdict is possible, and what would make it; None if it is possible."""
    folds = plan.folds
    if len(folds.folds) < LEAST_FOLDS:
        why = folds.why_few or f"pass {option('folds', LEAST_FOLDS)}"
        return f"{count_of(len(folds.folds), 'fold')} where a verdict takes {LEAST_FOLDS}; {why}"
    return None


def plan(
    source: Any,
    config: Any,
    task: Task,
    place: Place,
    watcher: Watcher = SILENT,
    tuned: Tuned | None = None,
) -> Plan:
    """Read and prepare `source`, part it into folds and time a few steps of every rung.

    Args:
        source: What the task reads.
        config: What to compare.
        task: The task.
        place: Where the fits run.
        watcher: Told what is done.
        tuned: What the search in the folder `config.tuned` found.

    Raises:
        DataError: If the data or the configuration cannot be used.
    """
    assert (config.tuned is None) == (tuned is None)
    began = time.perf_counter()
    rungs = choose_rungs(config.rungs, task.ladder)
    rungs += () if tuned is None else tuned_rungs(tuned, task, config)
    _refuse_what_rungs_decide(config.model)
    if config.ray is None:  # a cluster may have what this machine lacks
        check_device(config.training.device)
    budget_of(config)
    task.check_study(config, rungs)
    watcher.on_step("reading")
    data = task.read(source, config)
    watcher.on_step(f"preparing {data.source}")
    prepared = task.prepare(data, config)
    if tuned is not None:
        check_prepared(tuned, task, data, prepared, config)
    LOG.info("%s: read and prepared", data.source)
    idle = set(task.idle(prepared))
    rungs = tuple(rung for rung in rungs if not rung.on or set(rung.on) - idle)
    folds = task.rounds.folds(data, prepared, config)
    windows = min(len(task.part(prepared, "train")), config.training.epoch_windows)
    epoch_steps = -(-windows // config.training.batch_size)
    untimed = Plan(config, task, data, prepared, rungs, folds, place, {}, epoch_steps, tuned)
    watcher.on_prepared(untimed)
    timed = untimed._replace(epoch_seconds=_timed(untimed, watcher))
    return _with_ample_folds(timed, time.perf_counter() - began)


def with_folds(plan: Plan, ample: int | None) -> Plan:
    """Return the plan with so many folds in place of what its settings leave open."""
    plan = plan._replace(ample=ample)
    return plan._replace(folds=folds_of(plan, 0))


def folds_of(plan: Plan, number: int) -> Folds:
    """Return the folds of a pass, from 0, as the task gives them."""
    config = plan.config
    if plan.ample is not None:
        data = config.data.model_copy(update={"folds": plan.ample})
        config = config.model_copy(update={"data": data})
    return plan.task.rounds.folds(plan.data, plan.prepared, config, number)


def budget_of(config: Any) -> float:
    """Return the seconds of a budget, endless where there is none.

    Raises:
        DataError: If it is no duration.
    """
    return budget_seconds(config.budget)


def budget_seconds(text: str) -> float:
    """Return the seconds of a budget as it is written."""
    if text.lower() == "none":
        return math.inf
    budget = Frequency.parse(text, "budget")
    if budget.unit == "mo":
        raise DataError(f'budget must be a duration such as "10m", got {text!r}')
    return float(budget.seconds)


def _with_ample_folds(plan: Plan, spent: float) -> Plan:
    """Return the plan with more folds than the usual ones, where they help and there is time.

    For two passes: in a single one, fits cannot be told from folds.
    """
    ample = plan.task.rounds.ample
    open_ended = plan.config.data.folds is None and plan.config.rounds >= 2 * ample
    if ample <= FOLDS or not open_ended:
        return plan
    more = with_folds(plan, ample)
    affords = spent + more.seconds_of(2) <= BUDGET_IN_USE * plan.budget
    return more if affords and len(more.folds.folds) == ample else plan


def _timed(plan: Plan, watcher: Watcher) -> dict[str, float]:
    """Return the seconds of an epoch of each rung."""
    seconds = {}
    for done, rung in enumerate(plan.rungs):
        watcher.on_step(f"timing a step of {rung.name} ({done + 1} of {len(plan.rungs)})")
        # the cell of the later rungs is not chosen yet: LSTM, the largest, stands for it
        network = model_config(rung, plan.config.model, "lstm", plan.rungs)
        seconds[rung.name] = _epoch_seconds(plan, network)
    return seconds


def _refuse_what_rungs_decide(model: StackConfig) -> None:
    for name in ("cell", "bidirectional", "mask_over"):
        value = getattr(model, name)
        # by layer, it says what a stacked rung stacks
        if value != getattr(type(model)(), name) and not isinstance(value, tuple):
            raise DataError(
                f"{name} must not be set in a study, got {value!r}: its rungs decide that; "
                "choose them with rungs="
            )


def _epoch_seconds(plan: Plan, network: StackConfig) -> float:
    task, prepared = plan.task, plan.prepared
    config = plan.config.model_copy(update={"model": network})
    step, evaluation = time_network(task, prepared, config)
    evaluated = len(task.part(prepared, "validation"))
    evaluated += min(len(task.part(prepared, "train")), TRAINING_SAMPLE)
    return plan.epoch_steps * step + evaluated / EVALUATION_BATCH * evaluation


def time_network(task: Task, prepared: Any, config: Any) -> tuple[float, float]:
    """Return the seconds of a training step and of evaluating one batch, on one thread."""
    train = task.part(prepared, "train", config)
    # what is drawn for the timing must not move the caller's random numbers
    with torch.random.fork_rng(devices=[]):
        model = task.build(prepared, config.model)
    masks = torch.Generator()
    # evenly spread, so that their lengths are typical
    size = config.training.batch_size
    few = train.thinned(size)
    batch = few.batch(few.draw_batches(size, size, torch.Generator())[0])
    sample = train.thinned(EVALUATION_BATCH)
    chunks = sample.chunks(EVALUATION_BATCH)
    evaluation = sample.batch(chunks[0])

    def step() -> None:
        model.train()
        for loss in task.losses(model, batch, config.training, masks):
            torch.autograd.backward(loss)

    def evaluate() -> None:
        model.eval()
        with torch.no_grad():
            model(*evaluation.inputs)

    with one_thread():
        share = len(chunks) * EVALUATION_BATCH / len(sample)
        return _seconds(step), _seconds(evaluate) * share


def _seconds(run: Callable[[], None], repeats: int = 3) -> float:
    """Return the least seconds of a few runs, of which the first warms up."""
    times: list[float] = []
    while len(times) <= repeats and sum(times) < LONG_SECONDS:
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times[1:] or times)
