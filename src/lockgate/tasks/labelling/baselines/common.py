"""What the baselines of classifiers share: their faces, and the logistic regression in them."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.scoring.baselines import Grid, search
from lockgate.scoring.probabilities import fit_temperature, log_scores, probabilities
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.parts import Rows
from lockgate.tasks.labelling.scores import row_losses
from lockgate.training.losses import IGNORED

Items: TypeAlias = Ragged | Sequence[str]
Features: TypeAlias = Any
"""`(N, F)`: an array, or a sparse matrix of scipy."""
_Solver: TypeAlias = Callable[[float], tuple[FloatArray, FloatArray]]

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


class Calibrated(NamedTuple):
    """A baseline whose probabilities have a temperature, as those of a network have."""

    baseline: ClassBaseline
    temperature: float
    several: bool

    @property
    def name(self) -> str:
        """What the baseline is called."""
        return self.baseline.name

    @property
    def setting(self) -> str:
        """What was chosen for it, the temperature at the end."""
        temperature = f"temperature {self.temperature:.3g} by validation"
        return ", ".join(filter(None, (self.baseline.setting, temperature)))

    def probabilities(self, items: Items, rows: Rows) -> FloatArray:
        """Classify the items `rows`: `(len(rows), K)`, or `(steps of them, K)` at steps."""
        scores = log_scores(self.baseline.probabilities(items, rows), several=self.several)
        return probabilities(scores, self.temperature, several=self.several)


def calibrate(
    baseline: ClassBaseline, items: Items, validation: Rows, truth: npt.NDArray[Any]
) -> ClassBaseline:
    """Fit the temperature of a baseline to the validation rows, as that of a network is.

    Args:
        baseline: What classifies.
        items: Of all parts.
        validation: Rows to fit it to.
        truth: Their classes, or labels of 0 and 1; at steps those of their steps, `IGNORED` where
            there is none. Where all are, the baseline stays as it is, as a network does.
    """
    several = truth.ndim == 2
    known = np.ones(len(truth), dtype=bool) if several else truth != IGNORED
    if not known.any():
        return baseline
    scores = log_scores(baseline.probabilities(items, validation), several=several)
    return Calibrated(baseline, fit_temperature(scores[known], truth[known]), several)


def calibrated_loss(p: FloatArray, truth: IntArray) -> float:
    """Return the mean log loss of probabilities that are given the best temperature for them."""
    several = truth.ndim == 2
    scores = log_scores(p, several=several)
    cooled = probabilities(scores, fit_temperature(scores, truth), several=several)
    return float(row_losses(cooled, truth, "log_loss").mean())


class Logistic(NamedTuple):
    """A logistic regression: of one class in K, or of K labels, each by itself."""

    coefficients: FloatArray  # (F, S): of the classes that training has, or (F, K) of labels
    intercept: FloatArray  # (S,) or (K,)
    seen: Seen | None  # None for several labels
    strength: float  # C
    strengths: Grid

    @property
    def setting(self) -> str:
        """The chosen strength, in words."""
        return f"C = {self.strength:g}, {self.strengths.told(self.strength)}"

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
    strengths: Grid,
) -> tuple[Logistic, float]:
    """Fit on training rows with each strength; return the best on validation, and its log loss.

    Judged is each with a temperature of its own, as the best of them will have one.

    Args:
        train: Features and classes `(N,)`, at least two of them, or labels `(N, K)` of 0 and 1.
        validation: The same of the rows to choose by.
        classes: K.
        strengths: C of scikit-learn, inverse to the penalty.
    """
    fit = logistic_fits(*train, classes, strengths)

    def attempt(some: Sequence[float]) -> Iterator[tuple[tuple[Logistic, float], float]]:
        for fitted in map(fit, some):
            loss = calibrated_loss(fitted.probabilities(validation[0]), validation[1])
            yield (fitted, loss), loss

    # a few rows that are all right would have the strength run on: beyond the first values it must
    # be worth a nat over all rows, what a parameter costs by Akaike
    return search(strengths, attempt, gain=1.0 / len(validation[1]))


def logistic_fits(
    x: Features, y: IntArray, classes: int, strengths: Grid
) -> Callable[[float], Logistic]:
    """Return what fits a logistic regression with a strength; arguments as in `fit_logistic`."""
    return (_label_fit if y.ndim == 2 else _class_fit)(x, y, classes, strengths)


def search_ridge(
    train: tuple[Features, FloatArray],
    validation: tuple[Features, FloatArray],
    penalties: Grid,
    power: float,
    solver: str = "auto",
) -> tuple[Any, float, float]:
    """Return the ridge of the least mean |error|^power on validation, its penalty, that mean."""

    def attempt(some: Sequence[float]) -> Iterator[tuple[tuple[Any, float, float], float]]:
        for penalty in some:
            model = Ridge(alpha=penalty, solver=solver).fit(*train)
            error = np.abs(model.predict(validation[0]) - validation[1])
            loss = float((error**power).mean())
            yield (model, penalty, loss), loss

    return search(penalties, attempt)


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


def _class_fit(
    x: Features, y: IntArray, classes: int, strengths: Grid
) -> Callable[[float], Logistic]:
    """Return what fits one class in K with a strength."""
    seen, solve = Seen(np.unique(y), classes, len(y)), _solver(x, y)

    def fit(strength: float) -> Logistic:
        coefficients, intercept = solve(strength)
        if len(seen.classes) == 2:
            # two classes have one column, the second's
            coefficients = np.hstack([np.zeros_like(coefficients), coefficients])
            intercept = np.concatenate([[0.0], intercept])
        return Logistic(coefficients, intercept, seen, strength, strengths)

    return fit


def _label_fit(
    x: Features, y: IntArray, classes: int, strengths: Grid
) -> Callable[[float], Logistic]:
    """Return what fits several labels with a strength; one of all rows or of none by its share."""
    shares = class_shares(y, classes)
    solvers = [
        _solver(x, y[:, k]) if 0 < y[:, k].sum() < len(y) else _constant(x, shares[k])
        for k in range(classes)
    ]

    def fit(strength: float) -> Logistic:
        coefficients, intercept = zip(*(solve(strength) for solve in solvers), strict=True)
        hyperplanes = np.hstack(coefficients), np.concatenate(intercept)
        return Logistic(*hyperplanes, None, strength, strengths)

    return fit


def _constant(x: Features, share: float) -> _Solver:
    solved = np.zeros((x.shape[1], 1)), np.log([share / (1.0 - share)])
    return lambda _: solved


def _solver(x: Features, y: IntArray) -> _Solver:
    """Return what gives coefficients and intercept for a strength, each begun at the last."""
    model = LogisticRegression(warm_start=True, tol=_TOLERANCE, max_iter=_MOST_ITERATIONS)

    def solve(strength: float) -> tuple[FloatArray, FloatArray]:
        with warnings.catch_warnings():
            # one that is cut short is judged on validation as it is
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.set_params(C=strength).fit(x, y)
        # a copy: the next fit may begin in the same memory
        return model.coef_.T.copy(), model.intercept_.copy()

    return solve
