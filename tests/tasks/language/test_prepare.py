"""A text is parted by position, and its words are learned from the training part alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lockgate.errors import DataError
from lockgate.tasks.base import PARTS
from lockgate.tasks.language.config import TextConfig
from lockgate.tasks.language.prepare import PreparedText, prepare_text, read_text_data


def prepared(source: Any, **settings: Any) -> PreparedText:
    config = TextConfig(**settings)
    return prepare_text(read_text_data(source, config), config)


def test_the_last_tenths_are_validation_and_test() -> None:
    words = [f"w{n}" for n in range(99)]

    data = read_text_data([" ".join(words)], TextConfig())

    assert (data.train, data.validation) == (words[:80], words[80:90])
    assert data.test == [*words[90:], "<eos>"]


def test_a_given_part_leaves_the_rest(tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text("w1 Other")

    data = read_text_data(["w1 " * 99], TextConfig(test=str(tmp_path / "test.txt")))

    assert data.test == ["w1", "other", "<eos>"]
    assert [len(data.train), len(data.validation)] == [90, 10]


def test_later_parts_change_nothing_that_is_learned() -> None:
    words = [f"w{n % 7}" for n in range(80)]

    before = prepared([" ".join([*words, *["w1"] * 19])], min_count=1)
    after = prepared([" ".join([*words, *["new", "w6"] * 9, "last"])], min_count=1)

    assert after.preprocessing == before.preprocessing
    assert np.array_equal(after.tokens["train"], before.tokens["train"])
    unknown = after.preprocessing.unknown
    assert after.tokens["test"][-2] == unknown
    assert after.unknown("validation") == 0.5


def test_rare_words_are_unknown() -> None:
    found = prepared(["a b " * 20 + "c " + "a b " * 20])

    assert found.preprocessing.words == ("<unk>", "<eos>", "a", "b")
    assert found.unknown("train") == 1 / len(found.tokens["train"])


def test_what_is_kept_is_what_was_prepared(tmp_path: Path, text_file: Path) -> None:
    found = prepared(text_file, chunk_steps=9)

    found.save(tmp_path)
    again = PreparedText.load(tmp_path)

    assert again.preprocessing == found.preprocessing
    assert again.stream("test").steps == 9
    for part in PARTS:
        assert np.array_equal(again.tokens[part], found.tokens[part])


@pytest.mark.parametrize(
    ("source", "settings", "message"),
    [
        (["word"], {}, "source must hold at least 20 words to learn from, got 0 words"),
        (["a b c " * 5], {}, "at least 20 words to learn from, got 12 words .* ends of lines"),
        ([" ".join(map(str, range(90)))], {}, "min_count must leave a word, got 2: no word"),
        (["a " * 99], {"test": "no.txt"}, "test must be a text file, got 'no.txt': No such file"),
        (5, {}, "source must be the path of a text file or a list of texts, got a int"),
    ],
    ids=["one word", "few words", "all rare", "no test file", "no text"],
)
def test_what_cannot_be_learned_from_raises(source: Any, settings: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        prepared(source, **settings)
