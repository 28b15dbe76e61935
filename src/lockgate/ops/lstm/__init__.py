"""An LSTM over a sequence: the public function and its backends, fastest first."""

from functools import partial

import torch
from torch import Tensor

from lockgate.ops import kernels
from lockgate.ops._triton import support
from lockgate.ops.dispatch import Backend, select
from lockgate.ops.lstm import aten, operator, reference
from lockgate.ops.lstm.reference import GATES, Options, State
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights, exports_loop

__all__ = ["BACKENDS", "GATES", "Options", "State", "Weights", "lstm"]

BACKENDS = (
    Backend("cpu", operator.run, kernels.why_not),
    Backend("aten", aten.run, aten.why_not),
    Backend("triton", operator.run, partial(support.why_not, operator.CELL)),
    Backend("reference", reference.run, lambda *_: None),
)

_NO_MASKS = Masks()
_DEFAULTS = Options()


def lstm(
    x: Tensor,
    state: State,
    weights: Weights,
    masks: Masks = _NO_MASKS,
    valid: Tensor | None = None,
    options: Options = _DEFAULTS,
) -> tuple[Tensor, State]:
    """Run an LSTM over a sequence, in one direction, and return its output and its last state.

    Args:
        x: The sequence, (T, B, I), T at least 1.
        state: The state before the first step: two tensors (B, H), h and c. With a projection h
            and the output have its P features.
        weights: The parameters, laid out as in `torch.nn.LSTM`.
        masks: Dropout masks, already scaled; see `Masks`.
        valid: Padding mask (T, B), False where the state is carried over and the output is 0.
        options: What else the call asks for; see `Options`.

    Example:
        >>> import torch
        >>> weights = Weights(torch.zeros(GATES * 4, 3), torch.zeros(GATES * 4, 4))
        >>> zeros = torch.zeros(2, 4)
        >>> output, last = lstm(torch.zeros(5, 2, 3), State(zeros, zeros), weights)
        >>> output.shape, last.h.shape
        (torch.Size([5, 2, 4]), torch.Size([2, 4]))
    """
    args = (x, state, weights, masks, valid, options)
    if torch.compiler.is_compiling():
        # a call is one operator, which chooses when it runs, but for what no kernel of a CPU has
        looped = kernels.lacks(weights, options) or exports_loop(x, weights, masks)
        run = reference.run if looped else operator.run
    else:
        run = select(BACKENDS, *args).run
    output, last = run(*args)
    return output, last
