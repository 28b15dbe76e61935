"""The batches of a fit, in stretches from one validation to the next."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch

from lockgate.training.config import TrainingConfig
from lockgate.training.data import Data


class Stretches:
    """Draws epochs and parts each where it is validated, up to the last step there may be.

    Args:
        train: What batches are drawn from.
        config: Of it the sizes and limits.
        generator: Draws the order of each epoch.
    """

    def __init__(self, train: Data, config: TrainingConfig, generator: torch.Generator) -> None:
        self._train, self._config, self._generator = train, config, generator
        self._first = self._draw()
        self._edges = self._parted(len(self._first))

    @property
    def per_epoch(self) -> int:
        """Stretches of an epoch: no more than it has batches."""
        return len(self._edges) - 1

    @property
    def epoch_steps(self) -> int:
        """Batches of an epoch."""
        return len(self._first)

    @property
    def most_steps(self) -> int:
        """Steps in all, if nothing ends the fit before."""
        most = self._config.max_epochs * len(self._first)
        return most if self._config.max_steps is None else min(most, self._config.max_steps)

    def __iter__(self) -> Iterator[Sequence[Any]]:
        """Yield the batches of each stretch; the last may be cut short."""
        left, batches = self.most_steps, self._first
        while True:
            for start, end in pairwise(self._edges):
                if stretch := batches[start : min(end, left)]:
                    yield stretch
            left -= len(batches)
            if left <= 0:
                return
            batches = self._draw()

    def _draw(self) -> Sequence[Any]:
        sizes = self._config.batch_size, self._config.epoch_windows
        return self._train.draw_batches(*sizes, self._generator)

    def _parted(self, batches: int) -> list[int]:
        count = min(self._config.validations, batches)
        return [batches * k // count for k in range(count + 1)]
