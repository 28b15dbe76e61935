"""The parameters of a layer: their names, which are torch's, their shapes, and what a cell gets."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lockgate.ops.recurrence import Weights

if TYPE_CHECKING:
    from lockgate.nn.recurrent import Recurrent


def make(
    layer: "Recurrent", index: int, device: torch.device | str | None, dtype: torch.dtype | None
) -> dict[str, str]:
    """Register the parameters of a cell; return the names of those in `Weights`."""
    layout, suffix = layer._layout, layer._layout.suffix(index)
    H, h_size = layout.hidden_size(index), layout.h_size(index)
    rows = layer._gates * H
    shapes: dict[str, tuple[int, ...]] = {
        f"weight_ih_{suffix}": (rows, layout.input_size_of(index)),
        f"weight_hh_{suffix}": (rows, h_size),
    }
    names = {"w_ih": f"weight_ih_{suffix}", "w_hh": f"weight_hh_{suffix}"}
    if layer.bias:
        shapes |= {f"bias_ih_{suffix}": (rows,), f"bias_hh_{suffix}": (rows,)}
        names |= {"b_ih": f"bias_ih_{suffix}", "b_hh": f"bias_hh_{suffix}"}
    if layer.proj_size:
        shapes[f"weight_hr_{suffix}"] = (h_size, H)
        names["w_hr"] = f"weight_hr_{suffix}"
    if layer.learn_initial_state:
        sizes = {"h": h_size, "c": H}
        shapes |= {f"{part}_0_{suffix}": (sizes[part],) for part in layer._state._fields}
    for name, shape in shapes.items():
        empty = torch.empty(shape, device=device, dtype=dtype)
        layer.register_parameter(name, nn.Parameter(empty))
    if layer.layer_norm:
        norms = {"ih": rows, "hh": rows} | ({"c": H} if layer._kernel.has_c else {})
        for part, size in norms.items():
            norm = nn.LayerNorm(size, bias=part == "c", device=device, dtype=dtype)
            layer.add_module(f"ln_{part}_{suffix}", norm)
    return names


def learnt(layer: "Recurrent", index: int) -> list[Tensor]:
    """Give the learnt initial state of a cell, in the order of its state."""
    suffix = layer._layout.suffix(index)
    return [getattr(layer, f"{part}_0_{suffix}") for part in layer._state._fields]


def weights(layer: "Recurrent", index: int, dropped: Tensor | None = None) -> Weights:
    """Give the weights of a cell; `dropped` is the mask on those that meet h."""
    own = {field: getattr(layer, name) for field, name in layer._names[index].items()}
    if dropped is not None:
        own["w_hh"] = own["w_hh"] * dropped
    if layer.layer_norm:
        suffix = layer._layout.suffix(index)
        for part in ("ih", "hh"):
            own[f"ln_{part}"] = getattr(layer, f"ln_{part}_{suffix}").weight
        if layer._kernel.has_c:
            norm = getattr(layer, f"ln_c_{suffix}")
            own |= {"ln_c": norm.weight, "ln_c_bias": norm.bias}
    return Weights(**own)
