"""Fit a network to windows or examples."""

import copy
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule, _FabricOptimizer
from torch import Tensor, nn

from lockgate.training.average import Average
from lockgate.training.checkpoint import Checkpoint, State, restore, tensors_of
from lockgate.training.config import MetricName, TrainingConfig
from lockgate.training.data import Data
from lockgate.training.group import ALONE, Group, here
from lockgate.training.history import History, Stopped
from lockgate.training.losses import Batch, loss_and_count, whole_loss
from lockgate.training.schedule import share_of_rate
from lockgate.training.streams import Streams
from lockgate.training.stretches import Stretches

LOG = logging.getLogger(__name__)
# windows of the fixed sample on which the training loss is recomputed in evaluation mode
TRAINING_SAMPLE = 2_000
EVALUATION_BATCH = 512

BatchLosses = Callable[[Any, Batch, Any, torch.Generator], Iterator[Tensor]]


def fit(
    model: nn.Module,
    train: Data,
    validation: Data | None,
    config: TrainingConfig,
    streams: Streams,
    on_epoch: Callable[[History], None] = lambda _: None,
    losses: BatchLosses = whole_loss,
    checkpoint: Checkpoint | None = None,
) -> History:
    """Train `model` in place; leave it in evaluation mode with the weights that are kept.

    With a constant step size training stops when the validation loss has not fallen for `patience`
    epochs and `patience_steps`, at `max_epochs` or at `max_steps`, and the weights of the lowest
    validation loss are kept. With a schedule it goes on to the schedule's end, and the last are
    kept. It also ends when the validation loss is no longer finite, and at Ctrl-C.
    `History.stopped` says which it was.

    In a group of processes (`training.group`) the first one calls it, and all take every step
    together; Ctrl-C ends them then, and keeps nothing but the checkpoint.

    Args:
        model: Maps the inputs of a batch to what the loss compares with its targets, and takes
            `generator=` for its masks.
        train: Windows or examples to learn from.
        validation: Those that decide when to stop. Test rows have no place here. Without any,
            training goes on to `max_epochs` or `max_steps`, and the last weights are kept.
        config: Sizes, rates and limits.
        streams: Random numbers of batches and masks; the weights are drawn already.
        on_epoch: Called with the history after every validation, and before the first step of a
            fit that goes on.
        losses: Yields the losses of a batch, which are differentiated one by one.
        checkpoint: What the fit goes on from if it was killed before, and is written to now and
            then. One that had ended is not fitted again.

    Raises:
        KeyboardInterrupt: If interrupted before the first validation: there is nothing to keep.
        DataError: If the checkpoint is damaged, or of another fit.
        LostError: If another process of the group is gone.
    """
    group = here()
    group.call(fit, model, train, validation, config, streams, _no_epoch, losses)
    fabric = Fabric(accelerator=config.device, devices=_devices(config, group))
    optimizer = make_optimizer(model, config)
    network, wrapped = fabric.setup(model, optimizer)
    train = train.to(fabric.device)
    validation = None if validation is None else validation.to(fabric.device)
    sample = train.thinned(TRAINING_SAMPLE)
    stretches = Stretches(train, config, streams.batches)
    state = _first_state(model, optimizer, config, streams, stretches)
    if checkpoint is not None:
        checkpoint.begin(state, train, validation)
    _begin_alike(state, group)
    upcoming = _upcoming(stretches, state.history)
    history, average, most = state.history, state.average, stretches.most_steps
    steps = history.steps[-1] if history.looks else 0
    try:
        if history.looks:
            on_epoch(history)
        _agree(model, history, group)
        while history.stopped is None:
            stretch = next(upcoming)
            began = time.perf_counter()
            norms = []
            for index in stretch:
                rate = config.learning_rate * share_of_rate(config.schedule, steps, most)
                for parameters in optimizer.param_groups:
                    parameters["lr"] = rate
                batch = train.batch(index)
                step = take_step(fabric, network, wrapped, batch, config, streams.masks, losses)
                norms.append(step.norm)
                average.update()
                steps += 1
            # at once, so that Ctrl-C cannot leave curves of unequal length
            history.add(
                training=evaluate(average.model, sample, config.metric, group),
                validation=(
                    None
                    if validation is None
                    else evaluate(average.model, validation, config.metric, group)
                ),
                gradient_norm=float(torch.stack(norms).mean()),
                seconds=time.perf_counter() - began,
                steps=steps,
            )
            if history.kept_look == history.looks:
                state.kept = copy.deepcopy(average.model.state_dict())
            history.stopped = _why_stop(history, config, most)
            LOG.debug("epoch %g: training %.4g", history.epochs, history.training[-1])
            if checkpoint is not None:
                checkpoint.keep(state)
            on_epoch(history)
            _agree(model, history, group)
    except KeyboardInterrupt:
        # the others wait in the middle of a step
        if not history.looks or group.size > 1:
            raise
        history.stopped = "interrupted"
        if checkpoint is not None and checkpoint.keeps_interrupted:
            checkpoint.keep(state)
    model.load_state_dict(state.kept)
    model.eval()
    return history


