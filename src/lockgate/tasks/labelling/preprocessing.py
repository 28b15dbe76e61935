"""What is learned from the training part of labelled data, and applied to all of it."""

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from lockgate.errors import DataError, listed, quoted
from lockgate.tasks.labelling.config import LabelledConfig
from lockgate.tasks.labelling.labelled import (
    LABEL_SEPARATOR,
    LabelKind,
    Labelled,
    Ragged,
    class_key,
    classes_of,
    take,
)
from lockgate.tasks.labelling.tokens import TokenReport, Tokens, learn_tokens
from lockgate.training.losses import IGNORED

MOST_TOKENS = 400
_SHARE_THAT_FITS = 0.95


class LabelPreprocessing(BaseModel):
    """Encoded from the training rows alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: LabelKind
    classes: tuple[str, ...] = ()
    """In the order of the network's outputs; none where the label is a number."""
    channels: tuple[str, ...] = ()
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()
    masked: tuple[str, ...] = ()
    """Channels with missing values in training: each has one beside it that tells where."""
    label_mean: float = 0.0
    label_deviation: float = 1.0
    """Of labels that are numbers."""
    max_length: int | None = None
    keep: Literal["start", "end"] = "start"
    tokenizer: str | None = None
    """Of texts, as JSON."""

    @property
    def is_text(self) -> bool:
        """Whether the data are texts."""
        return self.tokenizer is not None

    @property
    def vocabulary_size(self) -> int:
        """Tokens that a text is made of; 0 where the data are no texts."""
        return self.tokens.size if self.is_text else 0

    @property
    def inputs(self) -> int:
        """Channels that a network reads: those that tell what was missing come last."""
        return len(self.channels) + len(self.masked)

    @property
    def outputs(self) -> int:
        """Outputs of a network: one for each class, or one for a number."""
        return len(self.classes) or 1

    @property
    def by_character(self) -> bool:
        """Whether texts are taken apart by character, as a script without spaces is."""
        return self.is_text and self.tokens.kind != "word"

    def encode(self, data: Labelled) -> Ragged:
        """Turn items into scaled float32 vectors or int32 tokens, none of them too long.

        Raises:
            DataError: If the data are of another kind, or have other channels.
        """
        return self.encode_with_notices(data)[0]

    def encode_with_notices(self, data: Labelled) -> tuple[Ragged, tuple[str, ...]]:
        """Do what `encode` does, and say which texts were cut or cleaned, and what was filled."""
        self._check(data)
        if isinstance(data.items, tuple):
            tokens = self.tokens
            items, report = tokens.encode_with_report(data.items, self.max_length, self.keep)
            return items, report.notices(self.max_length)
        of_masks = len(self.masked)
        means = np.array([*self.means, *[0.0] * of_masks])
        deviations = np.array([*self.deviations, *[1.0] * of_masks])
        scaled = (self.filled(data.items).values - means) / deviations
        items = Ragged(scaled.astype(np.float32), data.items.starts)
        return _shortened(items, self.max_length, self.keep), self.notices(data)

    def without_words(self, items: Ragged) -> npt.NDArray[np.bool_]:
        """Tell of which encoded texts no word is known in what is read of them."""
        return ~np.logical_or.reduceat(self.tokens.are_words[items.values], items.starts[:-1])

    def filled(self, items: Ragged) -> Ragged:
        """Fill missing values, and put behind the channels those that tell where they were.

        A value is filled with the last before it in its sequence, or the mean of the training part.
        """
        missing = np.isnan(items.values)
        values = items.values
        if missing.any():
            values = _filled(values, missing, items, np.array(self.means, dtype=values.dtype))
        places = [self.channels.index(name) for name in self.masked]
        if places:
            values = np.concatenate([values, missing[:, places].astype(values.dtype)], axis=1)
        return Ragged(values, items.starts)

    def notices(self, data: Labelled) -> tuple[str, ...]:
        """Say which channels of sequences have missing values, and what they are filled with."""
        if not (foreseen := self._missing(data, foreseen=True)):
            return self.unforeseen(data)
        return (
            "missing values filled with the last before them, or the training mean, beside "
            f"channels that tell where: {listed(foreseen)}",
            *self.unforeseen(data),
        )

    def unforeseen(self, data: Labelled) -> tuple[str, ...]:
        """Say which channels have missing values, though they had none in training."""
        if not (found := self._missing(data, foreseen=False)):
            return ()
        return (
            "missing values filled in channels that were complete in training, which the network "
            f"cannot tell from others: {listed(found)}",
        )

    def _missing(self, data: Labelled, *, foreseen: bool) -> list[str]:
        """Name the channels with missing values, and how much is missing."""
        if not isinstance(data.items, Ragged):
            return []
        shares = np.isnan(data.items.values).mean(axis=0).tolist()
        return [
            f"{quoted(name)} ({share:.2%})"
            for name, share in zip(self.channels, shares, strict=True)
            if share and (name in self.masked) == foreseen
        ]

    def targets(self, data: Labelled) -> npt.NDArray[Any]:
        """Turn labels into class numbers, 0 and 1 for each of several, or scaled numbers.

        A step without a label has the class `IGNORED`.

        Raises:
            DataError: If a label did not occur in training.
        """
        if self.kind == "number":
            scaled = (data.labels - self.label_mean) / self.label_deviation
            return np.asarray(scaled, dtype=np.float32)[:, None]
        if self.kind == "classes":
            numbers = self._class_numbers(classes_of(data))
            has_label = np.zeros((len(data), len(self.classes)), dtype=np.float32)
            for row, text in enumerate(data.labels):
                for name in filter(None, text.split(LABEL_SEPARATOR)):
                    if name not in numbers:
                        raise DataError(
                            f"labels must have occurred in training, got {quoted(name)} in "
                            f"{data.names[row]}; known are {listed(self.classes)}"
                        )
                    has_label[row, numbers[name]] = 1.0
            return has_label
        names, places = np.unique(data.labels, return_inverse=True)
        numbers = self._class_numbers(names.tolist())
        if self.kind == "steps":
            numbers[""] = IGNORED
        unknown = [name for name in names.tolist() if name not in numbers]
        if unknown:
            place = int(np.flatnonzero(np.isin(data.labels, unknown))[0])
            if self.kind == "steps" and isinstance(data.items, Ragged):
                place = int(np.searchsorted(data.items.starts, place, side="right")) - 1
            raise DataError(
                f"labels must have occurred in training, got {listed(map(repr, unknown), 3)}, the "
                f"first in {data.names[place]}; known are {listed(self.classes)}"
            )
        return np.array([numbers[name] for name in names.tolist()], dtype=np.int64)[places]

    def _class_numbers(self, names: Iterable[str]) -> dict[str, int]:
        """Return the number of the class that each name means, of those that mean one."""
        exact = {name: i for i, name in enumerate(self.classes)}
        by_key = {class_key(name): i for name, i in exact.items()}
        found = {name: exact.get(name, by_key.get(class_key(name))) for name in names}
        return {name: i for name, i in found.items() if i is not None}

    def shortened_labels(self, y: npt.NDArray[Any], items: Ragged) -> npt.NDArray[Any]:
        """Cut labels at steps as `encode` cuts the steps."""
        return _shortened(Ragged(y, items.starts), self.max_length, self.keep).values

    @property
    def tokens(self) -> Tokens:
        """How texts are taken apart, where the data are texts."""
        assert self.tokenizer is not None
        return _read_tokens(self.tokenizer)

    def _check(self, data: Labelled) -> None:
        if data.is_text != self.is_text:
            kinds = ("sequences of numbers", "texts")
            raise DataError(
                f"{data.source} must hold {kinds[self.is_text]}, as the training part did, got "
                f"{kinds[data.is_text]}"
            )
        if not self.is_text and data.channels != self.channels:
            raise DataError(
                f"{data.source} must have the channels {listed(self.channels)}, got "
                f"{listed(data.channels)}"
            )


