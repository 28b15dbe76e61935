"""What all conversions share: layers without weights, and the options that no peer has."""

from typing import Any, TypeVar

import torch

from lockgate.nn.rates import zoneout_rates
from lockgate.nn.recurrent import Recurrent

Layer = TypeVar("Layer", bound=torch.nn.Module)


def empty(cls: type[Layer], device: torch.device, *args: Any, **options: Any) -> Layer:
    """Make a layer whose parameters are still to be written; nothing is drawn for them."""
    layer = cls(*args, device="meta", **options)
    return layer.to_empty(device=device)


def unlike_peers(layer: Recurrent) -> list[str]:
    """List the options that neither torch nor Keras has and that evaluation shows."""
    faults = []
    for name in ("layer_norm", "learn_initial_state"):
        if getattr(layer, name):
            faults.append(f"{name} must be False, got True")
    if layer.residual and layer.num_layers > 1:
        faults.append("residual must be False, got True")
    if any(zoneout_rates(layer.zoneout)):
        faults.append(f"zoneout must be 0, got {layer.zoneout}")
    return faults
