"""The LSTM through torch's fused layer: oneDNN on the CPU (float32, bfloat16), cuDNN on CUDA."""

import torch
from torch import Tensor

from lockgate.ops import fused
from lockgate.ops.autocast import autocast_dtype
from lockgate.ops.lstm.reference import Options, State
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights


def why_not(
    x: Tensor,
    state: State,
    weights: Weights,
    masks: Masks,
    valid: Tensor | None,
    options: Options,
) -> str | None:
    """Say why torch's fused layer cannot run this call, or None if it can."""
    if x.device.type == "cpu" and autocast_dtype("cpu") == torch.float16:
        return "oneDNN has no LSTM under autocast to float16"
    return fused.why_not("lstm", x, state, weights, masks, valid, options)


def run(
    x: Tensor,
    state: State,
    weights: Weights,
    masks: Masks,
    valid: Tensor | None,  # noqa: ARG001 - `why_not` lets only None through
    options: Options,
) -> tuple[Tensor, State]:
    """Run over a sequence; arguments and results are those of `reference.run`."""
    first = [part.unsqueeze(0).contiguous() for part in state]
    output, h, c = fused.run(torch._VF.lstm, x, first, weights, masks, options.reverse)
    return output, State(h.squeeze(0), c.squeeze(0))
