"""Parquet files, one or many, are one table; what cannot be one is refused in words."""

from pathlib import Path

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.reading.parquet import batches, count_rows, name_of, parquet_files
from lockgate.reading.tables import read_raw

WHOLE = pl.DataFrame(
    {"shop": ["a"] * 5 + ["b"] * 5, "n": range(10), "y": [0.5 * k for k in range(10)]}
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write the table in three files of a folder, beside what a cluster leaves there."""
    path = tmp_path / "sales.parquet"
    path.mkdir()
    for number, (start, rows) in enumerate([(0, 4), (4, 3), (7, 3)]):
        part = WHOLE.slice(start, rows)
        part.write_parquet(path / f"part-{number}.parquet", row_group_size=2)
    (path / "_SUCCESS").touch()
    (path / ".part-0.parquet.crc").touch()
    return path


def test_a_folder_is_the_table_of_its_files_in_their_order(folder: Path) -> None:
    raw = read_raw(folder)

    assert raw.frame.equals(WHOLE)
    assert raw.rows.to_list() == list(range(1, 11))
    assert (raw.source, raw.rows_read) == ("sales.parquet", 10)


def test_a_list_is_a_table_in_its_own_order(folder: Path) -> None:
    second, first = folder / "part-1.parquet", str(folder / "part-0.parquet")

    raw = read_raw([second, first])

    assert raw.frame.equals(pl.concat([WHOLE.slice(4, 3), WHOLE.slice(0, 4)]))
    assert raw.source == "files"
    assert name_of(first) == "part-0.parquet"


def test_batches_hold_the_rows_in_order(folder: Path) -> None:
    files = parquet_files(folder)
    assert files is not None

    found = list(batches(files, ["y", "n"], rows=2))

    assert max(len(batch) for batch in found) == 2
    assert pl.concat(found).equals(WHOLE.select("y", "n"))
    assert count_rows(files) == 10


def test_what_is_no_parquet_is_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")

    assert parquet_files(tmp_path / "a.csv") is None
    assert parquet_files(WHOLE) is None
    assert parquet_files(["some text"[:0] for _ in range(0)]) is None


def test_files_with_other_columns_are_refused(folder: Path) -> None:
    WHOLE.with_columns(pl.col("n").cast(pl.Float32)).write_parquet(folder / "part-3.parquet")
    with pytest.raises(DataError, match=r"columns, got n \(Float32\) in 'part-3.parquet', unl"):
        read_raw(folder)

    WHOLE.drop("n").write_parquet(folder / "part-3.parquet")
    with pytest.raises(DataError, match=r"must have the same columns, got none named 'n' in 'part"):
        read_raw(folder)

    WHOLE.select("n", "shop", "y").write_parquet(folder / "part-3.parquet")
    with pytest.raises(DataError, match=r"got them in another order in 'part-3.parquet', unlike"):
        read_raw(folder)


def test_parts_in_folders_of_their_own_are_refused(folder: Path) -> None:
    (folder / "year=2024").mkdir()

    with pytest.raises(DataError, match=r"with 1 folder in it, such as 'year=2024': columns that"):
        read_raw(folder)


def test_a_folder_and_a_list_without_parquet_are_refused(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"or a folder with Parquet files in it, got the folder '"):
        read_raw(tmp_path / "empty")
    with pytest.raises(DataError, match=r"must be a list of Parquet files, got 'a.csv' in it"):
        read_raw([folder / "part-0.parquet", "a.csv"])
    with pytest.raises(FileNotFoundError, match=r"source must be existing files, got 'b.parquet'"):
        read_raw(["b.parquet"])


def test_what_only_is_called_parquet_is_refused(folder: Path) -> None:
    (folder / "part-1.parquet").write_bytes(b"PAR1 and no more")

    with pytest.raises(DataError, match=r"must be a Parquet file, got 'part-1.parquet': "):
        read_raw(folder)
    with pytest.raises(DataError, match=r"must be a Parquet file, got 'part-1.parquet': "):
        count_rows([folder / "part-1.parquet"])
