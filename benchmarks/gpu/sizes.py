"""What is timed: sizes, kinds of mask, and the work that a size asks for."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
ITEMSIZES = {"bf16": 2, "fp16": 2, "fp32": 4}
MASKS = {"off": None, "cell": 1, "gate": 0}  # gates of the mask of h, 0 for those of the cell
PARTS = ("forward", "train")
BATCHES, LENGTHS, HIDDEN = (16, 64, 256), (128, 1024), (64, 128, 256, 512, 768, 1024)


class Size(NamedTuple):
    """What is timed: as many inputs as hidden units."""

    dtype: str
    B: int
    T: int
    H: int


def sizes(types: tuple[str, ...]) -> Iterator[Size]:
    """List the sizes in the order in which they are timed."""
    yield from itertools.starmap(Size, itertools.product(types, BATCHES, LENGTHS, HIDDEN))


def flops(cell: str, size: Size) -> float:
    """Count the operations of a forward; a training step has three times as many."""
    return 2.0 * size.T * size.B * GATES[cell] * size.H * 2 * size.H


def moved(cell: str, size: Size, train: bool) -> float:
    """Count the bytes that have to pass the device's memory at least once."""
    itemsize = ITEMSIZES[size.dtype]
    gates = GATES[cell]
    steps = size.T * size.B * size.H * itemsize
    saved = {"rnn": 0, "lstm": 5, "gru": 4}[cell]
    forward = steps * (2 + 2 * gates) + 2 * gates * size.H**2 * itemsize
    return forward + (steps * (2 * saved + 3 * gates + 3) if train else 0)
