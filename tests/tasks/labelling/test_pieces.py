"""Pieces hold the tokens of the training texts, and how often each occurs."""

import pytest
import torch
from counting import TOKENS, examples

from lockgate.tasks.labelling.pieces import PIECE, Pieces


def test_pieces_hold_every_training_token_once_and_no_other() -> None:
    data = examples([1, PIECE, 4, 2 * PIECE + 3, PIECE + 1], rows=[0, 1, 3, 4])

    pieces = Pieces.of(data, 1)

    assert pieces.pieces.lengths.tolist() == [1, PIECE, PIECE, PIECE, 3, PIECE, 1]
    expected = [data.values[data.starts[i] : data.starts[i + 1]] for i in (0, 1, 3, 4)]
    assert torch.equal(pieces.pieces.values, torch.cat(expected))


def test_frequencies_are_those_of_the_training_rows_and_none_is_zero() -> None:
    data = examples([2, 3], rows=[0])  # the tokens 1 and 2 alone

    shares = Pieces.of(data, 1).frequencies(TOKENS)

    assert shares.shape == (TOKENS - 1,)
    assert shares.tolist() == pytest.approx([1.5 / 6] * 2 + [0.5 / 6] * 6)
