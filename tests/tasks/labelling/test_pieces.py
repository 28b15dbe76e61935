"""Pieces hold the tokens of the training texts, and how often each occurs."""

import numpy as np
import pytest
import torch

from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.pieces import PIECE, Pieces

TOKENS = 9


def examples(lengths: list[int], rows: list[int] | None = None) -> Examples:
    """Texts that count on from a token of their own; token 0 is padding."""
    texts = [np.arange(i, i + n) % (TOKENS - 1) + 1 for i, n in enumerate(lengths)]
    ragged = Ragged.of([text.astype(np.int32) for text in texts])
    return Examples(
        torch.from_numpy(ragged.values),
        torch.from_numpy(ragged.starts),
        torch.zeros(len(lengths), dtype=torch.int64),
        torch.arange(len(lengths)) if rows is None else torch.tensor(rows),
    )


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
