"""Read and part a text, learn its words from the training part, number all of it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from lockgate.errors import DataError, count_of
from lockgate.files import write_text
from lockgate.scoring.arrays import IntArray
from lockgate.tasks.base import PARTS, Span
from lockgate.tasks.language.config import TextConfig
from lockgate.tasks.language.streams import Stream
from lockgate.tasks.language.words import END, UNKNOWN, encode, learn_vocabulary, read_pieces

FEWEST_WORDS = 20
TENTH = 0.1


class TextData(NamedTuple):
    """What was read, in parts."""

    source: str
    train: list[str]
    validation: list[str]
    test: list[str]
    notices: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """What tells these data from others."""
        return hash_of([word for part in PARTS for word in getattr(self, part)])


class LanguagePreprocessing(BaseModel):
    """What was learned from the training part beside the network's weights: its words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: tuple[str, ...]
    """<unk>, <eos>, then the others from the most frequent on."""

    @property
    def end(self) -> int:
        """The number of <eos>."""
        return self.words.index(END)

    @property
    def unknown(self) -> int:
        """The number of <unk>."""
        return self.words.index(UNKNOWN)


@dataclass(frozen=True)
class PreparedText:
    """A text, ready to train on."""

    tokens: dict[Span, IntArray]
    preprocessing: LanguagePreprocessing
    chunk_steps: int

    def stream(self, part: Span) -> Stream:
        """Return a part as batches are drawn from it."""
        tokens = torch.from_numpy(np.asarray(self.tokens[part], dtype=np.int64))
        return Stream(tokens, self.chunk_steps, self.preprocessing.end)

    def unknown(self, part: Span) -> float:
        """Return the share of the words of a part that are unknown."""
        return float((self.tokens[part] == self.preprocessing.unknown).mean())

    def save(self, folder: Path) -> None:
        """Write everything to `folder`; other processes map it instead of copying."""
        for part, tokens in self.tokens.items():
            np.save(folder / f"{part}.npy", tokens)
        np.save(folder / "chunk_steps.npy", np.array(self.chunk_steps))
        write_text(folder / "preprocessing.json", self.preprocessing.model_dump_json())

    @staticmethod
    def load(folder: Path) -> "PreparedText":
        """Map what `save` wrote."""
        text = (folder / "preprocessing.json").read_text(encoding="utf-8")
        tokens: dict[Span, IntArray] = {
            # copy on write: torch asks for writable memory, nothing is ever written
            part: np.load(folder / f"{part}.npy", mmap_mode="c", allow_pickle=False)
            for part in PARTS
        }
        steps = int(np.load(folder / "chunk_steps.npy", allow_pickle=False))
        return PreparedText(tokens, LanguagePreprocessing.model_validate_json(text), steps)


def hash_of(words: list[str]) -> str:
    """Return a digest of words."""
    return hashlib.sha256(" ".join(words).encode()).hexdigest()


def read_text_data(source: Any, config: TextConfig) -> TextData:
    """Read a text and its parts; those that no file holds are its last tenths.

    Raises:
        DataError: If a file cannot be read, or there are too few words for three parts.
    """

    def read(given: Any, argument: str) -> tuple[list[str], tuple[str, ...]]:
        pieces = read_pieces(
            given, encoding=config.encoding, lowercase=config.lowercase, argument=argument
        )
        return pieces.all_words, pieces.notices

    train, notices = read(source, "source")
    name = Path(source).name if isinstance(source, str | Path) else "list"
    held_out = max(1, round(TENTH * len(train)))
    given: dict[str, list[str]] = {}
    for part in ("test", "validation"):
        path = getattr(config, part)
        if path is not None:
            given[part], more = read(path, part)
            notices = (*notices, *more)
        else:
            given[part], train = train[-held_out:], train[:-held_out]
    if len(train) < FEWEST_WORDS:
        raise DataError(
            f"source must hold at least {FEWEST_WORDS} words to learn from, got "
            f"{count_of(len(train), 'word')} in the training part of {name!r}, ends of lines "
            "counted"
        )
    return TextData(name, train, given["validation"], given["test"], notices)


def prepare_text(data: TextData, config: TextConfig) -> PreparedText:
    """Learn the words of the training part, and number all parts by them.

    Raises:
        DataError: If no word is frequent enough.
    """
    words = learn_vocabulary(data.train, config.vocab_size, config.min_count)
    if len(words) < 3:
        raise DataError(
            f"min_count must leave a word, got {config.min_count}: no word of the training part "
            "occurs as often"
        )
    tokens: dict[Span, IntArray] = {part: encode(getattr(data, part), words) for part in PARTS}
    return PreparedText(tokens, LanguagePreprocessing(words=words), config.chunk_steps)
