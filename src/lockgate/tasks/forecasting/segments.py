"""Windows read, and forecasts written, in stretches of several steps (Lin et al. 2023, SegRNN)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from lockgate.nn.recurrent import Recurrent
from lockgate.tasks.stack.network import last_of


class Segments(nn.Module):
    """Stretches of a window, each a token: a linear layer and relu of all its steps and channels.

    The last segment ends with the window. Where the steps are no multiple of its length, the
    oldest row is repeated before the first.

    Args:
        channels: Channels of the window.
        length: Steps of a segment.
        width: Features of a token.

    Shape:
        - x: `(batch, lookback, channels)`.
        - output: `(batch, ceil(lookback / length), width)`.

    Example:
        >>> Segments(3, 24, 16)(torch.zeros(2, 50, 3)).shape
        torch.Size([2, 3, 16])
    """

    def __init__(self, channels: int, length: int, width: int) -> None:
        super().__init__()
        self.length = length
        self.linear = nn.Linear(length * channels, width)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the weights anew, Glorot uniform; the bias is 0."""
        nn.init.xavier_uniform_(self.linear.weight, generator=generator)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens of a batch of windows."""
        if before := -x.shape[1] % self.length:
            x = pad(x.transpose(1, 2), (before, 0), mode="replicate").transpose(1, 2)
        segments = x.reshape(x.shape[0], x.shape[1] // self.length, self.linear.in_features)
        tokens: Tensor = self.linear(segments)
        return tokens.relu()

    def mask_of(self, mask: Tensor) -> Tensor:
        """Tell which tokens are of any row, (B, segments), where the mask tells it of steps."""
        before = -mask.shape[1] % self.length
        return pad(mask, (before, 0)).view(mask.shape[0], -1, self.length).any(dim=2)


class Positions(nn.Module):
    """The segments of a forecast, each one step of the stack from the state that it ended with.

    What the stack reads in that step is an embedding of the segment's position: all segments are
    forecast at once, none from the one before.

    Args:
        segments: Segments of a forecast.
        width: Features of a token.

    Shape:
        - output: `(batch, segments, features)`, where the top layer ended at each.
    """

    def __init__(self, segments: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(segments, width))

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the embeddings anew, standard normal."""
        nn.init.normal_(self.weight, generator=generator)

    def forward(
        self, stack: Recurrent, state: Any, batch: int, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return what a head reads of each segment; `state` is of so many windows."""
        segments = len(self.weight)
        x = self.weight.repeat(batch, 1)[:, None]
        _, ends = stack(x, _repeated(state, segments), generator=generator)
        features = last_of(stack, ends)
        return features.view(-1, segments, features.shape[1])


def _repeated(state: Any, times: int) -> Any:
    """Return the state, in which each row of the batch stands so many times side by side."""
    if isinstance(state, tuple):
        return tuple(_repeated(part, times) for part in state)
    return state.repeat_interleave(times, dim=1)
