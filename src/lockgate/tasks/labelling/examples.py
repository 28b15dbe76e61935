"""Batches of sequences of unequal length, padded as little as can be."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lockgate.tasks.labelling.labelled import Ragged
from lockgate.training.losses import IGNORED

# batches whose examples are sorted by length together, once in an epoch: more would make batches
# alike from epoch to epoch, fewer pad more
_BATCHES_IN_BUCKET = 50


class Padded(NamedTuple):
    """Some sequences, gathered and padded to the longest of them."""

    x: Tensor  # (B, T, C) float32, scaled, or (B, T) int64 tokens; zero where padded
    lengths: Tensor  # (B,) int64
    y: Tensor  # (B,) classes, (B, K) of several labels, (B, T) of labels at steps, (B, 1) numbers
    weight: Tensor | None  # (B,) or (B, T): how much an example counts in training
    linear: Tensor | None = None  # (B, K): scores of a linear model

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What a network is called with."""
        inputs = self.x, self.lengths
        return inputs if self.linear is None else (*inputs, self.linear)

    def rows(self, which: slice) -> "Padded":
        """Return some of the sequences, as long as they are padded here."""
        weight = None if self.weight is None else self.weight[which]
        linear = None if self.linear is None else self.linear[which]
        return Padded(self.x[which], self.lengths[which], self.y[which], weight, linear)


@dataclass(frozen=True)
class Examples:
    """The examples of one part, as rows of the arrays of all of them.

    Sequences lie end to end; `batch` gathers and pads those that it is asked for.
    """

    values: Tensor  # (steps, C) float32 or (steps,) int32 tokens, of every part
    starts: Tensor  # (N + 1,) int64, of every part
    y: Tensor  # (N,) int64, (N, K) or (N, 1) float32, or (steps,) int64 for labels at steps
    rows: Tensor  # (n,) int64: those of this part
    weights: Tensor | None = None  # like y along its first axis
    at_steps: bool = False
    linear: Tensor | None = None  # (N, K) float32: scores of a linear model, of every part
    mixed: Tensor | None = None  # (n, K): probabilities of what a network is mixed with

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def lengths(self) -> Tensor:
        """Steps of each example of this part."""
        return self.starts[self.rows + 1] - self.starts[self.rows]

    @property
    def channels(self) -> int:
        """Channels of a step; 0 for tokens."""
        return self.values.shape[1] if self.values.ndim == 2 else 0

    def batch(self, index: Tensor | slice) -> Padded:
        """Gather the examples `index` of this part."""
        rows = self.rows[index]
        first = self.starts[rows]
        lengths = self.starts[rows + 1] - first
        steps = torch.arange(int(lengths.max()), device=rows.device)
        valid = steps < lengths[:, None]
        # padding reads the first step, which is there, and is zeroed then
        places = first[:, None] + torch.where(valid, steps, 0)
        x = self.values[places]
        x = x.long() * valid if x.ndim == 2 else x * valid[..., None]
        if not self.at_steps:
            linear = None if self.linear is None else self.linear[rows]
            return Padded(x, lengths, self.y[rows], self._weight(rows), linear)
        y = self.y[places].masked_fill(~valid, IGNORED)
        return Padded(x, lengths, y, self._weight(places))

    def truth(self) -> Tensor:
        """Return the labels of every example in order; those at steps end to end."""
        if not self.at_steps:
            return self.y[self.rows]
        return torch.cat([self.y[self.starts[r] : self.starts[r + 1]] for r in self.rows.tolist()])

    def draw_batches(self, batch_size: int, most: int, generator: torch.Generator) -> list[Tensor]:
        """Draw at most `most` examples without replacement, into batches of like length."""
        order = torch.randperm(len(self), generator=generator)[:most]
        lengths = self.lengths.cpu()
        batches: list[Tensor] = []
        for bucket in torch.split(order, _BATCHES_IN_BUCKET * batch_size):
            batches += torch.split(bucket[lengths[bucket].argsort(stable=True)], batch_size)
        return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]

    def chunks(self, size: int) -> list[Tensor]:
        """Return all examples in batches of like length, to be evaluated."""
        return list(torch.split(self.lengths.cpu().argsort(stable=True), size))

    def padded_share(self, batch_size: int) -> float:
        """Return the share of padding in batches of like length."""
        lengths = self.lengths.cpu()
        padded = sum(len(part) * int(lengths[part].max()) for part in self.chunks(batch_size))
        return 1.0 - float(lengths.sum()) / padded

    def thinned(self, most: int) -> "Examples":
        """Return at most `most` of the examples, evenly spread over the part."""
        if len(self) <= most:
            return self
        index = torch.from_numpy(np.linspace(0, len(self) - 1, most).round().astype(np.int64))
        return replace(self, rows=self.rows[index.to(self.rows.device)])

    def to(self, device: torch.device) -> "Examples":
        """Return the same examples with their arrays on `device`."""
        return replace(
            self,
            values=self.values.to(device),
            starts=self.starts.to(device),
            y=self.y.to(device),
            rows=self.rows.to(device),
            weights=None if self.weights is None else self.weights.to(device),
            linear=None if self.linear is None else self.linear.to(device),
        )

    def _weight(self, places: Tensor) -> Tensor | None:
        return None if self.weights is None else self.weights[places]


def lay_out(items: Ragged, *, at_steps: bool, linear: Tensor | None = None) -> Examples:
    """Lay out encoded items without labels; `linear` as in `Examples`."""
    targets = len(items.values) if at_steps else len(items)
    return Examples(
        values=torch.from_numpy(items.values),
        starts=torch.from_numpy(items.starts),
        y=torch.zeros(targets, dtype=torch.int64),
        rows=torch.arange(len(items)),
        at_steps=at_steps,
        linear=linear,
    )
