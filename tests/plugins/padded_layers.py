"""A layer as a module of plain tensors, whose steps may be padding, for graphs of it."""

from typing import Any

from torch import Tensor, nn


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
