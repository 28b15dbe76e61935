"""What every classifier of sequences or texts must beat: fitted on training rows, chosen on
validation."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate.scoring.arrays import FloatArray
from lockgate.scoring.baselines import Skipped
from lockgate.tasks.labelling.baselines.common import (
    ClassBaseline,
    FitData,
    Items,
    NumberBaseline,
    calibrate,
    class_shares,
)
from lockgate.tasks.labelling.baselines.dtw import fit_nearest, nearest_why_not
from lockgate.tasks.labelling.baselines.sequences import (
    convolutions_why_not,
    fit_convolutions,
    fit_summary_logistic,
    fit_summary_ridge,
)
from lockgate.tasks.labelling.baselines.steps import fit_step_logistic, labels_of_steps, step_places
from lockgate.tasks.labelling.baselines.texts import (
    TextLogistic,
    fit_terms,
    fit_text_logistic,
    fit_text_ridge,
)
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.parts import Rows


class Majority(NamedTuple):
    """The share of each class in training, or of each label, whatever the item.

    A class that training lacks counts as though it had occurred once.
    """

    shares: FloatArray  # (K,)
    at_steps: bool = False
    name: str = "majority class"
    setting: str = ""

    def probabilities(self, items: Items, rows: Rows) -> FloatArray:
        """Classify the items `rows`: `(len(rows), K)`, or `(steps of them, K)` at steps."""
        count = len(step_places(items, rows)) if self.at_steps else len(rows)
        return np.tile(self.shares, (count, 1))


class Constant(NamedTuple):
    """One number for every item: the mean or the median of the training labels."""

    name: str
    value: float
    setting: str = ""

    def numbers(self, items: Items, rows: Rows) -> FloatArray:  # noqa: ARG002 - whatever they hold
        """Predict a number for each of the items `rows`."""
        return np.full(len(rows), self.value)


class ClassBaselines(NamedTuple):
    """The baselines that could be fitted, and those that could not."""

    baselines: tuple[ClassBaseline, ...]
    skipped: tuple[Skipped, ...]


class NumberBaselines(NamedTuple):
    """The baselines that could be fitted, and those that could not."""

    baselines: tuple[NumberBaseline, ...]
    skipped: tuple[Skipped, ...]


def fit_class_baselines(
    items: Items,
    y: npt.NDArray[np.integer[Any]],
    train: Rows,
    validation: Rows,
    classes: int,
    *,
    at_steps: bool = False,
    by_character: bool = False,
    text_logistic: TextLogistic | None = None,
    seed: int = 0,
) -> ClassBaselines:
    """Fit every baseline that can be computed on the training rows.

    What is chosen (strengths, terms) is chosen by the log loss of the validation rows, and each is
    given a temperature by them, as networks are; no other row of `items` or `y` is read.

    Args:
        items: Texts, or sequences `(T, channels)` of any length, of all parts.
        y: Their classes `(N,)`; `(N, K)` of 0 and 1 for several labels; at steps `(steps,)`,
            `IGNORED` where there is no label.
        train: Rows to learn from.
        validation: Rows to choose by.
        classes: K.
        at_steps: Whether there is a label at every step.
        by_character: Whether texts are taken by character, as those without spaces should be.
        text_logistic: That of these training rows, chosen by these validation rows, if it is known.
        seed: Seed of what is drawn.

    Raises:
        ValueError: If `classes` is under 2 (1 for several labels), a part has no row, or `y` does
            not fit.
    """
    data = _fit_data(items, np.asarray(y), train, validation, classes, at_steps)
    known = labels_of_steps(data) if at_steps else data.y[data.train]
    majority = Majority(class_shares(known, classes), at_steps)
    if at_steps:
        found = _with_steps(data, majority, seed)
    elif not isinstance(items, Ragged):
        found = _with_texts(data, majority, by_character, text_logistic)
    else:
        found = _with_sequences(data, majority, seed)
    truth = data.y[step_places(items, data.validation) if at_steps else data.validation]
    calibrated = (calibrate(b, items, data.validation, truth) for b in found.baselines)
    return found._replace(baselines=tuple(calibrated))


def fit_number_baselines(
    items: Items,
    y: npt.NDArray[np.floating[Any]],
    train: Rows,
    validation: Rows,
    metric: Literal["mae", "rmse"] = "mae",
    *,
    by_character: bool = False,
) -> NumberBaselines:
    """Fit the baselines of a number for each sequence or text: mean, median, ridge.

    Arguments as in `fit_class_baselines`; `y` is `(N,)` of numbers, and `metric` what the ridge's
    penalty is chosen by on validation.
    """
    if metric not in ("mae", "rmse"):
        raise ValueError(f"metric must be mae or rmse, got {metric!r}")
    y = np.asarray(y, dtype=np.float64)
    data = _fit_data(items, y, train, validation, 2, at_steps=False)
    known, power = y[train], 2.0 if metric == "rmse" else 1.0
    constants = Constant("mean", float(known.mean())), Constant("median", float(np.median(known)))
    if _is_tokens(items):
        return NumberBaselines(constants, (Skipped("summary statistics + ridge", _TOKENS),))
    if isinstance(items, Ragged):
        return NumberBaselines((*constants, fit_summary_ridge(data, power)), ())
    terms = fit_terms(items, train, by_character=by_character)
    if isinstance(terms, str):
        return NumberBaselines(constants, (Skipped("TF-IDF + ridge", terms),))
    return NumberBaselines((*constants, fit_text_ridge(data, terms, power)), ())


_TOKENS = "the sequences are tokens, which have no values to compute with"
_ONE_CLASS = "the training part holds one class alone"


def _with_steps(data: FitData, majority: Majority, seed: int) -> ClassBaselines:
    name = "steps around + logistic regression"
    if _is_tokens(data.items):
        return ClassBaselines((majority,), (Skipped(name, _TOKENS),))
    if len(np.unique(labels_of_steps(data))) < 2:
        return ClassBaselines((majority,), (Skipped(name, _ONE_CLASS),))
    return ClassBaselines((majority, fit_step_logistic(data, seed)), ())


def _with_texts(
    data: FitData, majority: Majority, by_character: bool, fitted: TextLogistic | None
) -> ClassBaselines:
    if fitted is not None:
        return ClassBaselines((majority, fitted), ())
    name = "TF-IDF + logistic regression"
    terms: Any = _ONE_CLASS
    if not _has_one_class(data):
        terms = fit_terms(
            data.items,
            data.train,
            by_character=by_character,
            classes=data.classes if data.classes > 2 or data.y.ndim == 2 else 1,
        )
    if isinstance(terms, str):
        return ClassBaselines((majority,), (Skipped(name, terms),))
    return ClassBaselines((majority, fit_text_logistic(data, terms)), ())


def _with_sequences(data: FitData, majority: Majority, seed: int) -> ClassBaselines:
    one = _TOKENS if _is_tokens(data.items) else _ONE_CLASS if _has_one_class(data) else None
    reasons = {
        "summary statistics + logistic regression": one,
        "random convolutions + ridge": one or convolutions_why_not(data.y),
        "1-NN DTW": one or nearest_why_not(data.items, data.train),
    }
    fits: dict[str, Callable[[], ClassBaseline]] = {
        "summary statistics + logistic regression": lambda: fit_summary_logistic(data),
        "random convolutions + ridge": lambda: fit_convolutions(data, seed),
        "1-NN DTW": lambda: fit_nearest(data),
    }
    fitted = [fit() for name, fit in fits.items() if reasons[name] is None]
    skipped = [Skipped(name, reason) for name, reason in reasons.items() if reason is not None]
    return ClassBaselines((majority, *fitted), tuple(skipped))


def _fit_data(
    items: Items,
    y: npt.NDArray[Any],
    train: Rows,
    validation: Rows,
    classes: int,
    at_steps: bool,
) -> FitData:
    """Check what a baseline is fitted on."""
    if classes < (1 if y.ndim == 2 else 2):
        raise ValueError(f"classes must be at least 2, got {classes}")
    if at_steps and not isinstance(items, Ragged):
        raise ValueError("items must be sequences where there is a label at every step, got texts")
    count = len(items.values) if at_steps and isinstance(items, Ragged) else len(items)
    if y.shape not in ((count,), (count, classes)):
        raise ValueError(f"y must have shape ({count},) or ({count}, {classes}), got {y.shape}")
    for name, rows in (("train", train), ("validation", validation)):
        if not len(rows):
            raise ValueError(f"{name} must hold a row, got none")
    return FitData(items, y, np.asarray(train), np.asarray(validation), classes)


def _has_one_class(data: FitData) -> bool:
    y = data.y[data.train]
    return bool((y == y[0]).all())


def _is_tokens(items: Items) -> bool:
    return isinstance(items, Ragged) and items.values.ndim == 1
