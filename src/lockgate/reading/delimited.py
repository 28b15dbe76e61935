"""Part text into rows and columns; read columns of it character by character as written."""

import contextlib
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import NamedTuple

from lockgate.errors import DataError, nearest, option, quoted

SEPARATORS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 200  # rows that show the separator
_SAMPLE = 1_000_000
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


class Fields(NamedTuple):
    """Some columns of a table in text."""

    columns: dict[str, list[str]]
    """By the option that named the column."""
    rows: list[int]
    """Number of each row, 1 below the header; blank rows are left out."""
    notices: tuple[str, ...] = ()


def rows_of(text: str, separator: str, *, strict: bool = False) -> Iterator[list[str]]:
    """Part text into rows of values, which may be longer than the 131,072 characters of csv.

    Raises:
        csv.Error: If `strict` and the quotes do not match.
        DataError: If it is otherwise no table.
    """
    limit = csv.field_size_limit()
    csv.field_size_limit(max(limit, len(text)))
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)
    except csv.Error as error:
        if strict:
            raise
        raise DataError(f"source must be a table in text, got {error}") from error
    finally:
        csv.field_size_limit(limit)


def first_rows(text: str, separator: str) -> list[list[str]]:
    """Return the rows that tell what a table is like, but for blank ones."""
    size = max(_SAMPLE, text.find("\n") + 1)  # the header may be longer
    start = text[:size]
    if len(text) > size and "\n" in start:
        start = start[: start.rindex("\n")]
    with contextlib.closing(rows_of(start, separator)) as rows:  # type: ignore[type-var]
        return [row for row in islice(rows, _SAMPLE_ROWS) if row]


def find_separator(
    text: str,
    name: str,
    separator: str | None = None,
    *,
    wanted: Iterable[str] = (),
    header: bool = True,
) -> str:
    """Return the separator that was named, or that by which the first rows make a table.

    That is a tab in a `.tsv` file; else what parts most of the wanted columns, and by which most
    rows are as wide as the first.

    Args:
        text: The table.
        name: Its file's name.
        separator: What was named; `tab` is one.
        wanted: Columns that there should be.
        header: Whether the first row names the columns.

    Raises:
        DataError: If what was named is more than a character.
    """
    if separator is not None:
        return _checked(separator)
    is_tsv = name.lower().removesuffix(".gz").endswith(".tsv")
    scores = {}
    for mark in SEPARATORS:
        rows = first_rows(text, mark)
        if rows and len(rows[0]) > 1:
            named = set(column_names(rows[0], header))
            known = sum(column in named for column in wanted)
            scores[mark] = (is_tsv and mark == "\t", known, _agreement(rows), len(rows[0]))
    best = max(scores, key=lambda mark: scores[mark], default=None)
    return best or ("\t" if is_tsv else ",")


def column_names(first: list[str], header: bool) -> list[str]:
    """Return what the columns are called: as the first row says, or "1", "2" and so on."""
    return [value.strip() if header else str(i) for i, value in enumerate(first, 1)]


def lacks_first_name(rows: list[list[str]]) -> bool:
    """Whether every row is a value wider than the header, as R writes row names.

    A separator at the end of every row makes none.
    """
    width, below = len(rows[0]), rows[1:]
    return (
        width > 1
        and {len(row) for row in below} == {width + 1}
        and any(row[-1].strip() for row in below)
    )


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
    separator = find_separator(text, name, separator, wanted=wanted.values(), header=header)
    lines = _even_lines(text, separator) if separator == "\t" else None
    if lines is not None:
        return _gathered(_split(lines, separator), name, wanted, header)
    try:
        return _gathered(rows_of(text, separator, strict=True), name, wanted, header)
    except csv.Error as error:
        lines = _even_lines(text, separator)
        if lines is None:
            raise DataError(_why_not(text, name, separator, header, error)) from error
    notice = f'{name} has quotes (") that do not match: read as characters, each line as a row'
    return _gathered(_split(lines, separator), name, wanted, header)._replace(notices=(notice,))


def names_in(
    text: str, name: str, separator: str | None, header: bool, wanted: Iterable[str] = ()
) -> list[str]:
    """Return what the columns of a table in text are called; arguments as in `find_separator`."""
    text = text.lstrip("\r\n")
    rows = first_rows(text, find_separator(text, name, separator, wanted=wanted, header=header))
    return column_names(rows[0], header) if rows else []


def check_columns(wanted: Mapping[str, str], names: list[str], hint: str = "") -> None:
    """Check that every column that an option names is there, once."""
    for argument, column in wanted.items():
        if column not in names:
            raise DataError(
                f"{argument} must name a column of the table, got {quoted(column)}; "
                f"{nearest(column, names)}{hint}"
            )
        if names.count(column) > 1:
            raise DataError(f"column names must differ, got {quoted(column)} more than once")


def _checked(separator: str) -> str:
    separator = "\t" if separator in ("\\t", "tab") else separator
    if len(separator) != 1 or separator in '"\r\n':
        raise DataError(f"separator must be one character such as ;, got {quoted(separator)}")
    return separator


def _agreement(rows: list[list[str]]) -> float:
    """Return the share of rows as wide as the header, or as R makes them."""
    if lacks_first_name(rows):
        return 1 - 1 / len(rows)
    return sum(len(row) == len(rows[0]) for row in rows) / len(rows)


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
    names = column_names(first, header)
    check_columns(wanted, names, _hint(wanted) if header else "")
    places = {argument: names.index(column) for argument, column in wanted.items()}
    columns: dict[str, list[str]] = {argument: [] for argument in wanted}
    numbers = []
    for row, values in enumerate(rows if header else chain([first], rows), 1):
        if not any(values):
            continue
        if len(values) > len(names):
            raise DataError(
                f"every row must have at most {len(names)} values, as the first row has, got "
                f"{len(values)} in row {row} of {quoted(name)}; quote what holds separators, "
                f"or name "
                f"another: {option('separator', 'tab')}"
            )
        numbers.append(row)
        for argument, place in places.items():
            columns[argument].append(values[place].strip("\r\n") if place < len(values) else "")
    return Fields(columns, numbers)


def _hint(wanted: Mapping[str, str]) -> str:
    if all(column.isdigit() for column in wanted.values()):
        return "; if the first row is no header, say so (--no-header)"
    return ""


def _why_not(text: str, name: str, separator: str, header: bool, error: csv.Error) -> str:
    """Find the row whose quotes do not match."""
    row = -int(header)
    with contextlib.suppress(csv.Error):
        for _ in rows_of(text, separator, strict=True):
            row += 1
    return (
        f"{name} must be a table in text, got {error} in row {row + 1}; double the quotes within a "
        'quoted value ("")'
    )
