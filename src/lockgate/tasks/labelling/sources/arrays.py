"""Take labelled sequences from arrays in memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lockgate.errors import DataError
from lockgate.tasks.labelling.labelled import LabelKind, Labelled, Ragged
from lockgate.tasks.labelling.sources.memory import plain
from lockgate.tasks.labelling.sources.sequence_columns import joined, shown

Values = npt.NDArray[np.float32]


def from_arrays(
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    channels: Sequence[str] | None = None,
    as_number: bool = False,
) -> Labelled:
    """Put sequences that are in memory end to end.

    Args:
        X: A list, or an array or Series of objects, of arrays or tensors `(steps, channels)` or
            `(steps,)`; or one array or tensor `(sequences, steps, channels)` or
            `(sequences, steps)`.
        y: A label for each sequence; or, for each, a list of labels, one for each step. Default:
            every label is empty, for sequences that are only to be predicted.
        groups: For each sequence, what it belongs to.
        channels: Names of the channels. Default: `dim_1` and so on.
        as_number: Whether labels are numbers to be predicted, not classes.

    Raises:
        TypeError: If `X` has no length.
        DataError: If what it holds are no sequences of as many channels each, or the lengths of
            `X`, `y`, `groups` and `channels` do not agree.

    Example:
        >>> data = from_arrays([[1.0, 2.0, 3.0], [4.0]], ["up", "down"])
        >>> len(data), data.items.lengths.tolist(), data.channels
        (2, [3, 1], ('dim_1',))
    """
    items = _items(X)
    names = tuple(f"row {i + 1}" for i in range(len(items)))
    width = items.values.shape[1]
    if channels is not None and (len(set(channels)), len(channels)) != (width, width):
        raise DataError(
            f"channels must be {width} different names, one for each channel, got {list(channels)}"
        )
    labels, kind = _labels(y, items, names, as_number)
    if groups is not None:
        groups = np.asarray(groups)
        _check_count("groups", groups, "a group for each", len(items))
    return Labelled(
        items=items,
        labels=labels,
        kind=kind,
        names=names,
        source="X",
        channels=tuple(channels or (f"dim_{k + 1}" for k in range(width))),
        groups=groups,
    ).fingerprinted()


def _items(X: Any) -> Ragged:
    X = plain(X)
    if isinstance(X, np.ndarray) and X.dtype.kind in "fiub" and X.ndim in (2, 3):
        return _from_block(X if X.ndim == 3 else X[..., None])
    try:
        rows = list(X) if len(X) else []
    except TypeError:
        rows = None
    if rows is None or isinstance(X, str | bytes | dict | set):
        raise TypeError(f"X must be a list of arrays, or an array, got {type(X).__name__}")
    sequences = [_sequence(row, f"row {i + 1}") for i, row in enumerate(rows)]
    widths = {i: s.shape[1] for i, s in enumerate(sequences) if s.size}
    first, width = next(iter(widths.items()), (0, 1))
    for i in widths:
        if widths[i] != width:
            raise DataError(
                f"X must hold sequences of as many channels each, got {width} in row {first + 1} "
                f"and {widths[i]} in row {i + 1}"
            )
    return joined([s if s.size else s.reshape(0, width) for s in sequences], width)


def _from_block(block: npt.NDArray[Any]) -> Ragged:
    """Take sequences of one length."""
    count, steps, width = block.shape
    if width == 0:
        raise DataError(f"X must have one channel or more, got shape {block.shape}")
    starts = np.arange(count + 1, dtype=np.int64) * steps
    with np.errstate(over="ignore"):
        return Ragged(block.reshape(-1, width).astype(np.float32), starts)


def _sequence(row: Any, name: str) -> Values:
    try:
        array = np.asarray(row)
        array = array.astype(np.float64) if array.dtype == object else array
    except (TypeError, ValueError) as error:
        raise DataError(f"X must hold arrays of numbers, got others in {name}: {error}") from None
    if array.dtype.kind not in "fiub":
        raise DataError(f"X must hold arrays of real numbers, got {array.dtype} in {name}")
    if array.ndim not in (1, 2) or (array.ndim == 2 and not array.shape[1] and len(array)):
        raise DataError(
            f"X must hold sequences of shape (steps,) or (steps, channels), got shape "
            f"{array.shape} in {name}"
        )
    with np.errstate(over="ignore"):
        return (array if array.ndim == 2 else array[:, None]).astype(np.float32)


def _labels(
    y: Any, items: Ragged, names: tuple[str, ...], as_number: bool
) -> tuple[npt.NDArray[Any], LabelKind]:
    if y is None:
        return np.full(len(items), ""), "class"
    _check_count("y", y, "a label for each", len(items))
    rows = list(y)
    if any(_is_many(labels) for labels in rows):
        if as_number:
            raise DataError("y must be one number for each sequence, got many in row 1")
        if all(_is_many(labels) or is_missing(labels) for labels in rows):
            return _steps(rows, items, names), "steps"
    if as_number:
        return np.array([_number(label, n) for label, n in zip(rows, names, strict=True)]), "number"
    texts = [_text(label, n) for label, n in zip(rows, names, strict=True)]
    return np.array(texts, dtype=str), "class"


def _steps(rows: list[Any], items: Ragged, names: tuple[str, ...]) -> npt.NDArray[Any]:
    texts: list[str] = []
    for i, (own, name, steps) in enumerate(zip(rows, names, items.lengths.tolist(), strict=True)):
        # a sequence without labels has none at each of its steps, nor has the padding
        labels = list(own) if _is_many(own) else []
        if not labels or np.isnan(items[i][len(labels) :]).all():
            labels += [None] * (steps - len(labels))
        if len(labels) != steps:
            raise DataError(
                f"y must hold a label for each step of a sequence, got {len(labels):,} for "
                f"{steps:,} steps in {name}"
            )
        texts += [_text(label, f"{name}, step {t}") for t, label in enumerate(labels, 1)]
    return np.array(texts, dtype=str)


def _is_many(labels: Any) -> bool:
    return isinstance(labels, list | tuple | np.ndarray) and np.ndim(labels) > 0


def is_missing(label: Any) -> bool:
    """Tell None, NaN, pandas' NA and a text that holds nothing from labels."""
    return (
        label is None
        or type(label).__name__ in ("NAType", "NaTType")
        or (isinstance(label, float | np.floating) and bool(np.isnan(label)))
        or (isinstance(label, str) and not label.strip())
    )


def _text(label: Any, place: str) -> str:
    """Return a label as text, empty where missing; `1.0` and `1` are the same, as in files."""
    if is_missing(label):
        return ""
    label = label.item() if isinstance(label, np.generic) else label
    if isinstance(label, bool):
        return str(label).lower()
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    text = str(label).strip() if isinstance(label, str | int | float) else ""
    if not text:
        raise DataError(f"every label must be a text or a number, got {shown(label)} in {place}")
    return text


def _number(label: Any, place: str) -> float:
    try:
        return float("nan") if is_missing(label) else float(label)
    except (TypeError, ValueError):
        raise DataError(f"every label must be a number, got {shown(label)} in {place}") from None


def _check_count(name: str, values: Any, what: str, count: int) -> None:
    shape = np.shape(values) if isinstance(values, np.ndarray) else None
    size = len(values) if hasattr(values, "__len__") and shape != () else None
    if size != count or isinstance(values, str):
        raise DataError(
            f"{name} must hold {what} of the {count:,} sequences, got "
            f"{type(values).__name__ if size is None else format(size, ',')}"
        )
