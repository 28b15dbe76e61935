"""Truncated backpropagation through time: a gradient that goes back some steps and no further.

What lies further back is run all the same: its state, and the dropout masks that are held over a
sequence, are carried on (Williams and Peng 1990, doi:10.1162/neco.1990.2.4.490).
"""

import torch
from torch import Tensor

from lockgate.nn import LockedDropout, Stateful
from lockgate.nn.recurrent import Recurrent


class Carried:
    """What one chunk of a batch with labels at steps leaves to the next.

    Args:
        stack: The recurrent layers, in one direction.
    """

    def __init__(self, stack: Recurrent) -> None:
        self._stateful = Stateful(stack)
        self._mask: Tensor | None = None

    def run(
        self, x: Tensor, valid: Tensor, dropout: LockedDropout, generator: torch.Generator | None
    ) -> Tensor:
        """Run the next chunk, and drop of its output what was dropped of the chunks before."""
        output = self._stateful(x, mask=valid, generator=generator)
        if self._mask is None:
            self._mask = dropout(torch.ones_like(output[:, :1]), generator=generator)
        return output * self._mask


def run_last_steps(
    stack: Recurrent, x: Tensor, valid: Tensor, steps: int, generator: torch.Generator | None
) -> Tensor:
    """Run sequences that end together; a gradient goes back into the last `steps` alone."""
    stateful = Stateful(stack)
    with torch.no_grad():
        early = stateful(x[:, :-steps], mask=valid[:, :-steps], generator=generator)
    late = stateful(x[:, -steps:], mask=valid[:, -steps:], generator=generator)
    return torch.cat([early, late], dim=1)


def end_together(x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Move padding to the front; return the sequences and which steps are valid, (B, T)."""
    places = torch.arange(x.shape[1], device=x.device) - (x.shape[1] - lengths)[:, None]
    valid = places >= 0
    # padding reads the first step, which is there; what is not valid is never looked at
    return x.gather(1, places.clamp(min=0)[..., None].expand_as(x)), valid
