"""Tell what an estimator was given: texts, sequences, or a table with a row for each."""

from typing import Any, Literal

import numpy as np

from lockgate.data.errors import DataError
from lockgate.data.label_config import LabelledConfig
from lockgate.data.label_read import read_part
from lockgate.data.labelled import Labelled, check_items

Form = Literal["texts", "sequences", "table"]


def form_of(X: Any) -> Form:
    """Tell texts and sequences from a table of numbers, which scikit-learn checks.

    A list of arrays of one dimension and one length is a table too.
    """
    if isinstance(X, np.ndarray) and X.ndim == 3:
        return "sequences"
    items = _items(X)
    if not items:
        return "table"
    if isinstance(items[0], str):
        return "texts"
    if not all(isinstance(item, list | tuple | np.ndarray) for item in items):
        return "table"
    lengths = {item.shape[:1] if isinstance(item, np.ndarray) else (len(item),) for item in items}
    return "sequences" if len(lengths) > 1 or _is_deep(items[0]) else "table"


def in_memory(X: Any, y: Any, config: LabelledConfig, groups: Any = None) -> Labelled:
    """Take texts, sequences, or a table whose columns are the steps of one channel.

    Args:
        X: What `form_of` tells.
        y: A label for each, or None.
        config: Whether labels are numbers.
        groups: What each belongs to, or None.

    Raises:
        DataError: If something is empty, or no finite number.
    """
    texts = form_of(X) == "texts"
    data = read_part((_items(X) if texts else X, y), config, groups=groups)
    check_items(data)
    return data


def check_labels(y: Any, what: str) -> None:
    """Refuse y that is not there, in the words that scikit-learn has for it."""
    if y is None:
        raise DataError(f"This {what} requires y to be passed, but the target y is None.")


def _items(X: Any) -> list[Any]:
    """Return what a list, or an array or series of objects or texts, holds; else nothing."""
    if isinstance(X, list | tuple):
        return list(X)
    values = X.to_numpy() if hasattr(X, "to_numpy") else X
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "OUT":
        return list(values)
    return []


def _is_deep(item: Any) -> bool:
    """Tell whether an item has steps of several channels."""
    if isinstance(item, np.ndarray):
        return item.ndim == 2
    return bool(len(item)) and isinstance(item[0], list | tuple | np.ndarray)
