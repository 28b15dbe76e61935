"""Tokens are learned from the texts given and no others, and mean the same wherever they go."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate import DataError
from lockgate.tasks.labelling import tokens as tokens_module
from lockgate.tasks.labelling.sources.texts import read_texts
from lockgate.tasks.labelling.tokens import Tokens, learn_tokens

ENGLISH = ["It's a fine, FINE film.", "a film; a fine one!", "it's one film"]
CHINESE = ["房间很大，WIFI 很好。", "房间不大，很不好。", "早餐很好"]
KINDS = ["word", "bpe", "char"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("texts", [ENGLISH, CHINESE], ids=["english", "chinese"])
def test_tokens_survive_json_and_pickle(kind: Any, texts: list[str]) -> None:
    tokens = learn_tokens(texts, kind=kind)
    tokens.encode(texts)

    for copy in (Tokens.from_json(tokens.to_json()), pickle.loads(pickle.dumps(tokens))):  # noqa: S301
        assert copy == tokens
        assert copy.encode(texts).values.tolist() == tokens.encode(texts).values.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_padding_is_0_and_unknown_1(kind: Any) -> None:
    tokens = learn_tokens([*ENGLISH, "<pad> <unk> <pad> <unk>"], kind=kind)

    ids = tokens.encode(["<pad> <unk> 字", "<pad>"]).values

    assert tokens.vocabulary[:2] == ("<pad>", "<unk>")
    assert len(set(tokens.vocabulary)) == tokens.size
    assert 0 not in ids
    assert ids.max() < tokens.size


def test_words_and_marks_are_parted() -> None:
    tokens = learn_tokens(["Don’t stop at 2.5, naïve नमस्ते 好吃 NLP!"], kind="word", min_count=1)

    words = tokens.words(tokens.encode(["don’t STOP at 2.5, naïve नमस्ते 好吃NLP!"]).values)

    assert words == [
        *["don’t", "stop", "at", "2", ".", "5", ",", "naïve", "नमस्ते"],
        *["好", "吃", "nlp", "!"],
    ]


def test_capitals_can_be_kept() -> None:
    tokens = learn_tokens(["Turkey turkey"] * 2, lowercase=False)

    assert len(set(tokens.encode(["Turkey turkey"]).values.tolist())) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_html_line_breaks_are_spaces_and_told(kind: Any) -> None:
    texts = ["good<br />film", "good<BR>film", "good film"]
    tokens = learn_tokens(texts, kind=kind)

    ragged, report = tokens.encode_with_report(texts)

    assert ragged[0].tolist() == ragged[1].tolist() == ragged[2].tolist()
    assert report.notices() == ("2 texts held HTML line breaks (<br />): read as spaces",)
    raw = learn_tokens(texts, kind="word", clean_html=False, min_count=1)
    assert "br" in raw.vocabulary
    assert raw.encode_with_report(texts)[1].notices() == ()


def test_blanks_are_one_character() -> None:
    tokens = learn_tokens([" a \n\t b"], kind="char", min_count=1)

    assert tokens.vocabulary == ("<pad>", "<unk>", " ", "a", "b")


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (ENGLISH, "word"),
        (CHINESE, "char"),
        (["映画はとても良かったです。", "つまらない映画だった"], "char"),
        (["หนังเรื่องนี้ดีมาก", "ไม่ชอบหนังเรื่องนี้"], "char"),
        (["영화가 정말 재미 있어요", "별로 였어요 정말"], "word"),
        (["영화가정말재미있어요", "별로였어요정말"], "char"),
        (["房间 很 大 很 好", "早餐 不 好"], "word"),
        (["the film 好 was fine, a fine film", "the film"], "word"),
        (["фильм очень хороший фильм"], "word"),
        (["<br />".join(["房间很大服务很好早餐也很好"] * 9)], "char"),
        (["1 2 1 2"], "word"),
    ],
)
def test_kind_follows_the_script(texts: list[str], kind: str) -> None:
    assert learn_tokens(texts, min_count=1).kind == kind


def test_rare_tokens_are_unknown() -> None:
    tokens = learn_tokens(["a a a b b c"], min_count=2)

    assert tokens.vocabulary == ("<pad>", "<unk>", "a", "b")
    assert tokens.unknown_share(["a b c d"]) == 0.5
    assert learn_tokens(["a a a b b c"], vocab_size=3).vocabulary == ("<pad>", "<unk>", "a")


@pytest.mark.parametrize("kind", KINDS)
def test_vocabulary_is_no_larger_than_told(kind: Any) -> None:
    assert learn_tokens(ENGLISH + CHINESE, kind=kind, vocab_size=8, min_count=1).size == 8


def test_byte_pairs_join_what_is_frequent() -> None:
    tokens = learn_tokens(["lower lowest low lowly"] * 5, kind="bpe")

    assert "low" in tokens.vocabulary
    assert tokens.words(tokens.encode(["lowlow"]).values) == ["low", "low"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_in_the_test_part_alone_is_unknown(kind: Any) -> None:
    tokens = learn_tokens(ENGLISH, kind=kind)

    ids = tokens.encode(["ж"] if kind != "word" else ["canary"]).values

    assert ids.tolist() == [1]


@pytest.mark.parametrize("text", ["", " \n", "<br />", "\u3000"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_text_is_without_a_token(kind: Any, text: str) -> None:
    ragged = learn_tokens(ENGLISH, kind=kind).encode(["film", text])

    assert ragged[1].tolist() == [1]


def test_either_end_can_be_kept() -> None:
    tokens = learn_tokens(["a b c d e"], min_count=1)
    texts = ["a b c d e", "a b"]

    start, report = tokens.encode_with_report(texts, 3)
    end = tokens.encode(texts, 3, "end")

    assert tokens.words(start[0]) == ["a", "b", "c"]
    assert tokens.words(end[0]) == ["c", "d", "e"]
    assert start[1].tolist() == end[1].tolist()
    assert start.values.dtype == np.int32
    assert (report.truncated, report.longest, report.size) == (1, 5, 7)
    assert report.notices(3) == ("1 text cut to 3 tokens (the longest had 5)",)


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_of_a_million_tokens_is_cut(kind: Any) -> None:
    tokens = learn_tokens(ENGLISH, kind=kind)

    ragged, report = tokens.encode_with_report(["a, " * 500_000], 200)

    assert ragged.lengths.tolist() == [200]
    assert report.longest >= 1_000_000


def test_a_word_of_a_million_letters_is_one_word() -> None:
    assert learn_tokens(ENGLISH).encode(["x" * 1_000_000]).values.tolist() == [1]


def test_no_texts_are_no_tokens() -> None:
    ragged, report = learn_tokens(ENGLISH).encode_with_report([])

    assert len(ragged) == 0
    assert report.unknown_share == 0.0


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = learn_tokens(ENGLISH)
    whole = tokens.encode(ENGLISH * 3)

    monkeypatch.setattr(tokens_module, "_BATCH", 30)

    assert tokens.encode(ENGLISH * 3).values.tolist() == whole.values.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_learning_twice_gives_the_same(kind: Any) -> None:
    texts = ENGLISH + CHINESE

    first = learn_tokens(texts, kind=kind, min_count=1)

    assert all(learn_tokens(texts, kind=kind, min_count=1) == first for _ in range(5))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "letters"}, "kind must be 'auto', 'word', 'bpe' or 'char', got 'letters'"),
        ({"vocab_size": 2}, "vocab_size must be from 3 to 1,048,576, got 2"),
        ({"min_count": 0}, "min_count must be at least 1, got 0"),
    ],
)
def test_options_out_of_range_raise(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        learn_tokens(ENGLISH, **options)


@pytest.mark.parametrize("texts", [[], ["", " "], ["all words differ"]])
def test_nothing_to_learn_raises(texts: list[str]) -> None:
    with pytest.raises(DataError, match="texts must hold a token that occurs 2 times, got none"):
        learn_tokens(texts)


def test_bad_lengths_raise() -> None:
    tokens = learn_tokens(ENGLISH)

    with pytest.raises(ValueError, match="max_length must be at least 1, got 0"):
        tokens.encode(ENGLISH, 0)
    with pytest.raises(ValueError, match="keep must be 'start' or 'end', got 'middle'"):
        tokens.encode(ENGLISH, 1, "middle")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "pickle"}, "must be of the format 'lockgate tokens 1'"),
        ({"more": 1}, "a tokenizer must have"),
        ({"kind": "regex"}, "kind must be one of"),
        ({"kind": ["word"]}, "kind must be one of"),
        ({"lowercase": 1}, "must be true or false"),
        ({"vocabulary": "abc"}, "vocabulary must be a list of texts"),
        ({"vocabulary": ["<pad>", "<unk>", 3]}, "vocabulary must be a list of texts"),
        ({"vocabulary": ["<pad>", "<unk>", "\ud800"]}, "vocabulary must be a list of texts"),
        ({"vocabulary": ["a", "<unk>"]}, "must begin with <pad> and <unk>"),
        ({"vocabulary": ["<pad>", "<unk>", "a", "a"]}, "different tokens, got 4"),
        ({"merges": 1}, "merges must be a list"),
        ({"merges": [["a"]]}, "merges must be pairs of texts"),
        ({"merges": [["a", 1]]}, "merges must be pairs of texts"),
        ({"merges": [["film", "no such token"]]}, "merges must join tokens to tokens"),
    ],
)
def test_json_of_something_else_raises(change: dict[str, Any], message: str) -> None:
    told = json.loads(learn_tokens(ENGLISH).to_json()) | change

    with pytest.raises(DataError, match=message):
        Tokens.from_json(json.dumps(told))


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", "null", "[" * 100_000])
def test_no_json_raises(text: str) -> None:
    with pytest.raises(DataError, match="a tokenizer must be"):
        Tokens.from_json(text)


def test_json_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    text = learn_tokens(ENGLISH).to_json()
    monkeypatch.setattr(tokens_module, "MAX_JSON", len(text) - 1)

    with pytest.raises(DataError, match="a tokenizer must be at most"):
        Tokens.from_json(text)


ANY = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(ANY, min_size=1), st.lists(ANY), st.sampled_from(KINDS), st.integers(1, 5))
@settings(deadline=None)
def test_any_text_becomes_tokens(
    train: list[str], other: list[str], kind: Any, max_length: int
) -> None:
    tokens = learn_tokens([*train, "a a"], kind=kind)
    copy = Tokens.from_json(tokens.to_json())

    ragged = tokens.encode(other, max_length)

    assert len(ragged) == len(other)
    assert all(1 <= length <= max_length for length in ragged.lengths)
    assert ((ragged.values >= 1) & (ragged.values < tokens.size)).all()
    assert copy.encode(other, max_length).values.tolist() == ragged.values.tolist()


@given(st.lists(ANY, min_size=1))
@settings(deadline=None)
def test_characters_spell_the_text(texts: list[str]) -> None:
    tokens = learn_tokens(
        [*texts, "a"], kind="char", min_count=1, lowercase=False, clean_html=False
    )

    ragged = tokens.encode(texts)

    for i, text in enumerate(texts):
        plain = " ".join(text.split())
        assert "".join(tokens.words(ragged[i])) == (plain or "<unk>")


ROOT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("LOCKGATE_DATA", ROOT.parent / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"no data folder {FOLDER}; LOCKGATE_DATA names another"
)


@needs_data
def test_chinese_reviews_are_read_by_characters() -> None:
    path = FOLDER / "zh_waimai10k" / "waimai_10k.csv.gz"
    texts = read_texts(path, text="review", label="label").items
    assert isinstance(texts, tuple)
    tokens = learn_tokens(texts[::2])

    ragged, report = tokens.encode_with_report(texts[1::2])

    assert tokens.kind == "char"
    assert report.unknown_share < 0.01
    assert report.longest <= 463
    assert "".join(tokens.words(ragged[0])) == texts[1]


@needs_data
def test_english_reviews_are_read_by_words() -> None:
    path = FOLDER / "imdb" / "imdb_train.csv.gz"
    texts = read_texts(path, text="text", label="label").items[::10]
    assert isinstance(texts, tuple)
    tokens = learn_tokens(texts)

    ragged, report = tokens.encode_with_report(texts, 200)

    assert tokens.kind == "word"
    assert len(ragged) == 2500
    assert report.html_breaks == sum("<br />" in text for text in texts)
    assert report.unknown_share < 0.06
    assert "br" not in tokens.words(ragged[0])


@needs_data
def test_no_word_of_the_test_part_is_known_by_it() -> None:
    folder = FOLDER / "en_sentences"
    train = read_texts(folder / "TREC.train.all.gz").items
    test = read_texts(folder / "TREC.test.all").items
    assert isinstance(train, tuple)
    assert isinstance(test, tuple)
    tokens = learn_tokens(train, min_count=1)

    words = {word for word in " ".join(test).lower().split() if word.isalpha()}
    own = sorted(words - set(" ".join(train).lower().replace("-", " ").split()))

    assert len(own) > 100
    assert set(tokens.encode(own).values.tolist()) == {1}


def test_words_are_tokens_of_more_than_marks_and_blanks() -> None:
    tokens = learn_tokens(["it's 5 ! , … 😀 ' 房"], min_count=1)

    words = {
        token for token, is_word in zip(tokens.vocabulary, tokens.are_words, strict=True) if is_word
    }

    assert words == {"it's", "5", "😀", "房"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_parts_the_columns_of_a_text_is_a_token_but_no_word(kind: Any) -> None:
    tokens = learn_tokens(["Songs ␞ of rain", "Alone ␞ at sea"], kind=kind)

    (place,) = np.flatnonzero(np.array(tokens.vocabulary) == "␞")

    assert tokens.encode(["rain␞"]).values[-1] == place
    assert not tokens.are_words[place]
