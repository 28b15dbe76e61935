"""A header without a name for the first column is read as one with an empty name."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from lockgate.data.byte_tables import read_csv_bytes, read_table
from lockgate.data.errors import DataError
from lockgate.data.read import read

SHORT = '"date","x"\n"1",2024-01-01,5\n"2",2024-01-02,6\n'


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\r\n"], ids=["plain", "mark", "blank"])
def test_row_names_of_r_become_a_column_without_name(mark: str, start: str) -> None:
    raw = read_csv_bytes((start + SHORT.replace(",", mark)).encode(), "a.csv")

    assert raw.frame.columns == ["unnamed 1", "date", "x"]
    assert raw.frame["x"].to_list() == ["5", "6"]
    assert raw.unnamed == ("unnamed 1",)
    assert raw.rows.to_list() == [1, 2]


def test_separator_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(SHORT.replace(",", ";").encode()))

    assert read_table(path, ";").frame.columns == ["unnamed 1", "date", "x"]
    with pytest.raises(DataError, match="separator must be one character such as ;, got '::'"):
        read_table(path, "::")


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "a,b\n1,2,3\n1,2\n", "a\n1\n", "a,b\n1,2\n1,2,3\n"])
def test_all_else_is_read_or_refused_as_tables_are(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    outcomes = []

    for reader in (read, read_table):
        try:
            outcomes.append(str(reader(path)))
        except DataError as error:
            outcomes.append(str(error))

    assert outcomes[0] == outcomes[1]


def test_row_that_is_too_long_further_down_raises(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(SHORT + '"3",2024-01-03,7,8\n')

    with pytest.raises(DataError, match="at most as many values as the header has names"):
        read_table(path)


def test_frames_and_faulty_paths_are_left_to_the_reader_of_tables(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1]})

    assert read_table(frame).frame.equals(frame)
    with pytest.raises(FileNotFoundError, match="source must be an existing file"):
        read_table(tmp_path / "absent.csv")
    (tmp_path / "a.xls").write_bytes(b"x")
    with pytest.raises(DataError, match="source must end in"):
        read_table(tmp_path / "a.xls")
    with pytest.raises(TypeError, match="source must be a path, or a pandas"):
        read_table(3)
