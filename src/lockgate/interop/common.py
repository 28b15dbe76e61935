"""What all conversions share: layers without weights, and the options that no peer has."""

from importlib import import_module
from typing import Any, TypeVar

import torch

from lockgate.nn.rates import zoneout_rates
from lockgate.nn.recurrent import Recurrent

Layer = TypeVar("Layer", bound=torch.nn.Module)


def empty(cls: type[Layer], device: torch.device, *args: Any, **options: Any) -> Layer:
    """Make a layer whose parameters are still to be written; nothing is drawn for them."""
    layer = cls(*args, device="meta", **options)
    return layer.to_empty(device=device)


def need(module: str, caller: str, install: str) -> Any:
    """Import what `caller` needs, or raise with the line that installs it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"lockgate.interop.{caller} needs {error.name}: {install}", name=error.name
        ) from error


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
