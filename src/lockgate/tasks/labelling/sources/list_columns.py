"""Read labelled sequences from a table with a row for every sequence and lists in its cells."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from lockgate.errors import DataError, count_of, listed, quoted
from lockgate.reading.numbers import to_number
from lockgate.reading.tables import RawTable
from lockgate.scoring.arrays import IntArray
from lockgate.tasks.labelling.labelled import Labelled, Ragged
from lockgate.tasks.labelling.sources.long_tables import check_label
from lockgate.tasks.labelling.sources.sequence_columns import (
    Roles,
    check_column,
    check_input_names,
    check_role_columns,
    label_notices,
    left_out_notice,
    present,
    read_labels,
    shown,
    sort_keys,
    to_float32,
    unlabelled,
)


class Block(NamedTuple):
    """What one list column adds to every sequence."""

    channels: tuple[str, ...]
    lengths: IntArray  # (rows,)
    values: npt.NDArray[np.float32]  # (steps of all rows, channels)


def has_lists(raw: RawTable) -> bool:
    """Whether a cell of the table holds many values."""
    return any(_is_list(column.dtype) for column in raw.frame)


def from_lists(raw: RawTable, roles: Roles) -> Labelled:
    """Read a sequence from each row: a list column for every channel, or lists of the steps.

    A column whose lists hold lists is read as the steps of several channels, called `name_1` and so
    on. With `at_steps` the label is a list too.

    Raises:
        DataError: If the columns are not as `roles` says, or the lists of a row differ in length.
    """
    raw = raw._replace(frame=raw.frame.with_columns(_plain(column) for column in raw.frame))
    label = check_label(roles, raw) if roles.labelled else ""
    if roles.step is not None:
        raise DataError(
            f"step must be left out where cells hold whole sequences, got {quoted(roles.step)}"
        )
    options = ("label", "id", "group", "time") if roles.labelled else ("id",)
    check_role_columns(roles, raw.frame.columns, raw.source, options)
    names = tuple(f"row {row}" for row in raw.rows)
    if roles.id is not None:
        names = tuple(present(raw, roles.id, "id"))
    chosen, notices = _chosen(raw, roles)
    raw = raw._replace(frame=_with_missing_lists(raw.frame, chosen))
    blocks = [_block(raw, name, names) for name in chosen]
    lengths = _one_length(dict(zip(chosen, blocks, strict=True)), names)
    items = Ragged(
        np.concatenate([block.values for block in blocks], axis=1),
        np.concatenate([[0], np.cumsum(lengths)]),
    )
    channels = tuple(channel for block in blocks for channel in block.channels)
    if not roles.labelled:
        return unlabelled(items, names, raw.source, channels, raw.notices + notices)
    column = _label_column(raw, label, roles, lengths, names)
    labels, kind = read_labels(
        column,
        roles,
        lambda i: _place(i, lengths, names) if roles.at_steps else names[i],
    )
    return Labelled(
        items=items,
        labels=labels,
        kind=kind,
        names=names,
        source=raw.source,
        channels=channels,
        groups=np.array(list(present(raw, roles.group, "group"))) if roles.group else None,
        times=sort_keys(raw, roles.time, "time") if roles.time else None,
        notices=raw.notices + notices + label_notices(column, roles),
    )


def _is_list(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.List | pl.Array)


def _plain(column: pl.Series) -> pl.Series:
    """Turn arrays, at either depth, into lists."""
    dtype, depth = column.dtype, 0
    while isinstance(dtype, pl.List | pl.Array):
        dtype, depth = dtype.inner, depth + 1  # type: ignore[assignment]
    for _ in range(depth):
        dtype = pl.List(dtype)
    return column.cast(dtype) if depth else column


def _chosen(raw: RawTable, roles: Roles) -> tuple[list[str], tuple[str, ...]]:
    lists = [c.name for c in raw.frame if _is_list(c.dtype) and c.name != roles.label]
    if roles.inputs == "all":
        left_out = {
            name: "one value in a row"
            for name in raw.frame.columns
            if name not in (*lists, *roles.columns())
        }
        if not lists:
            raise DataError(
                f"inputs must be columns of lists, got none beside the label in "
                f"{quoted(raw.source)}"
            )
        return lists, left_out_notice(left_out)
    names = list(dict.fromkeys(check_input_names(roles, lists, raw.source)))
    for name in names:
        check_column("inputs", name, raw.frame.columns, raw.source)
        if name not in lists:
            raise DataError(
                f"inputs must be columns of lists, got {quoted(name)}; they are {listed(lists, 12)}"
            )
    return names, ()


def _with_missing_lists(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Give a list that is missing the length of those beside it, with nothing in it."""
    lengths = [frame[name].list.len().fill_null(0) for name in names]
    longest = np.max([own.to_numpy() for own in lengths], axis=0)
    return frame.with_columns(_with_missing(frame[name], longest) for name in names)


