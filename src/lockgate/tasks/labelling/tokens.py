"""Turn texts into tokens: words, pieces of words or characters, learned from the training part."""

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from lockgate.errors import DataError, count_of, quoted
from lockgate.tasks.labelling.labelled import TEXT_MARK, Ragged

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TokenKind = Literal["word", "bpe", "char"]
PAD, UNKNOWN = "<pad>", "<unk>"  # tokens 0 and 1; no text holds them, it is split at < and >
MAX_JSON = 2**26
"""Most characters of the JSON of a tokenizer."""
MAX_VOCABULARY = 2**20
_FORMAT = "lockgate tokens 1"
_HTML_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_BATCH = 2**20  # characters that are taken apart at a time, which bounds memory
_SAMPLE = 2**20  # characters that tell the script

# scripts that are written without spaces between words: each of their characters is a word
_DENSE = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_PATTERNS: dict[TokenKind, str] = {
    "word": rf"[{_DENSE}]|[\w&&[^{_DENSE}]]+(?:['’][\w&&[^{_DENSE}]]+)*|[^\w\s]",
    "bpe": r"\w+(?:['’]\w+)*|[^\w\s]",
    "char": r"\s|\S",
}
# the same scripts, and Korean, as ranges
_DENSE_LETTER = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
_LETTER = re.compile(r"[^\W\d_]")
_SPACE = re.compile(r"\s+")
_SPACES_BETWEEN_WORDS = 0.1  # of the characters: Chinese has under 0.03, Korean and English 0.2


class TokenReport(NamedTuple):
    """What became of texts."""

    size: int
    """Tokens known, with padding and the unknown one."""
    unknown_share: float
    """Share of unknown tokens among those kept."""
    truncated: int
    """Texts that were longer than allowed."""
    longest: int
    """Tokens of the longest text, before it was cut."""
    html_breaks: int
    """Texts of which HTML line breaks were read as spaces."""
    lengths: npt.NDArray[np.int64]
    """Tokens of each text, before it was cut."""

    @staticmethod
    def of(
        kept: Ragged, lengths: npt.NDArray[np.int64], *, size: int, html_breaks: int
    ) -> "TokenReport":
        """Count what became of texts of `lengths` tokens, of which some are `kept`."""
        return TokenReport(
            size=size,
            unknown_share=float(np.mean(kept.values == 1)) if len(kept.values) else 0.0,
            truncated=int((lengths > kept.lengths).sum()),
            longest=int(lengths.max(initial=0)),
            html_breaks=html_breaks,
            lengths=lengths,
        )

    def notices(self, max_length: int | None = None) -> tuple[str, ...]:
        """Say what a reader should know."""
        notices = []
        if self.html_breaks:
            held = count_of(self.html_breaks, "text")
            notices.append(f"{held} held HTML line breaks (<br />): read as spaces")
        if self.truncated:
            cut = count_of(self.truncated, "text")
            notices.append(f"{cut} cut to {max_length:,} tokens (the longest had {self.longest:,})")
        return tuple(notices)


