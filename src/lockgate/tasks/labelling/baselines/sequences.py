"""Baselines of sequences: summary statistics or random convolutions, and a linear model of them."""

import importlib
import importlib.util
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import RidgeClassifierCV
from sklearn.preprocessing import StandardScaler

from lockgate.scoring.arrays import FloatArray
from lockgate.scoring.baselines import Grid
from lockgate.scoring.probabilities import probabilities
from lockgate.tasks.labelling.baselines.common import (
    FitData,
    Items,
    Logistic,
    Seen,
    fit_logistic,
    search_ridge,
)
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.parts import Rows

STRENGTHS = Grid((1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4), 3, 9)
PENALTIES = Grid(tuple((10.0 ** np.arange(-8.0, 9.0)).tolist()), 5, 13)
STATISTICS = (
    "mean",
    "standard deviation",
    "minimum",
    "maximum",
    "first",
    "last",
    "mean absolute difference",
    "slope",
    "autocorrelation",
    "quantile 1/4",
    "median",
    "quantile 3/4",
)
"""Statistics of each channel; the length of the sequence is one more feature."""

NO_AEON = 'aeon is not installed (pip install "lockgate[aeon]")'
"""Why there are no random convolutions, where nothing in the data speaks against them."""

# random convolutions see no fewer steps than their kernels have, and make at most this many numbers
_FEWEST_STEPS = 9
_MOST_CONVOLVED = 100_000_000


class Summary(NamedTuple):
    """Standardised summary statistics of sequences."""

    scaler: Any

    def of(self, items: Items, rows: Rows) -> FloatArray:
        """Return the features `(len(rows), 12 * channels + 1)`."""
        return np.asarray(self.scaler.transform(statistics_of(items, rows)), dtype=np.float64)


class SummaryLogistic(NamedTuple):
    """Logistic regression on summary statistics."""

    summary: Summary
    model: Logistic
    name: str = "summary statistics + logistic regression"

    @property
    def setting(self) -> str:
        """The chosen strength, in words."""
        return self.model.setting

    def probabilities(self, items: Items, rows: Rows) -> FloatArray:
        """Classify the sequences `rows`, `(len(rows), K)`."""
        return self.model.probabilities(self.summary.of(items, rows))


class SummaryRidge(NamedTuple):
    """Ridge regression on summary statistics: a number for a sequence."""

    summary: Summary
    model: Any
    penalty: float
    name: str = "summary statistics + ridge"

    @property
    def setting(self) -> str:
        """The chosen penalty, in words."""
        return f"penalty {self.penalty:g}, {PENALTIES.told(self.penalty)}"

    def numbers(self, items: Items, rows: Rows) -> FloatArray:
        """Predict a number for each of the sequences `rows`."""
        return np.asarray(self.model.predict(self.summary.of(items, rows)), dtype=np.float64)


class RandomConvolutions(NamedTuple):
    """MiniRocket (Dempster et al. 2021, arXiv:2012.08791) by aeon, and a ridge classifier.

    Sequences are standardised by channel, cut at the longest training length and padded to it with
    zeros. The ridge's scores become probabilities by a softmax.
    """

    scale: tuple[FloatArray, FloatArray]
    length: int
    convolutions: Any
    model: Any
    seen: Seen
    name: str = "random convolutions + ridge"

    @property
    def setting(self) -> str:
        """How many convolutions, and what was chosen, in words."""
        chosen = PENALTIES.told(self.model.alpha_).replace(
            "on validation", "by cross-validation in training"
        )
        return (
            f"MiniRocket with {self.convolutions.n_kernels:,} convolutions, penalty "
            f"{self.model.alpha_:g}, {chosen}"
        )

    def scores(self, items: Items, rows: Rows) -> FloatArray:
        """Return the ridge's scores of the classes that training has."""
        padded = _padded(items, rows, self.scale, self.length)
        scores = self.model.decision_function(self.convolutions.transform(padded))
        return np.column_stack([-scores, scores]) if scores.ndim == 1 else scores

    def probabilities(self, items: Items, rows: Rows) -> FloatArray:
        """Classify the sequences `rows`, `(len(rows), K)`."""
        return self.seen.among_all(probabilities(self.scores(items, rows)))


