"""Perplexity is the exponential of the mean log loss."""

import numpy as np
import pytest

from lockgate.tasks.language.scores import TextScorer, perplexity, scores_of


def test_perplexity_is_that_of_a_hand_computation() -> None:
    found = scores_of(-np.log([0.5, 0.25, 0.125]))

    assert found["log_loss"] == pytest.approx(2 * np.log(2))
    assert found["perplexity"] == pytest.approx(4.0)


def test_a_word_that_cannot_be_leaves_a_number() -> None:
    assert np.isfinite(perplexity(1e6))


def test_losses_mean_the_score() -> None:
    scorer, losses = TextScorer(words=30, chunk_steps=7), np.arange(30.0)

    found = scorer.losses(losses)

    assert found.mean() == scorer.scores(losses)["log_loss"]
    assert len(found) == len(scorer.counts)
    assert scorer.horizon == 7
