"""Layers from and to torch.nn and Keras, with their weights."""

from lockgate.interop.keras_layers import from_keras, to_keras
from lockgate.interop.torch_layers import from_torch, to_torch

__all__ = ["from_keras", "from_torch", "to_keras", "to_torch"]
