"""Fit a network to windows."""

import copy
import time
from collections.abc import Callable, Iterable
from itertools import islice

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule, _FabricOptimizer
from torch import Tensor, nn

from lockgate.data.windows import Windows
from lockgate.training.config import Metric, TrainingConfig
from lockgate.training.history import History, Stopped
from lockgate.training.streams import Streams

# windows of the fixed sample on which the training loss is recomputed in evaluation mode
TRAINING_SAMPLE = 2_000
EVALUATION_BATCH = 512


def fit(
    model: nn.Module,
    train: Windows,
    validation: Windows,
    config: TrainingConfig,
    streams: Streams,
    on_epoch: Callable[[History], None] = lambda _: None,
) -> History:
    """Train `model` in place; leave it in evaluation mode with the weights of its best epoch.

    Training stops when the validation loss has not fallen for `patience` epochs, at `max_epochs`
    or `max_steps`, when the validation loss is no longer finite, or at Ctrl-C. The best weights
    are restored in every case, and `History.stopped` says which it was.

    Args:
        model: Maps `(B, lookback, C)` to `(B, horizon)` and takes `generator=` for its masks.
        train: Windows to learn from.
        validation: Windows that decide when to stop. Test windows have no place here.
        config: Sizes, rates and limits.
        streams: Random numbers of batches and masks; the weights are drawn already.
        on_epoch: Called with the history after every epoch.

    Raises:
        KeyboardInterrupt: If interrupted before the first epoch ended: there is nothing to keep.
    """
    fabric = Fabric(accelerator=config.device, devices=1)
    network, optimizer = fabric.setup(
        model, torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    )
    train, validation = train.to(fabric.device), validation.to(fabric.device)
    sample = train.thinned(TRAINING_SAMPLE)
    history, steps = History(), 0
    best = copy.deepcopy(model.state_dict())
    try:
        while history.stopped is None:
            began = time.perf_counter()
            batches = _draw_batches(len(train), config, streams.batches)
            allowed = None if config.max_steps is None else config.max_steps - steps
            norms = [
                _step(fabric, network, optimizer, train.batch(index), config, streams.masks)
                for index in islice(batches, allowed)
            ]
            steps += len(norms)
            # at once, so that Ctrl-C cannot leave curves of unequal length
            history.add(
                training=evaluate(model, sample, config.metric),
                validation=evaluate(model, validation, config.metric),
                gradient_norm=float(torch.stack(norms).mean()),
                seconds=time.perf_counter() - began,
            )
            if history.best_epoch == history.epochs:
                best = copy.deepcopy(model.state_dict())
            history.stopped = _why_stop(history, config, steps)
            on_epoch(history)
    except KeyboardInterrupt:
        if not history.epochs:
            raise
        history.stopped = "interrupted"
    model.load_state_dict(best)
    model.eval()
    return history


def masked_loss(forecast: Tensor, y: Tensor, metric: Metric) -> Tensor:
    """Return the mean loss over the observed targets: L1 for MAE and MASE, L2 for RMSE."""
    total, count = _loss_and_count(forecast, y, metric)
    return total / count


def evaluate(model: nn.Module, windows: Windows, metric: Metric) -> float:
    """Return the loss of `model` over `windows` in evaluation mode."""
    model.eval()
    total, count = 0.0, 0.0
    with torch.no_grad():
        for start in range(0, len(windows), EVALUATION_BATCH):
            x, y = windows.batch(slice(start, start + EVALUATION_BATCH))
            loss, observed = _loss_and_count(model(x), y, metric)
            total, count = total + float(loss), count + float(observed)
    return total / count


def _loss_and_count(forecast: Tensor, y: Tensor, metric: Metric) -> tuple[Tensor, Tensor]:
    observed = y.isfinite()
    error = (forecast - y.nan_to_num()) * observed
    return (error.square() if metric == "rmse" else error.abs()).sum(), observed.sum()


def _draw_batches(
    windows: int, config: TrainingConfig, generator: torch.Generator
) -> Iterable[Tensor]:
    order = torch.randperm(windows, generator=generator)[: config.epoch_windows]
    return torch.split(order, config.batch_size)


def _step(
    fabric: Fabric,
    network: _FabricModule,
    optimizer: _FabricOptimizer,
    batch: tuple[Tensor, Tensor],
    config: TrainingConfig,
    masks: torch.Generator,
) -> Tensor:
    network.train()
    x, y = batch
    loss = masked_loss(network(x, generator=masks), y, config.metric)
    optimizer.zero_grad()
    fabric.backward(loss)
    # a gradient that is not finite shows in the validation loss, which ends the fit as diverged
    norm = fabric.clip_gradients(
        network, optimizer, max_norm=config.clip_norm, error_if_nonfinite=False
    )
    optimizer.step()
    assert norm is not None
    return norm


def _why_stop(history: History, config: TrainingConfig, steps: int) -> Stopped | None:
    if not torch.isfinite(torch.tensor(history.validation[-1])):
        return "diverged"
    if history.epochs - history.best_epoch >= config.patience:
        return "early"
    if history.epochs >= config.max_epochs:
        return "max_epochs"
    if config.max_steps is not None and steps >= config.max_steps:
        return "max_steps"
    return None
