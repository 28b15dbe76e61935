"""Score a language model on texts that it has not learned from."""

from typing import Any, NamedTuple, Protocol

import numpy as np

from lockgate.errors import count_of
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.tasks.base import Section
from lockgate.tasks.language.config import LanguageConfig
from lockgate.tasks.language.prepare import LanguagePreprocessing
from lockgate.tasks.language.scores import scores_of
from lockgate.tasks.language.words import Pieces


class Reader(Protocol):
    """What reads texts: a fitted language model."""

    @property
    def preprocessing(self) -> LanguagePreprocessing:
        """The words that it knows."""
        ...

    @property
    def config(self) -> LanguageConfig:
        """The settings that it was trained with."""
        ...

    def read(self, source: Any) -> Pieces:
        """Read texts."""
        ...

    def encode(self, words: list[str]) -> IntArray:
        """Number words."""
        ...

    def losses_of(self, pieces: Pieces, tokens: list[IntArray]) -> list[FloatArray]:
        """Give the log losses of each text."""
        ...


class LanguageEvaluation(NamedTuple):
    """How a language model does on texts that it has not learned from."""

    metric: str
    source: str
    words: int
    """Words that were scored, ends of lines counted."""
    unknown: float
    """The share of them that it does not know."""
    notices: tuple[str, ...]
    """What a reader should know of how they were read."""
    scores: dict[str, float | None]

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values that JSON can hold."""
        return {**self._asdict(), "notices": list(self.notices)}

    def sections(self) -> tuple[Section, ...]:
        """Give what a terminal shows: which words, and a table of the scores."""
        title = f"{count_of(self.words, 'word')} of {self.source}, {self.unknown:.1%} unknown"
        notes = (f"note: {notice}" for notice in self.notices)
        return (Section((title, *notes), ({"model": "model", **self.scores},)),)


def evaluate(fitted: Reader, source: Any) -> LanguageEvaluation:
    """Score a language model on texts, read as those that it was trained on were.

    Raises:
        DataError: If they cannot be read, or hold no word.
    """
    pieces = fitted.read(source)
    tokens = [fitted.encode(words) for words in pieces.words]
    losses = np.concatenate(fitted.losses_of(pieces, tokens))
    unknown = np.concatenate(tokens) == fitted.preprocessing.unknown
    return LanguageEvaluation(
        metric=fitted.config.training.metric,
        source=pieces.source,
        words=len(losses),
        unknown=float(unknown.mean()),
        notices=pieces.notices,
        scores=scores_of(losses),
    )
