"""The losses that networks are trained with, by the metric that they follow."""

from collections.abc import Iterator
from typing import Any, Protocol, Self

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from lockgate.training.config import MetricName, TrainingConfig

IGNORED = -100
"""Class of a step that is padded or has no label, which no loss counts."""


class Batch(Protocol):
    """Some windows or examples, gathered; `rows` are some of them, padded as all are."""

    @property
    def inputs(self) -> tuple[Any, ...]: ...
    @property
    def y(self) -> Tensor: ...
    @property
    def weight(self) -> Tensor | None: ...
    def rows(self, which: slice) -> Self: ...


class OwnLoss(Protocol):
    """What a network gives that has a loss of its own, whatever the metric."""

    def losses(self, y: Tensor) -> Tensor:
        """Return the loss of each target, like `y`, whose values are all finite."""
        ...


def loss_and_count(
    output: Tensor | OwnLoss,
    y: Tensor,
    metric: MetricName,
    weight: Tensor | None = None,
    smoothing: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Return the summed loss of what is observed, and how much that is.

    For MAE and MASE the loss is L1, for RMSE L2, and NaN in `y` is not observed. For the log loss
    it is the cross entropy: of classes (B,) or of classes at steps (B, T), -100 where padded, or,
    where `y` holds numbers, of several labels (B, K), each by itself.

    Args:
        output: Forecasts like `y`, or what has a loss of them of its own; or scores with the
            classes last.
        y: Targets.
        metric: What to follow.
        weight: How much each target counts; like `y`, or (B,) for (B, K).
        smoothing: Share of each label that is spread over all classes (Szegedy et al., 2016).
    """
    if not isinstance(output, Tensor):
        return (output.losses(y.nan_to_num()) * y.isfinite()).sum(), counted(y, metric)
    if metric != "log_loss":
        error = (output - y.nan_to_num()) * y.isfinite()
        loss = (error.square() if metric == "rmse" else error.abs()).sum()
        return loss, counted(y, metric)
    if y.is_floating_point():
        smoothed = (1.0 - smoothing) * y + 0.5 * smoothing
        losses = binary_cross_entropy_with_logits(output, smoothed, reduction="none").mean(dim=-1)
    else:
        scores = output.movedim(-1, 1)
        losses = cross_entropy(
            scores, y, ignore_index=IGNORED, reduction="none", label_smoothing=smoothing
        )
    losses = losses if weight is None else losses * weight
    return losses.sum(), counted(y, metric, weight)


def counted(y: Tensor, metric: MetricName, weight: Tensor | None = None) -> Tensor:
    """Return how much is observed, as `loss_and_count` counts it."""
    if metric != "log_loss":
        return y.isfinite().sum()
    counts = torch.ones_like(y[..., 0]) if y.is_floating_point() else (y != IGNORED).float()
    return (counts if weight is None else counts * weight).sum()


def mean_loss(
    output: Tensor | OwnLoss, batch: Batch, metric: MetricName, smoothing: float = 0.0
) -> Tensor:
    """Return the mean loss over the observed targets of a batch; 0 where none is observed."""
    total, count = loss_and_count(output, batch.y, metric, batch.weight, smoothing)
    return total / divisor(count)


def divisor(count: Tensor) -> Tensor:
    """Return by what the loss of so much is divided to be a mean: 1 where nothing is observed."""
    return torch.where(count > 0, count, 1)


def whole_loss(
    network: Any, batch: Batch, config: TrainingConfig, masks: torch.Generator
) -> Iterator[Tensor]:
    """Yield the mean loss of a batch; a task that cuts its batches has a function like this."""
    yield mean_loss(network(*batch.inputs, generator=masks), batch, config.metric)
