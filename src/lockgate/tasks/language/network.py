"""Predict the next word of a text that is read chunk by chunk."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lockgate.nn import Embedding, LockedDropout, Stateful, TiedLinear
from lockgate.nn.recurrent import Recurrent
from lockgate.tasks.language.config import LanguageModelConfig
from lockgate.tasks.stack.network import build_stack, width_of


class Course:
    """The way through a text: what one chunk leaves to the next.

    That is the state, cut off from the graph, and the masks where they are held. It belongs to a
    reading of the text, not to the network, which can be on several courses.
    """

    def __init__(self) -> None:
        self._stateful: Stateful | None = None
        self._seed: Tensor | None = None

    def run(
        self, stack: Recurrent, x: Tensor, generator: torch.Generator | None, *, hold: bool
    ) -> Tensor:
        """Run the next chunk, (B, T, features); on one course the batch size stays the same."""
        if self._stateful is None:
            self._stateful = Stateful(stack, hold_masks=hold)
        return self._stateful(x, generator=generator)

    def repeating(self, generator: torch.Generator | None) -> torch.Generator:
        """Return a generator that draws for each chunk what it drew for the first."""
        if self._seed is None:
            self._seed = torch.randint(2**62, (), generator=generator)
        return torch.Generator().manual_seed(int(self._seed))


class Reading(NamedTuple):
    """What a network makes of a chunk."""

    scores: Tensor  # (B, T, words)
    raw: Tensor  # output of the stack, (B, T, features)
    dropped: Tensor  # the same after dropout


class LanguageNetwork(nn.Module):
    r"""A recurrent stack over the vectors of words, and a score for each word that may come next.

    .. math::
        p(w_{t+1} \mid w_1 \dots w_t) = \mathrm{softmax}(E P h_t + b)

    where E are the vectors by which words are read (Press and Wolf 2017, arXiv:1608.05859), or
    weights of their own, and P is there where the stack is not as wide as they are.

    Args:
        words: Size of the vocabulary.
        config: The stack, its rates, the vectors.
        generator: Draws the initial weights. Default: torch's own.

    Shape:
        - tokens: `(batch, time)`.
        - output: `(batch * time, words)`, flat, as the loss is computed.

    Example:
        >>> model = LanguageNetwork(100, LanguageModelConfig(hidden_size=8, embedding_size=4))
        >>> model(torch.zeros(2, 5, dtype=torch.int64)).shape
        torch.Size([10, 100])
    """

    def __init__(
        self,
        words: int,
        config: LanguageModelConfig,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        size, width = config.embedding_size, width_of(config)
        self.hold_masks = config.hold_masks
        self.embedding = Embedding(words, size, embedding_dropout=config.embedding_dropout)
        self.stack = build_stack(config, size)
        # by itself, since what penalises activations reads the output before dropout
        self.output_dropout = LockedDropout(config.output_dropout, batch_first=True)
        narrows = config.tied_weights and width != size
        self.join = nn.Linear(width, size, bias=False) if narrows else None
        self.head: TiedLinear | nn.Linear
        self.head = TiedLinear(self.embedding) if config.tied_weights else nn.Linear(width, words)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw every weight anew; the head's own are Glorot uniform, its bias 0."""
        self.embedding.reset_parameters(generator)
        self.stack.reset_parameters(generator)
        if self.join is not None:
            nn.init.xavier_uniform_(self.join.weight, generator=generator)
        if isinstance(self.head, nn.Linear):
            nn.init.xavier_uniform_(self.head.weight, generator=generator)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)

    def forward(
        self,
        tokens: Tensor,
        course: Course | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Score what follows each word of the next chunk.

        Args:
            tokens: The chunk.
            course: What the chunk before left; it is brought up to date. Default: the text begins.
            generator: Draws the dropout masks in training.
        """
        return self.read(tokens, course, generator=generator).scores.flatten(0, 1)

    def read(
        self,
        tokens: Tensor,
        course: Course | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Reading:
        """Read the next chunk; arguments as in `forward`."""
        course = Course() if course is None else course
        own = generator
        if self.hold_masks and self.training:
            own = course.repeating(generator)
        vectors = self.embedding(tokens, generator=own)
        raw = course.run(self.stack, vectors, generator, hold=self.hold_masks)
        dropped = self.output_dropout(raw, generator=own)
        joined = dropped if self.join is None else self.join(dropped)
        return Reading(self.head(joined), raw, dropped)
