"""Stretches are all batches of every epoch in order, cut where an epoch is validated."""

from itertools import chain

import pytest
import torch

from lockgate.training.config import TrainingConfig
from lockgate.training.stretches import Stretches


class Drawn:
    """Batches that tell their epoch and their number in it."""

    def __init__(self, batches: int) -> None:
        self.batches, self.epoch = batches, 0

    def draw_batches(self, *_: object) -> list[tuple[int, int]]:
        self.epoch += 1
        return [(self.epoch, number) for number in range(self.batches)]


def stretches(batches: int, **settings: object) -> tuple[Drawn, Stretches]:
    data = Drawn(batches)
    return data, Stretches(data, TrainingConfig(**settings), torch.Generator())


@pytest.mark.parametrize(
    ("batches", "validations", "lengths"),
    [(7, 1, [7]), (7, 3, [2, 2, 3]), (6, 3, [2, 2, 2]), (2, 3, [1, 1]), (4, 3, [1, 1, 2])],
)
def test_an_epoch_is_parted_into_as_many_as_it_is_validated(
    batches: int, validations: int, lengths: list[int]
) -> None:
    _, parted = stretches(batches, validations=validations, max_epochs=2)

    found = list(parted)

    assert [len(stretch) for stretch in found] == lengths * 2
    assert parted.per_epoch == len(lengths)
    assert list(chain(*found)) == [(e, n) for e in (1, 2) for n in range(batches)]


@pytest.mark.parametrize("steps", [1, 2, 3, 6, 7, 8, 20])
def test_max_steps_cuts_the_last_stretch(steps: int) -> None:
    data, parted = stretches(7, validations=3, max_steps=steps)

    found = list(chain(*parted))

    assert len(found) == steps == parted.most_steps
    assert data.epoch == -(-steps // 7)  # none is drawn that is not used
