"""Further texts are read from lines or tables, in any encoding that texts are read in."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.tasks.labelling.config import LabelledConfig
from lockgate.tasks.labelling.sources.further import read_further

TEXTS = ("a good film", "a bad film", "naïve")


def write(folder: Path, name: str, encoding: str = "utf-8") -> Path:
    frame = pl.DataFrame({"title": ["x"] * 3, "review": TEXTS})
    path = folder / name
    if name.endswith(".parquet"):
        frame.write_parquet(path)
    else:
        text = frame.write_csv() if name.endswith(".csv") else "\n\n".join(TEXTS) + "\n"
        path.write_bytes(text.encode(encoding))
    return path


def read(path: Path, **settings: Any) -> tuple[str, ...]:
    return read_further(LabelledConfig(unlabelled=str(path), **settings))


@pytest.mark.parametrize("name", ["more.txt", "more.csv", "more.parquet"])
def test_lines_and_tables_give_the_same_texts(tmp_path: Path, name: str) -> None:
    # a line is a text whatever column the labelled texts are in
    assert read(write(tmp_path, name), text="review", label="sentiment") == TEXTS


def test_several_columns_are_joined_as_those_of_the_source_are(tmp_path: Path) -> None:
    found = read(write(tmp_path, "more.csv"), text="title,review")

    assert found[0] == "x ␞ a good film"


def test_nothing_is_read_where_nothing_is_named() -> None:
    assert read_further(LabelledConfig()) == ()


@pytest.mark.parametrize("told", [None, "latin-1"])
def test_another_encoding_is_found_or_told(tmp_path: Path, told: str | None) -> None:
    assert read(write(tmp_path, "more.txt", "latin-1"), encoding=told) == TEXTS


def test_a_wrong_encoding_is_refused_with_the_place(tmp_path: Path) -> None:
    path = write(tmp_path, "more.txt", "latin-1")

    with pytest.raises(DataError, match=r"more\.txt must be text in utf-8, got the byte 0xef in"):
        read(path, encoding="utf-8")


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "more.txt").write_text(content)

    with pytest.raises(DataError, match="must hold texts, got"):
        read(tmp_path / "more.txt")


def test_a_file_that_is_not_there_is_refused_by_its_setting(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unlabelled must be a file or a folder of texts, got '"):
        read(tmp_path / "no.txt")
