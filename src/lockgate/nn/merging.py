"""How the outputs of a layer's directions become what the next layer reads."""

from collections.abc import Sequence

import torch
from torch import Tensor


def merge(directions: Sequence[Tensor], merge_mode: str) -> Tensor:
    """Make one output (..., F) of those of all directions."""
    if len(directions) == 1:
        return directions[0]
    if merge_mode in ("concat", "none"):
        return torch.cat(list(directions), dim=-1)
    onward, backward = directions
    if merge_mode == "mul":
        return onward * backward
    total = onward + backward
    return total / 2 if merge_mode == "mean" else total


def add_input(outputs: Sequence[Tensor], x: Tensor) -> tuple[Tensor, ...]:
    """Add what a layer read to its output; where its directions stay apart, to each its part."""
    parts = x.chunk(len(outputs), dim=2)
    return tuple(output + part for output, part in zip(outputs, parts, strict=True))
