"""Reads one uploaded table from standard input, in a process that may be killed.

It runs as a file of its own, without the package: what a hostile table could reach is this process,
with little memory, no new files, and a clock. Columns are written to standard output as JSON.

    python -I reader.py csv|parquet ROWS COLUMNS DECODED_BYTES MEMORY_BYTES SECONDS
"""

import csv
import io
import json
import math
import sys

SEPARATORS = ",;\t|"


class Refused(Exception):  # noqa: N818 - the sentence is an answer, not a fault
    """The table cannot be used; the message is one sentence."""


def main() -> None:
    """Read the table, and write its columns or why they cannot be read."""
    kind, *numbers = sys.argv[1:]
    rows, columns, decoded, memory, seconds = map(int, numbers)
    body = sys.stdin.buffer.read()
    if kind == "parquet":
        pass  # before the bounds: libraries are mapped, and open files
    _bound(memory, seconds)
    try:
        read = {"csv": _csv, "parquet": _parquet}[kind]
        answer = {"columns": read(body, rows, columns, decoded)}
        text = json.dumps(answer, ensure_ascii=True)
    except Refused as refused:
        text = json.dumps({"refused": str(refused)})
    except MemoryError:
        text = json.dumps({"refused": f"the table must fit into {memory:,} bytes once decoded"})
    sys.stdout.write(text)


def _bound(memory: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows, where the clock of the server alone ends this process
        return
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))


def _csv(body: bytes, rows: int, columns: int, decoded: int) -> dict[str, list[str | None]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("the table must be UTF-8, got other bytes; save it as UTF-8") from None
    if len(text) > decoded:
        raise Refused(f"the table must have at most {decoded:,} characters, got more")
    head = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(SEPARATORS, key=head.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    table: list[list[str]] = []
    try:
        for line in lines:
            if line and any(cell.strip() for cell in line):
                table.append(line)
            if len(table) > rows + 1:
                raise Refused(f"the table must have at most {rows:,} rows, got more")
    except csv.Error as error:
        raise Refused(f"line {lines.line_num} of the table must be CSV: {error}") from None
    if len(table) < 2:
        raise Refused("the table must have a line of names and rows below it, got fewer lines")
    names = [name.strip() for name in table[0]]
    _check_names(names, columns)
    for place, line in enumerate(table[1:], 2):
        if len(line) != len(names):
            raise Refused(f"row {place} of the table must have {len(names)} cells, got {len(line)}")
    return {name: [line[at].strip() or None for line in table[1:]] for at, name in enumerate(names)}


def _parquet(body: bytes, rows: int, columns: int, decoded: int) -> dict[str, list[object]]:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(body), memory_map=False)
        if file.metadata.num_rows > rows:
            raise Refused(
                f"the table must have at most {rows:,} rows, got {file.metadata.num_rows:,}"
            )
        names = file.schema_arrow.names
        _check_names(names, columns)
        found: dict[str, list[object]] = {name: [] for name in names}
        held = 0
        for batch in file.iter_batches(batch_size=1_000, use_threads=False):
            held += batch.nbytes
            count = batch.num_rows + len(found[names[0]])
            if held > decoded or count > rows:
                raise Refused(f"the table must have at most {decoded:,} bytes once decoded")
            for name, column in zip(names, batch.columns, strict=True):
                found[name] += [_plain(cell, name) for cell in column.to_pylist()]
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        words = " ".join(str(error).split())[:200]
        raise Refused(f"the table must be Parquet: {words}") from None
    if not found[names[0]]:
        raise Refused("the table must hold rows, got none")
    return found


def _check_names(names: list[str], columns: int) -> None:
    if not 0 < len(names) <= columns:
        raise Refused(f"the table must have 1 to {columns:,} columns, got {len(names):,}")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Refused(f"columns of the table must have names of their own, got {twice[0]!r} twice")


def _plain(cell: object, name: str) -> object:
    """Return a cell as JSON can hold it; stamps by ISO 8601."""
    if cell is None or isinstance(cell, bool | int | str):
        return cell
    if isinstance(cell, float):
        return None if math.isnan(cell) else cell
    if hasattr(cell, "isoformat"):
        return cell.isoformat()
    if type(cell).__name__ == "Decimal":
        return float(cell)  # type: ignore[arg-type]
    raise Refused(
        f"column {name!r} of the table must hold numbers, texts or stamps, got "
        f"{type(cell).__name__}"
    )


if __name__ == "__main__":
    main()
