"""Whether a call is only computed, or also followed by somebody."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

F = TypeVar("F", bound=Callable[..., object])

_PLAIN = (Tensor, torch.nn.Parameter)


def is_traced(x: Tensor) -> bool:
    """Tell whether tracing, a mode, a subclass of tensors or torch.func follows what is done to x.

    Values must not leave such a call then, neither as addresses nor as Python's numbers.
    """
    return (
        torch.compiler.is_compiling()
        or type(x) not in _PLAIN
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._functorch.peek_interpreter_stack() is not None
    )


def constant_in_graphs(function: F) -> F:
    """Have a graph that is traced keep what a function returned then, and not look inside it.

    It is what `torch.compiler.assume_constant_result` does, which loads torch's compiler for it.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


@constant_in_graphs
def why_not_followed() -> str | None:
    """Say what follows this call that only torch's own operations can take part in."""
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return "it does not run inside a transform of torch.func"
    if torch.autograd.forward_ad._current_level >= 0:
        return "it has no forward-mode derivative"
    return None
