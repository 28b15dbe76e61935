"""Read labelled sequences from a zip or a folder with a file for each of them."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from lockgate.errors import DataError, count_of, listed, option, quoted
from lockgate.reading.archive import Archive, open_archive
from lockgate.reading.tables import AS_SHOWN, RawTable, TextFormat, read_bytes, read_csv
from lockgate.tasks.labelling.labelled import LabelKind, Labelled
from lockgate.tasks.labelling.sources.file_names import match_files
from lockgate.tasks.labelling.sources.sequence_columns import (
    Roles,
    check_column,
    check_role_columns,
    choose_inputs,
    in_order,
    joined,
    label_notices,
    present,
    read_labels,
    sort_keys,
    to_text,
    unlabelled,
)

_TARGET = re.compile(r"target|labels?(?![a-z])", re.IGNORECASE)


class File(NamedTuple):
    """One sequence as its file holds it."""

    values: npt.NDArray[np.float32]  # (steps, channels)
    channels: tuple[str, ...]
    labels: pl.Series | None
    notices: tuple[str, ...]


class Listing(NamedTuple):
    """What the file of labels says of the sequences."""

    names: tuple[str, ...]
    labels: npt.NDArray[Any]
    kind: LabelKind
    times: npt.NDArray[Any] | None = None
    groups: npt.NDArray[Any] | None = None
    notices: tuple[str, ...] = ()


def from_archive(
    path: Path, roles: Roles, labels: str | Path | None = None, form: TextFormat = AS_SHOWN
) -> Labelled:
    """Read a sequence from each file that `labels` names, in its order.

    The file of labels has a column that tells the sequences apart (`roles.id`, or the first): by
    name, with or without folders and ending, or by the last number in the name. With `at_steps`
    the labels stand in the files themselves, in the column `roles.label`. `roles.group` is a column
    of the file of labels, or another file of two columns.

    Raises:
        DataError: If a file or a label is missing, or the files' channels differ.
    """
    with open_archive(path) as archive:
        if not roles.labelled:
            return _unlabelled(archive, roles, labels, form)
        if roles.at_steps:
            return _tagged(archive, roles, labels, form)
        listing = _read_listing(archive, roles, labels, form)
        files = _files(archive, listing.names, roles._replace(label=None, time=None), form)
    return Labelled(
        items=joined([file.values for file in files], 0),
        labels=listing.labels,
        kind=listing.kind,
        names=listing.names,
        source=archive.source,
        channels=files[0].channels,
        groups=listing.groups,
        times=listing.times,
        notices=listing.notices + _notices(files),
    )


def _unlabelled(
    archive: Archive, roles: Roles, labels: str | Path | None, form: TextFormat
) -> Labelled:
    """Read every table of the archive but those of labels and groups."""
    others = {PurePosixPath(str(name)).name for name in (labels, roles.group) if name}
    names = [name for name in archive.tables if PurePosixPath(name).name not in others]
    if not names:
        raise DataError(f"source must hold tables, got none in {quoted(archive.source)}")
    files = _files(archive, names, roles, form)
    items = joined([file.values for file in files], 0)
    return unlabelled(items, names, archive.source, files[0].channels, _notices(files))


def _tagged(
    archive: Archive, roles: Roles, labels: str | Path | None, form: TextFormat
) -> Labelled:
    """Read every table of the archive, each with a column of labels."""
    if labels is not None or roles.label is None or roles.time is not None:
        raise DataError(
            "with at_steps the label must be a column of every file, with neither a file of labels "
            f"nor a time, got label={quoted(roles.label)}, labels={quoted(labels)}, "
            f"time={quoted(roles.time)}"
        )
    group = None if roles.group is None else archive.find(roles.group, "group")
    names = tuple(name for name in archive.tables if name != group)
    if not names:
        raise DataError(f"source must hold tables, got none in {quoted(archive.source)}")
    groups, notices = _groups(archive, roles, names, form)
    files = _files(archive, names, roles, form)
    columns = [file.labels for file in files if file.labels is not None]
    starts = np.concatenate([[0], np.cumsum([len(column) for column in columns])])
    tags, kind = read_labels(
        pl.concat([to_text(column) for column in columns]),
        roles,
        lambda i: names[int(np.searchsorted(starts, i, side="right")) - 1],
    )
    return Labelled(
        items=joined([file.values for file in files], 0),
        labels=tags,
        kind=kind,
        names=names,
        source=archive.source,
        channels=files[0].channels,
        groups=groups,
        notices=notices + _notices(files),
    )


def _read_listing(
    archive: Archive, roles: Roles, labels: str | Path | None, form: TextFormat
) -> Listing:
    """Read the file of labels, and what it and the file of groups say of each sequence."""
    file = archive.find(str(labels), "labels") if labels else _no_labels(archive)
    raw = _table(archive, file, form)
    key, label, group = _target_columns(raw, roles)
    group_file = archive.find(roles.group, "group") if roles.group and not group else None
    candidates = [name for name in archive.tables if name not in (file, group_file)]
    names = match_files(raw, key, candidates, _folder(file))
    read, kind = read_labels(
        raw.frame[label], roles, lambda i: f"row {raw.rows[i]} of {quoted(raw.source)}"
    )
    groups, notices = (
        (np.array(list(present(raw, group, "group"))), ())
        if group
        else _groups(archive, roles, names, form)
    )
    times = sort_keys(raw, roles.time, "time") if roles.time else None
    rest = sorted(set(candidates) - set(names))
    if rest:
        notices += (
            f"{count_of(len(rest), 'file')} without a label in {quoted(raw.source)} not read: "
            f"{listed(rest, 3)}",
        )
    told = label_notices(raw.frame[label], roles)
    return Listing(names, read, kind, times, groups, raw.notices + told + notices)


def _no_labels(archive: Archive) -> str:
    likely = [n for n in archive.tables if _TARGET.search(PurePosixPath(n).stem)]
    hint = f"; try {option('labels', likely[0])}" if likely else ""
    raise DataError(
        f"labels must name the file of labels in {quoted(archive.source)} or beside it, got "
        f"none{hint}"
    )


def _folder(file: str | Path) -> str:
    """Return the folder of the archive in which a file lies, with its `/`."""
    if isinstance(file, Path) or "/" not in file:
        return ""
    return f"{PurePosixPath(file).parent}/"


def _table(archive: Archive, file: str | Path, form: TextFormat) -> RawTable:
    """Read a table; a mark of comments before its first name is no part of the name."""
    data = read_bytes(file) if isinstance(file, Path) else archive.read(file)
    name = file.name if isinstance(file, Path) else file
    raw = read_csv(data, name, *form)
    first = raw.frame.columns[0]
    plain = first.lstrip("# ")
    if plain and plain not in raw.frame.columns:
        raw = raw._replace(frame=raw.frame.rename({first: plain}))
    return raw


def _target_columns(raw: RawTable, roles: Roles) -> tuple[str, str, str | None]:
    """Return the columns of keys, of labels and, where there is one, of groups."""
    names = raw.frame.columns
    roles = roles._replace(group=roles.group if roles.group in names else None)
    check_role_columns(roles, names, raw.source, ("id", "label", "group", "time"))
    taken = (roles.label, roles.group, roles.time)
    key = roles.id or next((name for name in names if name not in taken), names[0])
    rest = [name for name in names if name not in (key, roles.group, roles.time)]
    if roles.label is None and len(rest) != 1:
        raise DataError(
            f"{quoted(raw.source)} must have two columns, what tells the files apart and the "
            f"label, got "
            f"{listed(map(repr, names))}; name the one of labels (--label)"
        )
    return key, roles.label or rest[0], roles.group


def _groups(
    archive: Archive, roles: Roles, names: Sequence[str], form: TextFormat
) -> tuple[npt.NDArray[Any] | None, tuple[str, ...]]:
    """Return the group that a file of groups tells for each of `names`."""
    if roles.group is None:
        return None, ()
    file = archive.find(roles.group, "group")
    raw = _table(archive, file, form)
    if raw.frame.width != 2:
        raise DataError(
            f"{quoted(raw.source)} must have two columns, what tells the files apart and the "
            f"group, got "
            f"{listed(map(repr, raw.frame.columns))}"
        )
    key, group = raw.frame.columns
    matched = match_files(raw, key, names, _folder(file), strict=False)
    values = present(raw, group, "group").to_list()
    of_name = {name: value for name, value in zip(matched, values, strict=True) if name}
    missing = [name for name in names if name not in of_name]
    if missing:
        raise DataError(
            f"{quoted(raw.source)} must tell the group of every sequence, got none for "
            f"{listed(map(repr, missing), 3)}"
        )
    return np.array([of_name[name] for name in names]), raw.notices


def _files(archive: Archive, names: Sequence[str], roles: Roles, form: TextFormat) -> list[File]:
    """Read the files of the sequences, all with the channels of the first and in their order."""
    files: list[File] = []
    for name in names:
        file = _read_file(_table(archive, name, form), roles)
        files.append(_aligned(file, files[0].channels, name, names[0]) if files else file)
    return files


def _read_file(raw: RawTable, roles: Roles) -> File:
    read = ("step", "label") if roles.labelled else ("step",)
    options = [o for o in read if getattr(roles, o) is not None]
    for role in options:
        check_column(role, getattr(roles, role), raw.frame.columns, raw.source)
    chosen = choose_inputs(raw, roles)
    order: Any = slice(None)
    if roles.step is not None:
        codes = np.zeros(raw.frame.height, dtype=np.int64)
        order = in_order(codes, sort_keys(raw, roles.step, "step"), (raw.source,))
    labels = raw.frame[roles.label][order] if roles.label and roles.labelled else None
    return File(chosen.values[order], chosen.names, labels, raw.notices + chosen.notices)


def _aligned(file: File, channels: tuple[str, ...], name: str, first: str) -> File:
    if file.channels == channels:
        return file
    if set(file.channels) != set(channels):
        raise DataError(
            f"every file must have the channels of {quoted(first)}, {listed(channels)}, got "
            f"{listed(file.channels)} in {quoted(name)}"
        )
    order = [file.channels.index(channel) for channel in channels]
    return file._replace(values=file.values[:, order], channels=channels)


def _notices(files: list[File]) -> tuple[str, ...]:
    """Join what was said of files: what was said of many is said once."""
    said = dict.fromkeys(notice for file in files for notice in file.notices)
    few, more = list(said)[:3], len(said) - 3
    return (*few, f"and {count_of(more, 'more notice')} of this kind") if more > 0 else tuple(few)
