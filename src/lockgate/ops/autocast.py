"""What autocast asks of a call."""

import torch
from torch import Tensor


def autocast_dtype(device: str) -> torch.dtype | None:
    """Give the type that autocast asks for on a kind of device, or None where it is off."""
    # torch raises where it is asked about meta, which has no autocast
    if device == "meta" or not torch.is_autocast_enabled(device):
        return None
    return torch.get_autocast_dtype(device)


def as_autocast(value: Tensor) -> Tensor:
    """Give a result the type that autocast asks for; float64 keeps its own, as in torch."""
    dtype = autocast_dtype(value.device.type)
    return value if dtype is None or value.dtype == torch.float64 else value.to(dtype)
