"""The losses that networks are trained with, by the metric that they follow."""

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from lockgate.training.config import MetricName, TrainingConfig

IGNORED = -100
"""Class of a step that is padded or has no label, which no loss counts."""


class Batch(Protocol):
    """Some windows or examples, gathered."""

    @property
    def inputs(self) -> tuple[Tensor, ...]: ...
    @property
    def y(self) -> Tensor: ...
    @property
    def weight(self) -> Tensor | None: ...


def loss_and_count(
    output: Tensor,
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
        output: Forecasts like `y`, or scores with the classes last.
        y: Targets.
        metric: What to follow.
        weight: How much each target counts; like `y`, or (B,) for (B, K).
        smoothing: Share of each label that is spread over all classes (Szegedy et al., 2016).
    """
    if metric != "log_loss":
        observed = y.isfinite()
        error = (output - y.nan_to_num()) * observed
        return (error.square() if metric == "rmse" else error.abs()).sum(), observed.sum()
    if y.is_floating_point():
        y = (1.0 - smoothing) * y + 0.5 * smoothing
        losses = binary_cross_entropy_with_logits(output, y, reduction="none").mean(dim=-1)
        counts = torch.ones_like(losses)
    else:
        scores = output.movedim(-1, 1)
        losses = cross_entropy(
            scores, y, ignore_index=IGNORED, reduction="none", label_smoothing=smoothing
        )
        counts = (y != IGNORED).to(losses)
    if weight is not None:
        losses, counts = losses * weight, counts * weight
    return losses.sum(), counts.sum()


def mean_loss(output: Tensor, batch: Batch, metric: MetricName, smoothing: float = 0.0) -> Tensor:
    """Return the mean loss over the observed targets of a batch; 0 where none is observed."""
    total, count = loss_and_count(output, batch.y, metric, batch.weight, smoothing)
    return total / torch.where(count > 0, count, 1)


def whole_loss(
    network: Any, batch: Batch, config: TrainingConfig, masks: torch.Generator
) -> Iterator[Tensor]:
    """Yield the mean loss of a batch; a task that cuts its batches has a function like this."""
    yield mean_loss(network(*batch.inputs, generator=masks), batch, config.metric)
