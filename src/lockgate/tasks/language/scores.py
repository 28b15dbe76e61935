"""Score a language model by the log losses of the words of a text."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lockgate.scoring.arrays import FloatArray

MOST = 700.0  # the exponential of more is no number


def scores_of(losses: FloatArray) -> dict[str, float | None]:
    """Return the mean log loss, in nats, and the perplexity, which is its exponential.

    Example:
        >>> scores_of(np.log([2.0, 8.0]))["perplexity"]
        4.0
    """
    log_loss = float(losses.mean())
    return {"log_loss": log_loss, "perplexity": perplexity(log_loss)}


def perplexity(log_loss: float) -> float:
    """Return the perplexity of a mean log loss."""
    return math.exp(min(log_loss, MOST))


class TextScorer(NamedTuple):
    """Scores predictions of one part: the log loss of each of its words.

    Probabilities of all words would be a matrix of words by vocabulary, so that what is predicted
    of a text is what it took to predict each word.
    """

    words: int
    chunk_steps: int

    @property
    def horizon(self) -> int:
        """Words of a chunk: neighbours share what they are predicted from."""
        return min(self.chunk_steps, self.words)

    @property
    def groups(self) -> None:
        """Give nothing: a text has no parts that must stay whole."""
        return None

    @property
    def counts(self) -> FloatArray:
        """Every word counts alike."""
        return np.ones(self.words)

    def scores(self, prediction: FloatArray) -> dict[str, float | None]:
        """Give the log loss and the perplexity."""
        return scores_of(prediction)

    def per_step(self, prediction: FloatArray) -> Sequence[float]:  # noqa: ARG002 - there are none
        """Give nothing: there are no steps ahead."""
        return ()

    def losses(self, prediction: FloatArray) -> FloatArray:
        """Give the loss of each word."""
        return prediction
