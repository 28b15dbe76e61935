"""Whether a call is only computed, or also followed by somebody."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils._device import DeviceContext

F = TypeVar("F", bound=Callable[..., object])

# what an operator takes, but for subclasses of tensors, which may compute in ways of their own
_PLAIN = frozenset((Tensor, torch.nn.Parameter, type(None), bool, int))


def is_traced(*values: Tensor | bool | int | None) -> bool:
    """Tell whether tracing, a mode, a subclass of tensors or torch.func follows a call on `values`.

    Values must not leave such a call then, neither as addresses nor as Python's numbers.
    """
    return (
        torch.compiler.is_compiling()
        or not _PLAIN.issuperset(map(type, values))
        or torch._C._is_tracing()
        or torch._C._len_torch_dispatch_stack() > 0
        or (torch._C._len_torch_function_stack() > 0 and _function_mode_is_active())
        or torch._C._functorch.peek_interpreter_stack() is not None
    )


def _function_mode_is_active() -> bool:
    """Tell whether a mode follows functions; torch's default device is one, and only places."""
    modes = map(torch._C._get_function_stack_at, range(torch._C._len_torch_function_stack()))
    return any(not isinstance(mode, DeviceContext) for mode in modes)


def constant_in_graphs(function: F) -> F:
    """Have a graph that is traced keep what a function returned then, and not look inside it.

    It is what `torch.compiler.assume_constant_result` does, which loads torch's compiler for it.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


@constant_in_graphs
def why_not_by_address() -> str | None:
    """Say what follows this call that would not see what is written to addresses."""
    # torch.jit calls no operator of Python's again, and records nothing of what it does
    return "torch.jit cannot trace it" if torch._C._is_tracing() else why_not_followed()


@constant_in_graphs
def why_not_followed() -> str | None:
    """Say what follows this call that only torch's own operations can take part in."""
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return "it does not run inside a transform of torch.func"
    if torch.autograd.forward_ad._current_level >= 0:
        return "it has no forward-mode derivative"
    return None
