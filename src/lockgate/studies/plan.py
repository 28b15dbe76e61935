"""Plan a study before it runs: what is read, how it is cut, which fits, and how long they take."""

import logging
import time
from typing import Any, NamedTuple

import torch

from lockgate.errors import DataError
from lockgate.reading.frequency import Frequency
from lockgate.running.local import default_workers, one_thread
from lockgate.running.machine import check_device
from lockgate.tasks.base import Task
from lockgate.tasks.stack.config import StackConfig
from lockgate.tasks.stack.rungs import Rung, choose_rungs, model_config
from lockgate.training.fit import EVALUATION_BATCH, TRAINING_SAMPLE

# what a fit takes where early stopping ends it; only the estimate rests on it
TYPICAL_EPOCHS = 25
# processes side by side share memory bandwidth, and a budget must not be overrun
BUDGET_IN_USE = 0.8


LOG = logging.getLogger(__name__)


class Plan(NamedTuple):
    """A study that is ready to run."""

    config: Any
    task: Task
    data: Any
    prepared: Any
    rungs: tuple[Rung, ...]
    workers: int
    epoch_seconds: dict[str, float]  # of one fit, by rung
    epoch_steps: int

    @property
    def fits(self) -> int:
        """Number of fits."""
        return len(self.rungs) * int(self.config.seeds)

    @property
    def typical_seconds(self) -> float:
        """Estimated time of all fits if each ends after `TYPICAL_EPOCHS`, or at its step limit."""
        return self._seconds(min(TYPICAL_EPOCHS, self.config.training.max_epochs))

    @property
    def most_seconds(self) -> float:
        """Estimated time of all fits if none stops early."""
        return self._seconds(self.config.training.max_epochs)

    @property
    def advice(self) -> tuple[str, ...]:
        """What a user should know before starting."""
        return self.task.advice(self.prepared)

    def _seconds(self, epochs: int) -> float:
        limit = self.config.training.max_steps
        most = epochs if limit is None else min(epochs, limit / self.epoch_steps)
        seeds = int(self.config.seeds)
        return seeds * sum(self.epoch_seconds.values()) * most / self.workers


def plan(source: Any, config: Any, task: Task) -> Plan:
    """Read and prepare `source`, time a few steps of every rung and set the limit of steps.

    Raises:
        DataError: If the data or the configuration cannot be used.
    """
    rungs = choose_rungs(config.rungs, task.ladder)
    _refuse_what_rungs_decide(config.model)
    check_device(config.training.device)
    budget = None if config.budget is None else Frequency.parse(config.budget, "budget")
    if budget is not None and budget.unit == "mo":
        raise DataError(f'budget must be a duration such as "10m", got {config.budget!r}')
    task.check_study(config, rungs)
    data = task.read(source, config)
    prepared = task.prepare(data, config)
    LOG.info("%s: read and prepared", data.source)
    idle = set(task.idle(prepared))
    rungs = tuple(rung for rung in rungs if not rung.on or set(rung.on) - idle)
    windows = min(len(task.part(prepared, "train")), config.training.epoch_windows)
    epoch_steps = -(-windows // config.training.batch_size)
    # the cell of the later rungs is not chosen yet: LSTM, the largest, stands for it
    networks = {rung.name: model_config(rung, config.model, "lstm", rungs) for rung in rungs}
    epoch_seconds = {
        name: _epoch_seconds(task, prepared, config, network, epoch_steps)
        for name, network in networks.items()
    }
    workers = config.workers or default_workers(config.training.device)
    result = Plan(config, task, data, prepared, rungs, workers, epoch_seconds, epoch_steps)
    if budget is None or config.training.max_steps is not None:
        return result
    epochs = BUDGET_IN_USE * budget.count * workers / (config.seeds * sum(epoch_seconds.values()))
    steps = max(1, int(epochs * epoch_steps))
    training = config.training.model_copy(update={"max_steps": steps})
    return result._replace(config=config.model_copy(update={"training": training}))


def _refuse_what_rungs_decide(model: StackConfig) -> None:
    for name in ("cell", "bidirectional", "mask_over"):
        value = getattr(model, name)
        # by layer, it says what a stacked rung stacks
        if value != getattr(type(model)(), name) and not isinstance(value, tuple):
            raise DataError(
                f"{name} must not be set in a study, got {value!r}: its rungs decide that; "
                "choose them with rungs="
            )


def _epoch_seconds(
    task: Task, prepared: Any, config: Any, network: StackConfig, steps: int
) -> float:
    step, evaluation = _time_network(task, prepared, config, network)
    evaluated = len(task.part(prepared, "validation"))
    evaluated += min(len(task.part(prepared, "train")), TRAINING_SAMPLE)
    return steps * step + evaluated / EVALUATION_BATCH * evaluation


def _time_network(
    task: Task, prepared: Any, config: Any, network: StackConfig
) -> tuple[float, float]:
    """Return the seconds of a training step and of evaluating one batch, on one thread."""
    train = task.part(prepared, "train")
    # what is drawn for the timing must not move the caller's random numbers
    with torch.random.fork_rng(devices=[]):
        model = task.build(prepared, network)
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


def _seconds(run: Any, repeats: int = 3) -> float:
    times = []
    for _ in range(1 + repeats):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times[1:])
