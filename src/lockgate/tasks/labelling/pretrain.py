"""Train the embedding and the stack of a classifier of texts as a language model first."""

import copy
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from lockgate.errors import DataError, count_of
from lockgate.nn import LockedDropout
from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.labelling.network import ClassifierNetwork
from lockgate.training.fit import fit
from lockgate.training.history import History
from lockgate.training.losses import whole_loss
from lockgate.training.streams import Streams

LOG = logging.getLogger(__name__)
PIECE = 35
"""Most tokens that a gradient goes back: longer texts are cut, as a score for every token of the
vocabulary at each of their steps would not fit into memory."""
EVALUATED = 64
"""Pieces that are evaluated at a time, for the same reason."""
TIMED_STEPS = 3


class NextTokens(NamedTuple):
    """Some pieces of texts, and the tokens that are to be predicted."""

    x: Tensor  # (B, T + 2) tokens, with padding before and behind each piece
    lengths: Tensor  # (B,): tokens of each piece
    y: Tensor  # tokens to predict, end to end, less the padding; once for each direction
    weight: None = None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What a language model is called with."""
        return self.x, self.lengths


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

    def batch(self, index: Any) -> NextTokens:
        """Gather some pieces."""
        padded = self.pieces.batch(index)
        targets = padded.x[_valid(padded.x, padded.lengths)] - 1
        x = nn.functional.pad(padded.x, (1, 1))
        return NextTokens(x, padded.lengths, targets.repeat(self.directions))

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


class LanguageModel(nn.Module):
    """The embedding and the stack of a classifier, and what predicts tokens from their output.

    What reads forward predicts the next token, what reads backward the one before. Scores of the
    tokens are products with their vectors in the embedding (Press and Wolf 2017, arXiv:1608.05859).

    Shape:
        - x, lengths: as in `NextTokens`.
        - output: `(predictions, tokens - 1)`; padding, token 0, is never predicted.
    """

    def __init__(self, classifier: ClassifierNetwork, generator: torch.Generator) -> None:
        super().__init__()
        assert classifier.embedding is not None
        self.embedding, self.stack = classifier.embedding, classifier.stack
        self.dropout: LockedDropout = classifier.output_dropout
        tokens, features = self.embedding.weight.shape
        width, directions = classifier.width, classifier.directions
        sizes = [width // directions] * directions
        projections = [nn.Linear(size, features) for size in sizes]
        for projection in projections:
            nn.init.xavier_uniform_(projection.weight, generator=generator)
            nn.init.zeros_(projection.bias)
        self.projections = nn.ModuleList(projections)
        self.bias = nn.Parameter(torch.zeros(tokens - 1))

    def forward(
        self, x: Tensor, lengths: Tensor, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """Score every token at each place of a batch."""
        output, _ = self.stack(
            self.embedding(x, generator=generator),
            mask=_valid(x, lengths + 2),
            generator=generator,
        )
        output = self.dropout(output, generator=generator)
        valid = _valid(x[:, 2:], lengths)
        # at the first step nothing was read but padding, and the first token is predicted
        parts = output.chunk(len(self.projections), dim=-1)
        seen = parts[0][:, :-2], *(part[:, 2:] for part in parts[1:])
        predicted = torch.cat(
            [project(part[valid]) for project, part in zip(self.projections, seen, strict=True)]
        )
        return nn.functional.linear(predicted, self.embedding.weight[1:], self.bias)


def pretrain(
    classifier: ClassifierNetwork,
    train: Examples,
    config: LabelConfig,
    seed: int = 0,
    on_epoch: Callable[[History], None] = lambda _: None,
) -> History:
    """Train embedding and stack in place to predict the tokens of the training texts.

    Args:
        classifier: Whose embedding and stack are trained; its head stays as it is.
        train: The training texts; their labels are not looked at.
        config: `config.model.pretrain_epochs` passes, else as `config.training`.
        seed: Of the fit.
        on_epoch: Called with the losses so far after every epoch.

    Raises:
        DataError: If the loss diverges.
    """
    streams = Streams.of(config.training.random_state, seed, "pretrain")
    model = LanguageModel(classifier, streams.weights)
    pieces = Pieces.of(train, classifier.directions)
    epochs = config.model.pretrain_epochs
    training = config.training.model_copy(
        update={
            "metric": "log_loss",
            "max_epochs": epochs,
            "max_steps": None,
            "epoch_windows": len(pieces),
        }
    )
    steps = -(-len(pieces) // training.batch_size)
    minutes = epochs * steps * _seconds_of_step(model, pieces, training.batch_size) / 60
    LOG.warning(
        "note: pre-training on %s, %s of %s: %s",
        count_of(int(train.lengths.sum()), "token"),
        count_of(epochs, "epoch"),
        count_of(steps, "step"),
        f"about {minutes:.0f} minutes" if minutes >= 1.5 else "a minute or less",
    )

    def told(history: History) -> None:
        perplexity = math.exp(min(history.training[-1], 100.0))
        LOG.info("pre-training epoch %d: perplexity %.1f", history.epochs, perplexity)
        on_epoch(history)

    history = fit(model, pieces, None, training, streams, told)
    if history.stopped == "diverged":
        raise DataError("pre-training diverged: pass a smaller learning_rate")
    return history


def _seconds_of_step(model: LanguageModel, pieces: Pieces, batch_size: int) -> float:
    """Time a few steps of a copy."""
    tried, few = copy.deepcopy(model).train(), pieces.thinned(batch_size)
    batch, masks = few.batch(slice(None)), torch.Generator()
    times = []
    for _ in range(TIMED_STEPS):
        began = time.perf_counter()
        for loss in whole_loss(tried, batch, LabelConfig().training, masks):
            torch.autograd.backward(loss)
        times.append(time.perf_counter() - began)
    return min(times)


def _valid(x: Tensor, lengths: Tensor) -> Tensor:
    """Tell which steps are not padding, (B, T)."""
    return torch.arange(x.shape[1], device=x.device) < lengths[:, None]
