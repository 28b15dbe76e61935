"""Whether a call is only computed, or also followed by somebody."""

import torch
from torch import Tensor

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