def statistics_of(items: Items, rows: Rows) -> FloatArray:
    """Return `STATISTICS` of each channel of the sequences `rows`, and their lengths.

    `(len(rows), 12 * channels + 1)`, the channels of a statistic side by side. The slope is that of
    the least squares line by the share of the sequence's time that has passed; slope and
    autocorrelation (of neighbouring steps) of a constant channel are 0.
    """
    assert isinstance(items, Ragged)
    return np.stack([_statistics(items[row].astype(np.float64)) for row in rows.tolist()])


def fit_summary(items: Items, train: Rows) -> Summary:
    """Learn the mean and deviation of every statistic of the training sequences."""
    return Summary(StandardScaler().fit(statistics_of(items, train)))


def fit_summary_logistic(data: FitData) -> SummaryLogistic:
    """Fit a logistic regression, C one of `STRENGTHS` by the log loss on validation."""
    summary = fit_summary(data.items, data.train)
    model, _ = fit_logistic(
        (summary.of(data.items, data.train), data.y[data.train]),
        (summary.of(data.items, data.validation), data.y[data.validation]),
        data.classes,
        STRENGTHS,
    )
    return SummaryLogistic(summary, model)


def fit_summary_ridge(data: FitData, power: float) -> SummaryRidge:
    """Fit a ridge, its penalty chosen by the mean of |error|^power on validation."""
    summary = fit_summary(data.items, data.train)
    x, x_validation = (summary.of(data.items, rows) for rows in (data.train, data.validation))
    truth = data.y[data.validation]
    model, penalty, _ = search_ridge(
        (x, data.y[data.train]), (x_validation, truth), PENALTIES, power
    )
    return SummaryRidge(summary, model, penalty)


def convolutions_why_not(y: Any) -> str | None:
    """Return why there are no random convolutions, or None if there can be."""
    if y.ndim == 2:
        return "its ridge classifier takes one label for a sequence"
    if importlib.util.find_spec("aeon") is None:
        return NO_AEON
    return None


def fit_convolutions(data: FitData, seed: int) -> RandomConvolutions:
    """Fit random convolutions and a ridge on them."""
    assert isinstance(data.items, Ragged)
    module = importlib.import_module("aeon.transformations.collection.convolution_based")
    steps = np.concatenate([data.items[row] for row in data.train.tolist()]).astype(np.float64)
    deviation = steps.std(axis=0)
    scale = steps.mean(axis=0), np.where(deviation > 0.0, deviation, 1.0)
    length = max(_FEWEST_STEPS, int(data.items.lengths[data.train].max()))
    kernels = min(10_000, max(84, _MOST_CONVOLVED // len(data.train)))
    convolutions = module.MiniRocket(n_kernels=kernels, random_state=seed)
    x = convolutions.fit_transform(_padded(data.items, data.train, scale, length))
    model = RidgeClassifierCV(alphas=PENALTIES.values).fit(x, data.y[data.train])
    seen = Seen(model.classes_, data.classes, len(data.train))
    return RandomConvolutions(scale, length, convolutions, model, seen)


def _statistics(x: FloatArray) -> FloatArray:
    """Return the features of one sequence (T, C)."""
    T = len(x)
    lowest, highest = x.min(axis=0), x.max(axis=0)
    # of a constant channel the rounding of its mean is not to be taken for a movement
    centred = np.where(lowest == highest, 0.0, x - x.mean(axis=0))
    square = np.square(centred).sum(axis=0)
    time = np.linspace(-0.5, 0.5, T) if T > 1 else np.zeros(1)
    slope = time @ centred / max(float(time @ time), 1e-12)
    neighbours = (centred[1:] * centred[:-1]).sum(axis=0)
    return np.concatenate(
        [
            x.mean(axis=0),
            np.sqrt(square / T),
            lowest,
            highest,
            x[0],
            x[-1],
            np.abs(np.diff(x, axis=0)).sum(axis=0) / max(T - 1, 1),
            slope,
            np.divide(neighbours, square, out=np.zeros_like(square), where=square > 0.0),
            *np.quantile(x, [0.25, 0.5, 0.75], axis=0),
            [float(T)],
        ]
    )


def _padded(items: Items, rows: Rows, scale: tuple[FloatArray, FloatArray], length: int) -> Any:
    """Return standardised sequences (len(rows), channels, length) in float32."""
    assert isinstance(items, Ragged)
    x = np.zeros((len(rows), items.values.shape[1], length), dtype=np.float32)
    for i, row in enumerate(rows.tolist()):
        sequence = ((items[row] - scale[0]) / scale[1])[:length]
        x[i, :, : len(sequence)] = sequence.T
    return x
