"""Words of texts, and the vocabulary that numbers them."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lockgate.errors import DataError
from lockgate.reading.encodings import decode
from lockgate.reading.tables import read_bytes
from lockgate.scoring.arrays import IntArray

UNKNOWN, END = "<unk>", "<eos>"


class Pieces(NamedTuple):
    """Texts as words: the lines of a file, each in the context of those before, or texts apart."""

    source: str
    words: tuple[list[str], ...]
    apart: bool
    """Whether each begins anew."""
    notices: tuple[str, ...] = ()

    @property
    def all_words(self) -> list[str]:
        """The words of all of them, end to end."""
        return list(itertools.chain.from_iterable(self.words))


def read_pieces(
    source: Any, *, encoding: str | None = None, lowercase: bool = False, argument: str = "source"
) -> Pieces:
    """Read the lines of a text file, also of one that is gzip, or a list of texts.

    Args:
        source: Path, or texts in a list.
        encoding: Any that Python knows. Default: told from the bytes; a notice names it.
        lowercase: Whether capital letters are taken for small ones.
        argument: What an error calls it.

    Raises:
        DataError: If there is no such file, or no word in it.
    """
    notices: tuple[str, ...] = ()
    if isinstance(source, str | Path):
        path = Path(source)
        try:
            data = read_bytes(path)
        except OSError as error:
            raise DataError(
                f"{argument} must be a text file, got {str(source)!r}: {error.strerror}"
            ) from None
        decoded = decode(data, path.name, encoding, quoted=False)
        text, notice = decoded.text, decoded.notice
        notices = (notice,) if notice and not notice.endswith("UTF-8") else ()
        name, apart, texts = path.name, False, text.splitlines()
    elif isinstance(source, list) and all(isinstance(text, str) for text in source):
        name, apart, texts = "list", True, source
    else:
        raise DataError(
            f"{argument} must be the path of a text file or a list of texts, got "
            f"a {type(source).__name__}"
        )
    pieces = tuple(words_of(text.lower() if lowercase else text) for text in texts)
    if not any(word != END for piece in pieces for word in piece):
        raise DataError(f"{argument} must hold words, got none in {name!r}")
    return Pieces(name, pieces, apart, notices)


def words_of(text: str) -> list[str]:
    """Take a text apart at its blanks; each line, also an empty one, ends in <eos>.

    Example:
        >>> words_of("It rains .")
        ['It', 'rains', '.', '<eos>']
    """
    return [word for line in text.splitlines() or [""] for word in (*line.split(), END)]


def learn_vocabulary(words: Iterable[str], size: int = 0, min_count: int = 1) -> tuple[str, ...]:
    """Give <unk>, <eos> and the most frequent words, `size` in all; 0 gives every word.

    Of equally frequent words the first in the text comes first.

    Example:
        >>> learn_vocabulary("a rose is a rose is a".split(), 4)
        ('<unk>', '<eos>', 'a', 'rose')
    """
    special = (UNKNOWN, END)
    counted = (
        word
        for word, count in Counter(words).most_common()
        if word not in special and count >= min_count
    )
    vocabulary = (*special, *counted)
    return vocabulary[:size] if size else vocabulary


def encode(words: Sequence[str], vocabulary: Sequence[str]) -> IntArray:
    """Number words by the vocabulary, (N,); others are <unk>."""
    numbers = {word: number for number, word in enumerate(vocabulary)}
    unknown = numbers[UNKNOWN]
    return np.fromiter((numbers.get(word, unknown) for word in words), np.int64, len(words))
