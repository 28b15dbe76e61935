"""The level and the spread of a window's target, which a network does not have to learn."""

from torch import Tensor

from lockgate.tasks.forecasting.config import Level

LEAST_SPREAD = 0.1
"""Least spread that a window is divided by, in standard deviations of the training rows' target:
a window in which nothing happens must not be blown up, nor one whose median deviation is 0."""
_MAD_TO_STD = 1.4826
"""Standard deviations in a median absolute deviation of normal values."""


def level_and_spread(y: Tensor, normalise: Level) -> tuple[Tensor, Tensor]:
    """Return what is subtracted from the target of each window, and what it is divided by.

    The median is the lower of the two in the middle.

    Args:
        y: The target of the windows, scaled, (B, lookback).
        normalise: `"none"` (0), `"last"` (value), `"mean"`, `"mean_std"` or `"median_mad"`. The
            spread is 1 but for the last two, whose it is at least `LEAST_SPREAD`.

    Returns:
        Level and spread, (B, 1) each.

    Example:
        >>> import torch
        >>> level, spread = level_and_spread(torch.tensor([[1.0, 3.0, 2.0, 9.0]]), "median_mad")
        >>> level.item(), round(spread.item(), 4)
        (2.0, 1.4826)
    """
    if normalise == "last":
        return y[:, -1:], y.new_ones(len(y), 1)
    if normalise == "mean":
        return y.mean(dim=1, keepdim=True), y.new_ones(len(y), 1)
    if normalise == "mean_std":
        level = y.mean(dim=1, keepdim=True)
        return level, y.std(dim=1, correction=0, keepdim=True).clamp(min=LEAST_SPREAD)
    if normalise == "median_mad":
        level = y.median(dim=1, keepdim=True).values
        deviation = (y - level).abs().median(dim=1, keepdim=True).values
        return level, (_MAD_TO_STD * deviation).clamp(min=LEAST_SPREAD)
    return y.new_zeros(len(y), 1), y.new_ones(len(y), 1)
