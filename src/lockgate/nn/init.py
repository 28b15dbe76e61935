"""Draw the initial parameters of one layer and direction."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lockgate.ops.recurrence import Weights

# takes the weights of a cell, its number of gates, and which of them forgets
Init = Callable[[Weights, int, int | None, torch.Generator | None], None]


def torch_(
    weights: Weights, gates: int, forget_gate: int | None, generator: torch.Generator | None
) -> None:
    """Draw every parameter from U(-k, k), k = 1 / sqrt(hidden_size), as PyTorch does."""
    del forget_gate  # PyTorch treats all gates alike
    k = math.sqrt(gates / weights.w_hh.shape[0])
    for parameter in (*weights[:4], weights.w_hr):
        if parameter is not None:
            nn.init.uniform_(parameter, -k, k, generator=generator)


def keras_(
    weights: Weights, gates: int, forget_gate: int | None, generator: torch.Generator | None
) -> None:
    """Initialise as Keras does: Glorot uniform, orthogonal, zero biases, unit forget bias.

    As in Keras, the gates are drawn jointly: the Glorot limit is sqrt(6 / (I + G * H)), and the
    H columns of the whole recurrent matrix (G * H, H) are orthonormal, not those of each gate.
    """
    _glorot_and_orthogonal(weights, gates, forget_gate, generator, apart=1)


def orthogonal_(
    weights: Weights, gates: int, forget_gate: int | None, generator: torch.Generator | None
) -> None:
    """Initialise as `keras_` does, but each gate for itself.

    The Glorot limit is sqrt(6 / (I + H)), and the recurrent matrix of each gate is orthogonal, so
    that it neither shrinks nor stretches h.
    """
    _glorot_and_orthogonal(weights, gates, forget_gate, generator, apart=gates)


@torch.no_grad()
def _glorot_and_orthogonal(
    weights: Weights,
    gates: int,
    forget_gate: int | None,
    generator: torch.Generator | None,
    apart: int,
) -> None:
    for rows in weights.w_ih.chunk(apart):
        nn.init.xavier_uniform_(rows, generator=generator)
    for rows in weights.w_hh.chunk(apart):
        rows.copy_(_orthogonal(rows, generator))
    if weights.w_hr is not None:
        nn.init.xavier_uniform_(weights.w_hr, generator=generator)
    if weights.b_ih is None or weights.b_hh is None:
        return
    weights.b_ih.zero_()
    weights.b_hh.zero_()
    if forget_gate is not None:
        # the two biases are summed, so only one of them gets the 1
        weights.b_ih.view(gates, -1)[forget_gate] = 1.0


INITS: dict[str, Init] = {"torch": torch_, "keras": keras_, "orthogonal": orthogonal_}


def _orthogonal(like: Tensor, generator: torch.Generator | None) -> Tensor:
    if like.is_meta:
        return like  # nothing to draw, and torch would load its symbolic shapes to say so
    # QR knows no half precision
    dtype = torch.promote_types(like.dtype, torch.float32)
    return nn.init.orthogonal_(torch.empty_like(like, dtype=dtype), generator=generator)
