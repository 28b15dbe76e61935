"""Texts as tokens and as counts of terms, as a model has learned them."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from lockgate_runtime.errors import DataError

UNKNOWN = "<unk>"
_HTML_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
# scripts that are written without spaces between words: each of their characters is a word
_DENSE = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_PATTERNS = {
    "word": rf"[{_DENSE}]|[\w&&[^{_DENSE}]]+(?:['’][\w&&[^{_DENSE}]]+)*|[^\w\s]",
    "bpe": r"\w+(?:['’]\w+)*|[^\w\s]",
    "char": r"\s|\S",
}
_WORD = re.compile(r"(?u)\b\w\w+\b")
_SPACES = re.compile(r"\s\s+")


class Tokens:
    """A vocabulary and how texts are taken apart; what it has not seen is one unknown token."""

    def __init__(self, schema: dict[str, Any], content: dict[str, Any]) -> None:
        try:
            from tokenizers import Regex, Tokenizer, models, pre_tokenizers
        except ModuleNotFoundError:
            raise DataError(
                'the model reads texts: pip install "lockgate-runtime[texts]"'
            ) from None
        if schema["kind"] not in _PATTERNS:
            raise DataError(f"tokens must be word, bpe or char, got {schema['kind']!r}")
        self._kind, self._lowercase = schema["kind"], schema["lowercase"]
        self._clean_html = schema["clean_html"]
        vocabulary = content["vocabulary"]
        numbers = {token: number for number, token in enumerate(vocabulary)}
        if self._kind == "bpe":
            merges = [(first, second) for first, second in content["merges"]]
            model: Any = models.BPE(numbers, merges, unk_token=UNKNOWN)
        else:
            model = models.WordLevel(numbers, unk_token=UNKNOWN)
        self._tokenizer = Tokenizer(model)
        pattern = Regex(_PATTERNS[self._kind])
        self._tokenizer.pre_tokenizer = pre_tokenizers.Split(pattern, "removed", invert=True)
        self.are_words = np.zeros(len(vocabulary), dtype=bool)
        self.are_words[content["words"]] = True

    def encode(self, texts: Sequence[str], most: int | None, keep: str) -> list[npt.NDArray[Any]]:
        """Turn texts into tokens; one without any is an unknown token."""
        cleaned = [self._cleaned(text) for text in texts]
        every = self._tokenizer.encode_batch_fast(cleaned, add_special_tokens=False)
        ids = [np.array(one.ids or [1], dtype=np.int64) for one in every]
        if most is None:
            return ids
        return [one[:most] if keep == "start" else one[-most:] for one in ids]

    def _cleaned(self, text: str) -> str:
        if self._clean_html and "<" in text:
            text = _HTML_BREAK.sub(" ", text)
        if self._kind == "char":
            text = " ".join(text.split())
        return text.lower() if self._lowercase else text


class Terms:
    """The terms that a linear model knows: words and pairs, or runs of characters."""

    def __init__(self, kind: str, terms: Sequence[str]) -> None:
        if kind not in _TAKEN_APART:
            raise DataError(f"terms must be of {', '.join(_TAKEN_APART)}, got {kind!r}")
        self._take_apart = _TAKEN_APART[kind]
        self._numbers = {term: number for number, term in enumerate(terms, 1)}

    def count(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return which terms occur, counted from 1, and how often, (N, most) each, 0 behind."""
        known = self._numbers
        each = []
        for text in texts:
            counts = Counter(self._take_apart(text.lower()))
            each.append([(known[term], n) for term, n in counts.items() if term in known])
        most = max((len(one) for one in each), default=0) or 1
        terms = np.zeros((len(texts), most), dtype=np.int64)
        counted = np.zeros((len(texts), most), dtype=np.float32)
        for row, one in enumerate(each):
            for place, (term, n) in enumerate(sorted(one)):
                terms[row, place], counted[row, place] = term, n
        return terms, counted


def _words(text: str) -> Iterator[str]:
    words = _WORD.findall(text)
    yield from words
    for first, second in pairwise(words):
        yield f"{first} {second}"


def _within_words(text: str) -> Iterator[str]:
    """Yield runs of 2 to 5 characters of each word between blanks; a short word is one run."""
    for word in _SPACES.sub(" ", text).split():
        padded = f" {word} "
        for size in range(2, 6):
            yield padded[:size]
            for start in range(1, len(padded) - size + 1):
                yield padded[start : start + size]
            if len(padded) <= size:
                break


def _runs(text: str) -> Iterator[str]:
    text = _SPACES.sub(" ", text)
    for size in range(1, min(3, len(text)) + 1):
        for start in range(len(text) - size + 1):
            yield text[start : start + size]


_TAKEN_APART = {"words": _words, "within words": _within_words, "runs": _runs}
