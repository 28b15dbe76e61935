"""Whether our GPU kernels can run a call, and why not.

Triton is imported where it is first used: a machine without a GPU need not have it.
"""

import importlib.metadata
import importlib.util
import os
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lockgate.ops.autocast import autocast_dtype
from lockgate.ops.dispatch import forced_backend
from lockgate.ops.kernels import Arguments, Cell
from lockgate.ops.masks import Masks
from lockgate.ops.plain import why_not_plain
from lockgate.ops.recurrence import Weights
from lockgate.ops.tracing import constant_in_graphs, why_not_by_address

INSTALLED = importlib.util.find_spec("triton") is not None
DTYPES = (torch.float32, torch.bfloat16, torch.float16)
NOT_INSTALLED = "Triton is not installed: pip install 'lockgate[gpu]'"
CAPABILITY = (8, 0)  # Ampere, from which on there are bfloat16 and TF32


def may_run(x: Tensor) -> bool:
    """Tell whether these kernels can be meant: on a GPU, or by force in Triton's interpreter."""
    return x.device.type == "cuda" or (forced_backend() == "triton" and interpreted())


def interpreted() -> bool:
    """Tell whether Triton interprets kernels on the CPU."""
    return os.environ.get("TRITON_INTERPRET") == "1"


class TritonStatus(NamedTuple):
    """What the backend `triton` would run on."""

    triton: str | None  # its version
    gpu: str | None
    why_not: str | None  # nothing can run on it


def status() -> TritonStatus:
    """Tell whether the kernels can run on torch's current GPU."""
    version = importlib.metadata.version("triton") if INSTALLED else None
    if not torch.cuda.is_available():
        return TritonStatus(version, None, "torch finds no GPU")
    x = torch.empty(0, device="cuda")
    reason = NOT_INSTALLED if version is None else _why_not_device(x)
    return TritonStatus(version, torch.cuda.get_device_name(), reason)


def why_not(
    cell: Cell,
    x: Tensor,
    state: Any,
    weights: Weights,
    masks: Masks,
    valid: Tensor | None,  # noqa: ARG001 - they run any
    options: Any,
) -> str | None:
    """Say why the kernels cannot run this call, or None if they can."""
    if weights.w_hr is not None:
        return "it has no projection"
    if reason := why_not_plain(weights, masks, options, cell.nonlinearities):
        return reason
    if not may_run(x):
        return f"x is on {x.device}"
    if not INSTALLED:
        return NOT_INSTALLED
    if options.recompute:
        return "it saves every step for the backward, and recompute is asked for"
    if reason := why_not_by_address():
        return reason
    given = [mask for mask in masks if mask is not None]
    if any(mask.requires_grad for mask in given):
        return "it has no gradient of a mask"
    h, *c = state
    products = [x, h, *(weight for weight in weights if weight is not None), *given]
    return _why_not_types(x, products, c) or _why_not_device(x)


def _why_not_types(x: Tensor, products: list[Tensor], c: list[Tensor]) -> str | None:
    if unknown := {tensor.dtype for tensor in (*products, *c)} - set(DTYPES):
        return f"it computes in float32, bfloat16 and float16, and there is {unknown.pop()}"
    if autocast_dtype(x.device.type) is not None:
        return None
    mixed = {tensor.dtype for tensor in products} | {part.dtype for part in c} - {torch.float32}
    if mixed := mixed - {x.dtype}:
        return f"x is {x.dtype}, and there is {mixed.pop()}"
    return None


def _why_not_device(x: Tensor) -> str | None:
    if x.device.type != "cuda" or interpreted():
        return None
    if torch.version.hip is not None:
        return "it is written for NVIDIA's GPUs"
    capability = _capability(x.device.index)
    if capability < CAPABILITY:
        needed, found = (".".join(map(str, pair)) for pair in (CAPABILITY, capability))
        return f"it needs a GPU of compute capability {needed}, and {x.device} has {found}"
    return None


@constant_in_graphs
def _capability(index: int) -> tuple[int, int]:
    return torch.cuda.get_device_capability(index)


def cast(arguments: Arguments) -> Arguments:
    """Give the arguments the type that autocast asks for; c stays in float32."""
    dtype = autocast_dtype(arguments.x.device.type)
    if dtype is None:
        return arguments
    named: dict[str, Any] = arguments._asdict()
    for name, value in named.items():
        if isinstance(value, Tensor) and name != "valid":
            named[name] = value.to(torch.float32 if name == "c" else dtype)
    return Arguments(**named)
