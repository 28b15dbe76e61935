"""A forecast that is written one step after another, each read before the next is written."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lockgate.nn.masks import LayerMasks
from lockgate.nn.recurrent import Recurrent
from lockgate.tasks.stack.network import last_of


class Recursive(nn.Module):
    """An autoregressive decoder: the stack goes on from where the window left it.

    In the place of a row it reads the forecast of the step before and what is known of the step at
    hand, through a linear layer. It is trained as it forecasts, on its own forecasts and never on
    truths (Salinas et al. 2020 draw them, arXiv:1704.04110). What was dropped over the window stays
    dropped.

    Args:
        known: Numbers that are known of a step.
        width: Features of what the stack reads.

    Shape:
        - first: `(batch,)`, what is read before the first step.
        - known: `(batch, horizon, known)`, where any are.
        - output: `(batch, horizon, features)`, where the top layer ended at each step.
    """

    def __init__(self, known: int, width: int) -> None:
        super().__init__()
        self.token = nn.Linear(1 + known, width)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the weights anew, Glorot uniform; the bias is 0."""
        nn.init.xavier_uniform_(self.token.weight, generator=generator)
        nn.init.zeros_(self.token.bias)

    def forward(
        self,
        stack: Recurrent,
        state: Any,
        first: Tensor,
        known: Tensor | None,
        horizon: int,
        write: Callable[[Tensor], Tensor],
        drawn: tuple[LayerMasks | None, torch.Generator | None] = (None, None),
    ) -> Tensor:
        """Return what a head reads of each step.

        Args:
            stack: The layers.
            state: Where the window left them.
            first: What is read before the first step.
            known: What is known of the steps.
            horizon: Steps.
            write: Gives the forecast of a step, (batch,), of what the head reads there.
            drawn: The masks over the window, or what draws others for each step.
        """
        previous, features = first, []
        masks, generator = drawn
        for step in range(horizon):
            read = previous[:, None]
            if known is not None:
                read = torch.cat([read, known[:, step]], dim=1)
            _, state = stack(self.token(read)[:, None], state, masks=masks, generator=generator)
            features.append(last_of(stack, state))
            previous = write(features[-1])
        return torch.stack(features, dim=1)


def masks_to_hold(
    stack: Recurrent, batch: int, generator: torch.Generator | None
) -> LayerMasks | None:
    """Draw masks that hold over a window and the steps after it; None where none can or need be."""
    if not stack.training or "step" in stack.mask_over.values():
        return None
    return stack.draw_masks(batch, generator=generator)
