"""What is known of the steps that are forecast, as a network reads it."""

import torch
from torch import Tensor, nn


class Ahead(nn.Module):
    r"""A change of the forecast at each step, of what is known of the step.

    .. math::
        a_k = v^\top \mathrm{relu}(P h_k + Q f_k + b)

    where `h_k` is the state that the head reads for step k and `f_k` what is known of that step:
    how much a promotion does may hang on what the window holds. The weights are those of all steps,
    so that what is known once in a long while is learned from every step that it falls on. `v`
    begins at 0: training begins with a forecast in which nothing is known ahead.

    Args:
        features: Features of the state.
        channels: What is known of a step.
        width: Units between.
        segment: Steps that each state is of.
        numbers: Numbers that a forecast has of a step, each with a v of its own.

    Shape:
        - state: `(batch, segments, features)`; the last may reach beyond the horizon.
        - known: `(batch, horizon, channels)`, scaled.
        - output: `(batch, horizon, numbers)`.

    Example:
        >>> ahead = Ahead(8, 2, 8, segment=24)
        >>> ahead(torch.zeros(3, 1, 8), torch.zeros(3, 24, 2)).shape
        torch.Size([3, 24, 1])
    """

    def __init__(
        self, features: int, channels: int, width: int, segment: int, numbers: int = 1
    ) -> None:
        super().__init__()
        self.segment = segment
        self.state = nn.Linear(features, width)
        self.known = nn.Linear(channels, width, bias=False)
        self.out = nn.Linear(width, numbers, bias=False)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the weights anew, Glorot uniform; the bias and the last layer are 0."""
        nn.init.xavier_uniform_(self.state.weight, generator=generator)
        nn.init.xavier_uniform_(self.known.weight, generator=generator)
        nn.init.zeros_(self.state.bias)
        nn.init.zeros_(self.out.weight)

    def forward(self, state: Tensor, known: Tensor) -> Tensor:
        """Return the change of each step."""
        of_steps = self.state(state).repeat_interleave(self.segment, dim=1)[:, : known.shape[1]]
        changes: Tensor = self.out((of_steps + self.known(known)).relu())
        return changes
