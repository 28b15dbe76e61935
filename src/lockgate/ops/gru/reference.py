"""The GRU as mathematics: gates r, z, n; derivation and papers in README.md."""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights, activation, hide_padding, project, unroll

GATES = 3


class State(NamedTuple):
    """What a GRU carries from step to step."""

    h: Tensor  # (B, H)


class Options(NamedTuple):
    """What else a call may ask for."""

    reverse: bool = False  # run from the last step to the first
    recompute: bool = False  # save memory: run stretches of the forward again in the backward
    nonlinearity: str = "tanh"  # or "relu", of the candidate
    reset_after: bool = True  # the reset gate acts on the recurrent product, not on h before it


def step(
    x: Tensor, state: State, weights: Weights, h_mask: Tensor | None, options: Options
) -> State:
    """Advance one time step: x is the projected input (3, B, H), `h_mask` (3|1, B|1, H)."""
    act = activation(options.nonlinearity)
    x_r, x_z, x_n = x
    h_r, h_z, h_n = project(state.h, weights.w_hh, weights.b_hh, h_mask, GATES, weights.ln_hh)
    r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
    if options.reset_after:
        h_n = r * h_n
    else:
        seen = state.h if h_mask is None else state.h * h_mask[-1]
        h_n = torch.nn.functional.linear(r * seen, *_candidate(weights))
    n = act(x_n + h_n)
    return State((1.0 - z) * n + z * state.h)


def _candidate(weights: Weights) -> tuple[Tensor, Tensor | None]:
    """Give the rows and the bias of the candidate's recurrent product."""
    H = weights.w_hh.shape[1]
    return weights.w_hh[-H:], None if weights.b_hh is None else weights.b_hh[-H:]


def run(
    x: Tensor,
    state: State,
    weights: Weights,
    masks: Masks,
    valid: Tensor | None,
    options: Options,
) -> tuple[Tensor, State]:
    """Run over a sequence: x is (T, B, I), `valid` (T, B), the output (T, B, H)."""
    x = hide_padding(x, valid)
    x = project(x, weights.w_ih, weights.b_ih, masks.x, GATES, weights.ln_ih)
    advance = partial(step, options=options)
    return unroll(advance, x, state, weights, masks, valid, options.reverse)
