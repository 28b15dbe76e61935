"""Labels of texts and of sequences of numbers."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate_runtime.errors import DataError, listed, or_raise, quoted
from lockgate_runtime.stepper import Stepper, not_stepped
from lockgate_runtime.texts import Terms, Tokens

BATCH = 256
MOST_PADDED = 2**18
"""Most steps of a batch that is padded to its longest item, which alone may be longer."""
BLANK, NO_WORD = "blank", "no known word"
SEVERAL = ","


class Classifier:
    """A model of the labels of texts or sequences, of their steps, or of a number for each.

    Args:
        schema: What is done around the graph.
        session: The graph.
        files: What else the folder holds.
        step: The graph of one step, of a model that has one.
    """

    def __init__(
        self,
        schema: dict[str, Any],
        session: Any,
        files: Mapping[str, bytes],
        step: Any = None,
    ) -> None:
        self.schema, self.session = schema, session
        self._stepper: Stepper | None = None
        if step is not None:
            self._stepper = Stepper(schema, step, self._rows, self._told)
        self._tokens: Tokens | None = None
        if (texts := schema["texts"]) is not None:
            self._tokens = Tokens(texts, json.loads(files[texts["file"]]))
        self._terms = {
            name: Terms(linear["kind"], json.loads(files[linear["file"]]))
            for name, linear in schema["linear"].items()
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the channels of a sequence; none of texts."""
        return tuple(self.schema["channels"])

    def predict(self, data: Sequence[Any]) -> dict[str, Any]:
        """Label texts or sequences.

        Args:
            data: Texts; or sequences, each an array `(steps, channels)`, of one channel `(steps,)`,
                or a mapping of channels to values, NaN where missing.

        Returns:
            `label`, and of each class `probability_` with its name: arrays, in the order of the
            data. Of labels at steps `item` and `step` too, both from 1, for each step. Of texts
            `note`: `blank` or `no known word` where nothing is read that the model knows.

        Raises:
            DataError: If the data are of another kind, or have other channels.
        """
        return or_raise(self.predict_each([data])[0])

    def stepper(self) -> Stepper:
        """Return what labels one step after another, of a model of labels at steps.

        Raises:
            DataError: If the model gives one answer for a whole sequence, or reads both directions.
        """
        if self._stepper is None:
            raise not_stepped(self.schema)
        return self._stepper

    def predict_each(self, asked: Sequence[Sequence[Any]]) -> list[dict[str, Any] | DataError]:
        """Answer several requests in batches of the graph; none sees the others.

        Args:
            asked: `data` of each, as `predict` takes it.

        Returns:
            What `predict` returns for each, or the error that it raises.
        """
        read = [self._read(data) for data in asked]
        kept = [one for one in read if not isinstance(one, DataError)]
        found = self._run(
            [item for one in kept for item in one.items],
            [text for one in kept for text in one.texts],
        )
        answers: list[dict[str, Any] | DataError] = []
        done = 0
        for one in read:
            if isinstance(one, DataError):
                answers.append(one)
                continue
            answers.append(one.told(found[done : done + len(one.items)]))
            done += len(one.items)
        return answers

    def _read(self, data: Any) -> "_Asked | DataError":
        try:
            if self._tokens is not None:
                return self._of_texts(data, self._tokens)
            return self._of_sequences(data)
        except DataError as error:
            return error

    def _of_sequences(self, data: Any) -> "_Asked":
        items = [self._sequence(item, place) for place, item in enumerate(self._items(data), 1)]
        pieces, owners, firsts = self._pieces(items)
        most, keep = self.schema["max_length"], self.schema["keep"]
        kept = [_shortened(self._filled(piece), most, keep) for piece in pieces]

        def told(found: Sequence[npt.NDArray[np.float64]]) -> dict[str, Any]:
            if self.schema["kind"] != "steps":
                return self._told(np.stack([rows[0] for rows in found]))
            steps = [np.arange(len(piece)) + first for piece, first in kept]
            item = [np.full(len(own), owner + 1) for own, owner in zip(steps, owners, strict=True)]
            step = [own + first + 1 for own, first in zip(steps, firsts, strict=True)]
            places = {"item": np.concatenate(item), "step": np.concatenate(step)}
            return places | self._told(np.concatenate(found))

        return _Asked([piece for piece, _ in kept], (), told)

    def _of_texts(self, data: Any, tokens: Tokens) -> "_Asked":
        texts = self._items(data)
        if bad := [one for one in texts if not isinstance(one, str)]:
            raise DataError(f"data must be texts, got {quoted(bad[0])}")
        if bad := [one for one in texts if any("\ud800" <= c <= "\udfff" for c in one)]:
            raise DataError(f"data must be valid Unicode, got {bad[0][:40]!a}")
        ids = tokens.encode(texts, self.schema["max_length"], self.schema["keep"])

        def told(found: Sequence[npt.NDArray[np.float64]]) -> dict[str, Any]:
            result = self._told(np.stack([rows[0] for rows in found]))
            notes = ["" if tokens.are_words[one].any() else NO_WORD for one in ids]
            result["note"] = [
                note if text.strip() else BLANK for note, text in zip(notes, texts, strict=True)
            ]
            return result

        return _Asked(ids, texts, told)

    def _items(self, data: Any) -> list[Any]:
        if isinstance(data, str) or not hasattr(data, "__len__") or isinstance(data, Mapping):
            kind = "texts" if self._tokens is not None else "sequences"
            raise DataError(f"data must be a list of {kind}, got {type(data).__name__}")
        if not len(data):
            raise DataError("data must hold something, got nothing")
        return list(data)

    def _sequence(self, item: Any, place: int) -> npt.NDArray[np.float64]:
        """Return a sequence, (steps, channels), without steps at its end that hold no value."""
        values = self._numbers(item, f"item {place}")
        held = np.flatnonzero(np.isfinite(values).any(axis=1))
        if not len(held):
            raise DataError(f"item {place} must hold a value, got none")
        return values[: int(held[-1]) + 1]

    def _rows(self, x: Any) -> npt.NDArray[np.float64]:
        """Return one step of several streams, (batch, channels)."""
        if isinstance(x, Mapping):
            x = {name: np.atleast_1d(cells) for name, cells in x.items()}
        values = self._numbers(x, "x")
        if not len(values):
            raise DataError("x must have a row for each stream, got none")
        return values

    def _numbers(self, item: Any, name: str) -> npt.NDArray[np.float64]:
        """Return rows of channels, NaN where missing."""
        channels, of_channels = self.schema["channels"], isinstance(item, Mapping)
        if of_channels:
            if absent := [one for one in channels if one not in item]:
                raise DataError(
                    f"{name} must have the channels {listed(channels)}, got none named "
                    f"{listed(absent)}"
                )
            item = [item[one] for one in channels]
        try:
            if of_channels:
                item = list(zip(*map(list, item), strict=True))
            rows = item
            if isinstance(item, list):
                rows = [[_number(cell) for cell in np.atleast_1d(row)] for row in item]
            values = np.array(rows, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            raise DataError(f"{name} must be a sequence of numbers, got {quoted(item)}") from None
        if values.ndim == 1:
            values = values[:, None]
        if values.ndim != 2 or values.shape[1] != len(channels):
            raise DataError(
                f"{name} must have {len(channels)} channels ({listed(channels)}), got the "
                f"shape {values.shape}"
            )
        if np.isinf(values).any():
            raise DataError(f"{name} must hold finite numbers, got an infinite one")
        return values

    def _pieces(
        self, items: Sequence[npt.NDArray[np.float64]]
    ) -> tuple[list[npt.NDArray[np.float64]], list[int], list[int]]:
        """Cut sequences with labels at steps as the model has learned them."""
        schema = self.schema
        if schema["kind"] != "steps" or (schema["cut"] is None and len(items) >= schema["few"]):
            return list(items), list(range(len(items))), [0] * len(items)
        steps = schema["cut"] or schema["stretch"]
        pieces, owners, firsts = [], [], []
        for owner, item in enumerate(items):
            for first in range(0, len(item), steps):
                pieces.append(item[first : first + steps])
                owners.append(owner)
                firsts.append(first)
        return pieces, owners, firsts

    def _run(
        self, items: Sequence[npt.NDArray[Any]], texts: Sequence[str] = ()
    ) -> list[npt.NDArray[np.float64]]:
        """Run batches of like length; return the rows of each item: one, or one for each step."""
        at_steps = self.schema["kind"] == "steps"
        order = np.argsort([len(item) for item in items], kind="stable")
        found: list[npt.NDArray[np.float64]] = [np.empty(0)] * len(items)
        for part in _batches(order, [len(items[place]) for place in order]):
            lengths = np.array([len(items[place]) for place in part], dtype=np.int64)
            feed = self._padded([items[place] for place in part], int(lengths.max()))
            feed["lengths"] = lengths
            for name, known in self._terms.items():
                terms, counts = known.count([texts[place] for place in part])
                feed |= {f"{name}_terms": terms, f"{name}_counts": counts}
            (output,) = self.session.run(None, feed)
            for place, length, rows in zip(part, lengths, output, strict=True):
                found[int(place)] = rows[:length] if at_steps else rows[None]
        return found

    def _padded(self, items: Sequence[npt.NDArray[Any]], steps: int) -> dict[str, Any]:
        if self._tokens is not None:
            tokens = np.zeros((len(items), steps), dtype=np.int64)
            for row, item in enumerate(items):
                tokens[row, : len(item)] = item
            return {"tokens": tokens}
        channels, masked = len(self.schema["channels"]), self.schema["masked"]
        values = np.zeros((len(items), steps, channels + len(masked)))
        for row, item in enumerate(items):
            values[row, : len(item)] = item
        feed: dict[str, Any] = {"values": values[..., :channels]}
        if masked:
            feed["missing"] = values[..., channels:].astype(np.float32)
        return feed

    def _filled(self, item: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Fill missing values with the last before them, or the mean of the training part.

        Behind the channels stand those that tell where that was, (steps, channels + masked).
        """
        holes, step = np.isnan(item), np.arange(len(item))[:, None]
        last = np.maximum.accumulate(np.where(holes, -1, step), axis=0)
        before = np.take_along_axis(item, np.maximum(last, 0), axis=0)
        filled = np.where(last >= 0, before, np.array(self.schema["means"]))
        masked = [self.schema["channels"].index(name) for name in self.schema["masked"]]
        return np.concatenate([filled, holes[:, masked]], axis=1)

    def _told(self, found: npt.NDArray[np.float64]) -> dict[str, Any]:
        """Name what was predicted, (N, outputs)."""
        classes = self.schema["classes"]
        if self.schema["kind"] == "number":
            return {"label": found[:, 0]}
        if self.schema["kind"] == "classes":
            mark = self.schema["several"] or SEVERAL
            label = [mark.join(classes[k] for k in np.flatnonzero(row > 0.5)) for row in found]
        else:
            label = [classes[k] for k in found.argmax(axis=1)]
        return {
            "label": label,
            **{f"probability_{name}": found[:, k] for k, name in enumerate(classes)},
        }


class _Asked(NamedTuple):
    """A request that was read, and what names what the graph finds of its items."""

    items: Sequence[npt.NDArray[Any]]
    texts: Sequence[str]
    told: Callable[[Sequence[npt.NDArray[np.float64]]], dict[str, Any]]


def _batches(
    order: npt.NDArray[np.int64], lengths: Sequence[int]
) -> Iterator[npt.NDArray[np.int64]]:
    """Cut items, the shortest first, so that no batch is too large once it is padded."""
    start = 0
    for place, length in enumerate(lengths):
        count = place + 1 - start
        if place > start and (count > BATCH or count * length > MOST_PADDED):
            yield order[start:place]
            start = place
    if len(order):
        yield order[start:]


def _number(cell: Any) -> Any:
    return np.nan if cell is None else cell


def _shortened(
    item: npt.NDArray[np.float64], most: int | None, keep: str
) -> tuple[npt.NDArray[np.float64], int]:
    """Return what is read of a sequence, and the step that it begins with."""
    if most is None or len(item) <= most:
        return item, 0
    return (item[:most], 0) if keep == "start" else (item[-most:], len(item) - most)
