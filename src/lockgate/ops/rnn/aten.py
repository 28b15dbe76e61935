"""The RNN through torch's fused layer: ATen's loop on the CPU, cuDNN on CUDA."""

from functools import partial

import torch
from torch import Tensor

from lockgate.ops import fused
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights
from lockgate.ops.rnn.reference import Options, State

why_not = partial(fused.why_not, "rnn", nonlinearities=("tanh", "relu"))


def run(
    x: Tensor,
    state: State,
    weights: Weights,
    masks: Masks,
    valid: Tensor | None,  # noqa: ARG001 - `why_not` lets only None through
    options: Options,
) -> tuple[Tensor, State]:
    """Run over a sequence; arguments and results are those of `reference.run`."""
    kernel = torch._VF.rnn_relu if options.nonlinearity == "relu" else torch._VF.rnn_tanh
    first = state.h.unsqueeze(0).contiguous()
    output, h = fused.run(kernel, x, first, weights, masks, options.reverse)
    return output, State(h.squeeze(0))
