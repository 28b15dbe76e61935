"""The plain (Elman) RNN as mathematics: one gate; derivation and papers in README.md."""

from functools import partial
from typing import NamedTuple

from torch import Tensor

from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights, activation, hide_padding, project, unroll

GATES = 1


class State(NamedTuple):
    """What an RNN carries from step to step."""

    h: Tensor  # (B, H)


class Options(NamedTuple):
    """What else a call may ask for."""

    reverse: bool = False  # run from the last step to the first
    nonlinearity: str = "tanh"  # or "relu"
    recompute: bool = False  # save memory: run stretches of the forward again in the backward


def step(
    x: Tensor, state: State, weights: Weights, h_mask: Tensor | None, nonlinearity: str
) -> State:
    """Advance one time step: x is the projected input (1, B, H), `h_mask` (1, B|1, H)."""
    (a,) = x + project(state.h, weights.w_hh, weights.b_hh, h_mask, GATES, weights.ln_hh)
    return State(activation(nonlinearity)(a))


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
    advance = partial(step, nonlinearity=options.nonlinearity)
    return unroll(advance, x, state, weights, masks, valid, options.reverse)
