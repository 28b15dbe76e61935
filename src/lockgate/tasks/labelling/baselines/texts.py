"""Baselines of texts: TF-IDF of words or characters, and a linear model of it."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.scoring.baselines import Grid
from lockgate.tasks.labelling.baselines.common import (
    FitData,
    Items,
    Logistic,
    fit_logistic,
    logistic_fits,
    search_ridge,
)
from lockgate.tasks.labelling.parts import Rows

STRENGTHS = Grid((0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4), 4, 7)
PENALTIES = Grid((1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3), 4, 9)
FEWEST_TEXTS = 2
"""Training texts that a term must occur in."""
MOST_CHARACTERS = 5_000_000
"""Most characters of training texts, times classes, whose runs within words are tried: of a word
there are dozens, and more would take minutes."""

Kind: TypeAlias = Literal["words", "within words", "runs"]
_OPTIONS: dict[Kind, dict[str, Any]] = {
    "words": {"analyzer": "word", "ngram_range": (1, 2)},
    "within words": {"analyzer": "char_wb", "ngram_range": (2, 5)},
    "runs": {"analyzer": "char", "ngram_range": (1, 3)},
}
_TOLD: dict[Kind, str] = {
    "words": "words and pairs of words",
    "within words": "runs of 2 to 5 characters within words",
    "runs": "runs of 1 to 3 characters",
}


class Terms(NamedTuple):
    """Weights of the terms of a text, learned from training texts."""

    vectorizer: Any
    setting: str
    """What the terms are, in words."""
    kind: Kind

    def of(self, items: Items, rows: Rows) -> sparse.csr_matrix:
        """Return the weights `(len(rows), terms)`."""
        return self.vectorizer.transform(_texts(items, rows))

    @staticmethod
    def known(kind: Kind, terms: Sequence[str], idf: FloatArray) -> "Terms":
        """Return terms that were learned before, by their names and document frequencies."""
        vectorizer = TfidfVectorizer(vocabulary=terms, sublinear_tf=True, **_OPTIONS[kind])
        vectorizer.idf_ = idf
        return Terms(vectorizer, _TOLD[kind], kind)


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
        return f"{self.terms.setting}, penalty {self.penalty:g}, {PENALTIES.told(self.penalty)}"

    def numbers(self, items: Items, rows: Rows) -> FloatArray:
        """Predict a number for each of the texts `rows`."""
        return np.asarray(self.model.predict(self.terms.of(items, rows)), dtype=np.float64)


def fit_terms(
    items: Items, train: Rows, *, by_character: bool, classes: int = 1
) -> tuple[Terms, ...] | str:
    """Learn each kind of terms of the training texts, or return why there are none.

    Words and pairs of them; and runs of 2 to 5 characters within words, or by character of 1 to 3
    anywhere. A term's weight is (1 + log of its count) times the inverse document frequency, over
    the norm of the text.
    """
    texts = _texts(items, train)
    characters = sum(map(len, texts)) * classes
    kinds: list[Kind] = ["words", "runs" if by_character else "within words"]
    left_out = ""
    if not by_character and characters > MOST_CHARACTERS:
        kinds.pop()
        left_out = (
            f" (runs within words are not tried: {characters:,} characters times classes are over "
            f"{MOST_CHARACTERS:,})"
        )
    found = [(kind, _fitted(texts, kind)) for kind in kinds]
    terms = tuple(Terms(v, _TOLD[kind] + left_out, kind) for kind, v in found if v is not None)
    return terms or f"no word or run of characters occurs in {FEWEST_TEXTS} training texts or more"


def _fitted(texts: Sequence[str], kind: Kind) -> Any:
    """Return the vectorizer of the terms of a kind, or None if there are none."""
    vectorizer = TfidfVectorizer(min_df=FEWEST_TEXTS, sublinear_tf=True, **_OPTIONS[kind])
    try:
        return vectorizer.fit(texts)
    except ValueError:
        return None


def fit_text_logistic(data: FitData, kinds: Sequence[Terms]) -> TextLogistic:
    """Fit a logistic regression on TF-IDF: terms and C by the log loss on validation."""
    fits: list[tuple[Terms, Logistic, float]] = []
    for terms in kinds:
        # the best strength of one kind is near that of another
        grid = STRENGTHS.near(fits[0][1].strength) if fits else STRENGTHS
        fits.append((terms, *fit_logistic(*_features(data, terms), data.classes, grid)))
    terms, model, _ = min(fits, key=lambda fit: fit[-1])
    return TextLogistic(terms, model)


def refit_text_logistic(
    fitted: TextLogistic, items: Items, y: IntArray, rows: Rows, classes: int
) -> TextLogistic:
    """Fit terms of the same kind and a model of the same strength to other rows."""
    kind, strength = fitted.terms.kind, fitted.model.strength
    vectorizer = _fitted(_texts(items, rows), kind)
    terms = fitted.terms._replace(vectorizer=vectorizer)
    fit = logistic_fits(terms.of(items, rows), y[rows], classes, fitted.model.strengths)
    return TextLogistic(terms, fit(strength))


def fit_text_ridge(data: FitData, kinds: Sequence[Terms], power: float) -> TextRidge:
    """Fit a ridge on TF-IDF: terms and penalty by the mean of |error|^power on validation."""
    fits = [
        (terms, *search_ridge(*_features(data, terms), PENALTIES, power, solver="sparse_cg"))
        for terms in kinds
    ]
    terms, model, penalty, _ = min(fits, key=lambda fit: fit[-1])
    return TextRidge(terms, model, penalty)


def _features(data: FitData, terms: Terms) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return the weights and the labels of the training rows, and of those of validation."""
    train, validation = (
        (terms.of(data.items, rows), data.y[rows]) for rows in (data.train, data.validation)
    )
    return train, validation


def _texts(items: Items, rows: Rows) -> Sequence[str]:
    return [str(items[row]) for row in rows.tolist()]
