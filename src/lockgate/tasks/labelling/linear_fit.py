"""Fit the linear model of texts beside which a network learns."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate.errors import DataError, count_of
from lockgate.scoring.baselines import Grid
from lockgate.scoring.probabilities import fit_temperature, log_scores
from lockgate.tasks.labelling.baselines.common import FitData, Logistic, logistic_fits
from lockgate.tasks.labelling.baselines.texts import (
    Terms,
    TextLogistic,
    fit_terms,
    fit_text_logistic,
)
from lockgate.tasks.labelling.labelled import Labelled
from lockgate.tasks.labelling.linear_path import LinearPath
from lockgate.tasks.labelling.parts import Parts, Rows, folds_of
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing

FOLDS = 5
LEAVE_OUT = "leave it out (--set linear_path=off), and the rung linear-path"


class LinearFit(NamedTuple):
    """A linear path, the baseline that it is made of, and its scores of all rows."""

    path: LinearPath
    baseline: TextLogistic
    scores: npt.NDArray[np.float32]  # (N, K)


def fit_linear_path(
    data: Labelled, parts: Parts, preprocessing: LabelPreprocessing, seed: int
) -> LinearFit:
    """Fit the baseline of TF-IDF and logistic regression as the linear path of a network.

    A model is surer of the rows that it has learned from than it should be, and a network beside it
    would find nothing left to learn. So a training row is scored by a model that is fitted to four
    fifths of the training rows without it, and any other row by the model of all of them. Terms and
    strength are those of the baseline; the terms, which know no label, are of all training rows.
    One temperature, fitted to the training rows as they are scored, divides all scores.

    Args:
        data: What was read.
        parts: Its parts. Without a validation part the first fifth chooses terms and strength.
        preprocessing: What was learned from the training rows.
        seed: Draws the folds.

    Raises:
        DataError: If the data are no texts of classes, or the training rows cannot be parted.
    """
    if data.kind not in ("class", "classes") or not isinstance(data.items, tuple):
        kinds = {"steps": "labels at every step", "number": "labels that are numbers"}
        what = kinds.get(data.kind, "sequences of numbers")
        raise DataError(f"linear_path must be off for {what}, got on; {LEAVE_OUT}")
    y = preprocessing.targets(data).astype(np.int64)
    folds = _folds(data, y, parts.train, seed)
    classes = preprocessing.outputs
    found = fit_terms(
        data.items,
        parts.train,
        by_character=preprocessing.by_character,
        classes=classes if classes > 2 or y.ndim == 2 else 1,
    )
    if isinstance(found, str):
        raise DataError(f"linear_path must be off where {found}; {LEAVE_OUT}")
    train, validation = parts.train, parts.rows("stopping")
    if not len(validation):
        train, validation = train[folds != 0], train[folds == 0]
    chosen = fit_text_logistic(FitData(data.items, y, train, validation, classes), found)

    terms, strength = chosen.terms, chosen.model.strength
    x, own = terms.of(data.items, parts.train), y[parts.train]

    def fitted(rows: Rows) -> Logistic:
        grid = Grid((strength,), 0, 1)
        return logistic_fits(x[rows], own[rows], classes, grid)(strength)

    honest = np.empty((len(own), classes))
    for fold in np.unique(folds):
        left_out = folds == fold
        p = fitted(~left_out).probabilities(x[left_out])
        honest[left_out] = log_scores(p, several=y.ndim == 2)
    temperature = fit_temperature(honest, own)
    whole = fitted(np.ones(len(own), dtype=bool))
    path = path_of(terms, whole, temperature)
    scores = path.scores(data.items).numpy()
    scores[parts.train] = honest / temperature
    return LinearFit(path, chosen, scores)


def path_of(terms: Terms, model: Logistic, temperature: float = 1.0) -> LinearPath:
    """Return a logistic regression on TF-IDF as a folder keeps it, its scores cooled."""
    return LinearPath(
        terms.kind,
        tuple(terms.vectorizer.get_feature_names_out().tolist()),
        terms.vectorizer.idf_.astype(np.float32),
        (model.coefficients / temperature).astype(np.float32),
        (model.intercept / temperature).astype(np.float32),
    )


def _folds(data: Labelled, y: npt.NDArray[np.int64], rows: Rows, seed: int) -> Rows:
    """Return the fold of each training row: without any fold there is something to learn."""
    folds = folds_of(data, rows, FOLDS, seed)
    own = y[rows]
    for fold in np.unique(folds):
        left = own[folds != fold]
        if not len(left) or (y.ndim == 1 and (left == left[0]).all()):
            raise DataError(
                "linear_path must be off where the training part without a fifth of it is of one "
                f"class or group, got {count_of(len(rows), 'row')}; {LEAVE_OUT}"
            )
    return folds
