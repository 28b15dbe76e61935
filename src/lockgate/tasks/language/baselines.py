"""What predicts the next word without a network: how frequent words and pairs of words are."""

from typing import NamedTuple, Protocol

import numpy as np

from lockgate.scoring.arrays import FloatArray, IntArray


class Baseline(Protocol):
    """Predicts each word of a text, fitted."""

    @property
    def name(self) -> str:
        """What the results call it."""
        ...

    @property
    def setting(self) -> str:
        """What was chosen for it, in words."""
        ...

    def probabilities(self, tokens: IntArray) -> FloatArray:
        """Give the probability of each word of a text, (N,), after all before it."""
        ...


class Unigram(NamedTuple):
    """The frequency of a word, whatever stands before it; each is counted once more than it is."""

    counts: FloatArray  # (words,)
    name: str = "unigram"
    setting: str = "add one"

    @classmethod
    def fit(cls, tokens: IntArray, words: int) -> "Unigram":
        """Count the words of a text."""
        counts: FloatArray = np.bincount(tokens, minlength=words).astype(np.float64)
        return cls(counts + 1.0)

    def probabilities(self, tokens: IntArray) -> FloatArray:
        """Give the share of each word."""
        found: FloatArray = (self.counts / self.counts.sum())[tokens]
        return found


class Bigram(NamedTuple):
    r"""Interpolated Kneser-Ney smoothing of pairs of words.

    .. math::
        p(v \mid u) = \frac{\max(c(uv) - D, 0)}{c(u)} + \frac{D \, N(u\cdot)}{c(u)} q(v)

    where N(u·) counts the words seen after u, q(v) is how many words v was seen after, each counted
    once more, as a share of all, and D = n_1 / (n_1 + 2 n_2) of the pairs that were seen once and
    twice (Chen and Goodman 1999, doi:10.1006/csla.1999.0128). After a word that was never seen it
    is q(v).
    """

    pairs: IntArray  # sorted: u * words + v
    pair_counts: FloatArray
    follows: FloatArray  # (words,): c(u)
    kinds: FloatArray  # (words,): N(u·)
    continued: FloatArray  # (words,): q(v)
    discount: float
    before: int  # what stands before the first word
    name: str = "bigram"

    @property
    def setting(self) -> str:
        """The discount."""
        return f"Kneser-Ney, discount {self.discount:.2f}"

    @classmethod
    def fit(cls, tokens: IntArray, words: int, before: int) -> "Bigram":
        """Count the pairs of a text."""
        pairs, counts = np.unique(_pairs(tokens, words, before), return_counts=True)
        once, twice = int((counts == 1).sum()), int((counts == 2).sum())
        first, second = pairs // words, pairs % words
        after = np.bincount(second, minlength=words) + 1.0
        return cls(
            pairs=pairs,
            pair_counts=counts.astype(np.float64),
            follows=np.bincount(first, weights=counts, minlength=words).astype(np.float64),
            kinds=np.bincount(first, minlength=words).astype(np.float64),
            continued=after / after.sum(),
            # where no pair was seen once nothing would be left for what is new
            discount=once / (once + 2 * twice) if once else 0.5,
            before=before,
        )

    def probabilities(self, tokens: IntArray) -> FloatArray:
        """Give the probability of each word after the one before it."""
        words = len(self.continued)
        asked = _pairs(tokens, words, self.before)
        place = np.searchsorted(self.pairs, asked).clip(max=len(self.pairs) - 1)
        count = np.where(self.pairs[place] == asked, self.pair_counts[place], 0.0)
        first = asked // words
        follows = np.maximum(self.follows[first], 1.0)
        seen = np.maximum(count - self.discount, 0.0) / follows
        left = np.where(self.follows[first] > 0.0, self.discount * self.kinds[first] / follows, 1.0)
        found: FloatArray = seen + left * self.continued[tokens]
        return found


def _pairs(tokens: IntArray, words: int, before: int) -> IntArray:
    """Return the number of each word with the one before it."""
    first = np.concatenate([[before], tokens[:-1]]).astype(np.int64)
    pairs: IntArray = first * words + tokens
    return pairs


def fit_baselines(tokens: IntArray, words: int, before: int) -> tuple[Baseline, ...]:
    """Fit all of them to the training part.

    Args:
        tokens: The text.
        words: Size of the vocabulary.
        before: What stands before its first word.
    """
    return Unigram.fit(tokens, words), Bigram.fit(tokens, words, before)
