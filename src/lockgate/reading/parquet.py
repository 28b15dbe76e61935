"""Parquet files, one or many that are one table: which they are, their columns, their rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from lockgate.errors import DataError, count_of, listed, quoted

SUFFIXES = (".parquet", ".pq")
BATCH_ROWS = 2**19
"""Rows that are read at a time where a table is not read whole."""
FILES = "files"
"""What a table of a list of files is called."""


def is_parquet(path: Path) -> bool:
    """Tell by its name whether a path is of a Parquet file."""
    return path.suffix.lower() in SUFFIXES


def parquet_files(source: Any) -> tuple[Path, ...] | None:
    """Return the files of a source that is Parquet, in the order in which their rows count.

    Args:
        source: Path of a file; of a folder, whose files are taken in the order of their names, but
            for those that begin with a point or an underscore; or a list of paths of files.

    Returns:
        The files; None where the source is something else, or there is nothing at its path.

    Raises:
        FileNotFoundError: If one of a list does not exist.
        DataError: If a folder holds none, or has parts in folders of their own, or a list holds
            something else.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        if path.is_dir():
            return _in_folder(path)
        return (path,) if is_parquet(path) and path.is_file() else None
    if isinstance(source, list | tuple) and source and isinstance(source[0], str | Path):
        return tuple(_of_list(each) for each in source)
    return None


def name_of(source: Any) -> str:
    """Return what a table of Parquet files is called: by its file or folder, or `files`."""
    return Path(source).name if isinstance(source, str | Path) else FILES


def read_parquet(*files: Path) -> pl.DataFrame:
    """Read Parquet files as one table.

    Raises:
        DataError: If one is none, or their columns differ.
    """
    check_alike(files)
    frames = [_read(path) for path in files]
    return frames[0] if len(frames) == 1 else pl.concat(frames)


def check_alike(files: Sequence[Path]) -> None:
    """Refuse files whose columns differ in name, order or type.

    Raises:
        DataError: If they do, or one is no Parquet file.
    """
    first, *others = files
    if not others:
        return
    columns = schema_of(first)
    for path in others:
        own = schema_of(path)
        if own == columns and list(own) == list(columns):
            continue
        differ = [f"{n} ({t})" for n, t in own.items() if columns.get(n) != t]
        absent = [name for name in columns if name not in own]
        what = f"got {listed(differ, 3)}" if differ else "got them in another order"
        if not differ and absent:
            what = f"got none named {listed(map(quoted, absent), 3)}"
        raise DataError(
            f"the files of a table must have the same columns, {what} in {quoted(path.name)}, "
            f"unlike {quoted(first.name)}; write them alike, or read one of them"
        )


def schema_of(path: Path) -> pl.Schema:
    """Return the columns of a Parquet file and their types.

    Raises:
        DataError: If it is none.
    """
    try:
        return pl.Schema(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _none(path, error) from error


def count_rows(files: Sequence[Path]) -> int:
    """Return how many rows Parquet files hold, without reading them.

    Raises:
        DataError: If one is none.
    """
    return sum(_opened(path).metadata.num_rows for path in files)


def batches(
    files: Sequence[Path], columns: Sequence[str], rows: int = BATCH_ROWS
) -> Iterator[pl.DataFrame]:
    """Yield the rows of Parquet files in order, so many at a time, with some of their columns.

    Raises:
        DataError: If one is no Parquet file.
    """
    for path in files:
        with _opened(path) as file:
            for batch in file.iter_batches(rows, columns=list(columns)):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame.select(columns)


def _in_folder(folder: Path) -> tuple[Path, ...]:
    shown = [one for one in sorted(folder.iterdir()) if not one.name.startswith((".", "_"))]
    files = tuple(one for one in shown if is_parquet(one) and one.is_file())
    parts = [one.name for one in shown if one.is_dir()]
    if parts and (files or any(any(folder.glob(f"*/*{suffix}")) for suffix in SUFFIXES)):
        raise DataError(
            f"source must be a folder whose Parquet files lie in it, got {quoted(str(folder))} "
            f"with {count_of(len(parts), 'folder')} in it, such as {quoted(parts[0])}: columns "
            "that names of folders tell are not read; pass a list of the files"
        )
    if not files:
        raise DataError(
            f"source must be a file, or a folder with Parquet files in it, got the folder "
            f"{quoted(str(folder))} without any"
        )
    return files


def _of_list(each: Any) -> Path:
    if not isinstance(each, str | Path) or not is_parquet(Path(each)):
        raise DataError(f"source must be a list of Parquet files, got {quoted(str(each))} in it")
    if not Path(each).is_file():
        raise FileNotFoundError(f"source must be existing files, got {quoted(str(each))}")
    return Path(each)


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _none(path, error) from error


def _opened(path: Path) -> Any:
    # imported here because most tables are none
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _none(path, error) from error


def _none(path: Path, error: Exception) -> DataError:
    reason = str(error).strip().splitlines()[0]
    return DataError(f"source must be a Parquet file, got {quoted(path.name)}: {reason}")
