"""Texts in pieces, whose tokens a language model is to predict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from lockgate.tasks.labelling.examples import Examples

PIECE = 35
"""Most tokens that a gradient goes back: longer texts are cut, as a score for every token of the
vocabulary at each of their steps would not fit into memory."""
EVALUATED = 64
"""Pieces that are evaluated at a time, for the same reason."""


class NextTokens(NamedTuple):
    """Some pieces of texts, and the tokens that are to be predicted."""

    x: Tensor  # (B, T + 2) tokens, with padding before and behind each piece
    lengths: Tensor  # (B,): tokens of each piece
    y: Tensor  # tokens to predict, end to end, less the padding; once for each direction
    whole: Tensor  # what is to be predicted in the whole batch, of which these may be some rows
    weight: None = None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What a language model is called with."""
        return self.x, self.lengths

    def rows(self, which: slice) -> "NextTokens":
        """Return some of the pieces, as long as they are padded here."""
        row = torch.arange(len(self.x)).to(self.lengths).repeat_interleave(self.lengths)
        first, last, _ = which.indices(len(self.x))
        own = (row >= first) & (row < last)
        y = self.y.view(-1, len(row))[:, own].flatten()
        return NextTokens(self.x[which], self.lengths[which], y, self.whole)


@dataclass(frozen=True)
class Pieces:
    """The training texts in pieces, whose tokens are predicted from those before, and behind."""

    pieces: Examples
    directions: int

    @staticmethod
    def of(examples: Examples, directions: int) -> "Pieces":
        """Cut texts into pieces of at most `PIECE` tokens."""
        first = examples.starts[examples.rows]
        counts = -(-examples.lengths // PIECE)
        text = torch.arange(len(first)).repeat_interleave(counts)
        piece = torch.arange(len(text)) - (counts.cumsum(0) - counts)[text]
        begins = first[text] + PIECE * piece
        lengths = (examples.lengths[text] - PIECE * piece).clamp(max=PIECE)
        # end to end, as the rows of examples lie
        starts = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        places = torch.arange(int(starts[-1])) + (begins - starts[:-1]).repeat_interleave(lengths)
        y = torch.zeros(len(lengths), dtype=torch.int64)
        rows = torch.arange(len(lengths))
        return Pieces(Examples(examples.values[places], starts, y, rows), directions)

    def __len__(self) -> int:
        return len(self.pieces)

    @property
    def targets(self) -> Tensor:
        """What is predicted in all pieces, end to end: a number for each token but padding."""
        return self.pieces.values.long() - 1

    def frequencies(self, tokens: int) -> Tensor:
        """Return the share of each token but padding, `(tokens - 1,)`, none of them 0."""
        counts = torch.bincount(self.targets, minlength=tokens - 1).double() + 0.5
        return counts / counts.sum()

    def batch(self, index: Any) -> NextTokens:
        """Gather some pieces."""
        padded = self.pieces.batch(index)
        targets = padded.x[valid_steps(padded.x, padded.lengths)] - 1
        x = nn.functional.pad(padded.x, (1, 1))
        return NextTokens(x, padded.lengths, targets.repeat(self.directions), targets)

    def draw_batches(
        self, batch_size: int, most: int, generator: torch.Generator
    ) -> Sequence[Tensor]:
        """Draw batches of pieces of like length."""
        return self.pieces.draw_batches(batch_size, most, generator)

    def chunks(self, size: int) -> Sequence[Tensor]:
        """Return all pieces in batches to be evaluated."""
        return self.pieces.chunks(min(size, EVALUATED))

    def thinned(self, most: int) -> Self:
        """Return at most `most` of the pieces."""
        return replace(self, pieces=self.pieces.thinned(most))

    def to(self, device: torch.device) -> Self:
        """Return the same pieces on `device`."""
        return replace(self, pieces=self.pieces.to(device))


def valid_steps(x: Tensor, lengths: Tensor) -> Tensor:
    """Tell which steps are not padding, (B, T)."""
    return torch.arange(x.shape[1], device=x.device) < lengths[:, None]