class Encoded(NamedTuple):
    """What was learned from the training rows, and all items as it turns them into numbers."""

    preprocessing: LabelPreprocessing
    items: Ragged
    tokens: dict[str, Any] | None
    """How texts are taken apart: `kind` and `size`; of the training part `unknown`, `truncated` and
    `longest`; and `notices`, of all texts."""


def learn_labelled(
    data: Labelled,
    rows: npt.NDArray[np.int64],
    config: LabelledConfig,
    tokens: Tokens | None = None,
) -> Encoded:
    """Learn scaling or tokens, the classes and the longest length from the training rows.

    Args:
        data: What was read.
        rows: Those of the training part.
        config: How texts are taken apart.
        tokens: By which they are, where that was learned elsewhere.
    """
    train = take(data, rows)
    fields: dict[str, Any] = {"kind": data.kind, "keep": config.keep}
    if data.kind == "number":
        fields["label_mean"] = float(np.mean(train.labels))
        fields["label_deviation"] = float(np.std(train.labels)) or 1.0
    else:
        fields["classes"] = classes_of(train)
    if isinstance(train.items, tuple):
        return _learn_texts(data, train.items, rows, config, fields, tokens)
    values = train.items.values.astype(np.float64)
    missing = np.isnan(values)
    # a channel without any value says nothing, whatever it is filled with
    values[:, missing.all(axis=0)] = 0.0
    deviations = np.nanstd(values, axis=0)
    preprocessing = LabelPreprocessing(
        **fields,
        channels=data.channels,
        means=tuple(np.nanmean(values, axis=0).tolist()),
        # a channel that does not vary says nothing, whatever it is divided by
        deviations=tuple(np.where(deviations > 0, deviations, 1.0).tolist()),
        masked=tuple(np.array(data.channels)[missing.any(axis=0)].tolist()),
        max_length=config.max_length,
    )
    return Encoded(preprocessing, preprocessing.encode(data), None)


