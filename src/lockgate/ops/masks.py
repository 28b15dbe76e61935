"""Dropout masks as the operators take them, and how one is drawn."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Masks(NamedTuple):
    """The dropout masks of one layer and direction; None drops nothing.

    Each is broadcastable to (time, gates, batch, features) and already scaled: a kept element is
    1 / (1 - rate), a dropped one 0. Size 1 along time holds one mask over the whole sequence, and
    size 1 along gates shares one mask between all gates.
    """

    x: Tensor | None = None  # on what enters the layer: features = input size
    h: Tensor | None = None  # on h_{t-1} before the recurrent product: features = hidden size


def sample_mask(
    shape: Sequence[int], rate: float, like: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Draw a mask whose expectation is 1: 0 with probability `rate`, and else 1 / (1 - rate).

    Args:
        shape: Shape of the mask.
        rate: Probability, in [0, 1), that an element is dropped.
        like: A tensor of the dtype and on the device that the mask gets.
        generator: Source of randomness. Drawn is on its device, so that a generator of the CPU
            gives the same mask wherever `like` is. Default: torch's default of that device.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> sample_mask((1, 1, 2, 3), rate=0.5, like=torch.zeros(1))
        tensor([[[[0., 0., 2.],
                  [0., 0., 0.]]]])
    """
    keep = 1.0 - rate
    device = like.device if generator is None else generator.device
    mask = torch.empty(tuple(shape), dtype=like.dtype, device=device)
    return mask.bernoulli_(keep, generator=generator).div_(keep).to(like.device)
