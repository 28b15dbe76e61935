"""Fit a network to windows or examples."""

import copy
import logging
import math
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule, _FabricOptimizer
from torch import Tensor, nn

from lockgate.training.config import MetricName, TrainingConfig
from lockgate.training.data import Data
from lockgate.training.history import History, Stopped
from lockgate.training.losses import Batch, loss_and_count, whole_loss
from lockgate.training.streams import Streams

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
) -> History:
    """Train `model` in place; leave it in evaluation mode with the weights of its best epoch.

    Training stops when the validation loss has not fallen for `patience` epochs, at `max_epochs`
    or `max_steps`, when the validation loss is no longer finite, or at Ctrl-C. The best weights
    are restored in every case, and `History.stopped` says which it was.

    Args:
        model: Maps the inputs of a batch to what the loss compares with its targets, and takes
            `generator=` for its masks.
        train: Windows or examples to learn from.
        validation: Those that decide when to stop. Test rows have no place here. Without any,
            training goes on to `max_epochs` or `max_steps`, and the last weights are kept.
        config: Sizes, rates and limits.
        streams: Random numbers of batches and masks; the weights are drawn already.
        on_epoch: Called with the history after every epoch.
        losses: Yields the losses of a batch, which are differentiated one by one.

    Raises:
        KeyboardInterrupt: If interrupted before the first epoch ended: there is nothing to keep.
    """
    fabric = Fabric(accelerator=config.device, devices=1)
    network, optimizer = fabric.setup(
        model, torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    )
    train = train.to(fabric.device)
    validation = None if validation is None else validation.to(fabric.device)
    sample = train.thinned(TRAINING_SAMPLE)
    history, steps = History(), 0
    best = copy.deepcopy(model.state_dict())
    try:
        while history.stopped is None:
            began = time.perf_counter()
            batches = train.draw_batches(config.batch_size, config.epoch_windows, streams.batches)
            allowed = None if config.max_steps is None else config.max_steps - steps
            norms = [
                _step(fabric, network, optimizer, train.batch(index), config, streams.masks, losses)
                for index in islice(batches, allowed)
            ]
            steps += len(norms)
            # at once, so that Ctrl-C cannot leave curves of unequal length
            history.add(
                training=evaluate(model, sample, config.metric),
                validation=(
                    None if validation is None else evaluate(model, validation, config.metric)
                ),
                gradient_norm=float(torch.stack(norms).mean()),
                seconds=time.perf_counter() - began,
            )
            if history.best_epoch == history.epochs:
                best = copy.deepcopy(model.state_dict())
            history.stopped = _why_stop(history, config, steps)
            LOG.debug("epoch %d: training %.4g", history.epochs, history.training[-1])
            on_epoch(history)
    except KeyboardInterrupt:
        if not history.epochs:
            raise
        history.stopped = "interrupted"
    model.load_state_dict(best)
    model.eval()
    return history


def evaluate(model: nn.Module, data: Data, metric: MetricName) -> float:
    """Return the loss of `model` over `data` in evaluation mode, every target counted alike."""
    model.eval()
    total, count = 0.0, 0.0
    with torch.no_grad():
        for index in data.chunks(EVALUATION_BATCH):
            batch = data.batch(index)
            loss, observed = loss_and_count(model(*batch.inputs), batch.y, metric)
            total, count = total + float(loss), count + float(observed)
    return total / count


def _step(
    fabric: Fabric,
    network: _FabricModule,
    optimizer: _FabricOptimizer,
    batch: Batch,
    config: TrainingConfig,
    masks: torch.Generator,
    losses: BatchLosses,
) -> Tensor:
    network.train()
    optimizer.zero_grad()
    for loss in losses(network, batch, config, masks):
        fabric.backward(loss)
    # a gradient that is not finite shows in the validation loss, which ends the fit as diverged
    norm = fabric.clip_gradients(
        network, optimizer, max_norm=config.clip_norm, error_if_nonfinite=False
    )
    optimizer.step()
    assert norm is not None
    return norm


def _why_stop(history: History, config: TrainingConfig, steps: int) -> Stopped | None:
    if not math.isfinite((history.validation or history.training)[-1]):
        return "diverged"
    if history.epochs - history.best_epoch >= config.patience:
        return "early"
    if history.epochs >= config.max_epochs:
        return "max_epochs"
    if config.max_steps is not None and steps >= config.max_steps:
        return "max_steps"
    return None
