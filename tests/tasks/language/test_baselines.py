"""The baselines are distributions, and those of the books."""

import numpy as np
import pytest

from lockgate.tasks.language.baselines import Bigram, Unigram, fit_baselines

WORDS = 6
TOKENS = np.random.default_rng(0).integers(1, 5, 60)


def test_unigram_counts_each_word_once_more() -> None:
    found = Unigram.fit(np.array([2, 2, 3]), 4).probabilities(np.array([0, 2, 3]))

    assert found.tolist() == pytest.approx([1 / 7, 3 / 7, 2 / 7])


@pytest.mark.parametrize("before", range(WORDS))
def test_bigram_is_a_distribution_after_any_word(before: int) -> None:
    fitted = Bigram.fit(TOKENS, WORDS, before=1)

    found = fitted._replace(before=before)
    total = sum(found.probabilities(np.array([word]))[0] for word in range(WORDS))

    assert total == pytest.approx(1.0)


def test_bigram_is_that_of_a_hand_computation() -> None:
    # after 0: 1 twice and 2 once; after 1: 0 twice; after 2: nothing; kinds before: 1, 1, 1
    fitted = Bigram.fit(np.array([1, 0, 1, 0, 2]), 3, before=0)
    discount = 1 / (1 + 2 * 2)

    found = fitted.probabilities(np.array([1, 2]))

    after_0 = (2 - discount) / 3 + discount * 2 / 3 * (1 + 1) / (3 + 3)
    after_1 = 0 + discount * 1 / 2 * (1 + 1) / (3 + 3)
    assert fitted.discount == discount
    assert found.tolist() == pytest.approx([after_0, after_1])


def test_pairs_are_worth_more_than_words_where_they_matter() -> None:
    tokens = np.tile([2, 3, 4, 5], 30)

    losses = {b.name: -np.log(b.probabilities(tokens)).mean() for b in fit_baselines(tokens, 6, 1)}

    assert losses["bigram"] < 0.1 < losses["unigram"]
