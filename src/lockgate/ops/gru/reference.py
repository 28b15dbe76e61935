"""The GRU as mathematics: gates r, z, n; derivation and papers in README.md."""

from typing import NamedTuple

from torch import Tensor

from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights, hide_padding, project, unroll

GATES = 3


class State(NamedTuple):
    """What a GRU carries from step to step."""

    h: Tensor  # (B, H)


class Options(NamedTuple):
    """What else a call may ask for."""

    reverse: bool = False  # run from the last step to the first
    recompute: bool = False  # save memory: run stretches of the forward again in the backward


def step(x: Tensor, state: State, weights: Weights, h_mask: Tensor | None) -> State:
    """Advance one time step: x is the projected input (3, B, H), `h_mask` (3|1, B|1, H)."""
    x_r, x_z, x_n = x
    h_r, h_z, h_n = project(state.h, weights.w_hh, weights.b_hh, h_mask, GATES)
    r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
    n = (x_n + r * h_n).tanh()
    return State((1.0 - z) * n + z * state.h)


def run(
    x: Tensor,
    state: State,
    weights: Weights,
    masks: Masks,
    valid: Tensor | None,
    options: Options,
) -> tuple[Tensor, State]:
    """Run over a sequence: x is (T, B, I), `valid` (T, B), the output (T, B, H)."""
    x = project(hide_padding(x, valid), weights.w_ih, weights.b_ih, masks.x, GATES)
    return unroll(
        lambda x_t, state, h_mask: step(x_t, state, weights, h_mask),
        *(x, state, masks.h, valid, options.reverse),
    )
