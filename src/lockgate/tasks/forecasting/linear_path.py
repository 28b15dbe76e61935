"""A ridge regression that a network forecasts on top of (as NLinear, ES-RNN and LSTNet do).

A ridge of many features fits its own training windows too well: what is left of them is too small
to learn from, and not what is left of other windows. So a network is trained on top of forecasts of
ridges that have not seen the window, nor any row of it: there are as many as blocks of training
windows, each fitted to the other blocks. All other windows are served by the ridge of all training
windows, the baseline's own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lockgate.errors import count_of
from lockgate.tasks.forecasting.ridge import (
    Ridge,
    beside,
    fit_ridge,
    ridge_of,
    ridge_why_not,
    sums_of,
)
from lockgate.tasks.forecasting.windows import Windows

if TYPE_CHECKING:
    from lockgate.scoring.metrics import PointMetric

BLOCKS = 5
"""Blocks of training windows, each served by a ridge of the others."""


class LinearPath(NamedTuple):
    """The ridge of all training windows, and what ridges of other blocks forecast of them."""

    ridge: Ridge
    training: Tensor  # (N, horizon) float32, scaled
    origins: Tensor  # (N,) of the training windows, ascending

    def under(self, windows: Windows) -> Windows:
        """Return windows to learn from with the forecasts that a network is to build on.

        They are the training windows, or those and others.
        """
        origins = windows.origins[:]
        at = torch.searchsorted(self.origins, origins)
        seen = self.origins[at.clamp(max=len(self.origins) - 1)] == origins
        linear = torch.empty(len(windows), windows.horizon)
        linear[seen] = self.training[at[seen]]
        if len(others := windows.select(~seen)):
            linear[~seen] = torch.from_numpy(self.ridge.forecast_scaled(others).astype(np.float32))
        return replace(windows, linear=linear)


class LinearForecast(nn.Module):
    """A fitted ridge inside of a network: frozen, saved with it, a forecast of every window.

    Args:
        features: Of the ridge; see `Windows.features`.
        horizon: Steps forecast.
        sizes: Values of each category of the window; see `Windows.categories`.
        known: Of what is known ahead.

    Shape:
        - x: `(batch, lookback, channels)`, scaled; channel 0 is the target.
        - known: `(batch, horizon, K)`, where something is known ahead.
        - output: `(batch, horizon)`, scaled.
    """

    weight: Tensor
    bias: Tensor

    def __init__(
        self, features: int, horizon: int, sizes: Sequence[int] = (), known: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.sizes, self.known = tuple(sizes), tuple(known)
        self.register_buffer("weight", torch.zeros(features, horizon))
        self.register_buffer("bias", torch.zeros(horizon))

    def take(self, ridge: Ridge) -> None:
        """Become the ridge."""
        self.weight.copy_(torch.from_numpy(ridge.coefficients))
        self.bias.copy_(torch.from_numpy(ridge.intercept))

    def forward(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """Forecast a batch of windows."""
        last = x[:, -1:, 0]
        numbers = x.shape[2] - len(self.sizes)
        window = torch.cat([x[..., :1] - last[..., None], x[..., 1:numbers]], dim=2)
        behind = beside(x[:, -1, numbers:], self.sizes, known, self.known)
        features = torch.cat([window.flatten(1), *behind], dim=1)
        return last + torch.addmm(self.bias, features, self.weight)


def linear_path_why_not(train: Windows) -> str | None:
    """Return why no network can be built on a ridge of these windows, or None if one can."""
    if reason := ridge_why_not(train):
        return reason
    whole = np.isfinite(train.truth().numpy()).all(axis=1)
    left = min(whole[: b.low].sum() + whole[b.high :].sum() for b in _blocks(train))
    needed = train.lookback + train.horizon
    if left < needed:
        return (
            f"of {count_of(len(train), 'training window')} only {left} share no row with a fifth "
            f"of them, and {needed} are needed, as many as a window has rows"
        )
    return None


def fit_linear_path(train: Windows, validation: Windows, metric: "PointMetric") -> LinearPath:
    """Fit the ridge, its strength chosen on validation, and forecast the training windows.

    A window shares no row with those that the ridge which forecasts it was fitted to.

    Raises:
        ValueError: If `linear_path_why_not(train)` names a reason.
    """
    if reason := linear_path_why_not(train):
        raise ValueError(f"train must allow a linear path: {reason}")
    ridge = fit_ridge(train, validation, metric)
    every, parts = sums_of(train), []
    for block in _blocks(train):
        near = sums_of(train.select(slice(block.low, block.high)))
        other = ridge_of(every.without(near), ridge.strength)
        parts.append(other.forecast_scaled(train.select(slice(block.start, block.stop))))
    training = torch.from_numpy(np.concatenate(parts).astype(np.float32))
    return LinearPath(ridge, training, train.origins[:])


class _Block(NamedTuple):
    """Windows from `start` to `stop`; from `low` to `high` are those that share a row with them."""

    start: int
    stop: int
    low: int
    high: int


def _blocks(train: Windows) -> Iterator[_Block]:
    origins, rows = train.origins.numpy(), train.lookback + train.horizon
    edges = np.linspace(0, len(train), BLOCKS + 1).round().astype(int).tolist()
    for start, stop in pairwise(edges):
        if start < stop:
            first, last = origins[start] - rows, origins[stop - 1] + rows
            low = int(np.searchsorted(origins, first, side="right"))
            yield _Block(start, stop, low, int(np.searchsorted(origins, last)))
