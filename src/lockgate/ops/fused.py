"""torch's own fused layers, called for one layer and one direction: shared by every `aten.py`."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lockgate.ops._triton.measured import why_faster
from lockgate.ops.autocast import as_autocast, autocast_dtype
from lockgate.ops.dispatch import forced_backend
from lockgate.ops.masks import Masks
from lockgate.ops.plain import why_not_plain
from lockgate.ops.recurrence import Weights
from lockgate.ops.tracing import why_not_followed


def why_not(
    cell: str,
    x: Tensor,
    state: Any,
    weights: Weights,
    masks: Masks,
    valid: Tensor | None,
    options: Any,
    nonlinearities: tuple[str, ...] = ("tanh",),
) -> str | None:
    """Say why torch's fused layer cannot run this call of a cell with these nonlinearities."""
    if reason := why_not_plain(weights, masks, options, nonlinearities):
        return reason
    if masks.h is not None:
        return "it has no recurrent dropout"
    if masks.x is not None and masks.x.shape[1] > 1:
        return "it has one input mask for all gates, not one per gate"
    if valid is not None:
        return "it has no padding mask"
    if options.recompute and torch.is_grad_enabled() and not torch._C._is_tracing():
        return "it saves every step for the backward, and recompute is asked for"
    faster = why_faster(cell, x, weights.w_hh.shape[1])
    if faster is not None and forced_backend() != "aten":
        return faster
    return _why_not_torch(x, [*state, *(weight for weight in weights if weight is not None)])


def run(
    kernel: Callable[..., tuple[Tensor, ...]],
    x: Tensor,
    state: Tensor | list[Tensor],
    weights: Weights,
    masks: Masks,
    reverse: bool,
) -> tuple[Tensor, ...]:
    """Call `torch._VF.<cell>` on x (T, B, I); the output is (T, B, H), each state (1, B, H)."""
    if masks.x is not None:
        x = x * masks.x.squeeze(1)
    if reverse:
        x = x.flip(0)
    parameters = [weight for weight in weights if weight is not None]
    # cuDNN keeps what its backward needs only when told that this is training; a graph is traced
    # for both, and torch.jit compares what it traces with gradients and without
    training = torch.is_grad_enabled() or torch._C._is_tracing()
    output, *last = kernel(
        x, state, parameters, weights.b_ih is not None, 1, 0.0, training, False, False
    )
    # torch's GRU keeps float32 under the autocast of a CPU, where its other layers do not
    output, *last = map(as_autocast, (output, *last))
    return output.flip(0) if reverse else output, *last


def _why_not_torch(x: Tensor, others: list[Tensor]) -> str | None:
    if reason := why_not_followed():
        return reason
    dtype = autocast_dtype(x.device.type)
    if dtype is not None:
        if x.device.type == "cuda" and dtype != torch.float16:
            return "cuDNN's layers run in float16 under any autocast"
        return None  # the fused layers cast by themselves
    if wrong := {other.dtype for other in others} - {x.dtype}:
        return f"x is {x.dtype}, and state or weights are {wrong.pop()}"
    return None
