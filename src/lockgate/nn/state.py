"""The state of a stack: as the caller holds it, and apart for each cell."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lockgate.nn.checks import ShapeError, check_kind
from lockgate.nn.layout import Layout


def split(hx: Any, state: type[Any], layout: Layout, x: Tensor, batched: bool) -> list[Any]:
    """Check the state of a call on x (T, B, I) and give the one of each cell.

    A part of the state, h or c, is one tensor (layers * directions, batch, features), or, where
    layers differ in size or in directions, a sequence of tensors (directions, batch, features),
    one for each layer.
    """
    given = parts(hx, state, layout, x, batched)
    cells = [_cells_of(part, layout, batched) for part in given]
    return [state(*of_cell) for of_cell in zip(*cells, strict=True)]


def parts(hx: Any, state: type[Any], layout: Layout, x: Tensor, batched: bool) -> list[Any]:
    """Check the state of a call and give its parts as the caller holds them."""
    fields = state._fields
    if len(fields) == 1:
        _check_part("hx", fields[0], hx, layout, x, batched)
        return [hx]
    if not isinstance(hx, tuple | list) or len(hx) != len(fields):
        names = ", ".join(f"{name}_0" for name in fields)
        raise TypeError(f"hx must be a pair ({names}), got {type(hx).__name__}")
    for position, (field, part) in enumerate(zip(fields, hx, strict=True)):
        _check_part(f"hx[{position}]", field, part, layout, x, batched)
    return list(hx)


def join(cells: Sequence[Any], layout: Layout, batched: bool) -> Any:
    """Give the states of all cells in the form in which the caller holds them."""
    parts = [_join_part(part, layout, batched) for part in zip(*cells, strict=True)]
    return tuple(parts) if len(parts) > 1 else parts[0]


def _check_part(name: str, field: str, part: Any, layout: Layout, x: Tensor, batched: bool) -> None:
    batch, sizes = x.shape[1], layout.h_size if field == "h" else layout.hidden_size
    if layout.uniform:
        shape = (layout.cells, batch, sizes(0))
        _check(name, part, shape, "layers * directions", batched, x)
        return
    if not isinstance(part, tuple | list) or len(part) != layout.layers:
        differs = "hidden_size" if len(set(layout.hidden_sizes)) > 1 else "bidirectional"
        raise TypeError(
            f"{name} must be a tuple of {layout.layers} tensors, one for each layer, since "
            f"{differs} differs between them, got {type(part).__name__}"
        )
    for layer, own in enumerate(part):
        shape = (layout.directions(layer), batch, sizes(layout.cells_of(layer)[0]))
        _check(f"{name}[{layer}]", own, shape, "directions", batched, x)


def _cells_of(part: Any, layout: Layout, batched: bool) -> list[Tensor]:
    tensors = [part] if layout.uniform else part
    return [cell if batched else cell.unsqueeze(0) for own in tensors for cell in own.unbind()]


def _join_part(cells: Sequence[Tensor], layout: Layout, batched: bool) -> Any:
    if layout.uniform:
        return torch.stack([cell if batched else cell[0] for cell in cells])
    return tuple(
        torch.stack([cells[i] if batched else cells[i][0] for i in layout.cells_of(layer)])
        for layer in range(layout.layers)
    )


def _check(
    name: str, part: Any, shape: tuple[int, int, int], rows: str, batched: bool, x: Tensor
) -> None:
    if not isinstance(part, Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(part).__name__}")
    expected = shape if batched else (shape[0], shape[2])
    if tuple(part.shape) != expected:
        axes = f"{rows}, batch, hidden_size" if batched else f"{rows}, hidden_size"
        raise ShapeError(f"{name} must have shape ({axes}) = {expected}, got {tuple(part.shape)}")
    check_kind(name, part, x)
