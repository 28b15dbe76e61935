"""Functions on tensors, one folder per cell; `dispatch` chooses what computes a call."""

from lockgate.ops.dispatch import Backend, BackendUnavailable, Choice, backend
from lockgate.ops.masks import Masks

__all__ = ["Backend", "BackendUnavailable", "Choice", "Masks", "backend"]
