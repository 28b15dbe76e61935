"""A text as batches: streams side by side, read chunk by chunk."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lockgate.tasks.language.network import Course
from lockgate.training.losses import IGNORED

WORDS_AT_ONCE = 512
"""Words that evaluation scores at once."""


class Rows(NamedTuple):
    """A text in rows side by side; each goes on where the one before ends."""

    inputs: Tensor  # (B, T)
    targets: Tensor  # (B, T): the word after each input


class Chunk(NamedTuple):
    """Some words of every row, on their course through the text."""

    x: Tensor  # (B, T)
    y: Tensor  # (B * T,)
    course: Course
    weight: None = None

    @property
    def inputs(self) -> tuple[Any, ...]:
        """What a network is called with."""
        return self.x, self.course

    def rows(self, which: slice) -> "Chunk":
        """Return the words of some rows, on the same course: on it they stay the same rows."""
        return Chunk(self.x[which], self.y.view_as(self.x)[which].flatten(), self.course)


def side_by_side(tokens: Tensor, rows: int, before: int) -> Rows:
    """Cut a text into `rows`.

    Every word is a target once; the first one's input is `before`, and the last row is filled up
    with what no loss counts.
    """
    steps = -(-len(tokens) // rows)
    missing = steps * rows - len(tokens)
    filling = tokens.new_full((missing,), before)
    inputs = torch.cat([tokens.new_tensor([before]), tokens[:-1], filling])
    targets = torch.cat([tokens, torch.full_like(filling, IGNORED)])
    return Rows(inputs.view(rows, steps), targets.view(rows, steps))


def cut(rows: Rows, steps: int) -> Iterator[Rows]:
    """Yield rows chunk by chunk, each beginning where the last one ended."""
    yield from map(Rows, *(torch.split(part, steps, dim=1) for part in rows))


@dataclass(frozen=True)
class Stream:
    """One part of a text, as `training.fit` draws batches from it.

    A window is `steps` words. A batch holds a window of each of the streams that the text is cut
    into, and the next batch goes on where it ended: its state comes along in the `Course` that the
    batches of an epoch share.
    """

    tokens: Tensor  # (N,) int64
    steps: int
    end: int  # what comes before the first word

    def __len__(self) -> int:
        return -(-len(self.tokens) // self.steps)

    def batch(self, index: Chunk) -> Chunk:
        """Return a chunk, which holds its words already."""
        return index

    def draw_batches(self, batch_size: int, most: int, generator: torch.Generator) -> list[Chunk]:
        """Return the chunks of an epoch in order, of at most `most` windows.

        The text is entered at a word that is drawn, and read in a ring, so that it is cut
        elsewhere in each epoch.
        """
        first = int(torch.randint(len(self.tokens), (), generator=generator))
        before = int(self.tokens[first - 1]) if first else self.end
        streams = max(1, min(batch_size, len(self.tokens) // self.steps))
        rows = side_by_side(self.tokens.roll(-first), streams, before)
        windows = list(cut(rows, self.steps))[: max(1, most // streams)]
        return _on_a_course(windows)

    def chunks(self, size: int) -> list[Chunk]:
        """Return the whole text in one row, so that each word is predicted from all before it."""
        words = min(size * self.steps, WORDS_AT_ONCE)
        return _on_a_course(cut(side_by_side(self.tokens, 1, self.end), words))

    def thinned(self, most: int) -> "Stream":
        """Return the first `most` windows: windows that are spread would lose their context."""
        return replace(self, tokens=self.tokens[: most * self.steps])

    def to(self, device: torch.device) -> "Stream":
        """Return the same text on `device`."""
        return replace(self, tokens=self.tokens.to(device))


def _on_a_course(windows: Any) -> list[Chunk]:
    course = Course()
    return [Chunk(inputs, targets.flatten(), course) for inputs, targets in windows]
