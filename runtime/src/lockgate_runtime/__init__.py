"""Predicts with a model that `lockgate export` wrote, without torch."""

from lockgate_runtime.errors import DataError
from lockgate_runtime.loading import Model, load

__version__ = "0.1.0"
__all__ = ["DataError", "Model", "load"]
