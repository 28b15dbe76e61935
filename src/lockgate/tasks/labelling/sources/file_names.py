"""Match the files of an archive with the ways in which a table may name them."""

import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from lockgate.errors import DataError, listed, quoted
from lockgate.reading.tables import RawTable
from lockgate.tasks.labelling.sources.sequence_columns import present, shown


def match_files(
    raw: RawTable, column: str, names: Sequence[str], folder: str, *, strict: bool = True
) -> tuple[str, ...]:
    """Return the one of the files `names` that each row of a table means.

    A file is called by its path, from the archive's root or from `folder`, by its name, with or
    without ending, or by the last number in its name: whichever finds most of them. A row without a
    file is refused, or empty where not `strict`.

    Raises:
        DataError: If a row may mean several files, or several rows mean one, or the table has no
            header.
    """
    keys = present(raw, column, column).to_list()
    same_name = _files_of([column], names, folder)[0]
    if same_name:
        raise DataError(
            f"the first row of {quoted(raw.source)} must name the columns, got "
            f"{quoted(column)}, which means "
            f"{quoted(same_name[0])}; add a header line"
        )
    seen: dict[str, int] = {}
    for row, key, files in zip(raw.rows, keys, _files_of(keys, names, folder), strict=True):
        place = f"got {shown(key)} in row {row}"
        if len(files) > 1:
            raise DataError(
                f"{quoted(raw.source)} must tell files apart, {place}, which may be "
                f"{quoted(files[0])} or "
                f"{quoted(files[1])}; write their names in full"
            )
        if strict and not files:
            raise DataError(
                f"{quoted(raw.source)} must name files that exist, {place}; the files are "
                f"{listed(map(repr, names), 3)}"
            )
        if files and seen.setdefault(files[0], row) != row:
            raise DataError(
                f"{quoted(raw.source)} must name each file once, {place}, where row "
                f"{seen[files[0]]} "
                f"names {quoted(files[0])} too"
            )
    return tuple(files[0] if files else "" for files in _files_of(keys, names, folder))


def _files_of(keys: list[str], names: Sequence[str], folder: str) -> list[list[str]]:
    """Return the files that each key may mean, in the way of naming that finds most."""
    best: list[list[str]] = [[] for _ in keys]
    for way in _ways(folder):
        by_key: dict[str, list[str]] = {}
        for name in names:
            by_key.setdefault(way(name), []).append(name)
        by_key.pop("", None)
        files = [by_key.get(key) or by_key.get(_number(key), []) for key in keys]
        if sum(map(bool, files)) > sum(map(bool, best)):
            best = files
    return best


def _ways(folder: str) -> tuple[Callable[[str], str], ...]:
    """List the ways in which a file may be named, the strictest first."""
    return (
        lambda name: name,
        lambda name: name.removeprefix(folder),
        lambda name: PurePosixPath(name).name,
        _stem,
        lambda name: "".join(map(_number, re.findall(r"[0-9]+", _stem(name))[-1:])),
    )


def _stem(name: str) -> str:
    last = PurePosixPath(name).name
    return PurePosixPath(last.removesuffix(".gz")).stem


def _number(text: str) -> str:
    """Write digits without leading zeros; no digits are no number."""
    return text.lstrip("0") or "0" if text.isascii() and text.isdecimal() else ""
