"""The LSTM as mathematics: gates i, f, g, o; derivation and papers in README.md."""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from lockgate.ops.autocast import autocast_dtype
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import (
    Weights,
    activation,
    hide_padding,
    normalise,
    project,
    unroll,
)

GATES = 4


class State(NamedTuple):
    """What an LSTM carries from step to step."""

    h: Tensor  # (B, H), or (B, P) where it is projected
    c: Tensor  # (B, H)


class Options(NamedTuple):
    """What else a call may ask for."""

    reverse: bool = False  # run from the last step to the first
    recompute: bool = False  # save memory: run stretches of the forward again in the backward
    nonlinearity: str = "tanh"  # or "relu", of the candidate and of the output


def step(
    x: Tensor, state: State, weights: Weights, h_mask: Tensor | None, nonlinearity: str
) -> State:
    """Advance one time step: x is the projected input (4, B, H), `h_mask` (4|1, B|1, H)."""
    act = activation(nonlinearity)
    h = project(state.h, weights.w_hh, weights.b_hh, h_mask, GATES, weights.ln_hh)
    i, f, g, o = x + h
    c = f.sigmoid() * state.c + i.sigmoid() * act(g)
    seen = c if weights.ln_c is None else normalise(c, weights.ln_c, weights.ln_c_bias)
    h = (o.sigmoid() * act(seen)).to(o.dtype)  # c may be in float32 beside 16 bits
    return State(h if weights.w_hr is None else h @ weights.w_hr.t(), c)


def run(
    x: Tensor,
    state: State,
    weights: Weights,
    masks: Masks,
    valid: Tensor | None,
    options: Options,
) -> tuple[Tensor, State]:
    """Run over a sequence: x is (T, B, I), `valid` (T, B), the output (T, B, H)."""
    if autocast_dtype(x.device.type) is not None:
        state = State(state.h, state.c.to(torch.promote_types(state.c.dtype, torch.float32)))
    x = hide_padding(x, valid)
    x = project(x, weights.w_ih, weights.b_ih, masks.x, GATES, weights.ln_ih)
    advance = partial(step, nonlinearity=options.nonlinearity)
    return unroll(advance, x, state, weights, masks, valid, options.reverse)
