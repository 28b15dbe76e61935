"""Check the sizes a layer is made with and the tensors it is called with."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from lockgate.ops.autocast import autocast_dtype
from lockgate.ops.tracing import is_traced

T = TypeVar("T")


class ShapeError(ValueError, RuntimeError):
    """A tensor of a call has a shape that does not fit the layer.

    It is a `ValueError`, as every wrong value is, and a `RuntimeError`, as in torch's layers: a
    program that catches either one works.

    Example:
        >>> import torch
        >>> from lockgate.nn import GRU
        >>> try:
        ...     GRU(3, 8)(torch.zeros(5, 2, 4))
        ... except RuntimeError as error:
        ...     print(error)
        x must have shape (time >= 1, batch, 3), or (time >= 1, 3) unbatched, got (5, 2, 4)
    """


def check_size(name: str, size: int, least: int = 1) -> int:
    """Return a size if it is an integer of at least `least`, or raise."""
    if isinstance(size, bool) or not isinstance(size, int):
        raise TypeError(f"{name} must be an integer, got {size!r}")
    if size < least:
        raise ValueError(f"{name} must be at least {least}, got {size}")
    return size


def check_layers(
    hidden_size: int | Sequence[int], bidirectional: bool | Sequence[bool], num_layers: int
) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Return the size of each layer and whether it reads both ways: given for all, or for each."""
    check_size("num_layers", num_layers)
    sizes = _by_layer("hidden_size", hidden_size, "an integer or", check_size)
    both = _by_layer("bidirectional", bidirectional, "True or False, or", check_flag)
    given = {"hidden_size": hidden_size, "bidirectional": bidirectional}
    listed = {name: list(values) for name, values in given.items() if isinstance(values, Sequence)}
    for name, values in listed.items():
        if num_layers not in (1, len(values)):
            raise ValueError(
                f"num_layers must be {len(values)} with {name}={values}, or left out, "
                f"got {num_layers}"
            )
    layers = max(num_layers, len(sizes), len(both))
    if any(len(values) != layers for values in listed.values()):
        raise ValueError(
            f"bidirectional must be as long as hidden_size={list(sizes)}, got {list(both)}. "
            "Give one value for all layers, or one for each."
        )
    return sizes * (layers // len(sizes)), both * (layers // len(both))


def _by_layer(name: str, given: Any, one_or: str, check: Callable[[str, Any], T]) -> tuple[T, ...]:
    """Check the value of each layer, or the one for all."""
    if not isinstance(given, Sequence):
        return (check(name, given),)
    if isinstance(given, str) or len(given) == 0:
        raise TypeError(f"{name} must be {one_or} a list of them, got {given!r}")
    return tuple(check(f"{name}[{i}]", value) for i, value in enumerate(given))


def check_residual(residual: bool, widths: Sequence[int]) -> None:
    """Raise unless layers that add what they read give as many features as they read."""
    if residual and len(set(widths)) > 1:
        raise ValueError(
            "residual must be False where layers differ in width, got True with "
            f"{', '.join(map(str, widths))} features from layer to layer"
        )


def check_choice(name: str, value: str, choices: Sequence[str]) -> str:
    """Return a value if it is one of the choices, or raise."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {list(choices)}, got {value!r}")
    return value


def check_flag(name: str, flag: bool) -> bool:
    """Return a flag if it is a bool, or raise: a misplaced positional argument is not a flag."""
    if not isinstance(flag, bool):
        raise TypeError(f"{name} must be True or False, got {flag!r}")
    return flag


def given_once(name: str, value: Any, as_input: Any) -> Any:
    """Return the argument that torch calls `input` and we call by another name, given either way.

    Raises:
        TypeError: If it is given both ways, or not at all.
    """
    if value is None and as_input is not None:
        return as_input
    if value is None or as_input is not None:
        got = "none" if value is None else "both"
        raise TypeError(f"{name} must be given once, as {name} or as input, got {got}")
    return value


def check_x(x: Tensor, features: int, parameter: Tensor, batch_first: bool) -> None:
    """Raise unless x is a sequence, or a batch of them, that the layer can read."""
    if not isinstance(x, Tensor):
        raise TypeError(f"x must be a tensor, got {type(x).__name__}")
    time = 1 if batch_first and x.ndim == 3 else 0
    if x.ndim not in (2, 3) or x.shape[-1] != features or x.shape[time] == 0:
        axes = "batch, time >= 1" if batch_first else "time >= 1, batch"
        expected = f"({axes}, {features}), or (time >= 1, {features}) unbatched"
        raise ShapeError(f"x must have shape {expected}, got {tuple(x.shape)}")
    check_kind("x", x, parameter)


def check_valid(name: str, mask: Tensor, true_where: str) -> None:
    """Raise unless what tells rows or steps apart is a tensor of bools."""
    rule = f"{name} must be a tensor of torch.bool, True where {true_where}"
    if not isinstance(mask, Tensor):
        raise TypeError(f"{rule}, got {type(mask).__name__}")
    if mask.dtype == torch.bool:
        return
    # a mask that is added to scores has zeros where bool() needs ones
    if mask.is_meta or is_traced(mask) or ((mask == 0) | (mask == 1)).all():
        raise TypeError(f"{rule}, got {mask.dtype}. Convert it with {name}.bool().")
    raise TypeError(f"{rule}, got {mask.dtype} with other values than 0 and 1")


def check_masks(
    given: Mapping[str, Tensor | None], shapes: Mapping[str, tuple[int, ...]], parameter: Tensor
) -> None:
    """Raise unless the masks of a call fit it; `shapes` gives the largest shape of each."""
    if given.keys() != shapes.keys():
        cells, got = (sum(name.endswith(".x") for name in names) for names in (shapes, given))
        raise ShapeError(
            f"masks must hold {cells} cells, one for each layer and direction, got {got}. "
            "Take them from draw_masks of a layer like this one."
        )
    for name, mask in given.items():
        if mask is not None:
            _check_mask(f"masks.{name}", mask, shapes[name], parameter)


def _check_mask(name: str, mask: Tensor, largest: tuple[int, ...], parameter: Tensor) -> None:
    *along, features = largest
    fits = mask.ndim == len(largest) and mask.shape[-1] == features
    if not fits or any(size not in (1, n) for size, n in zip(mask.shape, along, strict=False)):
        expected = ", ".join(f"1 or {n}" if n != 1 else "1" for n in along)
        raise ShapeError(
            f"{name} must have shape ({expected}, {features}), got {tuple(mask.shape)}"
        )
    check_kind(name, mask, parameter)


def check_kind(name: str, value: Tensor, like: Tensor) -> None:
    """Raise unless a tensor has the device, and but for autocast the dtype, of another."""
    if value.device != like.device:
        raise ValueError(f"{name} must be on {like.device}, got {value.device}")
    if value.dtype != like.dtype and autocast_dtype(like.device.type) is None:
        raise ValueError(
            f"{name} must be {like.dtype}, got {value.dtype}. "
            f"Convert it with .to({like.dtype}), or the layer with .to({value.dtype})."
        )
