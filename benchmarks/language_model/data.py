"""Words of a text, their numbers, and the rows and chunks a language model reads them in."""

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.language_model.config import Config
from lockgate.tasks.language.streams import side_by_side
from lockgate.tasks.language.words import END, encode, learn_vocabulary, words_of


class Corpus(NamedTuple):
    """The three parts as numbers, and the words that the numbers stand for."""

    train: Tensor  # (tokens,)
    valid: Tensor
    test: Tensor
    words: tuple[str, ...]

    @property
    def end(self) -> int:
        """The number of <eos>."""
        return self.words.index(END)


class Rows(NamedTuple):
    """A text in rows side by side; row b goes on from step to step."""

    inputs: Tensor  # (steps, batch)
    targets: Tensor  # the word after each input


def read_corpus(data: Path, config: Config) -> Corpus:
    """Read the parts of a corpus; the vocabulary is learned from the training tokens alone."""
    parts = {name: read_words(data / config.corpus, name) for name in ("train", "valid", "test")}
    if config.train_tokens:
        parts["train"] = parts["train"][: config.train_tokens]
    words = learn_vocabulary(parts["train"], config.vocabulary)
    numbered = {name: torch.from_numpy(encode(part, words)) for name, part in parts.items()}
    return Corpus(**numbered, words=words)


def read_words(folder: Path, name: str) -> list[str]:
    """Read a part, `name.txt` or `name.txt.gz`; each line, also an empty one, ends in <eos>."""
    plain, zipped = folder / f"{name}.txt", folder / f"{name}.txt.gz"
    if plain.exists():
        text = plain.read_text(encoding="utf-8")
    elif zipped.exists():
        text = gzip.decompress(zipped.read_bytes()).decode("utf-8")
    else:
        raise FileNotFoundError(f"data must hold {zipped} or {plain.name}, got neither")
    return words_of(text)


def rows(tokens: Tensor, batch: int, end: int) -> Rows:
    """Cut a text into `batch` rows, time first; see `side_by_side`."""
    return Rows(*(part.t().contiguous() for part in side_by_side(tokens, batch, end)))


def chunks(text: Rows, lengths: Sequence[int]) -> Iterator[Rows]:
    """Give rows chunk by chunk, each beginning where the last one ended."""
    begin = 0
    for length in lengths:
        yield Rows(*(part[begin : begin + length] for part in text))
        begin += length


def chunk_lengths(steps: int, bptt: int, generator: torch.Generator | None = None) -> list[int]:
    """Give the lengths of the chunks of `steps`: `bptt`, or drawn as Merity et al. (2017) do.

    Drawn is N(bptt, 5), of half the mean in one chunk of 20, and at least 5.
    """
    lengths, left = [], steps
    while left > 0:
        length = bptt
        if generator is not None:
            short, normal = (
                torch.rand((), generator=generator),
                torch.randn((), generator=generator),
            )
            length = max(5, int(bptt / (2 if short < 0.05 else 1) + 5 * normal))
        lengths.append(min(length, left))
        left -= length
    return lengths