@dataclass(frozen=True)
class Tokens:
    """A vocabulary and how texts are taken apart; what it has not seen is one unknown token."""

    kind: TokenKind
    vocabulary: tuple[str, ...] = field(repr=False)
    """Token 0 is padding and token 1 the unknown one."""
    merges: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Of byte pair encoding: what is joined, in this order."""
    lowercase: bool = True
    clean_html: bool = True

    @property
    def size(self) -> int:
        """Tokens in the vocabulary, with padding and the unknown one."""
        return len(self.vocabulary)

    def encode(
        self,
        texts: Sequence[str],
        max_length: int | None = None,
        keep: Literal["start", "end"] = "start",
    ) -> Ragged:
        """Turn texts into int32 tokens; a text without any becomes one unknown token.

        Args:
            texts: The texts.
            max_length: Most tokens of a text. Default: all.
            keep: Which end of a longer text is kept.

        Raises:
            ValueError: If `max_length` or `keep` is not as above.
        """
        return self.encode_with_report(texts, max_length, keep)[0]

    def encode_with_report(
        self,
        texts: Sequence[str],
        max_length: int | None = None,
        keep: Literal["start", "end"] = "start",
    ) -> tuple[Ragged, TokenReport]:
        """Do what `encode` does, and count what was unknown, cut and cleaned."""
        if max_length is not None and max_length < 1:
            raise ValueError(f"max_length must be at least 1, got {max_length}")
        if keep not in ("start", "end"):
            raise ValueError(f"keep must be 'start' or 'end', got {quoted(keep)}")
        pieces, whole, starts = [np.empty(0, dtype=np.int32)], [], [0]
        for ids in self._all_ids(texts):
            whole.append(len(ids))
            if max_length is not None:
                ids = ids[:max_length] if keep == "start" else ids[-max_length:]
            pieces.append(np.array(ids, dtype=np.int32))
            starts.append(starts[-1] + len(ids))
        ragged = Ragged(np.concatenate(pieces), np.array(starts, dtype=np.int64))
        breaks = sum(map(bool, map(_HTML_BREAK.search, texts))) if self.clean_html else 0
        lengths = np.array(whole, dtype=np.int64)
        return ragged, TokenReport.of(ragged, lengths, size=self.size, html_breaks=breaks)

    def unknown_share(self, texts: Sequence[str]) -> float:
        """Return the share of tokens of `texts` that the vocabulary does not have."""
        return self.encode_with_report(texts)[1].unknown_share

    @cached_property
    def are_words(self) -> npt.NDArray[np.bool_]:
        """Which tokens say something: neither the unknown one, nor marks and blanks alone."""
        return np.array([i > 1 and _says(token) for i, token in enumerate(self.vocabulary)])

    def words(self, ids: npt.ArrayLike) -> list[str]:
        """Return what tokens stand for."""
        return [self.vocabulary[i] for i in np.asarray(ids).tolist()]

    def to_json(self) -> str:
        """Return everything as JSON."""
        return json.dumps(
            {
                "format": _FORMAT,
                "kind": self.kind,
                "lowercase": self.lowercase,
                "clean_html": self.clean_html,
                "vocabulary": self.vocabulary,
                "merges": self.merges,
            },
            ensure_ascii=False,
        )

    @staticmethod
    def from_json(text: str) -> "Tokens":
        """Read what `to_json` wrote: words and settings, no patterns and no code.

        Raises:
            DataError: If it is anything else.
        """
        if len(text) > MAX_JSON:
            raise DataError(
                f"a tokenizer must be at most {MAX_JSON:,} characters, got {len(text):,}"
            )
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"a tokenizer must be JSON, got {error}") from None
        return _from_content(content)

    def _all_ids(self, texts: Sequence[str]) -> Iterator[list[int]]:
        for batch in _batches(texts):
            cleaned = [_cleaned(text, self.kind, self.lowercase, self.clean_html) for text in batch]
            for encoding in self._tokenizer.encode_batch_fast(cleaned, add_special_tokens=False):
                yield encoding.ids or [1]

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        from tokenizers import models

        numbers = {token: i for i, token in enumerate(self.vocabulary)}
        if self.kind == "bpe":
            merges = list(self.merges)
            return _untrained(models.BPE(numbers, merges, unk_token=UNKNOWN), self.kind)
        return _untrained(models.WordLevel(numbers, unk_token=UNKNOWN), self.kind)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state.pop("_tokenizer", None)  # it is built again where it is needed
        return state


def learn_tokens(
    texts: Sequence[str],
    *,
    kind: Literal["auto"] | TokenKind = "auto",
    vocab_size: int = 20_000,
    min_count: int = 2,
    lowercase: bool = True,
    clean_html: bool = True,
) -> Tokens:
    """Learn the tokens of texts, which should be those of the training part alone.

    - "word": words and punctuation marks; a character of a script without spaces is a word.
    - "bpe": byte pair encoding (Sennrich and others 2016, arXiv:1508.07909): frequent pieces of
      words, joined from characters.
    - "char": characters; blanks are one.
    - "auto": "char" for texts that are mostly Chinese, Japanese, Thai or another script without
      spaces, or Korean without them; else "word". A BiLSTM read Chinese reviews better by
      characters than by byte pairs.

    Args:
        texts: The texts to learn from.
        kind: What texts are taken apart into.
        vocab_size: Most tokens, with padding and the unknown one.
        min_count: Fewest times that a token occurs.
        lowercase: Whether capitals are made small.
        clean_html: Whether HTML line breaks (`<br />`) are read as spaces; nothing else is cleaned.

    Raises:
        ValueError: If an argument is out of its range.
        DataError: If no token occurs `min_count` times.

    Example:
        >>> tokens = learn_tokens(["to be or not to be"])
        >>> tokens.words(tokens.encode(["not to BE"]).values)
        ['<unk>', 'to', 'be']
    """
    if kind != "auto" and kind not in get_args(TokenKind):
        raise ValueError(f"kind must be 'auto', 'word', 'bpe' or 'char', got {quoted(kind)}")
    if not 3 <= vocab_size <= MAX_VOCABULARY:
        raise ValueError(f"vocab_size must be from 3 to {MAX_VOCABULARY:,}, got {vocab_size:,}")
    if min_count < 1:
        raise ValueError(f"min_count must be at least 1, got {min_count}")
    chosen: TokenKind = _kind_by_script(texts, clean_html) if kind == "auto" else kind
    cleaned = [_cleaned(text, chosen, lowercase, clean_html) for text in texts]
    vocabulary, merges = _trained(cleaned, chosen, vocab_size, min_count)
    if len(vocabulary) < 3:
        raise DataError(
            f"texts must hold a token that occurs {min_count} times, got none in "
            f"{count_of(len(texts), 'text')}; pass a smaller min_count (--set min_count=1)"
        )
    return Tokens(chosen, vocabulary, merges, lowercase, clean_html)


def _trained(
    texts: list[str], kind: TokenKind, vocab_size: int, min_count: int
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    from tokenizers import models, trainers

    options: dict[str, Any] = {
        "vocab_size": vocab_size,
        "min_frequency": min_count,
        "special_tokens": [PAD, UNKNOWN],
        "show_progress": False,
    }
    if kind != "bpe":
        tokenizer = _untrained(models.WordLevel(unk_token=UNKNOWN), kind)
        tokenizer.train_from_iterator(texts, trainers.WordLevelTrainer(**options))
    else:
        tokenizer = _untrained(models.BPE(unk_token=UNKNOWN), kind)
        # else all characters are kept, more than vocab_size too
        trainer = trainers.BpeTrainer(**options, limit_alphabet=vocab_size - 2)
        tokenizer.train_from_iterator(texts, trainer)
    numbers: dict[str, int] = tokenizer.get_vocab()
    merges = json.loads(tokenizer.to_str())["model"].get("merges", [])
    vocabulary = tuple(sorted(numbers, key=lambda token: numbers[token]))
    return vocabulary, tuple((first, second) for first, second in merges)


def _untrained(model: Any, kind: TokenKind) -> "Tokenizer":
    from tokenizers import Regex, Tokenizer, pre_tokenizers

    tokenizer = Tokenizer(model)
    pattern = Regex(_PATTERNS[kind])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(pattern, "removed", invert=True)
    return tokenizer


def _cleaned(text: str, kind: TokenKind, lowercase: bool, clean_html: bool) -> str:
    if clean_html and "<" in text:
        text = _HTML_BREAK.sub(" ", text)
    if kind == "char":
        text = " ".join(text.split())
    return text.lower() if lowercase else text


def _says(token: str) -> bool:
    """Tell whether a token is more than punctuation, blanks and control characters."""
    return token != TEXT_MARK and not all(
        unicodedata.category(letter)[0] in "PZC" for letter in token
    )


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _kind_by_script(texts: Sequence[str], clean_html: bool) -> TokenKind:
    """Choose by a sample from all over the texts."""
    step = 1 + sum(map(len, texts)) // _SAMPLE
    sample = _cleaned(" ".join(texts[::step])[:_SAMPLE], "word", False, clean_html)
    letters = len(_LETTER.findall(sample))
    dense = len(_DENSE_LETTER.findall(sample))
    inner = len(_SPACE.findall(sample)) - len(texts[::step]) + 1
    is_dense = 2 * dense > letters and inner < _SPACES_BETWEEN_WORDS * len(sample)
    return "char" if is_dense else "word"


def _from_content(content: Any) -> Tokens:
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise DataError(f"a tokenizer must be of the format {quoted(_FORMAT)}, got something else")
    expected = {"format", "kind", "lowercase", "clean_html", "vocabulary", "merges"}
    if set(content) != expected:
        raise DataError(f"a tokenizer must have {sorted(expected)}, got {sorted(content)}")
    words, merges = content["vocabulary"], content["merges"]
    if content["kind"] not in get_args(TokenKind):
        raise DataError(f"kind must be one of {get_args(TokenKind)}, got {content['kind']!r:.40}")
    if not all(isinstance(content[name], bool) for name in ("lowercase", "clean_html")):
        raise DataError("lowercase and clean_html must be true or false, got something else")
    if not isinstance(words, list) or not all(map(_is_text, words)):
        raise DataError("vocabulary must be a list of texts, got something else")
    if words[:2] != [PAD, UNKNOWN] or len(set(words)) < len(words) or len(words) > MAX_VOCABULARY:
        raise DataError(
            f"vocabulary must begin with {PAD} and {UNKNOWN} and hold at most {MAX_VOCABULARY:,} "
            f"different tokens, got {len(words):,}"
        )
    pairs = _checked_merges(merges, set(words))
    return Tokens(content["kind"], tuple(words), pairs, content["lowercase"], content["clean_html"])


def _checked_merges(merges: Any, words: set[str]) -> tuple[tuple[str, str], ...]:
    """Check that what is joined, and what comes of it, are tokens."""
    if not isinstance(merges, list) or len(merges) > MAX_VOCABULARY:
        raise DataError(f"merges must be a list of at most {MAX_VOCABULARY:,} pairs")
    for pair in merges:
        is_pair = isinstance(pair, list) and len(pair) == 2
        if not is_pair or not all(map(_is_text, pair)):
            raise DataError(f"merges must be pairs of texts, got {pair!r:.40}")
        if not {*pair, "".join(pair)} <= words:
            raise DataError(f"merges must join tokens to tokens, got {pair!r:.40}")
    return tuple((first, second) for first, second in merges)


def _is_text(value: Any) -> bool:
    # JSON may hold half a surrogate pair, which is no text
    return isinstance(value, str) and value == value.encode(errors="replace").decode()
