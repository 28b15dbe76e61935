"""Dropout masks as the operators take them, and how one is drawn."""

import math
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
        >>> _ = torch.manual_seed(1)
        >>> sample_mask((1, 1, 2, 3), rate=0.5, like=torch.zeros(1))
        tensor([[[[0., 2., 0.],
                  [0., 2., 2.]]]])
    """
    shape = tuple(shape)
    if torch.compiler.is_compiling():
        if generator is not None:
            raise ValueError(
                "generator must be None in a compiled graph, got one: draw the masks outside and "
                "pass them as masks=."
            )
        mask = (torch.rand(shape, device=like.device) >= rate).to(like.dtype)
    else:
        bits = _random_bits(shape, like.device, generator)
        mask = torch.empty(shape, dtype=like.dtype, device=bits.device)
        torch.ge(bits, round(rate * 2**32) - 2**31, out=mask)
    return mask.mul_(1.0 / (1.0 - rate)).to(like.device)


def _random_bits(
    shape: tuple[int, ...], device: torch.device, generator: torch.Generator | None
) -> Tensor:
    """Draw 32 random bits for each element; torch's bernoulli_ takes four times as long."""
    size = math.prod(shape)
    device = device if generator is None else generator.device
    pairs = torch.empty((size + 1) // 2, dtype=torch.int64, device=device)
    pairs.random_(-(2**63), None, generator=generator)
    return pairs.view(torch.int32)[:size].view(shape)
