"""A picture of learning rates: the loss of the first batches of a fit, each at a larger rate."""

import datetime
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from lockgate.errors import DataError, option
from lockgate.running.machine import environment
from lockgate.studies.command import command_of
from lockgate.tasks.base import Task
from lockgate.training.streams import Streams
from lockgate.training.sweep import Range, Sweep, sweep
from lockgate.tuning.rate_words import rate_words
from lockgate.tuning.steepest import Lines, Suggestion, lines, suggest

COMMAND = "lr-find"
LOWER = 1e-5
"""A lowest rate to begin with at which hardly any network diverges."""


@dataclass(frozen=True)
class RateResult:
    """What a sweep over learning rates saw, and what its picture suggests."""

    rates: tuple[float, ...]
    """The learning rate of each batch, ascending."""
    losses: tuple[float, ...]
    """The loss of each batch in training, before the step at its rate."""
    smoothed: tuple[float, ...]
    """The same, of straight lines through the losses of a decade each."""
    suggestion: Suggestion | None
    """`low`, `rate` and `high`; None where the loss falls nowhere beyond its noise."""
    learning_rate: float
    """What `training.learning_rate` is set to."""
    diverged: bool
    """Whether the loss diverged before the highest rate."""
    epochs: float
    """Passes over the training part."""
    words: tuple[str, ...]
    """What the picture says, in sentences."""
    task: str
    source: str
    metric: str
    command: str
    config: dict[str, Any]
    environment: dict[str, str | int]
    seconds: float
    created: str
    folder: Path

    @property
    def report_path(self) -> Path:
        """The picture, one HTML file."""
        return self.folder / "report.html"

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values that JSON can hold."""
        suggestion = self.suggestion and self.suggestion._asdict()
        return {**asdict(self), "suggestion": suggestion, "folder": str(self.folder)}


class Swept(NamedTuple):
    """What was read, and with which settings."""

    config: Any
    task: Task
    data: Any


def find_rate(
    source: Any,
    config: Any,
    task: Task,
    out: Path,
    *,
    on_step: Callable[[str], None] = lambda _: None,
    keep: Path,
) -> RateResult:
    """Sweep the learning rate over the first batches of a fit of `config`.

    The network, its first weights, the batches and the masks are those of the first fit of
    `lockgate train` with these settings, from random streams of their own. Neither validation nor
    test part is looked at.

    Args:
        source: What the task reads.
        config: What to sweep, as `rate_config` of the task has it.
        task: The task.
        out: The folder that the picture goes to.
        on_step: Called with what is done, in words.
        keep: File to which what is learned before any fit is written meanwhile.

    Raises:
        DataError: If data or settings cannot be used, there are too few batches, or too few losses
            are finite.
    """
    began = time.perf_counter()
    on_step("reading")
    data = task.read(source, config)
    on_step(f"preparing {data.source}")
    # layers draw weights as they are made, before those of the streams take their place
    with torch.random.fork_rng(devices=[]):
        prepared = task.begin(data, task.prepare(data, config), config, on_step, keep)
        streams = Streams.of(config.training.random_state, 0)
        model, train = task.start(prepared, config, streams)
    swept = sweep(
        *(model, train, config.training, streams),
        Range(config.low_rate, config.high_rate, config.batches),
        task.losses,
        lambda done, count: on_step(f"batch {done} of {count}"),
    )
    _check_decade(swept)
    fitted = lines(swept.rates, swept.losses)
    return _result(Swept(config, task, data), swept, fitted, time.perf_counter() - began, out)


def _check_decade(swept: Sweep) -> None:
    """Refuse what ends before a decade of rates.

    Raises:
        DataError: If the loss diverged so soon.
    """
    if swept.rates[-1] < 10.0 * swept.rates[0] * (1.0 - 1e-6):
        lower = min(LOWER, float(f"{swept.rates[0] / 1000:.0e}"))
        raise DataError(
            f"low_rate must be lower, got {swept.rates[0]:g}: from there the loss diverged within "
            f"a decade, after {len(swept.rates)} batches; pass {option('low_rate', lower)}"
        )


def _result(asked: Swept, swept: Sweep, fitted: Lines, seconds: float, out: Path) -> RateResult:
    config, suggestion = asked.config, suggest(swept.rates, fitted)
    rate = config.training.learning_rate
    return RateResult(
        rates=swept.rates,
        losses=swept.losses,
        smoothed=tuple(fitted.values.tolist()),
        suggestion=suggestion,
        learning_rate=rate,
        diverged=swept.diverged,
        epochs=swept.epochs,
        words=tuple(rate_words(swept, suggestion, rate)),
        task=asked.task.name,
        source=asked.data.source,
        metric=config.training.metric,
        command=command_of(asked, COMMAND),
        config=config.model_dump(mode="json"),
        environment=environment(),
        seconds=seconds,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        folder=out,
    )
