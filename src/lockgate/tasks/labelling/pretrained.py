"""Vectors of words that were learned elsewhere: of the vocabulary's tokens, and how many it has."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate.errors import DataError, count_of, quoted
from lockgate.reading.vectors import WidthError, WordVectors, read_vectors
from lockgate.tasks.labelling.config import ClassifierConfig
from lockgate.tasks.labelling.tokens import Tokens

WORDS = slice(2, None)
"""Tokens that stand for something: the first two are padding and what is unknown."""


class Pretrained(NamedTuple):
    """The vectors of the tokens that a file has, and what to say of them."""

    values: npt.NDArray[np.float32]  # (tokens, width); NaN of those that the file does not have
    coverage: dict[str, float]
    """Shares that the file has: of the `vocabulary`, and of the `running` words of training."""
    notice: str


def read_pretrained(
    tokens: Tokens, training: npt.NDArray[np.int32], config: ClassifierConfig
) -> Pretrained:
    """Read `config.vectors` for the tokens of a vocabulary.

    Args:
        tokens: The vocabulary.
        training: Tokens of all training texts, end to end.
        config: The file, and the size of the embedding.

    Raises:
        DataError: If the file holds no vectors of that size, or none of these tokens.
    """
    assert config.vectors is not None
    words = tokens.vocabulary[WORDS]
    try:
        read = read_vectors(
            Path(config.vectors), words, lowercase=tokens.lowercase, width=config.embedding_size
        )
    except WidthError as error:
        raise DataError(
            f"embedding_size must be {error.got}, the width of the vectors in "
            f"{quoted(error.source)}, got {config.embedding_size}; pass embedding_size={error.got} "
            f"(--set embedding_size={error.got})"
        ) from None
    if not read.found.any():
        remedy = "are they of another language?"
        if tokens.kind != "word":
            remedy = f"the texts are taken apart by {tokens.kind}: try words (--set tokens=word)"
        raise DataError(
            f"vectors must have a word of the training texts, got none of {len(words):,} in the "
            f"{read.rows:,} of {quoted(read.source)}; {remedy}"
        )
    values = np.full((tokens.size, read.width), np.nan, dtype=np.float32)
    values[WORDS] = read.values
    found = ~np.isnan(values[:, 0])
    coverage = {
        "vocabulary": float(read.found.mean()),
        "running": float(found[training].mean()),
    }
    return Pretrained(values, coverage, _notice(read, coverage))


def _notice(read: WordVectors, coverage: dict[str, float]) -> str:
    cut = "" if read.told in (None, read.rows) else f" (its header tells of {read.told:,})"
    return (
        f"{count_of(read.rows, 'vector')} of {read.width} numbers in {quoted(read.source)}{cut}: "
        f"they are of {coverage['vocabulary']:.1%} of the vocabulary, and of "
        f"{coverage['running']:.1%} of the tokens of the training texts"
    )
