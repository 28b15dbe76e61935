"""Say what a source in memory holds, texts, sequences or a table of numbers, and make it plain."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import narwhals as nw
import numpy as np

MemoryKind = Literal["texts", "sequences", "table"]


class Held(NamedTuple):
    """What is in memory, as lists and numpy arrays."""

    kind: MemoryKind
    values: Any
    """A list of texts, or of arrays; or one array of numbers."""


def is_held(source: Any) -> bool:
    """Tell lists, tuples, arrays, Series and tensors from paths and frames."""
    if isinstance(source, list | tuple):
        return True
    return hasattr(source, "__array__") and not nw.dependencies.is_into_dataframe(source)


def held(source: Any) -> Held:
    """Return what a list, tuple, array, Series, tensor or frame of numbers holds.

    A table has a row for each sequence and its steps, of one channel, in the columns; lists of one
    length are one too.

    Example:
        >>> held(["a text", "another"]).kind, held([[1.0, 2.0], [3.0]]).kind
        ('texts', 'sequences')
    """
    values = plain(source)
    return Held(_kind(values), values)


def pair_of(source: Any, *, labelled: bool) -> tuple[Any, Any]:
    """Return the items and the labels of what is in memory.

    Args:
        source: A pair (X, y); or, where no labels are wanted, also X alone.
        labelled: Whether labels are wanted; else they are left out, and a tuple of two is a pair
            unless it begins with a text.

    Raises:
        TypeError: If labels are wanted and it is no pair.
    """
    is_pair = isinstance(source, tuple) and len(source) == 2
    if not labelled:
        return (source[0] if is_pair and not isinstance(source[0], str) else source), None
    if not is_pair:
        raise TypeError(
            "source must be a path, a frame, or a pair (X, y) of items and their labels, got "
            f"{type(source).__name__}"
        )
    return source[0], source[1]


def plain(values: Any) -> Any:
    """Return numbers as an array, and other items as a list with arrays in it; the rest as it is.

    The index of a Series tells nothing: its items come in their order.
    """
    array = _array(values)
    if isinstance(array, np.ndarray):
        if array.ndim != 1 or array.dtype.kind in "fiub":
            return array
        array = array.tolist()
    if isinstance(array, list | tuple):
        return [_array(item) for item in array]
    return array


def _array(value: Any) -> Any:
    """Return a tensor, a Series or a frame as an array, or as a list of its objects."""
    if isinstance(value, str | np.generic) or not hasattr(value, "__array__"):
        return value
    if hasattr(value, "detach"):  # a tensor, known without importing torch
        value = value.detach().cpu()
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    array = np.asarray(value)
    if array.dtype == object and array.ndim == 1:
        # numpy makes lists in the lists of a Series into objects
        name = next((n for n in ("to_list", "to_pylist") if hasattr(value, n)), "")
        return getattr(value, name)() if name else array.tolist()
    return array if array.ndim else array.item()


def _kind(values: Any) -> MemoryKind:
    if isinstance(values, np.ndarray):
        return "sequences" if values.ndim == 3 else "table"
    if not isinstance(values, list):
        return "table"
    if any(isinstance(value, str) for value in values):
        return "texts"
    if not values or not all(isinstance(item, list | tuple | np.ndarray) for item in values):
        return "table"
    lengths = {item.shape[:1] if isinstance(item, np.ndarray) else (len(item),) for item in values}
    return "sequences" if len(lengths) > 1 or _is_deep(values[0]) else "table"


def _is_deep(item: Sequence[Any] | np.ndarray[Any, Any]) -> bool:
    """Tell whether an item has steps of several channels."""
    if isinstance(item, np.ndarray):
        return item.ndim == 2
    return bool(len(item)) and isinstance(item[0], list | tuple | np.ndarray)
