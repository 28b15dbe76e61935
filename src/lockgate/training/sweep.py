"""A range test of learning rates: the first steps of a fit, each at a larger rate than before."""

import math
from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

from lightning_fabric import Fabric
from torch import nn

from lockgate.errors import DataError, option
from lockgate.training.config import TrainingConfig
from lockgate.training.data import Data
from lockgate.training.fit import BatchLosses, make_optimizer, take_step
from lockgate.training.losses import whole_loss
from lockgate.training.streams import Streams
from lockgate.training.stretches import Stretches

PER_DECADE = 10
"""Batches that each decade of rates has at least: a line is fitted to the losses of a decade."""
LATEST = 5
"""Batches whose mean loss tells whether the loss has diverged."""
TIMES = 4.0
"""Times the lowest mean loss from which on the loss has diverged."""


class Range(NamedTuple):
    """The rates that are tried, and by how many batches at most."""

    low: float
    high: float
    batches: int


class Sweep(NamedTuple):
    """The loss of each batch in training, before the step that was taken at its rate."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    diverged: bool  # whether it ended before the highest rate
    epochs: float  # passes over what is learned from


def sweep(
    model: nn.Module,
    train: Data,
    config: TrainingConfig,
    streams: Streams,
    rates: Range,
    losses: BatchLosses = whole_loss,
    on_batch: Callable[[int, int], None] = lambda _, __: None,
) -> Sweep:
    """Train `model` in place over batches whose rates rise exponentially, until it diverges.

    Batches, masks, optimiser and the clipping of gradients are those of `fit`; rates are the
    sweep's own, whatever the schedule. The loss has diverged where it is not finite, or where the
    mean of the last five batches is above four times the lowest such mean, and above the first.

    Args:
        model: As `fit` takes it; it is of no use afterwards.
        train: What is learned from. Nothing else is looked at.
        config: Sizes and limits; no more batches are drawn than a fit has.
        streams: Random numbers of batches and masks.
        rates: What is tried.
        losses: Yields the losses of a batch, which are differentiated one by one.
        on_batch: Called with how many batches are done, and how many there are.

    Raises:
        DataError: If there are too few batches, or the loss is not finite before any step.
    """
    fabric = Fabric(accelerator=config.device, devices=1)
    optimizer = make_optimizer(model, config)
    network, wrapped = fabric.setup(model, optimizer)
    train = train.to(fabric.device)
    stretches = Stretches(train, config, streams.batches)
    count = _enough(rates, stretches, config)
    tried, seen = [], []
    diverged = False
    for done, index in zip(range(count), chain.from_iterable(stretches), strict=False):
        rate = rates.low * (rates.high / rates.low) ** (done / (count - 1))
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = train.batch(index)
        step = take_step(fabric, network, wrapped, batch, config, streams.masks, losses)
        loss = math.fsum(float(one) for one in step.losses)
        if not math.isfinite(loss):
            diverged = True
            break
        tried.append(rate)
        seen.append(loss)
        on_batch(done + 1, count)
        if has_diverged(seen):
            diverged = True
            break
    if not seen:
        raise DataError(
            "the loss must be finite before the first step, got none that is: no learning rate is "
            "at fault, look at the data and the network"
        )
    return Sweep(tuple(tried), tuple(seen), diverged, len(seen) / stretches.epoch_steps)


def has_diverged(losses: Sequence[float]) -> bool:
    """Tell whether the last losses are beyond what the sweep began with and came down to.

    Example:
        >>> has_diverged([1.0, 0.9, 0.5, 0.4, 0.4, 0.4, 0.9]), has_diverged([1.0] * 5 + [9.0] * 5)
        (False, True)
    """
    means = [math.fsum(losses[i : i + LATEST]) / LATEST for i in range(len(losses) - LATEST + 1)]
    return len(means) > 1 and means[-1] > max(TIMES * min(means), means[0])


def _enough(rates: Range, stretches: Stretches, config: TrainingConfig) -> int:
    """Return how many batches there will be.

    Raises:
        DataError: If they are too few for the rates.
    """
    least = math.ceil(PER_DECADE * round(math.log10(rates.high / rates.low), 6))
    why = f"ten for each decade from {rates.low:g} to {rates.high:g}"
    if rates.batches < least:
        raise DataError(
            f"batches must be at least {least}, {why}, got {rates.batches}; pass "
            f"{option('batches', least)}, or rates that lie closer"
        )
    if stretches.most_steps < least:
        raise DataError(
            f"a fit must have at least {least} batches, {why}, got {stretches.most_steps} in at "
            f"most {config.max_epochs} epochs of {stretches.epoch_steps}; more max_epochs or "
            "max_steps, a smaller batch_size or rates that lie closer are enough"
        )
    return min(rates.batches, stretches.most_steps)
