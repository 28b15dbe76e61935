"""The level and the spread of a window's target, which a network does not have to learn."""

import torch
from torch import Tensor

from lockgate.tasks.forecasting.config import Level

LEAST_SPREAD = 0.1
"""Least spread that a window is divided by, in standard deviations of the training rows' target:
a window in which nothing happens must not be blown up, nor one whose median deviation is 0."""
_MAD_TO_STD = 1.4826
"""Standard deviations in a median absolute deviation of normal values."""


def level_and_spread(
    y: Tensor, normalise: Level, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return what is subtracted from the target of each window, and what it is divided by.

    The median is the lower of the two in the middle.

    Args:
        y: The target of the windows, scaled, (B, lookback).
        normalise: `"none"` (0), `"last"` (value), `"last_std"`, `"mean"`, `"mean_std"` or
            `"median_mad"`. The spread is 1 where the name tells none, else at least `LEAST_SPREAD`.
        mask: False where a step is padding, which counts for nothing, (B, lookback); the last step
            is none. Default: no step is.

    Returns:
        Level and spread, (B, 1) each.

    Example:
        >>> level, spread = level_and_spread(torch.tensor([[1.0, 3.0, 2.0, 9.0]]), "median_mad")
        >>> level.item(), round(spread.item(), 4)
        (2.0, 1.4826)
    """
    if normalise == "last":
        return y[:, -1:], y.new_ones(y.shape[0], 1)
    if normalise == "last_std":
        return y[:, -1:], _std(y, _mean(y, mask), mask).clamp(min=LEAST_SPREAD)
    if normalise == "mean":
        return _mean(y, mask), y.new_ones(y.shape[0], 1)
    if normalise == "mean_std":
        level = _mean(y, mask)
        return level, _std(y, level, mask).clamp(min=LEAST_SPREAD)
    if normalise == "median_mad":
        level = _median(y, mask)
        deviation = _median((y - level).abs(), mask)
        return level, (_MAD_TO_STD * deviation).clamp(min=LEAST_SPREAD)
    return y.new_zeros(y.shape[0], 1), y.new_ones(y.shape[0], 1)


def _mean(y: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return y.mean(dim=1, keepdim=True)
    return y.masked_fill(~mask, 0.0).sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True)


def _std(y: Tensor, level: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return y.std(dim=1, correction=0, keepdim=True)
    # the root of 0 has no gradient
    return _mean((y - level).square(), mask).clamp(min=LEAST_SPREAD**2).sqrt()


def _median(y: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return y.median(dim=1, keepdim=True).values
    ordered = y.masked_fill(~mask, torch.inf).sort(dim=1).values
    return ordered.gather(1, (mask.sum(dim=1, keepdim=True) - 1) // 2)