def _learn_texts(
    data: Labelled,
    train: tuple[str, ...],
    rows: npt.NDArray[np.int64],
    config: LabelledConfig,
    fields: dict[str, Any],
    tokens: Tokens | None,
) -> Encoded:
    tokens = tokens or learn_tokens(
        train,
        kind=config.tokens,
        vocab_size=config.vocab_size,
        min_count=config.min_count,
        lowercase=config.lowercase,
        clean_html=config.clean_html,
    )
    assert isinstance(data.items, tuple)
    # taken apart once: what it is cut to is known only then
    most = config.max_length or MOST_TOKENS
    items, report = tokens.encode_with_report(data.items, most, config.keep)
    max_length = config.max_length or _length_that_fits(report.lengths[rows])
    items = _shortened(items, max_length, config.keep)
    of_all = TokenReport.of(items, report.lengths, size=tokens.size, html_breaks=report.html_breaks)
    own = TokenReport.of(
        Ragged.of([items[i] for i in rows]), report.lengths[rows], size=tokens.size, html_breaks=0
    )
    described = {
        "kind": tokens.kind,
        "size": tokens.size,
        "unknown": own.unknown_share,
        "truncated": own.truncated,
        "longest": own.longest,
        "notices": of_all.notices(max_length),
    }
    preprocessing = LabelPreprocessing(**fields, tokenizer=tokens.to_json(), max_length=max_length)
    return Encoded(preprocessing, items, described)


def _filled(
    values: npt.NDArray[Any], missing: npt.NDArray[np.bool_], items: Ragged, means: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """Fill with the last value of the same sequence, (steps, channels), or with `means`."""
    step = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(missing, -1, step), axis=0)
    first = np.repeat(items.starts[:-1], items.lengths)[:, None]
    before = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    filled: npt.NDArray[Any] = np.where(last >= first, before, means)
    return filled


@lru_cache(maxsize=2)
def _read_tokens(text: str) -> Tokens:
    return Tokens.from_json(text)


def _length_that_fits(lengths: npt.NDArray[np.int64]) -> int:
    fitting = math.ceil(float(np.quantile(lengths, _SHARE_THAT_FITS)))
    return max(1, min(fitting, MOST_TOKENS))


def _shortened(ragged: Ragged, most: int | None, keep: str) -> Ragged:
    if most is None or not (ragged.lengths > most).any():
        return ragged
    lengths = np.minimum(ragged.lengths, most)
    first = ragged.starts[:-1] if keep == "start" else ragged.starts[1:] - lengths
    places = [np.arange(f, f + n) for f, n in zip(first, lengths, strict=True)]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return Ragged(ragged.values[np.concatenate(places)], starts)
