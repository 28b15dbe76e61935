"""Plan a study before it runs: what is read, how it is cut, which fits, and how long they take."""

import time
from typing import Any, NamedTuple

import torch

from lockgate.data.errors import DataError
from lockgate.data.frequency import Frequency
from lockgate.fitted.environment import check_device
from lockgate.studies.fits import default_workers
from lockgate.studies.problem import Problem
from lockgate.studies.rungs import AnyNetwork, Rung, choose_rungs, model_config
from lockgate.training.fit import EVALUATION_BATCH, TRAINING_SAMPLE
from lockgate.training.truncated import losses

# what a fit takes where early stopping ends it; only the estimate rests on it
TYPICAL_EPOCHS = 25
# processes side by side share memory bandwidth, and a budget must not be overrun
BUDGET_IN_USE = 0.8


class Plan(NamedTuple):
    """A study that is ready to run."""

    config: Any
    problem: Problem
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
        return self.problem.advice(self.prepared)

    def _seconds(self, epochs: int) -> float:
        limit = self.config.training.max_steps
        most = epochs if limit is None else min(epochs, limit / self.epoch_steps)
        seeds = int(self.config.seeds)
        return seeds * sum(self.epoch_seconds.values()) * most / self.workers


def plan(source: Any, config: Any, problem: Problem) -> Plan:
    """Read and prepare `source`, time a few steps of every rung and set the limit of steps.

    Raises:
        DataError: If the data or the configuration cannot be used.
    """
    rungs = choose_rungs(config.rungs, problem.ladder)
    _refuse_what_rungs_decide(config.model)
    check_device(config.training.device)
    budget = None if config.budget is None else Frequency.parse(config.budget, "budget")
    if budget is not None and budget.unit == "mo":
        raise DataError(f'budget must be a duration such as "10m", got {config.budget!r}')
    data = problem.read(source, config)
    prepared = problem.prepare(data, config)
    idle = set(problem.idle(prepared))
    rungs = tuple(rung for rung in rungs if not rung.on or set(rung.on) - idle)
    windows = min(len(problem.part(prepared, "train")), config.training.epoch_windows)
    epoch_steps = -(-windows // config.training.batch_size)
    epoch_seconds = {
        rung.name: _epoch_seconds(problem, prepared, config, rung, epoch_steps) for rung in rungs
    }
    workers = config.workers or default_workers(config.training.device)
    result = Plan(config, problem, data, prepared, rungs, workers, epoch_seconds, epoch_steps)
    if budget is None or config.training.max_steps is not None:
        return result
    epochs = BUDGET_IN_USE * budget.count * workers / (config.seeds * sum(epoch_seconds.values()))
    steps = max(1, int(epochs * epoch_steps))
    training = config.training.model_copy(update={"max_steps": steps})
    return result._replace(config=config.model_copy(update={"training": training}))


def _refuse_what_rungs_decide(model: AnyNetwork) -> None:
    for name in ("cell", "bidirectional", "mask_over"):
        value = getattr(model, name)
        if value != getattr(type(model)(), name):
            raise DataError(
                f"{name} must not be set in a study, got {value!r}: its rungs decide that; "
                "choose them with rungs="
            )


def _epoch_seconds(problem: Problem, prepared: Any, config: Any, rung: Rung, steps: int) -> float:
    # the cell of the later rungs is not chosen yet: LSTM, the largest, stands for it
    network = model_config(rung, config.model, "lstm")
    step, evaluation = _time_network(problem, prepared, config, network)
    evaluated = len(problem.part(prepared, "validation"))
    evaluated += min(len(problem.part(prepared, "train")), TRAINING_SAMPLE)
    return steps * step + evaluated / EVALUATION_BATCH * evaluation


def _time_network(
    problem: Problem, prepared: Any, config: Any, network: AnyNetwork
) -> tuple[float, float]:
    """Return the seconds of a training step and of evaluating one batch, on one thread."""
    train = problem.part(prepared, "train")
    # what is drawn for the timing must not move the caller's random numbers
    with torch.random.fork_rng(devices=[]):
        model = problem.build(prepared, network)
    masks = torch.Generator()
    # evenly spread, so that their lengths are typical
    batch = train.thinned(config.training.batch_size).batch(slice(None))
    sample = train.thinned(EVALUATION_BATCH)
    evaluation = sample.batch(slice(None))

    def step() -> None:
        model.train()
        for loss in losses(model, batch, config.training, masks):
            torch.autograd.backward(loss)

    def evaluate() -> None:
        model.eval()
        with torch.no_grad():
            model(*evaluation.inputs)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        share = EVALUATION_BATCH / len(sample)
        return _seconds(step), _seconds(evaluate) * share
    finally:
        torch.set_num_threads(threads)


def _seconds(run: Any, repeats: int = 3) -> float:
    times = []
    for _ in range(1 + repeats):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times[1:])
