"""Texts become words, and words numbers."""

import gzip
from pathlib import Path

import pytest

from lockgate.errors import DataError
from lockgate.tasks.language.words import encode, learn_vocabulary, read_pieces, words_of


def test_each_line_ends_in_a_word_of_its_own() -> None:
    assert words_of("a b\n\nc") == ["a", "b", "<eos>", "<eos>", "c", "<eos>"]
    assert words_of("") == ["<eos>"]


def test_vocabulary_is_of_the_most_frequent_words() -> None:
    words = ["c", "b", "b", "a", "a", "a", "<eos>", "<unk>", "d"]

    assert learn_vocabulary(words, 4) == ("<unk>", "<eos>", "a", "b")
    assert learn_vocabulary(words) == ("<unk>", "<eos>", "a", "b", "c", "d")
    assert learn_vocabulary(words, min_count=2) == ("<unk>", "<eos>", "a", "b")
    assert encode(words, ("<unk>", "<eos>", "a", "b")).tolist() == [0, 3, 3, 2, 2, 2, 1, 0, 0]


def test_a_packed_file_in_another_encoding_is_the_same_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Übung macht\nden Meister", encoding="utf-8")
    (tmp_path / "b.gz").write_bytes(gzip.compress("Übung macht\nden Meister".encode("utf-16")))

    plain = read_pieces(tmp_path / "a.txt", lowercase=True)
    packed = read_pieces(tmp_path / "b.gz", lowercase=True)

    assert packed.words == plain.words == (["übung", "macht", "<eos>"], ["den", "meister", "<eos>"])
    assert not plain.apart
    assert plain.notices == ()
    assert packed.notices == ("b.gz is read as UTF-16",)


def test_texts_of_a_list_are_apart() -> None:
    pieces = read_pieces(["one\ntwo", "three"])

    assert pieces.apart
    assert pieces.words == (["one", "<eos>", "two", "<eos>"], ["three", "<eos>"])
    assert pieces.all_words == ["one", "<eos>", "two", "<eos>", "three", "<eos>"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "source must hold words, got none in 'a.txt'"),
        (b"\n \n", "source must hold words, got none in 'a.txt'"),
        (b"\x00\x01\x02", "a.txt must be text, got binary data"),
    ],
    ids=["empty", "blanks", "binary"],
)
def test_a_file_without_words_raises(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.txt").write_bytes(content)

    with pytest.raises(DataError, match=message):
        read_pieces(tmp_path / "a.txt")


def test_what_is_no_text_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"test must be a text file, got .*No such file"):
        read_pieces(tmp_path / "none.txt", argument="test")
    with pytest.raises(DataError, match="source must be the path of a text file or a list"):
        read_pieces([1, 2])
    with pytest.raises(DataError, match="source must hold words, got none in 'list'"):
        read_pieces([])
