"""Draw the initial parameters of one layer and direction."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lockgate.ops.recurrence import Weights

Init = Callable[[Weights, int | None, torch.Generator | None], None]


def torch_(weights: Weights, forget_gate: int | None, generator: torch.Generator | None) -> None:
    """Draw every parameter from U(-k, k), k = 1 / sqrt(hidden_size), as PyTorch does."""
    del forget_gate  # PyTorch treats all gates alike
    k = 1.0 / math.sqrt(weights.w_hh.shape[1])
    for parameter in weights:
        if parameter is not None:
            nn.init.uniform_(parameter, -k, k, generator=generator)


@torch.no_grad()
def keras_(weights: Weights, forget_gate: int | None, generator: torch.Generator | None) -> None:
    """Initialise as Keras does: Glorot uniform, orthogonal, zero biases, unit forget bias.

    As in Keras, the gates are drawn jointly: the Glorot limit is sqrt(6 / (I + G * H)), and the
    H columns of the whole recurrent matrix (G * H, H) are orthonormal, not those of each gate.
    """
    nn.init.xavier_uniform_(weights.w_ih, generator=generator)
    weights.w_hh.copy_(_orthogonal(weights.w_hh, generator))
    if weights.b_ih is None or weights.b_hh is None:
        return
    weights.b_ih.zero_()
    weights.b_hh.zero_()
    if forget_gate is not None:
        # the two biases are summed, so only one of them gets the 1
        weights.b_ih.view(-1, weights.w_hh.shape[1])[forget_gate] = 1.0


INITS: dict[str, Init] = {"torch": torch_, "keras": keras_}


def _orthogonal(like: Tensor, generator: torch.Generator | None) -> Tensor:
    # QR knows no half precision
    dtype = torch.promote_types(like.dtype, torch.float32)
    return nn.init.orthogonal_(torch.empty_like(like, dtype=dtype), generator=generator)
