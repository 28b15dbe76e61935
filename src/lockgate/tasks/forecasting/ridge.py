"""The ridge baseline: a linear model of the whole lookback, its strength chosen on validation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from lockgate.scoring.arrays import FloatArray
from lockgate.scoring.baselines import Grid, search
from lockgate.tasks.forecasting.windows import Windows, flags_of

if TYPE_CHECKING:
    from lockgate.scoring.metrics import PointMetric

MOST_FEATURES = 6_000
"""Most features (lookback times channels, and what is known ahead) a ridge is fitted on: its memory
grows with their square (about 1.5 GB here) and its time with their cube."""

RIDGE_STRENGTHS = Grid(tuple((10.0 ** np.arange(-10.0, 6.5, 0.5)).tolist()), 8, 25)
"""Strengths to choose from, per training window: the penalty is this times the number of windows.
Those from 1e-6 to 100 are tried at first."""

MOST_FITTED = 500_000
"""Windows that a ridge is fitted to at most, drawn from all: more change it little."""

_CHUNK_BYTES = 32 * 2**20
# a standard deviation this small beside the mean is rounding: the feature is constant
_CONSTANT = 1e-6
_LEAST_STRENGTH = 1e-8


class Ridge(NamedTuple):
    """A fitted ridge: one linear model for each step, of all channels of the lookback.

    Of what is known ahead each reads all steps forecast.

    The window's last (filled) target value is subtracted from the target channel and from the
    targets, and added back to the forecast, so that the model learns changes, not levels.
    """

    coefficients: FloatArray  # (F, horizon), of unscaled features: the window, what is known ahead
    intercept: FloatArray  # (horizon,)
    strength: float  # per training window
    name: str = "ridge"

    @property
    def setting(self) -> str:
        """The chosen strength, in words."""
        chosen = RIDGE_STRENGTHS.told(self.strength)
        return f"strength {self.strength:.2g} per training window, {chosen}"

    def tensors(self) -> dict[str, Tensor]:
        """Give what is kept of it in a file, in float64."""
        values = (self.coefficients, self.intercept, np.float64(self.strength))
        names = ("coefficients", "intercept", "strength")
        return {n: torch.from_numpy(np.array(v)) for n, v in zip(names, values, strict=True)}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Self:
        """Put together what `tensors` gave."""
        coefficients, intercept = tensors["coefficients"].numpy(), tensors["intercept"].numpy()
        return cls(coefficients, intercept, float(tensors["strength"]))

    def forecast(self, windows: Windows) -> FloatArray:
        """Forecast every window in the target's own unit, `(N, horizon)`; it needs no target."""
        return windows.invert(self.forecast_scaled(windows))

    def forecast_scaled(self, windows: Windows) -> FloatArray:
        """Forecast every window as a network does, scaled, `(N, horizon)`."""
        parts = [
            x @ self.coefficients + self.intercept + last
            for x, last in (_changes(windows, part) for part in _parts(windows))
        ]
        return np.concatenate(parts)

    def refit(self, windows: Windows) -> "Ridge":
        """Return the ridge of the same strength, fitted to other windows."""
        return ridge_of(sums_of(windows.sampled(MOST_FITTED)), self.strength)


def ridge_why_not(train: Windows) -> str | None:
    """Return why no ridge can be fitted on these windows, or None if one can."""
    lookback, channels = train.lookback, train.channels
    if train.features > MOST_FEATURES:
        behind = train.features - lookback * channels
        more = f", and {behind:,} of categories and what is known ahead," if behind else ""
        return (
            f"a ridge takes at most {MOST_FEATURES:,} features, and a lookback of {lookback:,} "
            f"with {channels:,} channels{more} makes {train.features:,}"
        )
    few = train.sampled(MOST_FITTED)
    if len(few) == 0 or not np.isfinite(few.truth().numpy()).all(axis=1).any():
        return "every training window lacks a target value"
    return None