def evaluate(model: nn.Module, data: Data, metric: MetricName, group: Group = ALONE) -> float:
    """Return the loss of `model` over `data` in evaluation mode, every target counted alike.

    The processes of a group share the rows, and have the same model.
    """
    model.eval()
    total, count = 0.0, 0.0
    with torch.no_grad():
        for index in data.chunks(EVALUATION_BATCH):
            batch = group.own(data.batch(index))
            if len(batch.inputs[0]):
                loss, observed = loss_and_count(model(*batch.inputs), batch.y, metric)
                total, count = total + float(loss), count + float(observed)
    total, count = group.summed([total, count])
    return total / count


def _no_epoch(_: History) -> None:
    pass


def _devices(config: TrainingConfig, group: Group) -> int | list[int]:
    """Return how many devices this process takes, or which."""
    may_be_cuda = config.device in ("auto", "cuda") and torch.cuda.is_available()
    return [group.local] if group.size > 1 and may_be_cuda else 1


def _begin_alike(state: State, group: Group) -> None:
    """Bring all processes to the state of the first, which may go on from a checkpoint."""
    if group.size > 1:
        own = {name: tensor.cpu() for name, tensor in tensors_of(state).items()}
        history, tensors = group.told((state.history, own))
        if group.rank > 0:
            restore(state, history, tensors)


def _agree(model: nn.Module, history: History, group: Group) -> None:
    """Let the first process decide whether the fit ends, and which weights are trained."""
    if group.size > 1:
        trained = [weight.requires_grad for weight in model.parameters()]
        history.stopped, trained = group.told((history.stopped, trained))
        for weight, whether in zip(model.parameters(), trained, strict=True):
            weight.requires_grad_(whether)


def _first_state(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    config: TrainingConfig,
    streams: Streams,
    stretches: Stretches,
) -> State:
    """Return the state before the first step."""
    return State(
        model,
        optimizer,
        Average(model, config.average),
        streams,
        History(
            per_epoch=stretches.per_epoch, keeps="best" if config.schedule == "constant" else "last"
        ),
        kept=copy.deepcopy(model.state_dict()),
    )


def _upcoming(stretches: Stretches, history: History) -> Iterator[Sequence[Any]]:
    """Return the stretches that are still to come."""
    upcoming = iter(stretches)
    # drawn again and passed over, since the seed alone decides them. Whatever one batch leaves to
    # the next, as in a language model, ends with an epoch, and there such a fit is validated
    for _ in history.steps:
        next(upcoming)
    return upcoming


class Step(NamedTuple):
    """What a step came from: the losses that were differentiated, the norm of their gradient.

    The losses are of the rows of this process, the gradient is of the whole batch.
    """

    losses: tuple[Tensor, ...]
    norm: Tensor


def take_step(
    fabric: Fabric,
    network: _FabricModule,
    optimizer: _FabricOptimizer,
    batch: Batch,
    config: TrainingConfig,
    masks: torch.Generator,
    losses: BatchLosses,
) -> Step:
    """Differentiate the losses of a batch, clip the gradient and move the weights."""
    if not network.module.training:
        network.train()
    optimizer.zero_grad()
    group = here()
    share, seen = group.share(batch, config.metric), []
    with share.masks(network.module):
        for loss in losses(network, share.batch, config, masks):
            fabric.backward(loss if share.weight is None else loss * share.weight)
            seen.append(loss.detach())
    group.sum_gradients(network.module)
    # a gradient that is not finite shows in the validation loss, which ends the fit as diverged
    norm = fabric.clip_gradients(
        network, optimizer, max_norm=config.clip_norm, error_if_nonfinite=False
    )
    optimizer.step()
    assert norm is not None
    return Step(tuple(seen), norm)


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return AdamW (Loshchilov and Hutter, 2019), which takes nothing from biases."""
    weights = [weight for weight in model.parameters() if weight.ndim > 1]
    biases = [bias for bias in model.parameters() if bias.ndim <= 1]
    groups = [
        {"params": weights, "weight_decay": config.weight_decay},
        {"params": biases, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], lr=config.learning_rate, fused=True
    )


def _why_stop(history: History, config: TrainingConfig, most: int) -> Stopped | None:
    if not math.isfinite((history.validation or history.training)[-1]):
        return "diverged"
    if config.schedule != "constant":
        return "end" if history.steps[-1] >= most else None
    waited = history.looks - history.kept_look
    steps = history.steps[-1] - history.kept_steps
    if waited >= config.patience * history.per_epoch and steps >= config.patience_steps:
        return "early"
    if history.steps[-1] < most:
        return None
    return "max_epochs" if history.epochs >= config.max_epochs else "max_steps"
