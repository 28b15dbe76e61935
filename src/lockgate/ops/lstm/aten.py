"""The LSTM through torch's fused layer: oneDNN on the CPU (float32, bfloat16), cuDNN on CUDA."""

import torch
from torch import Tensor

from lockgate.ops import fused
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
    if _autocasts_to_float16(x.device.type) and x.device.type == "cpu":
        return "oneDNN has no LSTM under autocast to float16"
    return fused.why_not("lstm", x, state, weights, masks, valid, options)


def _autocasts_to_float16(device: str) -> bool:
    return torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) == torch.float16


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
    c = c.squeeze(0)
    if torch.is_autocast_enabled(x.device.type):
        c = c.to(torch.promote_types(c.dtype, torch.float32))
    return output, State(h.squeeze(0), c)
