"""Dropout masks as the operators take them."""

from typing import NamedTuple

from torch import Tensor


class Masks(NamedTuple):
    """The dropout masks of one layer and direction; None drops nothing.

    Each is broadcastable to (time, gates, batch, features) and already scaled: a kept element is
    1 / (1 - rate), a dropped one 0. Size 1 along time holds one mask over the whole sequence, and
    size 1 along gates shares one mask between all gates.
    """

    x: Tensor | None = None  # on what enters the layer: features = input size
    h: Tensor | None = None  # on h_{t-1} before the recurrent product: features = hidden size
