"""Labelled sequences and texts as they were read: nothing is learned from them yet."""

import hashlib
import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate.errors import DataError, count_of, listed, quoted

LabelKind = Literal["class", "classes", "steps", "number"]


@dataclass(frozen=True)
class Ragged:
    """Sequences of unequal length, end to end in one array."""

    values: npt.NDArray[Any]  # (steps, channels), NaN where missing, or (steps,) of tokens
    starts: npt.NDArray[np.int64]  # (N + 1,); sequence i is values[starts[i] : starts[i + 1]]

    @staticmethod
    def of(sequences: "list[npt.NDArray[Any]]") -> "Ragged":
        """Put sequences end to end."""
        lengths = [len(sequence) for sequence in sequences]
        return Ragged(np.concatenate(sequences), np.concatenate([[0], np.cumsum(lengths)]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, i: int) -> npt.NDArray[Any]:
        return self.values[self.starts[i] : self.starts[i + 1]]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Number of steps of each sequence."""
        return np.diff(self.starts)


@dataclass(frozen=True)
class Labelled:
    """Sequences or texts with their labels, in the order in which they were read."""

    items: Ragged | tuple[str, ...]
    labels: npt.NDArray[Any]
    """By `kind`: of "class" (N,) text; of "classes" (N,) text with a label set in each, its labels
    parted by `LABEL_SEPARATOR`; of "steps" (steps,) text; of "number" (N,) float64. A missing label
    is empty, or NaN."""
    kind: LabelKind
    names: tuple[str, ...]
    """What errors call each of them: `row 17`, or a file."""
    source: str
    channels: tuple[str, ...] = ()
    groups: npt.NDArray[Any] | None = None
    """(N,): those of one group stay in one part."""
    times: npt.NDArray[Any] | None = None
    """(N,): by what a split by time sorts."""
    notices: tuple[str, ...] = ()
    fingerprint: str = field(default="")

    def __len__(self) -> int:
        return len(self.items)

    @property
    def is_text(self) -> bool:
        """Whether the items are texts."""
        return isinstance(self.items, tuple)

    @property
    def is_known(self) -> npt.NDArray[np.bool_]:
        """Which labels are there, like `labels`; a row of several may have none of them."""
        if self.kind == "classes":
            return np.ones(len(self.labels), dtype=bool)
        missing = np.isnan(self.labels) if self.kind == "number" else self.labels == ""
        return ~np.asarray(missing, dtype=bool)

    def content(self) -> npt.NDArray[np.uint64]:
        """Return a number for each item that is the same for items of the same content."""
        if isinstance(self.items, Ragged):
            plain = [np.ascontiguousarray(self.items[i]).tobytes() for i in range(len(self))]
        else:
            plain = [item.encode() for item in self.items]
        digests = [hashlib.blake2b(item, digest_size=8).digest() for item in plain]
        return np.frombuffer(b"".join(digests), dtype=np.uint64)

    def fingerprinted(self) -> "Labelled":
        """Return the same with a fingerprint of its items and labels."""
        digest = hashlib.sha256(self.content().tobytes())
        digest.update("\x1f".join(map(str, self.labels.tolist())).encode())
        return replace(self, fingerprint=digest.hexdigest()[:16])


LABEL_SEPARATOR = "\x1f"
TEXT_MARK = "␞"
"""Between the columns that a text is joined from: a symbol, so that it is a token of its own."""
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def check_labelled(data: Labelled) -> Labelled:
    """Return `data` if a classifier can learn from it.

    Raises:
        DataError: If there is nothing in it, an item is empty or holds infinity, or the
            labels are of one class, or a class has a single example.
    """
    check_items(data, "drop it (--drop-empty)" if data.is_text else "take it out")
    if data.kind == "number":
        _check_numbers(data)
    else:
        _check_classes(data)
    return data


def classes_of(data: Labelled) -> tuple[str, ...]:
    """Return the classes that occur, in order: numbers by size, names by the alphabet."""
    names = {name for text in np.unique(data.labels) for name in text.split(LABEL_SEPARATOR)}
    names.discard("")
    try:
        return tuple(sorted(sorted(names), key=float))
    except ValueError:
        return tuple(sorted(names))


def class_key(label: str) -> object:
    """Return what is equal for spellings of one class: numbers of one value, `True` and `true`.

    Example:
        >>> class_key("1.0") == class_key("1"), class_key("One") == class_key("one")
        (True, False)
    """
    if _NUMBER.fullmatch(label):
        return Decimal(label)  # exact, whatever its size
    small = label.lower()
    return small if small in ("true", "false") else label


def one_spelling(data: Labelled) -> Labelled:
    """Return the same with the shortest spelling of each class that occurs, and say which it is."""
    if data.kind == "number":
        return data
    texts, places = np.unique(data.labels, return_inverse=True)
    parts = [text.split(LABEL_SEPARATOR) for text in texts.tolist()]
    names = sorted({name for part in parts for name in part}, key=lambda name: (len(name), name))
    keys = {name: class_key(name) for name in names}
    shortest: dict[object, str] = {}
    for name in names:
        shortest.setdefault(keys[name], name)
    if len(shortest) == len(names):
        return data
    labels = [LABEL_SEPARATOR.join(dict.fromkeys(shortest[keys[n]] for n in p)) for p in parts]
    others = [f"{quoted(n)} is {shortest[keys[n]]!r}" for n in names if n != shortest[keys[n]]]
    notice = f"labels that mean the same are one class: {listed(others, 4)}"
    spelled = np.array(labels, dtype=np.str_)[places]
    return replace(data, labels=spelled, notices=(*data.notices, notice)).fingerprinted()


class LabelData(NamedTuple):
    """What was read: everything, and the rows of the parts that were given."""

    all: Labelled
    test: npt.NDArray[np.int64] | None
    validation: npt.NDArray[np.int64] | None
    further: tuple[str, ...] = ()
    """Texts without labels, to be pre-trained on."""

    @property
    def source(self) -> str:
        """Name of the file."""
        return self.all.source

    @property
    def fingerprint(self) -> str:
        """What tells these data from others."""
        return self.all.fingerprint


class Joined(NamedTuple):
    """The parts of a study as one, and the rows of those that were given."""

    data: Labelled
    test: npt.NDArray[np.int64] | None
    validation: npt.NDArray[np.int64] | None


def join_parts(
    train: Labelled, test: Labelled | None = None, validation: Labelled | None = None
) -> Joined:
    """Put parts that were read from files of their own behind each other, the training part first.

    Names are told apart by their file where there is more than one part.

    Raises:
        DataError: If the parts are of different kinds or have different channels, or only some
            have groups or times.
    """
    given = {"train": train, "validation": validation, "test": test}
    parts = {name: part for name, part in given.items() if part is not None}
    if len(parts) == 1:
        return Joined(train, None, None)
    for part in parts.values():
        _check_alike(train, part)
    ends = np.cumsum([len(part) for part in parts.values()])
    rows = {
        name: np.arange(end - len(part), end)
        for (name, part), end in zip(parts.items(), ends.tolist(), strict=True)
    }
    return Joined(_concatenated(parts), rows.get("test"), rows.get("validation"))


def cut(data: Labelled, steps: int) -> Labelled:
    """Cut every sequence into consecutive stretches of at most `steps` steps.

    Labels at steps go along; other labels, and groups, are those of the whole sequence. `times`
    number the stretches: by the times of their sequences, if any, else in their order.

    Raises:
        DataError: If `steps` is less than 1, or `data` are texts.

    Example:
        >>> whole = Ragged.of([np.zeros((5, 1)), np.zeros((2, 1))])
        >>> data = Labelled(whole, np.array(["a", "b"]), "class", ("row 1", "row 2"), "X")
        >>> cut(data, 2).items.lengths.tolist(), cut(data, 2).names[1]
        ([2, 2, 1, 2], 'row 1, steps 3 to 4')
    """
    if steps < 1:
        raise DataError(f"steps must be 1 or more, got {steps}")
    if not isinstance(data.items, Ragged):
        raise DataError(f"data must be sequences to be cut, got the texts of {data.source}")
    what = count_of(len(data), "sequence")
    lengths = data.items.lengths
    counts = np.maximum(1, -(-lengths // steps))
    owner = np.repeat(np.arange(len(data)), counts)
    first = (np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)) * steps
    last = np.minimum(first + steps, lengths[owner])
    starts = np.append(data.items.starts[:-1][owner] + first, data.items.starts[-1])
    order = (owner if data.times is None else data.times[owner]).argsort(kind="stable")
    places = zip(owner.tolist(), first.tolist(), last.tolist(), strict=True)
    return replace(
        data,
        items=Ragged(data.items.values, starts),
        labels=data.labels if data.kind == "steps" else data.labels[owner],
        names=tuple(f"{data.names[i]}, steps {a + 1} to {b}" for i, a, b in places),
        groups=None if data.groups is None else data.groups[owner],
        times=order.argsort(),
        notices=(*data.notices, f"{what} cut into {len(owner):,} of at most {steps:,} steps"),
    ).fingerprinted()


def take(data: Labelled, rows: npt.NDArray[np.int64]) -> Labelled:
    """Return some rows of labelled data."""
    items: Ragged | tuple[str, ...]
    labels = data.labels if data.kind == "steps" else data.labels[rows]
    if isinstance(data.items, tuple):
        items = tuple(data.items[i] for i in rows)
    else:
        items = Ragged.of([data.items[i] for i in rows])
        if data.kind == "steps":
            whole = Ragged(data.labels, data.items.starts)
            labels = Ragged.of([whole[i] for i in rows]).values
    return Labelled(
        items,
        labels,
        data.kind,
        tuple(data.names[i] for i in rows),
        data.source,
        data.channels,
        None if data.groups is None else data.groups[rows],
        None if data.times is None else data.times[rows],
    )


def check_items(data: Labelled, remedy: str = "take it out", *, blank_texts: bool = False) -> None:
    """Refuse data of which there is nothing, or of which an item is empty or infinite.

    Args:
        data: The data.
        remedy: What to do with an empty item.
        blank_texts: Whether texts may hold nothing but blanks.

    Raises:
        DataError: With the first places.
    """
    if not len(data):
        raise DataError(f"{data.source} must hold examples, got none")
    what = "text" if data.is_text else "sequence"
    if isinstance(data.items, tuple):
        empty = [] if blank_texts else [i for i, one in enumerate(data.items) if not one.strip()]
    else:
        empty = np.flatnonzero(data.items.lengths == 0).tolist()
    if empty:
        where = listed([called(data.names[i]) for i in empty], 3)
        raise DataError(
            f"every {what} must hold something, got {count_of(len(empty), 'empty one')}: {where}; "
            f"{remedy}"
        )
    if isinstance(data.items, Ragged) and np.isinf(data.items.values).any():
        step = int(np.flatnonzero(np.isinf(data.items.values).any(axis=1))[0])
        i = int(np.searchsorted(data.items.starts, step, side="right")) - 1
        channel = int(np.flatnonzero(np.isinf(data.items.values[step]))[0])
        raise DataError(
            f"every value of a sequence must be a finite number, got "
            f"{data.items.values[step, channel]} in {called(data.names[i])}, step "
            f"{step - data.items.starts[i] + 1}, channel {quoted(data.channels[channel])}"
        )


def called(name: str) -> str:
    """Name an item in a sentence: `row 4` as it is, an id or a file in quotes."""
    return name if " " in name else repr(name)


def _check_classes(data: Labelled) -> None:
    classes = classes_of(data)
    if len(classes) < 2 and data.kind != "classes":
        raise DataError(
            f"labels must be of two classes or more, got {listed(map(repr, classes))} alone"
        )
    if data.kind == "steps":
        return
    names, counts = np.unique(data.labels, return_counts=True)
    single = names[counts == 1].tolist()
    if data.kind == "class" and single:
        i = int(np.flatnonzero(data.labels == single[0])[0])
        raise DataError(
            f"every class must have two examples or more, got {listed(map(repr, single), 3)} with "
            f"one ({data.names[i]}); drop it, or join classes"
        )


def _check_numbers(data: Labelled) -> None:
    wrong = np.flatnonzero(~np.isfinite(data.labels))
    if len(wrong):
        raise DataError(
            f"every label must be a finite number, got {data.labels[wrong[0]]} in "
            f"{data.names[wrong[0]]}"
        )


def _check_alike(first: Labelled, other: Labelled) -> None:
    both = f"{first.source} and {other.source}"
    if first.is_text != other.is_text or first.kind != other.kind:
        raise DataError(
            f"the parts must hold the same, got {_what(first)} in {first.source} and "
            f"{_what(other)} in {other.source}"
        )
    if first.channels != other.channels:
        raise DataError(
            f"{both} must have the same channels, got {listed(first.channels) or 'none'} and "
            f"{listed(other.channels) or 'none'}"
        )
    for name in ("groups", "times"):
        if (getattr(first, name) is None) != (getattr(other, name) is None):
            raise DataError(f"{both} must both have {name}, got them in one alone")
    if first.times is not None and other.times is not None:
        kinds = first.times.dtype.kind, other.times.dtype.kind
        if kinds[0] != kinds[1]:
            raise DataError(f"{both} must have times of one kind, got numbers and dates")


def _what(data: Labelled) -> str:
    labels = {"class": "a class", "classes": "several classes", "number": "a number"}
    of_each = labels.get(data.kind, "a label at every step")
    return f"{'texts' if data.is_text else 'sequences'} with {of_each}"


def _concatenated(parts: dict[str, Labelled]) -> Labelled:
    train, every = parts["train"], list(parts.values())
    sources = [part.source for part in every]
    alike = len(set(sources)) < len(sources)
    names = [
        f"{key} {part.source} {name}" if alike else f"{part.source} {name}"
        for key, part in parts.items()
        for name in part.names
    ]
    return Labelled(
        items=_joined_items(every),
        labels=np.concatenate([part.labels for part in every]),
        kind=train.kind,
        names=tuple(names),
        source=" and ".join(dict.fromkeys(sources)),
        channels=train.channels,
        groups=_joined([part.groups for part in every]),
        times=_joined([part.times for part in every]),
        notices=tuple(dict.fromkeys(notice for part in every for notice in part.notices)),
    ).fingerprinted()


def _joined_items(parts: "list[Labelled]") -> Ragged | tuple[str, ...]:
    ragged = [part.items for part in parts if isinstance(part.items, Ragged)]
    if not ragged:
        return tuple(text for part in parts if isinstance(part.items, tuple) for text in part.items)
    lengths = np.concatenate([items.lengths for items in ragged])
    values = np.concatenate([items.values for items in ragged])
    return Ragged(values, np.concatenate([[0], np.cumsum(lengths)]))


def _joined(arrays: "list[npt.NDArray[Any] | None]") -> npt.NDArray[Any] | None:
    there = [array for array in arrays if array is not None]
    return np.concatenate(there) if there else None
