"""Read tables that lie in archives, or whose header lacks the name of the first column."""

import csv
import io
from pathlib import Path
from typing import Any

from lockgate.data import read as tables
from lockgate.data.read import RawTable

_HEAD_ROWS = 50
_HEAD = 65_536
_MARK = b"\xef\xbb\xbf"  # of UTF-8, at the start of a file


def read_table(source: Any, separator: str | None = None) -> RawTable:
    """Read as `read.read` does, and also what R writes: a header without a name for row names."""
    if not isinstance(source, str | Path):
        return tables.read(source, separator=separator)
    path = Path(source)
    # folders, names and Parquet are refused or read where all tables are
    if not path.is_file() or path.suffix.lower() in (".parquet", ".pq"):
        return tables.read(path, separator=separator)
    tables.check_path(path)
    return read_csv_bytes(tables.read_bytes(path), path.name, separator)


def read_csv_bytes(data: bytes, name: str, separator: str | None = None) -> RawTable:
    """Read the bytes of a CSV file; `name` is what errors call it."""
    return tables.read_csv(_with_first_name(data, separator), name, separator)


def _with_first_name(data: bytes, separator: str | None) -> bytes:
    """Give the first column an empty name where every row has one value more than names."""
    body = data.removeprefix(_MARK).lstrip(b"\r\n")
    whole = len(body) <= _HEAD
    lines = body[:_HEAD].decode("latin-1").splitlines()
    lines = [line for line in (lines if whole else lines[:-1])[:_HEAD_ROWS] if line.strip()]
    marks = (separator,) if separator in tables.SEPARATORS else tables.SEPARATORS
    for mark in marks if len(lines) > 1 and separator in (None, *marks) else ():
        try:
            sizes = [len(row) for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=mark)]
        except csv.Error:
            continue
        if sizes[0] > 1 and set(sizes[1:]) == {sizes[0] + 1}:
            return mark.encode() + body
    return data
