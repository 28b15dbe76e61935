"""A layer as a module of plain tensors, whose steps may be padding, for graphs of it."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lockgate.nn import LSTM
from lockgate.tasks.graphs import Graph

CHANNELS, SIZE = 5, 7


class Layer(nn.Module):
    """A layer whose state is flat, with padding anywhere."""

    def __init__(self, layer: Any, *, masked: bool) -> None:
        super().__init__()
        self.layer, self.masked = layer, masked

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Take a sequence, and where it is masked which steps are valid."""
        x, mask = given if self.masked else (*given, None)
        output, state = self.layer(x, mask=mask)
        return (output, *(state if isinstance(state, tuple) else (state,)))


def graph_of(
    layer: Any, *, masked: bool, axes: Mapping[int, str], lengths: tuple[int, ...]
) -> Graph:
    """Return a graph of a layer of `CHANNELS` and `SIZE`, with some dimensions that are free."""

    def draw(batch: int, steps: int, generator: torch.Generator) -> dict[str, Tensor]:
        x = torch.randn(batch, steps, CHANNELS, generator=generator)
        mask = torch.rand(batch, steps, generator=generator) > 0.4
        mask[1:2] = False  # all of it is padding
        # a NaN in padding must reach nothing
        told = {"x": x.masked_fill(~mask[..., None], torch.nan) if masked else x}
        return told | ({"mask": mask} if masked else {})

    state = ("h", "c") if isinstance(layer, LSTM) else ("h",)
    module = Layer(layer.eval(), masked=masked)
    free = dict.fromkeys(("x", "mask")[: 1 + masked], axes)
    return Graph(module, free, ("output", *state), draw, lengths)
