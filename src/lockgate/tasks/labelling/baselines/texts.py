"""Baselines of texts: TF-IDF of words or characters, and a linear model of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge

from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.labelling.baselines.common import FitData, Items, Logistic, fit_logistic
from lockgate.tasks.labelling.parts import Rows

STRENGTHS = (0.3, 1.0, 3.0, 10.0)
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0)
FEWEST_TEXTS = 2
"""Training texts that a term must occur in."""


class Terms(NamedTuple):
    """Weights of the terms of a text, learned from training texts."""

    vectorizer: Any
    by_character: bool

    @property
    def setting(self) -> str:
        """What the terms are, in words."""
        return "runs of 1 to 3 characters" if self.by_character else "words and pairs of words"

    def of(self, items: Items, rows: Rows) -> sparse.csr_matrix:
        """Return the weights `(len(rows), terms)`."""
        return self.vectorizer.transform(_texts(items, rows))


class TextLogistic(NamedTuple):
    """Logistic regression on TF-IDF."""

    terms: Terms
    model: Logistic
    name: str = "TF-IDF + logistic regression"

    @property
    def setting(self) -> str:
        """The terms and the chosen strength, in words."""
        return f"{self.terms.setting}, {self.model.setting}"

    def probabilities(self, items: Items, rows: Rows) -> FloatArray:
        """Classify the texts `rows`, `(len(rows), K)`."""
        return self.model.probabilities(self.terms.of(items, rows))


class TextRidge(NamedTuple):
    """Ridge regression on TF-IDF: a number for a text."""

    terms: Terms
    model: Any
    penalty: float
    name: str = "TF-IDF + ridge"

    @property
    def setting(self) -> str:
        """The terms and the chosen penalty, in words."""
        return f"{self.terms.setting}, penalty {self.penalty:g}, chosen on validation"

    def numbers(self, items: Items, rows: Rows) -> FloatArray:
        """Predict a number for each of the texts `rows`."""
        return np.asarray(self.model.predict(self.terms.of(items, rows)), dtype=np.float64)


def fit_terms(items: Items, train: Rows, *, by_character: bool) -> Terms | str:
    """Learn the terms of the training texts, or return the reason why there are none.

    A term is a word or a pair of words, or by character a run of 1 to 3 of them. Its weight is
    (1 + log of its count) times the inverse document frequency, over the norm of the text.
    """
    vectorizer = TfidfVectorizer(
        analyzer="char" if by_character else "word",
        ngram_range=(1, 3) if by_character else (1, 2),
        min_df=FEWEST_TEXTS,
        sublinear_tf=True,
    )
    try:
        vectorizer.fit(_texts(items, train))
    except ValueError:
        what = "character" if by_character else "word"
        return f"no {what} occurs in {FEWEST_TEXTS} training texts or more"
    return Terms(vectorizer, by_character)


def fit_text_logistic(data: FitData, terms: Terms) -> TextLogistic:
    """Fit a logistic regression on TF-IDF, C one of `STRENGTHS` by the log loss on validation."""
    model = fit_logistic(
        (terms.of(data.items, data.train), data.y[data.train]),
        (terms.of(data.items, data.validation), data.y[data.validation]),
        data.classes,
        STRENGTHS,
    )
    return TextLogistic(terms, model)


def fit_text_ridge(data: FitData, terms: Terms, power: float) -> TextRidge:
    """Fit a ridge on TF-IDF, its penalty chosen by the mean of |error|^power on validation."""
    x, x_validation = (terms.of(data.items, rows) for rows in (data.train, data.validation))
    candidates = [
        TextRidge(terms, Ridge(alpha=alpha, solver="sparse_cg").fit(x, data.y[data.train]), alpha)
        for alpha in PENALTIES
    ]
    truth = data.y[data.validation]
    return min(
        candidates,
        key=lambda c: float((np.abs(c.model.predict(x_validation) - truth) ** power).mean()),
    )


def _texts(items: Items, rows: Rows) -> Sequence[str]:
    return [str(items[row]) for row in rows.tolist()]
