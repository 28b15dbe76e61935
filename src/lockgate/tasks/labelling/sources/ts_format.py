"""Read labelled sequences from `.ts` files, the format of sktime and aeon."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from lockgate.errors import DataError, count_of, listed, quoted
from lockgate.reading.encodings import decode
from lockgate.reading.tables import read_bytes
from lockgate.tasks.labelling.labelled import Labelled
from lockgate.tasks.labelling.sources.sequence_columns import (
    Roles,
    check_column,
    check_input_names,
    joined,
    read_labels,
    shown,
    unlabelled,
)

TS_EXTENSIONS = (".ts", ".ts.gz")
_COMMENTS = ("#", "%")
_MISSING = ("?", "nan")
_TRUTHS = {"true": True, "false": False}


@dataclass
class Header:
    """What the lines before the data tell."""

    classes: tuple[str, ...] | None = None
    """Labels that may occur; empty where none are listed, None where labels are numbers."""
    dimensions: int | None = None
    steps: int | None = None
    equal: bool = False
    """Whether all sequences must be of one length: `steps`, or that of the first."""
    labelled: bool = False
    read: bool = True
    """Whether labels are read."""
    stray: list[int] = field(default_factory=list)


class Row(NamedTuple):
    """One sequence and its label, as text."""

    name: str
    values: npt.NDArray[np.float32]  # (steps, channels)
    label: str


def read_ts(path: Path, roles: Roles, encoding: str | None = None) -> Labelled:
    """Read a `.ts` file, also with `.gz`; the channels are called `dim_1` and so on.

    A missing value, `?` or `NaN`, becomes NaN; a missing label is `?`. The row of errors is counted
    below `@data`. The encoding is told from the bytes where it is not named.

    Raises:
        DataError: If it is no such file, has time stamps or no labels, or a row does not fit the
            header or the other rows.
    """
    _check_roles(roles)
    lines, notices = _lines(path, encoding)
    start, header = _read_header(lines, path.name, Header(read=roles.labelled))
    rows = _read_rows(lines[start:], header, path.name)
    channels = tuple(f"dim_{i + 1}" for i in range(header.dimensions or 0))
    kept = _kept(channels, roles, path.name)
    names = tuple(row.name for row in rows)
    if header.stray:
        notices += (
            f"not read: line {listed(header.stray, 3)}, before @data without @ or #, of "
            f"{quoted(path.name)}",
        )
    items = joined([row.values[:, kept] for row in rows], len(kept))
    own = tuple(channels[k] for k in kept)
    if not roles.labelled:
        return unlabelled(items, names, path.name, own, notices)
    labels, kind = read_labels(
        pl.Series([None if row.label == "?" else row.label for row in rows], dtype=pl.String),
        roles._replace(as_number=True) if header.classes is None else roles,
        lambda i: names[i],
    )
    return Labelled(
        items=items,
        labels=labels,
        kind=kind,
        names=names,
        source=path.name,
        channels=own,
        notices=notices,
    )


def _check_roles(roles: Roles) -> None:
    for option in ("label", "id", "step", "group", "time"):
        if getattr(roles, option) is not None:
            raise DataError(
                f"{option} must be left out for a .ts file, which has no columns, got "
                f"{getattr(roles, option)!r}"
            )
    if roles.at_steps:
        raise DataError(
            "at_steps must be left out for a .ts file, which has one label for each sequence, got "
            "True"
        )


def _lines(path: Path, encoding: str | None) -> tuple[list[str], tuple[str, ...]]:
    if not path.exists():
        raise FileNotFoundError(f"source must be an existing file, got {str(path)!r}")
    decoded = decode(read_bytes(path), path.name, encoding, quoted=False)
    text = decoded.text
    if "\n" not in text:
        text = text.replace("\r", "\n")
    # not splitlines(): it parts at marks that stand within comments too
    return [line.strip() for line in text.split("\n")], decoded.warnings


def _read_header(lines: list[str], name: str, header: Header) -> tuple[int, Header]:
    """Return the first line of the data, and what the lines before it tell."""
    for number, line in enumerate(lines, 1):
        if not line or line.startswith(_COMMENTS):
            continue
        if not line.startswith("@"):
            header.stray.append(number)
            continue
        key, *words = line[1:].split() or [""]
        if key.lower() == "data":
            _check_header(header, name)
            return number, header
        _read_tag(header, key, words, f"line {number} of {quoted(name)}")
    raise DataError(f"source must have a line @data before its rows, got none in {quoted(name)}")


def _read_tag(header: Header, key: str, words: list[str], place: str) -> None:
    match key.lower():
        case "classlabel":
            header.labelled = _truth(key, words, place)
            header.classes = tuple(words[1:])
        case "targetlabel":
            header.labelled, header.classes = _truth(key, words, place), None
        case "univariate":
            if _truth(key, words, place) and header.dimensions is None:
                header.dimensions = 1
        case "dimension" | "dimensions":
            header.dimensions = _count(key, words, place)
        case "equallength":
            header.equal = _truth(key, words, place)
        case "serieslength":
            header.steps = _count(key, words, place)
        case "timestamps":
            if _truth(key, words, place):
                raise DataError(f"@{key} must be false, got true in {place}; {_STAMPS}")
        case _:
            pass  # the name of the problem and what others add tell nothing about the data


_STAMPS = "save the values alone, at equal steps"


def _truth(key: str, words: list[str], place: str) -> bool:
    truth = _TRUTHS.get(words[0].lower()) if words else None
    if truth is None:
        raise DataError(f"@{key} must be true or false, got {shown(' '.join(words))} in {place}")
    return truth


def _count(key: str, words: list[str], place: str) -> int:
    text = " ".join(words)
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text)):
        raise DataError(f"@{key} must be a whole number of 1 or more, got {shown(text)} in {place}")
    return int(text)


def _check_header(header: Header, name: str) -> None:
    if header.read and not header.labelled:
        raise DataError(
            f"source must have labels, @classLabel true or @targetLabel true, got none in "
            f"{quoted(name)}"
        )


def _read_rows(lines: list[str], header: Header, name: str) -> list[Row]:
    """Read the rows; what the header leaves open is set by the first of them."""
    rows = []
    for number, line in enumerate(lines, 1):
        if not line or line.startswith(_COMMENTS):
            continue
        row = _read_row(line, header, f"row {number}", name)
        header.dimensions = row.values.shape[1]
        if header.equal and header.steps is None:
            header.steps = len(row.values)
        if header.equal and len(row.values) != header.steps:
            raise DataError(
                f"every sequence of {quoted(name)} must have "
                f"{count_of(header.steps or 0, 'step')}, as "
                f"@equalLength is true, got {len(row.values):,} in {row.name}"
            )
        rows.append(row)
    return rows


def _read_row(line: str, header: Header, row: str, name: str) -> Row:
    if "(" in line:
        raise DataError(
            f"values must be without time stamps, got '(' in {row} of {quoted(name)}; {_STAMPS}"
        )
    parts = [part.strip() for part in line.split(":")]
    label = parts.pop() if header.labelled else ""
    expected = header.dimensions or max(1, len(parts))
    if len(parts) != expected:
        raise DataError(
            f"every row of {quoted(name)} must have {count_of(expected, 'dimension')} and a label, "
            f"parted by ':', got {count_of(len(parts), 'dimension')} in {row}"
        )
    if header.read:
        _check_label(label, header, row, name)
    dimensions = [
        _floats(part, f"{row}, dimension {i} of {quoted(name)}") for i, part in enumerate(parts, 1)
    ]
    lengths = [len(values) for values in dimensions]
    if len(set(lengths)) > 1:
        other = next(i for i, length in enumerate(lengths) if length != lengths[0])
        raise DataError(
            f"the dimensions of a row must be of one length, got {lengths[0]:,} and "
            f"{count_of(lengths[other], 'step')} in dimensions 1 and {other + 1} of {row} of "
            f"{quoted(name)}"
        )
    return Row(row, np.stack(dimensions, axis=1), label)


def _check_label(label: str, header: Header, row: str, name: str) -> None:
    if not label:
        raise DataError(
            f"every row of {quoted(name)} must end in a label, got {shown(label)} in {row}"
        )
    if header.classes and label not in (*header.classes, "?"):
        raise DataError(
            f"labels must be listed by @classLabel, {listed(header.classes)}, got {shown(label)} "
            f"in {row} of {quoted(name)}"
        )


def _floats(text: str, place: str) -> npt.NDArray[np.float32]:
    if not text:
        return np.empty(0, dtype=np.float32)
    words = text.split(",")
    try:
        # Python's underscores in numbers are none of the format's
        values = [] if "_" in text else list(map(float, words))
    except ValueError:
        values = []
    with np.errstate(over="ignore"):
        return np.array(values or [_float(word, place) for word in words]).astype(np.float32)


def _float(word: str, place: str) -> float:
    word = word.strip()
    if word.lower() in _MISSING:
        return float("nan")
    try:
        if "_" not in word:
            return float(word)
    except ValueError:
        pass
    raise DataError(f"values must be numbers parted by ',', got {shown(word)} in {place}")


def _kept(channels: tuple[str, ...], roles: Roles, name: str) -> list[int]:
    if roles.inputs == "all":
        return list(range(len(channels)))
    names = dict.fromkeys(check_input_names(roles, channels, name))
    return [channels.index(check_column("inputs", channel, channels, name)) for channel in names]
