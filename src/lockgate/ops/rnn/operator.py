"""The RNN as one operator of torch, through our kernels: `cpu.cpp` and `triton.py`."""

from functools import partial

from torch import Tensor

from lockgate.ops import kernels
from lockgate.ops.kernels import Cell
from lockgate.ops.masks import Masks
from lockgate.ops.operator import Operator
from lockgate.ops.recurrence import Weights
from lockgate.ops.rnn.reference import Options, State
from lockgate.ops.rnn.reference import run as run_reference


def _options(reverse: bool, relu: bool, recompute: bool) -> Options:
    return Options(reverse, "relu" if relu else "tanh", recompute)


CELL = Cell("rnn", saved=0, has_c=False, nonlinearities=("tanh", "relu"))
lacks = partial(kernels.lacks, CELL)
OPERATOR = Operator(CELL, State, _options, run_reference)


def run(
    x: Tensor,
    state: State,
    weights: Weights,
    masks: Masks,
    valid: Tensor | None,
    options: Options,
) -> tuple[Tensor, State]:
    """Run over a sequence; arguments and results are those of `reference.run`."""
    output, last = OPERATOR(
        *(x, state, weights, masks, valid),
        reverse=options.reverse,
        recompute=options.recompute,
        relu=options.nonlinearity == "relu",
    )
    return output, State(*last)
