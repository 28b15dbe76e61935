"""How far off a network may be, by passes with its dropout on."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lockgate.nn import mc_samples
from lockgate.tasks.forecasting.heads import point_of

PASSES = 30
"""Networks that are drawn: the standard deviation of so many is off by 13 % or so."""


def spread_of_passes(network: nn.Module, given: Sequence[Tensor | None]) -> Tensor:
    """Return the standard deviation of what a network forecasts with parts of it dropped.

    Each pass drops the same parts of the network for every window and at every step, so that it is
    one network, drawn once: a window's spread is the same whichever windows are beside it (Monte
    Carlo dropout; Gal and Ghahramani 2016, arXiv:1506.02142).

    Args:
        network: A forecaster with a rate above 0.
        given: What it is called with.

    Returns:
        (B, horizon), scaled.
    """
    first = given[0]
    assert first is not None
    with torch.no_grad():
        drawn = mc_samples(_Points(network, given), first, PASSES, fixed_masks=True)
    return drawn.std(dim=0)


class _Points(nn.Module):
    """A network as a function of its windows alone."""

    def __init__(self, network: nn.Module, given: Sequence[Tensor | None]) -> None:
        super().__init__()
        self.network, self.others = network, given[1:]

    def forward(self, windows: Tensor) -> Tensor:
        return point_of(self.network(windows, *self.others))