def fit_ridge(train: Windows, validation: Windows, metric: "PointMetric") -> Ridge:
    """Fit a ridge on the training windows whose targets are all observed, `MOST_FITTED` at most.

    Minimised is `|Y - 1 b - Z W|^2 + strength N |W|^2`, `Z` the standardised features, `N` the
    number of windows; `strength` is the one of `RIDGE_STRENGTHS` with the lowest validation score,
    the outer ones tried while the best is at an edge.
    One eigendecomposition of the Gram matrix serves them all. The Gram matrix is summed in float64
    over chunks of windows: memory grows with the square of the number of features
    (`Windows.features`), and neither with the rows nor with rows times lookback.

    Args:
        train: Windows to learn from.
        validation: Windows to choose the strength on.
        metric: The metric to choose it by.

    Raises:
        ValueError: If `ridge_why_not(train)` names a reason, or validation has no observed target.
    """
    if reason := ridge_why_not(train):
        raise ValueError(f"train must allow a ridge: {reason}")
    rotated = _rotate(sums_of(train.sampled(MOST_FITTED)).moments())

    def attempt(strengths: Sequence[float]) -> Iterator[tuple[Ridge, float]]:
        coefficients, intercepts = _solve(rotated, np.array(strengths))
        losses = _validation_losses(validation, coefficients, intercepts, metric)
        fits = zip(coefficients, intercepts, strengths, strict=True)
        return zip((Ridge(*fit) for fit in fits), losses.tolist(), strict=True)

    return search(RIDGE_STRENGTHS, attempt)


class _Chunk(NamedTuple):
    x: FloatArray  # (n, F): windows flattened, less the last target; what is known ahead behind
    y: FloatArray  # (n, horizon): targets less the last value
    last: FloatArray  # (n, 1)


class _Moments(NamedTuple):
    mean_x: FloatArray  # (F,)
    mean_y: FloatArray  # (horizon,)
    xx: FloatArray  # (F, F) covariance
    xy: FloatArray  # (F, horizon) covariance


class Sums(NamedTuple):
    """What a ridge needs of some windows, whose targets are all observed."""

    windows: int
    x: FloatArray  # (F,)
    y: FloatArray  # (horizon,)
    xx: FloatArray  # (F, F)
    xy: FloatArray  # (F, horizon)

    def without(self, other: "Sums") -> "Sums":
        """Return the sums of the other windows."""
        x, y, xx, xy = (self.x - other.x, self.y - other.y, self.xx - other.xx, self.xy - other.xy)
        return Sums(self.windows - other.windows, x, y, xx, xy)

    def moments(self) -> _Moments:
        """Return means and covariances."""
        mean_x, mean_y = self.x / self.windows, self.y / self.windows
        xx = self.xx / self.windows
        xx -= np.outer(mean_x, mean_x)
        return _Moments(mean_x, mean_y, xx, self.xy / self.windows - np.outer(mean_x, mean_y))


