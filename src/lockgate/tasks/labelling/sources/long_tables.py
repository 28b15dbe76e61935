"""Read labelled sequences from a table with a row for every step."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lockgate.errors import DataError, listed, option, quoted
from lockgate.reading.tables import RawTable
from lockgate.tasks.labelling.labelled import LabelKind, Labelled, Ragged
from lockgate.tasks.labelling.sources.sequence_columns import (
    Roles,
    check_role_columns,
    choose_inputs,
    in_order,
    label_notices,
    present,
    read_labels,
    shown,
    sort_keys,
    unlabelled,
)

_SAMPLE = 200  # rows that show whether a column holds texts
_WORDS = r"\p{L}\s+\S*\p{L}"
Codes = npt.NDArray[np.int64]


def from_long(raw: RawTable, roles: Roles) -> Labelled:
    """Gather the rows of each `id`, in the order in which the identities first occur.

    Without `step` the rows of a sequence stay in the order of the table; without `id` there is one
    sequence, which must have a label at every step.

    Raises:
        DataError: If the columns are not as `roles` says, a step occurs twice, or a sequence has
            several of what it must have one of.
    """
    _check(raw, roles)
    chosen = choose_inputs(raw, roles)
    codes, names = _sequences(raw, roles)
    keys = sort_keys(raw, roles.step, "step") if roles.step else None
    order = in_order(codes, keys, names)
    starts = np.searchsorted(codes[order], np.arange(len(names) + 1))
    if not roles.labelled:
        items = Ragged(chosen.values[order], starts.astype(np.int64))
        return unlabelled(items, names, raw.source, chosen.names, raw.notices + chosen.notices)
    label = check_label(roles, raw)
    labels, kind = _labels(raw, roles, order, starts, names)
    return Labelled(
        items=Ragged(chosen.values[order], starts.astype(np.int64)),
        labels=labels,
        kind=kind,
        names=names,
        source=raw.source,
        channels=chosen.names,
        groups=_groups(raw, roles, order, starts, names),
        times=sort_keys(raw, roles.time, "time")[order][starts[:-1]] if roles.time else None,
        notices=raw.notices + chosen.notices + label_notices(raw.frame[label], roles),
    )


def check_label(roles: Roles, raw: RawTable) -> str:
    """Return the name of the label column, which must be named."""
    if roles.label is None:
        raise DataError(
            f"label must name a column of {quoted(raw.source)}, got none; its columns are "
            f"{listed(map(repr, raw.frame.columns))}"
        )
    return roles.label


def _check(raw: RawTable, roles: Roles) -> None:
    options: tuple[str, ...] = ("id", "step")
    if roles.labelled:
        check_label(roles, raw)
        options = ("label", *options, "group", "time")
    check_role_columns(roles, raw.frame.columns, raw.source, options)
    if roles.id is None and not roles.at_steps:
        raise DataError(
            f"id must name the column that tells the sequences of {quoted(raw.source)} apart, "
            f"got none; "
            "or pass at_steps=True (--at-steps) for a label at every step of one sequence"
            + "".join(f"; or, for texts, {option('text', name)}" for name in _texts(raw, roles)[:1])
        )


def _texts(raw: RawTable, roles: Roles) -> list[str]:
    """Name the columns that hold texts of several words, the longest first."""
    names = [n for n in raw.frame.columns if raw.frame[n].dtype == pl.String and n != roles.label]
    sample = raw.frame.select(names).head(_SAMPLE)
    words = [n for n in names if 2 * sample[n].str.contains(_WORDS).sum() > len(sample)]
    return sorted(words, key=lambda name: sample[name].str.len_chars().sum(), reverse=True)


def _sequences(raw: RawTable, roles: Roles) -> tuple[Codes, tuple[str, ...]]:
    """Number the sequence of each row, and name the sequences."""
    if roles.id is None:
        return np.zeros(raw.frame.height, dtype=np.int64), (raw.source,)
    text = present(raw, roles.id, "id")
    names = text.unique(maintain_order=True)
    codes = text.replace_strict(names, pl.int_range(len(names), eager=True), return_dtype=pl.Int64)
    return codes.to_numpy(), tuple(names)


def _labels(
    raw: RawTable, roles: Roles, order: Codes, starts: Codes, names: tuple[str, ...]
) -> tuple[npt.NDArray[Any], LabelKind]:
    """Return a label for every step, or for every sequence the one that its steps agree on.

    A step without a label agrees with the others.
    """
    column = raw.frame[check_label(roles, raw)]
    if roles.at_steps:
        return read_labels(column[order], roles, lambda i: f"row {raw.rows[order[i]]}")
    labels, kind = read_labels(column, roles, lambda i: f"row {raw.rows[i]}")
    remedy = "; pass at_steps=True (--at-steps) for a label at every step"
    labels = _filled(labels[order], starts) if kind != "classes" else labels[order]
    return _constant(labels, starts, names, f"label {quoted(column.name)}", remedy), kind


def _groups(
    raw: RawTable, roles: Roles, order: Codes, starts: Codes, names: tuple[str, ...]
) -> npt.NDArray[Any] | None:
    if roles.group is None:
        return None
    groups = np.array(present(raw, roles.group, "group").to_list(), dtype=str)
    return _constant(groups[order], starts, names, f"group {quoted(roles.group)}", "")


def _filled(labels: npt.NDArray[Any], starts: Codes) -> npt.NDArray[Any]:
    """Give the steps that have no label the first that their sequence has."""
    known = labels != "" if labels.dtype.kind == "U" else ~np.isnan(labels)
    first = np.minimum.reduceat(np.where(known, np.arange(len(labels)), len(labels)), starts[:-1])
    # of a sequence without any, its own first step, which has none either
    first = np.repeat(np.where(first < len(labels), first, starts[:-1]), np.diff(starts))
    filled: npt.NDArray[Any] = np.where(known, labels, labels[first])
    return filled


def _constant(
    values: npt.NDArray[Any], starts: Codes, names: tuple[str, ...], what: str, remedy: str
) -> npt.NDArray[Any]:
    """Return the value of each sequence, which must be the same at all its steps."""
    firsts = values[starts[:-1]]
    differs = values != np.repeat(firsts, np.diff(starts))
    if values.dtype.kind == "f":
        differs &= ~np.isnan(values)
    if differs.any():
        row = int(np.flatnonzero(differs)[0])
        i = int(np.searchsorted(starts, row, side="right")) - 1
        raise DataError(
            f"{what} must be one for each sequence, got {shown(firsts[i].item())} and "
            f"{shown(values[row].item())} in {quoted(names[i])}{remedy}"
        )
    return firsts
