"""What the baselines of classifiers share: their faces, and the logistic regression in them."""

import warnings
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.scoring.probabilities import probabilities
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.parts import Rows
from lockgate.tasks.labelling.scores import row_losses

Items: TypeAlias = Ragged | Sequence[str]
Features: TypeAlias = Any
"""`(N, F)`: an array, or a sparse matrix of scipy."""

_MOST_ITERATIONS = 1000
# fine enough that the probabilities do not hang on where a fit began
_TOLERANCE = 1e-6


class ClassBaseline(Protocol):
    """A classifier that costs next to nothing and that a network should beat."""

    @property
    def name(self) -> str:
        """What the baseline is called, for example `majority class`."""

    @property
    def setting(self) -> str:
        """What was chosen for it, in words; empty where there was nothing to choose."""

    def probabilities(self, items: Items, rows: Rows) -> FloatArray:
        """Classify the items `rows`: `(len(rows), K)`, or `(steps of them, K)` at steps."""


class NumberBaseline(Protocol):
    """A number for a sequence or text that costs next to nothing."""

    @property
    def name(self) -> str:
        """What the baseline is called, for example `mean`."""

    @property
    def setting(self) -> str:
        """What was chosen for it, in words; empty where there was nothing to choose."""

    def numbers(self, items: Items, rows: Rows) -> FloatArray:
        """Predict a number for each of the items `rows`: `(len(rows),)`."""


class FitData(NamedTuple):
    """What a baseline is fitted on, and chosen by."""

    items: Items
    y: npt.NDArray[Any]  # of all items
    train: Rows
    validation: Rows
    classes: int


class Seen(NamedTuple):
    """The classes that training has, among all."""

    classes: IntArray  # (S,)
    among: int  # K
    rows: int  # of training

    def among_all(self, p: FloatArray) -> FloatArray:
        """Place probabilities (N, S) among all classes, (N, K).

        A class that training lacks gets the probability of one row more, so that meeting it later
        does not cost an infinite log loss.
        """
        lacking = self.among - len(self.classes)
        unseen = 1.0 / (self.rows + lacking)
        result = np.full((len(p), self.among), unseen)
        result[:, self.classes] = p * (1.0 - lacking * unseen)
        return result


class Logistic(NamedTuple):
    """A logistic regression: of one class in K, or of K labels, each by itself."""

    coefficients: FloatArray  # (F, S): of the classes that training has, or (F, K) of labels
    intercept: FloatArray  # (S,) or (K,)
    seen: Seen | None  # None for several labels
    strength: float  # C

    @property
    def setting(self) -> str:
        """The chosen strength, in words."""
        return f"C = {self.strength:g}, chosen on validation"

    def probabilities(self, x: Features) -> FloatArray:
        """Return the probabilities `(N, K)` of rows of features."""
        scores = np.asarray(x @ self.coefficients + self.intercept)
        if self.seen is None:
            return probabilities(scores, several=True)
        return self.seen.among_all(probabilities(scores))


def fit_logistic(
    train: tuple[Features, IntArray],
    validation: tuple[Features, IntArray],
    classes: int,
    strengths: Sequence[float],
) -> Logistic:
    """Fit on training rows with each strength, and keep the one of the best log loss on validation.

    Args:
        train: Features and classes `(N,)`, at least two of them, or labels `(N, K)` of 0 and 1.
        validation: The same of the rows to choose by.
        classes: K.
        strengths: C of scikit-learn, inverse to the penalty.
    """
    path = _label_path if train[1].ndim == 2 else _class_path

    def loss(fitted: Logistic) -> float:
        p = fitted.probabilities(validation[0])
        return float(row_losses(p, validation[1], "log_loss").mean())

    return min(path(*train, classes, strengths), key=loss)


def class_shares(y: IntArray, classes: int) -> FloatArray:
    """Return the share of each class, or of each label; none is an impossible one.

    A class that does not occur counts as though it had occurred once. A label of all rows or of
    none counts as though one row more had been otherwise.
    """
    if y.ndim == 2:
        end = 1.0 / (len(y) + 1.0)
        return np.asarray(np.clip(y.mean(axis=0), end, 1.0 - end))
    counts = np.maximum(np.bincount(y, minlength=classes), 1)
    return np.asarray(counts / counts.sum())


def _class_path(
    x: Features, y: IntArray, classes: int, strengths: Sequence[float]
) -> Iterator[Logistic]:
    """Fit one class in K with each strength in turn."""
    seen = Seen(np.unique(y), classes, len(y))
    for strength, (coefficients, intercept) in zip(strengths, _path(x, y, strengths), strict=True):
        if len(seen.classes) == 2:
            # two classes have one column, the second's
            coefficients = np.hstack([np.zeros_like(coefficients), coefficients])
            intercept = np.concatenate([[0.0], intercept])
        yield Logistic(coefficients, intercept, seen, strength)


def _label_path(
    x: Features, y: IntArray, classes: int, strengths: Sequence[float]
) -> Iterator[Logistic]:
    """Fit several labels with each strength in turn; one of all rows or of none by its share."""
    shares = class_shares(y, classes)
    constant = [
        (np.zeros((x.shape[1], 1)), np.log([share / (1.0 - share)])) for share in shares.tolist()
    ]
    paths = [
        _path(x, y[:, k], strengths) if 0 < y[:, k].sum() < len(y) else repeat(constant[k])
        for k in range(classes)
    ]
    for strength, *columns in zip(strengths, *paths, strict=False):
        coefficients, intercept = zip(*columns, strict=True)
        yield Logistic(np.hstack(coefficients), np.concatenate(intercept), None, strength)


def _path(
    x: Features, y: IntArray, strengths: Sequence[float]
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Return coefficients and intercepts for each strength, each begun where the last ended."""
    model = LogisticRegression(warm_start=True, tol=_TOLERANCE, max_iter=_MOST_ITERATIONS)
    for strength in strengths:
        with warnings.catch_warnings():
            # one that is cut short is judged on validation as it is
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.set_params(C=strength).fit(x, y)
        yield model.coef_.T, model.intercept_
