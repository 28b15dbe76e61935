"""Vectors are read from every text form, line by line, and what is none is refused by name."""

import gzip
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lockgate.errors import DataError
from lockgate.reading import vectors as module
from lockgate.reading.vectors import WidthError, read_vectors

ROWS = {"the": (0.5, -1.0, 2.0), "Film": (1e-3, 0.0, 3.5), "né": (1.0, 2.0, 3.0)}


def lines(rows: dict[str, Any] = ROWS, end: str = "\n") -> str:
    return "".join(f"{word} {' '.join(map(str, numbers))}{end}" for word, numbers in rows.items())


def packed(path: Path, data: bytes, kind: str) -> Path:
    """Write bytes as they are, with gzip, or as a zip that a system left its files in."""
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("folder/v.txt", data)
            archive.writestr("__MACOSX/v.txt", b"no vectors")
    else:
        path.write_bytes(gzip.compress(data) if kind == "gzip" else data)
    return path


@pytest.mark.parametrize("kind", ["plain", "gzip", "zip"])
@pytest.mark.parametrize(
    "text",
    [
        lines(),  # GloVe
        "3 3\n" + lines(end=" \n"),  # word2vec ends its lines with a blank
        "3 3\n" + lines(),  # fastText
        "\ufeff" + lines(end="\r\n"),
        lines().replace(" ", "\t"),
    ],
    ids=["glove", "word2vec", "fasttext", "windows", "tabs"],
)
def test_every_form_gives_the_same_vectors(text: str, kind: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "v", text.encode(), kind)

    read = read_vectors(path, ["né", "new", "the", "film"])

    expected = np.array([ROWS["né"], [np.nan] * 3, ROWS["the"], [np.nan] * 3], dtype=np.float32)
    np.testing.assert_array_equal(read.values, expected)
    assert read.values.dtype == np.float32
    assert read.found.tolist() == [True, False, True, False]
    assert (read.width, read.rows, read.source) == (3, 3, "v")
    assert read.told == (3 if text.startswith("3 3") else None)


def test_a_word_takes_another_spelling_only_where_small_letters_are_asked_for(
    tmp_path: Path,
) -> None:
    path = tmp_path / "v.txt"
    path.write_text("Film 1\nFILM 2\nthe 3\nThe 4\nthe 5\n")

    plain = read_vectors(path, ["film", "the"]).values[:, 0]
    small = read_vectors(path, ["film", "the"], lowercase=True).values[:, 0]

    assert np.isnan(plain[0])
    assert plain[1] == 3
    assert small.tolist() == [1, 3]


def test_a_word_may_hold_blanks_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(b"a 1 2\n. . . 3 4\nat name@domain 5 6\n\xff\xfe 7 8\n\xc2\xa0 9 10\n")

    read = read_vectors(path, ["a", ". . .", "at name@domain"])

    assert read.values.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert read.rows == 5


def test_memory_is_that_of_the_words_and_not_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    row = " ".join(["0.125"] * 100)
    with path.open("w") as file:
        file.writelines(f"w{i} {row}\n" for i in range(20_000))
    read_vectors(path, ["w1"])

    tracemalloc.start()
    read_vectors(path, ["w7", "w8"])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert path.stat().st_size > 12_000_000
    assert most < 1_000_000


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "vectors must be a text file of a word .* got the empty 'v.txt'"),
        (b"text,label\nso good,1\n", "got 'v.txt', which begins with 'text,label'"),
        (b"so good a film\n", "got 'v.txt', which begins with 'so good a film'"),
        (b"{}", "got 'v.txt', which begins with '{}'"),
        (b"3 0\na\n", "got 'v.txt', which begins with '3 0'"),
        (b"a 1 2\nb 1\n", "must have 2 numbers in every row, .* got 1 in row 2: the file is dama"),
        (b"a 1 2\nb 1 2 3\n", "must have 2 numbers in every row, .* got 3 in row 2"),
        (b"2 3\na 1 2\nb 1 2\n", "must have 3 numbers in every row, .* got 2 in row 1"),
        (b"a 1 2\nb 1 x\n", "must be of finite numbers, got others in row 2 of 'v.txt'"),
        (b"a 1 2\nb 1 nan\n", "must be of finite numbers, got others in row 2"),
        (b"a 1 2\nb 1 1e39\n", "must be of finite numbers, got others in row 2"),
        (b"2 2\na " + struct.pack("2f", 0.1, 3) + b"\n", "which is binary; gensim's save_word2vec"),
        (b"2 2\na " + b"\xcd\xcc\xcc\x3d" * 2 + b"\n", "which is binary"),
        (struct.pack("i", 793712314) + b"\0" * 20, "which is binary; .* fastText's text ends wi"),
        (b"x" * 2**21, "which is binary"),
        (gzip.compress(b"a 1 2\n" * 999, mtime=0)[:-12], "must be a whole file that can be read"),
        (b"PK\x03\x04 no zip", "must be a whole file that can be read, got 'v.txt': File is not a"),
        (b"1 99999999999\na 1\n", "vectors must fit into half of the free memory, .* narrower"),
    ],
)
def test_what_holds_no_vectors_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(data)

    with pytest.raises(DataError, match=message):
        read_vectors(path, ["a", "b"])


def test_of_several_files_in_a_zip_one_must_be_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "glove.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("g.50d.txt", b"a 1\n")
        archive.writestr("g.100d.txt", b"a 1 2\n")

    message = r"'glove.zip' must hold one file, got 2 \(g.50d.txt, g.100d.txt\); unpack the one"
    with pytest.raises(DataError, match=message):
        read_vectors(path, ["a"])


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_what_is_no_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path if kind == "folder" else tmp_path / "none.txt"

    with pytest.raises(DataError, match="vectors"):
        read_vectors(path, ["a"])


def test_another_width_than_asked_for_is_told_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "v.txt"
    path.write_text(lines())
    monkeypatch.setattr(module, "_Taker", None)

    with pytest.raises(WidthError, match=r"must have 4 numbers, got 3 in 'v\.txt'") as caught:
        read_vectors(path, ["the"], width=4)
    assert (caught.value.got, caught.value.source) == (3, "v.txt")
