"""What a round learns from, stops by and is judged on: folds of all but the test part."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from lockgate.errors import DataError
from lockgate.scoring.arrays import IntArray

Rows: TypeAlias = range | IntArray
Window = Literal["expanding", "rolling"]
FOLDS = 5
"""Of a pass, where a run does not say."""


class Fold(NamedTuple):
    """Rows of the data, none of them of the test part. Those of each part ascend."""

    number: int
    """In its pass, from 0."""
    of_pass: int
    """Which drawing of folds it is of, from 0; 0 in each pass where the folds stay the same."""
    train: Rows
    stopping: Rows
    """What decides when a fit ends."""
    judged: Rows

    @property
    def name(self) -> str:
        """What tells a fold from others of the same data: those of one name have the same rows."""
        return f"pass-{self.of_pass}-fold-{self.number}"


class Folds(NamedTuple):
    """The folds of one pass."""

    folds: tuple[Fold, ...]
    why_few: str | None = None
    """Why there are fewer than were asked for, with what would give more."""


class Round(NamedTuple):
    """A fold as a run of its own, of which `validation` is what stops and `test` what is judged."""

    data: Any
    """The rows of the fold alone, as `Task.read` gives all."""
    prepared: Any
    """As `Task.prepare` gives it, learned from the fold's training rows."""


def rolling_folds(
    rows: int, folds: int, *, least: int = 1, window: Window = "expanding", gap: int = 0
) -> tuple[Fold, ...]:
    """Part rows that follow each other in time, so that each fold is judged on what comes later.

    The stretches that are judged lie side by side and cover the later half (Tashman, 2000), or of
    one fold the last third. Before each come the rows that stop its fits: as many, which tell as
    much as what is judged, whatever a split by dates says; of more than five folds those of five,
    as fits that stop by few rows differ. Before these comes all that is learned from.

    Args:
        rows: How many there are.
        folds: How many folds to make.
        least: The fewest rows of a stretch that is judged: of few rows there are fewer folds.
        window: Whether all rows before are learned from, or as many as in the first fold.
        gap: Rows left out between what is learned from, what stops and what is judged.

    Returns:
        The folds, the earliest first; those without a row to learn from are left out.

    Example:
        >>> for fold in rolling_folds(20, 2, gap=1):
        ...     print(*fold[2:])
        range(0, 3) range(4, 9) range(10, 15)
        range(0, 8) range(9, 14) range(15, 20)
    """
    judged = rows - rows // 2
    folds = min(folds, judged // least)
    if folds == 1:
        # a half that is judged and a half that stops would leave nothing to learn from
        judged = rows // 3
        folds = min(folds, judged // least)
    edges = [rows - judged + judged * fold // folds for fold in range(folds + 1)] if folds else []
    found: list[Fold] = []
    for start, stop in pairwise(edges):
        ends = start - gap - max(stop - start, judged // FOLDS) - gap
        if ends < 1:
            continue
        most = len(found[0].train) if found and window == "rolling" else ends
        stopping = range(ends + gap, start - gap)
        train = range(ends - most, ends)
        found.append(Fold(len(found), 0, train, stopping, range(start, stop)))
    return tuple(found)


def as_rows(rows: Rows) -> IntArray:
    """Return the numbers of rows as an array."""
    return np.asarray(rows, dtype=np.int64)


@contextmanager
def telling(fold: Fold) -> Iterator[None]:
    """Tell in a message that it is of a fold: what it calls the parts are those of the fold.

    Raises:
        DataError: In place of one that is raised inside.
    """
    try:
        yield
    except DataError as error:
        raise DataError(f"fold {fold.number + 1}: {error}") from None
