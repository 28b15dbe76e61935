"""Dropout masks as the operators take them."""

from typing import NamedTuple

from torch import Tensor


class Masks(NamedTuple):
    """The masks of one layer and direction; None drops nothing.

    Each is broadcastable to (time, gates, batch, features). Size 1 along time holds one mask over
    the whole sequence, and size 1 along gates shares one mask between all gates.

    Those of dropout are already scaled: a kept element is 1 / (1 - rate), a dropped one 0. Those of
    zoneout have one gate and say how much of the old state is carried over to the new one: 0 or 1
    in training, the rate, which is what is expected of them, in evaluation.
    """

    x: Tensor | None = None  # on what enters the layer: features = input size
    h: Tensor | None = None  # on h_{t-1} before the recurrent product: features = those of h
    zoneout_h: Tensor | None = None
    zoneout_c: Tensor | None = None  # of an LSTM
