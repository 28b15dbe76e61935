"""The LSTM as mathematics: gates i, f, g, o; derivation and papers in README.md."""

from typing import NamedTuple

from torch import Tensor

from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights, hide_padding, project, unroll

GATES = 4


class State(NamedTuple):
    """What an LSTM carries from step to step."""

    h: Tensor  # (B, H)
    c: Tensor  # (B, H)


class Options(NamedTuple):
    """What else a call may ask for."""

    reverse: bool = False  # run from the last step to the first
    recompute: bool = False  # save memory: run stretches of the forward again in the backward


def step(x: Tensor, state: State, weights: Weights, h_mask: Tensor | None) -> State:
    """Advance one time step: x is the projected input (4, B, H), `h_mask` (4|1, B|1, H)."""
    i, f, g, o = x + project(state.h, weights.w_hh, weights.b_hh, h_mask, GATES)
    c = f.sigmoid() * state.c + i.sigmoid() * g.tanh()
    return State(o.sigmoid() * c.tanh(), c)


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
