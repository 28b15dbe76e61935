"""The GRU as one operator of torch, through our kernels: `cpu.cpp` and `triton.py`."""

from functools import partial

from torch import Tensor

from lockgate.ops import kernels
from lockgate.ops.gru.reference import Options, State
from lockgate.ops.gru.reference import run as run_reference
from lockgate.ops.kernels import Cell
from lockgate.ops.masks import Masks
from lockgate.ops.operator import Operator
from lockgate.ops.recurrence import Weights


def _options(reverse: bool, relu: bool, recompute: bool) -> Options:  # noqa: ARG001
    return Options(reverse, recompute)


CELL = Cell("gru", saved=4, has_c=False)
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
    )
    return output, State(*last)
