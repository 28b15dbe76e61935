"""Read columns of a CSV or TSV file, character by character as they were written."""

import contextlib
import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lockgate.data.errors import DataError, nearest, option
from lockgate.data.read import SEPARATORS

_SAMPLE_ROWS = 200  # rows from which the separator is told where there is no header
_SAMPLE = 1_000_000
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


class Fields(NamedTuple):
    """Some columns of a table in text."""

    columns: dict[str, list[str]]
    """By the option that named the column."""
    rows: list[int]
    """Number of each row, 1 below the header; blank rows are left out."""
    notices: tuple[str, ...] = ()


def read_fields(
    text: str,
    name: str,
    wanted: Mapping[str, str],
    *,
    separator: str | None = None,
    header: bool = True,
) -> Fields:
    """Read the columns `wanted` of a table in text.

    Nothing is changed in a value but the line ends around it, and double quotes that enclose it.
    Where the quotes of a file do not match, or in a tab-separated file without values of several
    lines, each line is a row and a quote that encloses no whole value is a character.

    Args:
        text: The file.
        name: What errors call the file.
        wanted: Column by the option that names it.
        separator: Default: the one by which the header has these columns.
        header: Whether the first row names the columns; else they are called "1", "2" and so on.

    Raises:
        DataError: If there is no such column, or a row has more values than there are columns.
    """
    text = text.lstrip("\r\n")
    separator = _checked(separator) or _told_separator(text[:_SAMPLE], name, wanted, header)
    lines = _even_lines(text, separator) if separator == "\t" else None
    if lines is not None:
        return _gathered(_split(lines, separator), name, wanted, header)
    try:
        with _no_field_limit(len(text)):
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
            return _gathered(rows, name, wanted, header)
    except csv.Error as error:
        lines = _even_lines(text, separator)
        if lines is None:
            raise DataError(_why_not(text, name, separator, header, error)) from error
    notice = f'{name} has quotes (") that do not match: read as characters, each line as a row'
    return _gathered(_split(lines, separator), name, wanted, header)._replace(notices=(notice,))


def column_names(text: str, name: str, separator: str | None, header: bool) -> list[str]:
    """Return what the columns of a table in text are called."""
    start = text.lstrip("\r\n")[:_SAMPLE]
    separator = _checked(separator) or _told_separator(start, name, {}, header)
    return _names(next(iter(_some_rows(start, separator)), []), header)


def check_columns(wanted: Mapping[str, str], names: list[str], hint: str = "") -> None:
    """Check that every column that an option names is there, once."""
    for argument, column in wanted.items():
        if column not in names:
            raise DataError(
                f"{argument} must name a column of the table, got {column!r}; "
                f"{nearest(column, names)}{hint}"
            )
        if names.count(column) > 1:
            raise DataError(f"column names must differ, got {column!r} more than once")


def _checked(separator: str | None) -> str | None:
    separator = "\t" if separator in ("\\t", "tab") else separator
    if separator is not None and (len(separator) != 1 or separator in '"\r\n'):
        raise DataError(f"separator must be one character such as ;, got {separator!r}")
    return separator


def _told_separator(start: str, name: str, wanted: Mapping[str, str], header: bool) -> str:
    """Choose the separator by which the header has most of the wanted columns, or rows agree."""
    if name.lower().removesuffix(".gz").endswith(".tsv"):
        return "\t"
    scores = {}
    for separator in SEPARATORS:
        rows = _some_rows(start, separator)
        names = _names(rows[0], header) if rows else []
        sizes = [len(row) for row in rows]
        if sizes and sizes[0] > 1:
            found = sum(column in names for column in wanted.values())
            scores[separator] = (found, sizes.count(sizes[0]) / len(sizes), sizes[0])
    return max(scores, key=lambda separator: scores[separator]) if scores else ","


def _some_rows(start: str, separator: str) -> list[list[str]]:
    rows = []
    with contextlib.suppress(csv.Error), _no_field_limit(len(start)):
        reader = csv.reader(io.StringIO(start, newline=""), delimiter=separator)
        for row, _ in zip(reader, range(_SAMPLE_ROWS), strict=False):
            rows.append(row)
    return [row for row in rows if row]


def _names(first: list[str], header: bool) -> list[str]:
    return [value.strip() if header else str(i) for i, value in enumerate(first, 1)]


@contextlib.contextmanager
def _no_field_limit(most: int) -> Iterator[None]:
    """Let a value be longer than the 131,072 characters that csv allows."""
    limit = csv.field_size_limit()
    csv.field_size_limit(max(limit, most))
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _even_lines(text: str, separator: str) -> list[str] | None:
    """Return the lines, if each of them has as many separators as the first, or is blank."""
    # not splitlines, which also splits at characters that are part of texts
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    parts = lines[0].count(separator)
    if any(line and line.count(separator) != parts for line in lines):
        return None
    return lines


def _split(lines: list[str], separator: str) -> Iterator[list[str]]:
    for line in lines:
        yield [_unquoted(value) for value in line.split(separator)] if line else []


def _unquoted(value: str) -> str:
    if value.startswith('"') and _QUOTED.fullmatch(value):
        return value[1:-1].replace('""', '"')
    return value


def _gathered(
    rows: Iterator[list[str]], name: str, wanted: Mapping[str, str], header: bool
) -> Fields:
    first = next(rows, [])
    names = _names(first, header)
    check_columns(wanted, names, _hint(wanted) if header else "")
    places = {argument: names.index(column) for argument, column in wanted.items()}
    columns: dict[str, list[str]] = {argument: [] for argument in wanted}
    numbers = []
    for row, values in enumerate(rows if header else _again(first, rows), 1):
        if not any(values):
            continue
        if len(values) > len(names):
            raise DataError(
                f"every row must have at most {len(names)} values, as the first row has, got "
                f"{len(values)} in row {row} of {name!r}; quote what holds separators, or name "
                f"another: {option('separator', 'tab')}"
            )
        numbers.append(row)
        for argument, place in places.items():
            columns[argument].append(values[place].strip("\r\n") if place < len(values) else "")
    return Fields(columns, numbers)


def _again(first: list[str], rows: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from rows


def _hint(wanted: Mapping[str, str]) -> str:
    if all(column.isdigit() for column in wanted.values()):
        return "; if the first row is no header, say so (--no-header)"
    return ""


def _why_not(text: str, name: str, separator: str, header: bool, error: csv.Error) -> str:
    """Find the row whose quotes do not match."""
    row = -int(header)
    with contextlib.suppress(csv.Error), _no_field_limit(len(text)):
        for _ in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            row += 1
    return (
        f"{name} must be a table in text, got {error} in row {row + 1}; double the quotes within a "
        'quoted value ("")'
    )
