"""Read a file or a data frame into columns of text or typed values, with the rows' numbers."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import narwhals as nw
import polars as pl

from lockgate.errors import DataError, count_of, listed, option, quoted
from lockgate.files import memory_at_hand
from lockgate.reading.delimited import (
    column_names,
    find_separator,
    first_rows,
    lacks_first_name,
    rows_of,
)
from lockgate.reading.encodings import Decoded, decode, likely_encoding
from lockgate.reading.numbers import to_number, to_plain_number
from lockgate.reading.panics import no_panics
from lockgate.reading.parquet import name_of, parquet_files, read_parquet

MOST_RATIO = 1100
"""Times that data may grow when unpacked: deflate packs no tighter, so that more is a fault."""
NULLS = ("", "-", "?", "na", "n/a", "#n/a", "<na>", "nan", "null", "none")
"""Spellings of a missing value, in any case."""
EXTENSIONS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet", ".pq")
_CHUNK = 2**24


class RawTable(NamedTuple):
    """A table as it was read: nothing is parsed yet that stood there as text.

    Text is stripped and its null spellings are null; columns of a header without a name are called
    `unnamed 1`, by their place.
    """

    frame: pl.DataFrame
    rows: pl.Series
    """Number of each row in the source, 1 below the header; blank rows are left out."""
    source: str
    """File name, or `frame`."""
    notices: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    rows_read: int = 0


class TextFormat(NamedTuple):
    """How a table in text is written; None of what its bytes are to show."""

    separator: str | None = None
    encoding: str | None = None


AS_SHOWN = TextFormat()


@no_panics
def read_raw(source: Any, *, separator: str | None = None, encoding: str | None = None) -> RawTable:
    """Read a table without interpreting it.

    Args:
        source: Path of a CSV file (.csv, .tsv, .txt, also with .gz) or a Parquet file (.parquet,
            .pq), of a folder of Parquet files, or a list of their paths (see
            `lockgate.reading.parquet.parquet_files`); or a frame of pandas, polars (eager or lazy)
            or pyarrow. An index of times in pandas becomes a column.
        separator: Column separator of a CSV file. Default: detected from its first rows.
        encoding: Encoding of a CSV file. Default: detected from its bytes; a notice names it
            where it is not UTF-8.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If `source` is neither a path nor a frame.
        DataError: If it holds no table.
    """
    if isinstance(source, str | Path) and not Path(source).is_dir():
        check_path(Path(source))
    if (files := parquet_files(source)) is not None:
        return cleaned(read_parquet(*files), name_of(source))
    if isinstance(source, str | Path):
        path = Path(source)
        return read_csv(read_bytes(path), path.name, separator, encoding)
    return cleaned(to_polars(source), "frame")


def check_path(path: Path) -> None:
    """Refuse what is no file of a table, by its name and its size.

    Raises:
        FileNotFoundError: If there is no such file.
        DataError: If it is a folder, empty, or of another kind.
    """
    if path.is_dir():
        raise DataError(f"source must be a file, got the folder {quoted(str(path))}")
    if not path.exists():
        raise FileNotFoundError(f"source must be an existing file, got {quoted(str(path))}")
    if not path.name.lower().endswith(EXTENSIONS):
        raise DataError(f"source must end in {', '.join(EXTENSIONS)}, got {quoted(path.name)}")
    if path.stat().st_size == 0:
        raise DataError(f"source must hold a table, got the empty file {quoted(path.name)}")


def read_bytes(path: Path) -> bytes:
    """Read a file, unpacked where it is gzip, as its first bytes or its name tell.

    Raises:
        DataError: If it is no whole gzip file, or unpacks to more than `most_bytes`.
    """
    with path.open("rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    if not is_gzip and path.suffix.lower() != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            return b"".join(_limited(file, path))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"source must be a whole gzip file, got {quoted(path.name)}: {error}"
        ) from error


def _limited(file: Any, path: Path) -> Iterator[bytes]:
    size, most = 0, most_bytes(path.stat().st_size)
    while chunk := file.read(_CHUNK):
        size += len(chunk)
        if size > most:
            raise DataError(too_large(path.name, "more", most))
        yield chunk


def most_bytes(packed: int) -> int:
    """Return to how many bytes so many may unpack: a small file can hold a bomb."""
    return min(MOST_RATIO * packed + _CHUNK, memory_at_hand() // 2)


def too_large(name: str, got: str, most: int) -> str:
    """Say that a file unpacks to more than `most_bytes`, and what to do."""
    return (
        f"source must unpack to at most {most:,} bytes, got {got} from {quoted(name)}; that is "
        f"half of the free memory, or {MOST_RATIO:,} times its size: read it where there is more "
        "memory, or save it as Parquet"
    )


def read_csv(
    data: bytes, name: str, separator: str | None = None, encoding: str | None = None
) -> RawTable:
    """Read the bytes of a CSV file; `name` is what errors call it.

    Where R left out the name of the first column, it has none.

    Raises:
        DataError: If they hold no table.
    """
    decoded = decode(data, name, encoding, header=True)
    text = _lines(decoded, name)
    if encoding and "\n" not in text[:-1]:
        raise DataError(
            f"{name} must be a table in {encoding}, got a single row; leave the encoding out, or "
            f"name another, {option('encoding', likely_encoding(data))}"
        )
    separator = find_separator(text, name, separator)
    if not separator.isascii():  # polars parts by a byte
        raise DataError(f"separator must be one ASCII character such as ;, got {quoted(separator)}")
    rows = first_rows(text, separator)
    if lacks_first_name(rows):
        text, rows[0] = separator + text, ["", *rows[0]]
    header = column_names(rows[0], header=True)
    _check_header(header, name)
    names = [word or f"unnamed {place}" for place, word in enumerate(header, 1)]
    raw = cleaned(_parsed(text, names, separator, name), name)
    if len(names) == 1 and to_number(raw.frame.to_series()).null_count() == len(raw.frame):
        raise DataError(
            f"source must be a table, got one column of text in {quoted(name)}; "
            + _how_to_read_lines(raw.frame.to_series())
        )
    unnamed = tuple(n for n, word in zip(names, header, strict=True) if not word)
    return raw._replace(notices=decoded.warnings, unnamed=unnamed)


def _how_to_read_lines(lines: pl.Series) -> str:
    first = lines.str.extract(r"^\s*(\S+)\s+\S").drop_nulls()
    if len(first) == len(lines) and 1 < first.n_unique() <= len(lines) / 2:
        return f"to read its lines as `label text`, name the task: {option('task', 'labels')}"
    return f"if it has more, name what separates them: {option('separator', ';')}"


def _lines(decoded: Decoded, name: str) -> str:
    """Return the text from its first line on, with line ends that polars knows."""
    text = decoded.text.lstrip("\r\n")
    if text.count("\r") > text.count("\r\n"):  # polars knows none that stand alone
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text or text.isspace():
        raise DataError(f"source must hold a table, got only blank lines in {quoted(name)}")
    return text


def _check_header(header: list[str], name: str) -> None:
    named = [word for word in header if word]
    twice = sorted({word for word in named if named.count(word) > 1})
    if not named:
        raise DataError(f"the first row must name the columns, got no name in {quoted(name)}")
    if not to_plain_number(pl.Series([word.replace(",", ".") for word in named])).null_count():
        raise DataError(
            f"the first row must name the columns, got {listed(named, 4)} in {quoted(name)}; "
            "add a header line"
        )
    if twice:
        raise DataError(
            f"column names must differ, got {listed(map(quoted, twice))} more than once"
        )


def _parsed(text: str, names: list[str], separator: str, name: str) -> pl.DataFrame:
    try:
        frame = pl.read_csv(
            io.BytesIO(text.encode()),
            separator=separator,
            infer_schema=False,
            new_columns=names,
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(_why_not_parsed(text, len(names), separator, name)) from error
    if frame.is_empty():
        raise DataError(f"source must hold rows below its header, got none in {quoted(name)}")
    return frame


def _why_not_parsed(text: str, width: int, separator: str, name: str) -> str:
    """Find the first row with more fields than the header and say what to do."""
    if width == 1:
        return f"source must be a table, got one column of text in {quoted(name)}"
    for row, fields in enumerate(rows_of(text, separator)):
        if len(fields) > width:
            return (
                f"every row must have at most as many values as the header has names, {width}, got "
                f"{len(fields)} in row {row} of {quoted(name)}; mend the row, or add the "
                f"missing name to "
                "the header"
            )
    return f'source must be a table in text, got quotes (") that do not match in {quoted(name)}'


def cleaned(frame: pl.DataFrame, source: str) -> RawTable:
    """Strip text, make null spellings and NaN null, and leave out blank rows."""
    text = pl.col(pl.String).str.strip_chars()
    frame = frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String)).with_columns(
        pl.when(~text.str.to_lowercase().is_in(NULLS)).then(text).name.keep(),
        pl.col(pl.Float32, pl.Float64).fill_nan(None),
    )
    if not frame.width or frame.is_empty():
        raise DataError(f"source must hold rows and columns, got {frame.height} × {frame.width}")
    rows = pl.Series("row", range(1, frame.height + 1), pl.Int64)
    if any(column.null_count() for column in frame):
        blank = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
        frame, rows = frame.filter(~blank), rows.filter(~blank)
    if frame.is_empty():
        raise DataError(f"source must hold values, got {count_of(len(blank), 'blank row')}")
    return RawTable(frame, rows, source, rows_read=frame.height)


def to_polars(source: Any, others: str = "a path") -> pl.DataFrame:
    """Take a frame of any library narwhals knows to polars.

    Args:
        source: The frame.
        others: What else a source may be, for the error.

    Raises:
        TypeError: If it is no frame.
        DataError: If two columns have one name, or one holds several types.
    """
    if nw.dependencies.is_pandas_series(source):
        source = source.to_frame(source.name or "y")
    if nw.dependencies.is_pandas_dataframe(source):
        source = _without_periods(_with_index(source))
    try:
        frame = nw.from_native(source)
    except TypeError as error:
        raise TypeError(
            f"source must be {others}, or a pandas, polars or pyarrow frame, got "
            f"{type(source).__name__}"
        ) from error
    except ValueError as error:
        raise DataError(f"the frame must have columns that differ in name: {error}") from error
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect("polars")
    try:
        result: pl.DataFrame = frame.to_polars()
    except (ValueError, TypeError) as error:  # what pyarrow raises for a column of mixed types
        raise DataError(f"every column of the frame must hold one type: {error}") from error
    return result


def _with_index(frame: Any) -> Any:
    """Make a pandas index a column, named `time` where it has no name, unless it counts rows."""
    index = frame.index
    if index.nlevels > 1:
        raise DataError(
            f"the frame must have one index, got {index.nlevels} levels; use frame.reset_index()"
        )
    frame = frame.rename(columns=str)
    if index.dtype.kind in "iufb":
        return frame
    stamps = index.to_timestamp() if hasattr(index, "to_timestamp") else index
    name = str(index.name or ("time" if stamps.dtype.kind == "M" else "index"))
    if name in frame.columns:
        raise DataError(
            f"the index must have another name than the columns, got {quoted(name)}; "
            "use frame.reset_index() or rename it"
        )
    frame.insert(0, name, stamps)
    return frame


def _without_periods(frame: Any) -> Any:
    """Make stamps of the periods in a pandas frame: each is read as its start."""
    stamps = {}
    for name, column in frame.items():
        first = column.dropna().head(1)
        if column.dtype.name.startswith("period["):
            stamps[name] = column.dt.to_timestamp()
        elif column.dtype == object and len(first) and hasattr(first.iloc[0], "to_timestamp"):
            stamps[name] = column.map(lambda one: one.to_timestamp(), na_action="ignore")
    return frame.assign(**stamps) if stamps else frame