def _with_missing(column: pl.Series, lengths: IntArray) -> pl.Series:
    """Give each null of a column of lists a list of so many nulls; lists of lists stay."""
    inner = column.dtype.inner  # type: ignore[attr-defined]
    if not column.null_count() or isinstance(inner, pl.List):
        return column
    steps = pl.Series("lockgate steps", lengths)
    nulls = pl.lit(None, dtype=inner).repeat_by(steps.name)
    both = column.to_frame().with_columns(steps)
    return both.select(pl.coalesce(pl.col(column.name), nulls)).to_series()


def _block(raw: RawTable, name: str, names: tuple[str, ...]) -> Block:
    lengths, steps = _exploded(raw.frame[name])
    if not isinstance(steps.dtype, pl.List):
        values = to_float32(_numbers(steps, name, lambda i: _place(i, lengths, names)))
        return Block((name,), lengths, values[:, None])
    widths, flat = _exploded(steps)
    width = int(widths[0]) if len(widths) else 1
    if width == 0 or isinstance(flat.dtype, pl.List):
        what = "an empty list" if width == 0 else "lists of lists"
        raise DataError(
            f"every step must be a number or a list of them, got {what} in {quoted(name)}"
        )
    differs = np.flatnonzero(widths != width)
    if len(differs):
        i = int(differs[0])
        raise DataError(
            f"every step of {quoted(name)} must have {count_of(width, 'channel')} as the first "
            f"has, got "
            f"{widths[i]} in {_place(i, lengths, names)}"
        )
    values = to_float32(_numbers(flat, name, lambda i: _place(i // width, lengths, names)))
    channels = tuple(f"{name}_{k + 1}" for k in range(width))
    return Block(channels, lengths, values.reshape(-1, width))


def _exploded(column: pl.Series) -> tuple[IntArray, pl.Series]:
    """Return the lengths of lists, 0 where there is none, and their values end to end."""
    lengths = column.list.len().fill_null(0)
    # explode() makes a null of an empty list
    return lengths.to_numpy().astype(np.int64), column.filter(lengths > 0).explode()


def _numbers(values: pl.Series, name: str, place: Callable[[int], str]) -> pl.Series:
    numbers = to_number(values)
    faulty = numbers.is_null() & values.is_not_null()
    if faulty.any():
        i = int(faulty.arg_true()[0])
        raise DataError(
            f"inputs must be numbers, got {shown(values[i])} in {place(i)}, column {quoted(name)}"
        )
    return numbers


def _place(step: int, lengths: IntArray, names: tuple[str, ...]) -> str:
    ends = np.cumsum(lengths)
    i = int(np.searchsorted(ends, step, side="right"))
    return f"{names[i]}, step {step - int(ends[i] - lengths[i]) + 1}"


def _one_length(blocks: dict[str, Block], names: tuple[str, ...]) -> IntArray:
    """Return the length of each sequence, on which all columns must agree."""
    first, *others = blocks
    lengths = blocks[first].lengths
    for name in others:
        _check_lengths(lengths, blocks[name].lengths, first, name, names)
    return lengths


def _check_lengths(
    lengths: IntArray, others: IntArray, first: str, name: str, names: tuple[str, ...]
) -> None:
    differs = np.flatnonzero(lengths != others)
    if len(differs):
        i = int(differs[0])
        raise DataError(
            f"the lists of a row must be of one length, got {lengths[i]:,} in {quoted(first)} and "
            f"{others[i]:,} in {quoted(name)} in {names[i]}"
        )


def _label_column(
    raw: RawTable, label: str, roles: Roles, lengths: IntArray, names: tuple[str, ...]
) -> pl.Series:
    """Return a label for each row, or end to end those of all steps."""
    column = raw.frame[label]
    is_list = _is_list(column.dtype)
    if is_list and roles.several is not None and column.dtype == pl.List(pl.String):
        return column.list.join(roles.several, ignore_nulls=True)
    if is_list != roles.at_steps:
        rule = "lists, one label for each step" if roles.at_steps else "one value for each row"
        raise DataError(
            f"label must hold {rule}, got {column.dtype} in {quoted(label)}; pass at_steps="
            f"{is_list} for {'labels at steps' if is_list else 'a label for each sequence'}"
        )
    if not roles.at_steps:
        return column
    # a row without labels has none at each of its steps
    own, flat = _exploded(_with_missing(column, lengths))
    _check_lengths(lengths, own, "the inputs", label, names)
    return flat
