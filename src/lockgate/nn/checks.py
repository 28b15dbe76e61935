"""Check the sizes a layer is made with and the tensors it is called with."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def check_size(name: str, size: int, least: int = 1) -> int:
    """Return a size if it is an integer of at least `least`, or raise."""
    if isinstance(size, bool) or not isinstance(size, int):
        raise TypeError(f"{name} must be an integer, got {size!r}")
    if size < least:
        raise ValueError(f"{name} must be at least {least}, got {size}")
    return size


def check_flag(name: str, flag: bool) -> bool:
    """Return a flag if it is a bool, or raise: a misplaced positional argument is not a flag."""
    if not isinstance(flag, bool):
        raise TypeError(f"{name} must be True or False, got {flag!r}")
    return flag


def check_x(x: Tensor, features: int, parameter: Tensor, batch_first: bool) -> None:
    """Raise unless x is a sequence, or a batch of them, that the layer can read."""
    if not isinstance(x, Tensor):
        raise TypeError(f"x must be a tensor, got {type(x).__name__}")
    time = 1 if batch_first and x.ndim == 3 else 0
    if x.ndim not in (2, 3) or x.shape[-1] != features or x.shape[time] == 0:
        axes = "batch, time >= 1" if batch_first else "time >= 1, batch"
        expected = f"({axes}, {features}), or (time >= 1, {features}) unbatched"
        raise ValueError(f"x must have shape {expected}, got {tuple(x.shape)}")
    _check_kind("x", x, parameter)


def check_hx(hx: Sequence[Tensor], shape: tuple[int, int, int], batched: bool, x: Tensor) -> None:
    """Raise unless each part of hx is (layers * directions, batch, hidden_size), as in torch."""
    expected = shape if batched else (shape[0], shape[2])
    for position, part in enumerate(hx):
        name = "hx" if len(hx) == 1 else f"hx[{position}]"
        if not isinstance(part, Tensor):
            raise TypeError(f"{name} must be a tensor, got {type(part).__name__}")
        if tuple(part.shape) != expected:
            axes = "layers * directions, batch, hidden_size"
            axes = axes if batched else "layers * directions, hidden_size"
            raise ValueError(
                f"{name} must have shape ({axes}) = {expected}, got {tuple(part.shape)}"
            )
        _check_kind(name, part, x)


def check_masks(masks: Any, shapes: Mapping[str, tuple[int, ...]], parameter: Tensor) -> None:
    """Raise unless the masks of a call fit it; `shapes` gives the largest shape of each."""
    if sorted(given := _by_name(masks)) != sorted(shapes):
        raise ValueError(
            f"masks must hold {len(shapes) // 2} cells, one for each layer and direction, got "
            f"{len(given) // 2}. Take them from draw_masks of a layer like this one."
        )
    for name, mask in given.items():
        if mask is not None:
            _check_mask(f"masks.{name}", mask, shapes[name], parameter)


def _by_name(masks: Any) -> dict[str, Tensor | None]:
    if not hasattr(masks, "cells") or not hasattr(masks, "output"):
        raise TypeError(f"masks must be what draw_masks returns, got {type(masks).__name__}")
    by_name: dict[str, Tensor | None] = {}
    for index, cell in enumerate(masks.cells):
        by_name |= {f"cells[{index}].{name}": mask for name, mask in cell._asdict().items()}
    return {**by_name, "output": masks.output}


def _check_mask(name: str, mask: Tensor, largest: tuple[int, ...], parameter: Tensor) -> None:
    *along, features = largest
    fits = mask.ndim == len(largest) and mask.shape[-1] == features
    if not fits or any(size not in (1, n) for size, n in zip(mask.shape, along, strict=False)):
        expected = ", ".join(f"1 or {n}" if n != 1 else "1" for n in along)
        raise ValueError(
            f"{name} must have shape ({expected}, {features}), got {tuple(mask.shape)}"
        )
    _check_kind(name, mask, parameter)


def _check_kind(name: str, value: Tensor, like: Tensor) -> None:
    if value.device != like.device:
        raise ValueError(f"{name} must be on {like.device}, got {value.device}")
    if value.dtype != like.dtype and not torch.is_autocast_enabled(like.device.type):
        raise ValueError(
            f"{name} must be {like.dtype}, got {value.dtype}. "
            f"Convert it with .to({like.dtype}), or the layer with .to({value.dtype})."
        )
