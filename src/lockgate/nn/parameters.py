"""The parameters of a layer: their names, which are torch's, their shapes, and what a cell gets."""

from typing import Any

import torch
from torch import Tensor, nn

from lockgate.nn.layout import Layout
from lockgate.nn.structure import Structure
from lockgate.ops.recurrence import Weights


def names_of_weights(layout: Layout, index: int, bias: bool) -> dict[str, str]:
    """Give the names of a cell's weights by their field in `Weights`."""
    suffix = layout.suffix(index)
    names = {"w_ih": f"weight_ih_{suffix}", "w_hh": f"weight_hh_{suffix}"}
    if bias:
        names |= {"b_ih": f"bias_ih_{suffix}", "b_hh": f"bias_hh_{suffix}"}
    if layout.proj_size:
        names["w_hr"] = f"weight_hr_{suffix}"
    return names


def register(
    module: nn.Module,
    structure: Structure,
    index: int,
    device: torch.device | str | None,
    dtype: torch.dtype | None,
) -> None:
    """Give a module the parameters of a cell; their values are still to be drawn."""
    suffix = structure.layout.suffix(index)
    for name, shape in _shapes(structure, index).items():
        empty = torch.empty(shape, device=device, dtype=dtype)
        module.register_parameter(name, nn.Parameter(empty))
    if not structure.layer_norm:
        return
    rows, H = structure.rows(index), structure.layout.hidden_size(index)
    norms = {"ih": rows, "hh": rows} | ({"c": H} if structure.has_c else {})
    for part, size in norms.items():
        norm = nn.LayerNorm(size, bias=part == "c", device=device, dtype=dtype)
        module.add_module(f"ln_{part}_{suffix}", norm)


def weights(
    module: nn.Module, structure: Structure, index: int, dropped: Tensor | None = None
) -> Weights:
    """Give the weights of a cell; `dropped` is the mask on those that meet h."""
    own = {field: getattr(module, name) for field, name in structure.names[index].items()}
    if dropped is not None:
        own["w_hh"] = own["w_hh"] * dropped
    if structure.layer_norm:
        suffix = structure.layout.suffix(index)
        for part in ("ih", "hh"):
            own[f"ln_{part}"] = getattr(module, f"ln_{part}_{suffix}").weight
        if structure.has_c:
            norm = getattr(module, f"ln_c_{suffix}")
            own |= {"ln_c": norm.weight, "ln_c_bias": norm.bias}
    return Weights(**own)


def state_parameters(module: nn.Module, structure: Structure, index: int) -> list[Tensor]:
    """Give the parameters that are a cell's state before the first step, in its order."""
    return [getattr(module, name) for name in _names_of_state(structure, index)]


def first_state(module: nn.Module, structure: Structure, index: int, x: Tensor) -> Any:
    """Give a cell's state before the first step of x (T, B, I) where the caller gives none."""
    B = x.shape[1]
    if structure.learn_initial_state:
        values = state_parameters(module, structure, index)
        return structure.state(*(value.expand(B, -1) for value in values))
    return structure.state(*(x.new_zeros(B, size) for size in structure.state_sizes(index)))


def _names_of_state(structure: Structure, index: int) -> list[str]:
    suffix = structure.layout.suffix(index)
    return [f"{part}_0_{suffix}" for part in structure.state._fields]


def _shapes(structure: Structure, index: int) -> dict[str, tuple[int, ...]]:
    """Give the shape of each parameter of a cell by its name, in the order of torch."""
    layout, rows = structure.layout, structure.rows(index)
    h_size = layout.h_size(index)
    shapes: dict[str, tuple[int, ...]] = {
        "w_ih": (rows, layout.input_size_of(index)),
        "w_hh": (rows, h_size),
        "b_ih": (rows,),
        "b_hh": (rows,),
        "w_hr": (h_size, layout.hidden_size(index)),
    }
    by_name = {name: shapes[field] for field, name in structure.names[index].items()}
    if structure.learn_initial_state:
        names, sizes = _names_of_state(structure, index), structure.state_sizes(index)
        by_name |= {name: (size,) for name, size in zip(names, sizes, strict=True)}
    return by_name