def _parts(windows: Windows) -> Iterator[slice]:
    """Yield the windows in parts of which the features take little memory."""
    size = max(1, _CHUNK_BYTES // (8 * windows.features))
    for start in range(0, len(windows), size):
        yield slice(start, start + size)


def _changes(windows: Windows, part: slice) -> tuple[FloatArray, FloatArray]:
    """Return the features of some windows and their last values, (n, F) and (n, 1)."""
    every, channels = windows.x(part).to(torch.float64), windows.channels
    x = every[..., :channels] if windows.categories else every
    last = x[:, -1:, 0].clone()
    x[:, :, 0] -= last
    known = windows.ahead(part)
    ahead = () if windows.known is None else windows.known.categories
    if known is not None:
        known = known.to(torch.float64)
    behind = beside(every[:, -1, channels:], windows.categories, known, ahead)
    features = x.flatten(start_dim=1)
    features = torch.cat([features, *behind], dim=1) if behind else features
    return features.numpy(), last.numpy()


def beside(
    last: Tensor, sizes: Sequence[int], known: Tensor | None, sizes_known: Sequence[int]
) -> list[Tensor]:
    """Return what a linear forecast reads beside the numbers of a window, (B, F) each.

    Args:
        last: The categories of the last row, (B, Q).
        sizes: Values of each; see `Windows.categories`.
        known: What is known ahead, (B, horizon, K), if anything is.
        sizes_known: Values of the categories, which are its last channels.
    """
    parts = [flags_of(last[:, place], size) for place, size in enumerate(sizes)]
    if known is not None:
        numbers = known.shape[2] - len(sizes_known)
        parts.append(known[..., :numbers].flatten(1))
        for place, size in enumerate(sizes_known, numbers):
            parts.append(flags_of(known[..., place], size).flatten(1))
    return parts


def _chunks(windows: Windows) -> Iterator[_Chunk]:
    truth = windows.truth().numpy()
    for part in _parts(windows):
        x, last = _changes(windows, part)
        yield _Chunk(x, truth[part] - last, last)


def sums_of(windows: Windows) -> Sums:
    """Sum over the windows whose targets are all observed."""
    features = windows.features
    count = 0
    sum_x, sum_y = np.zeros(features), np.zeros(windows.horizon)
    xx, xy = np.zeros((features, features)), np.zeros((features, windows.horizon))
    for x, y, _ in _chunks(windows):
        whole = np.isfinite(y).all(axis=1)
        x, y = x[whole], y[whole]
        count += len(x)
        sum_x += x.sum(axis=0)
        sum_y += y.sum(axis=0)
        xx += x.T @ x
        xy += x.T @ y
    return Sums(count, sum_x, sum_y, xx, xy)


def ridge_of(sums: Sums, strength: float) -> Ridge:
    """Fit a ridge of one strength, which costs a few times less than to choose it."""
    # imported here because a fitted ridge is read without it
    from scipy.linalg import solve

    moments = sums.moments()
    correlation, weight = _correlation(moments)
    # below it, rounding decides whether there is a solution
    correlation[np.diag_indices_from(correlation)] += max(strength, _LEAST_STRENGTH)
    xy = moments.xy * weight[:, None]
    coefficients = weight[:, None] * solve(correlation, xy, assume_a="pos", overwrite_a=True)
    intercept = moments.mean_y - moments.mean_x @ coefficients
    return Ridge(coefficients, intercept, strength)


class _Rotated(NamedTuple):
    """The moments in the axes of the standardised features' correlation."""

    moments: _Moments
    weight: FloatArray  # (F,)
    values: FloatArray  # (F,)
    vectors: FloatArray  # (F, F)
    xy: FloatArray  # (F, horizon)


def _rotate(moments: _Moments) -> _Rotated:
    correlation, weight = _correlation(moments)
    # imported here because a fitted ridge is read without it
    from scipy.linalg import eigh

    values, vectors = eigh(correlation, driver="evd", overwrite_a=True)
    xy = vectors.T @ (moments.xy * weight[:, None])
    return _Rotated(moments, weight, np.maximum(values, 0.0), vectors, xy)


def _correlation(moments: _Moments) -> tuple[FloatArray, FloatArray]:
    """Return that of the features, and what standardises them; 0 where a feature is constant."""
    variance = np.maximum(np.diag(moments.xx), 0.0)
    constant = variance <= _CONSTANT**2 * (1.0 + moments.mean_x**2)
    weight = np.where(constant, 0.0, 1.0 / np.sqrt(np.where(constant, 1.0, variance)))
    correlation = moments.xx * weight
    correlation *= weight[:, None]
    return correlation, weight


def _solve(rotated: _Rotated, strengths: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return coefficients (K, F, horizon) and intercepts (K, horizon) for K strengths."""
    shrunk = rotated.xy / (rotated.values[:, None] + strengths[:, None, None])
    coefficients = rotated.weight[:, None] * (rotated.vectors @ shrunk)
    return coefficients, rotated.moments.mean_y - rotated.moments.mean_x @ coefficients


def _validation_losses(
    validation: Windows, coefficients: FloatArray, intercepts: FloatArray, metric: "PointMetric"
) -> FloatArray:
    """Return the mean loss of each strength, which orders them as the score in any unit does."""
    # imported here because a fitted ridge is read without what scoring loads
    from lockgate.scoring.metrics import point_losses

    losses, counts = np.zeros(len(coefficients)), 0.0
    for x, y, _ in _chunks(validation):
        by_strength = [
            point_losses(y, x @ weights + intercept, metric)
            for weights, intercept in zip(coefficients, intercepts, strict=True)
        ]
        losses += [part.losses.sum() for part in by_strength]
        counts += by_strength[0].counts.sum()
    if not counts > 0:
        raise ValueError("validation must hold at least one observed target, got none")
    return losses / counts
