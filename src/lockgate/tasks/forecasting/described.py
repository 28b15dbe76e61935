"""What the columns of a source hold, so that a target can be chosen."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import polars as pl

from lockgate.errors import DataError, count_of, listed, quoted
from lockgate.reading.numbers import other_marks, to_number
from lockgate.reading.panics import no_panics
from lockgate.reading.tables import RawTable, read_raw
from lockgate.reading.times import named_columns, time_candidates

TARGET_NAMES = ("y", "target", "value", "values")
"""Names that `guess_target` takes for a target, best first, in any case."""
ColumnKind: TypeAlias = Literal["time", "number", "mixed", "text", "empty"]
"""What a column holds; `mixed` are numbers that cannot all be read, for the reason in its note."""


class ColumnNote(NamedTuple):
    """What a column of a source holds."""

    column: str
    kind: ColumnKind
    note: str
    example: str


@no_panics
def describe_columns(
    source: Any,
    *,
    time: str | Sequence[str] | None = None,
    time_format: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
) -> list[ColumnNote]:
    """Tell what each column of a source holds, so that a target can be chosen.

    Unlike `read_table` it asks for no time column: none, or several, are listed as they are.
    """
    raw = read_raw(source, separator=separator, encoding=encoding)
    times = named_columns(raw, time) if time is not None else time_candidates(raw, time_format)
    return [note_on(column, raw, times, decimal) for column in raw.frame]


@no_panics
def guess_target(
    source: Any,
    *,
    time: str | Sequence[str] | None = None,
    time_format: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
) -> str:
    """Name the column that is most likely to be the target.

    That is the column of one of the names in `TARGET_NAMES`, or else the last column of numbers
    that vary and are no count of the rows.

    Raises:
        DataError: If no column qualifies, with what `describe_columns` raises.
    """
    raw = read_raw(source, separator=separator, encoding=encoding)
    times = named_columns(raw, time) if time is not None else time_candidates(raw, time_format)
    numbers = {
        column.name: to_number(column, decimal)
        for column in raw.frame
        if note_on(column, raw, times, decimal).kind == "number"
    }
    for wanted in TARGET_NAMES:
        for name in numbers:
            if name.lower() == wanted:
                return name
    varying = [name for name, values in numbers.items() if values.drop_nulls().n_unique() > 1]
    guesses = [name for name in varying if not _counts_rows(numbers[name])]
    if not guesses:
        raise DataError(
            f"target must be named, got no column of varying numbers in {quoted(raw.source)} "
            f"to guess it "
            f"from; the columns are {listed(raw.frame.columns, 12)}"
        )
    return guesses[-1]


def note_on(
    column: pl.Series, raw: RawTable, times: Sequence[str], decimal: str | None
) -> ColumnNote:
    """Say what a column holds; a note on what is no number is the reason to leave it out."""
    filled = column.drop_nulls()
    example = str(filled[0]) if len(filled) else ""
    numbers = to_number(column, decimal)
    faulty = column.is_not_null() & numbers.is_null()
    missing = f"{column.null_count():,} missing" if column.null_count() else ""
    kind: ColumnKind = "number"
    note = missing
    if column.name in times:
        kind = "time"
    elif column.name in raw.unnamed:
        kind, note = "text", "has no name in the header"
    elif filled.is_empty():
        kind, note = "empty", "holds no values"
    elif faulty.any():
        kind, note = _note_on_text(column, faulty, raw, decimal)
    return ColumnNote(column.name, kind, note, example)


def _note_on_text(
    column: pl.Series, faulty: pl.Series, raw: RawTable, decimal: str | None
) -> tuple[ColumnKind, str]:
    if column.dtype != pl.String:
        return "text", f"holds {column.dtype}"
    count, value = int(faulty.sum()), column.filter(faulty)[0]
    if marks := other_marks(column, decimal):
        of = (
            "in which a mark may be decimal or not"
            if len(marks) > 1
            else ("with another decimal mark")
        )
        return "mixed", f"holds numbers {of}, such as {quoted(value)}"
    if 2 * count >= len(column.drop_nulls()):
        return "text", "holds text"
    rows = count_of(count, "row")
    return (
        "mixed",
        f"holds text in {rows}, the first row {raw.rows.filter(faulty)[0]}: {quoted(value)}",
    )


def _counts_rows(numbers: pl.Series) -> bool:
    """Whether each value is one more than that before."""
    return numbers.null_count() == 0 and bool((numbers.diff().drop_nulls() == 1).all())
