"""What the rounds of a study lost on the rows they judged, and the table that the rule reads.

A round fits every rung that does not rest and judges it on the rows of one fold. A pass is as many
rounds as there are folds and judges every row once: of forecasts the same folds in every pass, of
labels folds drawn anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lockgate.scoring.arrays import FloatArray, IntArray

MOST_BLOCKS = 6  # of a fold
LEAST_FOLDS = 3
LEAST_OF_A_FOLD = 2
LEAST_BLOCKS = 8


@dataclass(frozen=True)
class Round:
    """One repetition.

    Args:
        fold: Number of the fold within its pass, from 0.
        rows: Numbers of the rows judged, `(n,)`, each row's own over the whole study.
        losses: For each rung its losses on these rows, `(n,)`, each summed over the row's observed
            points. A fit that diverged and a rung at rest are absent.
    """

    fold: int
    rows: IntArray
    losses: Mapping[str, FloatArray]


@dataclass(frozen=True)
class Evidence:
    """What the rounds of a study lost.

    Args:
        rounds: In the order in which they ran; those of a pass that is not whole are not read.
        folds: Rounds of one pass.
        counts: Observed points of every row, `(N,)`; the order of rows is that of time.
        power: The score is the mean loss to this power: 1/2 for RMSE, else 1.
        places: The fold that judges each row, `(N,)`, where folds are the same in every pass;
            -1 for a row that is never judged. Default: folds are drawn anew.
        horizon: No block is shorter, in rows.
        groups: What no block may tear apart: the group of each row, `(N,)`.

    Raises:
        ValueError: If a length is wrong, rows lie in another fold, or a pass does not judge each
            fold once.
    """

    rounds: Sequence[Round]
    folds: int
    counts: FloatArray
    power: float
    places: IntArray | None = None
    horizon: int = 1
    groups: IntArray | None = None

    def __post_init__(self) -> None:
        for name, values in (("places", self.places), ("groups", self.groups)):
            if values is not None and np.shape(values) != np.shape(self.counts):
                raise ValueError(
                    f"{name} must have the shape of counts, {np.shape(self.counts)}, got "
                    f"{np.shape(values)}"
                )
        for number, one in enumerate(self.rounds):
            if one.fold not in range(self.folds):
                raise ValueError(f"fold must be in 0..{self.folds - 1}, got {one.fold}")
            if self.places is not None and np.any(self.places[one.rows] != one.fold):
                raise ValueError(
                    f"rows of round {number} must lie in its fold, {one.fold}, got "
                    f"{np.unique(self.places[one.rows]).tolist()}"
                )
            for rung, losses in one.losses.items():
                if np.shape(losses) != np.shape(one.rows):
                    raise ValueError(
                        f"losses of {rung}, round {number}, must have the shape of rows, "
                        f"{np.shape(one.rows)}, got {np.shape(losses)}"
                    )
        for whole in self.passes:
            if len({one.fold for one in whole}) != self.folds:
                folds = [one.fold for one in whole]
                raise ValueError(f"a pass must judge each of {self.folds} folds once, got {folds}")

    @property
    def passes(self) -> list[list[Round]]:
        """The rounds of each whole pass, ordered by fold."""
        starts = range(0, len(self.rounds) - self.folds + 1, self.folds)
        return [
            sorted(self.rounds[start : start + self.folds], key=lambda one: one.fold)
            for start in starts
        ]

    def blocks(self) -> tuple[IntArray, IntArray]:
        """Return the block of each row, -1 for none, and the stretch that each block lies in.

        No block crosses from one fold to another where folds stay, or tears a group apart.
        """
        block = np.full(len(self.counts), -1, dtype=np.int64)
        places = np.zeros(len(self.counts), np.int64) if self.places is None else self.places
        most = MOST_BLOCKS if self.places is not None else MOST_BLOCKS * self.folds
        stretches: list[int] = []
        for place in np.unique(places[places >= 0]):
            rows = np.flatnonzero((places == place) & (np.asarray(self.counts) > 0))
            number = _cut(rows, None if self.groups is None else self.groups[rows], most, self)
            if len(rows):
                block[rows] = len(stretches) + number
                stretches += [int(place)] * (int(number.max()) + 1)
        return block, np.array(stretches, dtype=np.int64)

    def table(self) -> "Table":
        """Return the scores and the parts that blocks have in them."""
        rungs = tuple(dict.fromkeys(rung for one in self.rounds for rung in one.losses))
        block, stretches = self.blocks()
        passes = self.passes
        shape = (len(passes), self.folds, len(rungs))
        logs = np.full(shape, np.nan)
        moves = np.full((*shape, len(stretches)), np.nan)
        place = {id(one): number for number, one in enumerate(self.rounds)}
        numbers = np.array([[place[id(one)] for one in whole] for whole in passes], dtype=np.int64)
        for p, whole in enumerate(passes):
            for f, one in enumerate(whole):
                for rung, losses in one.losses.items():
                    at = (p, f, rungs.index(rung))
                    logs[at], moves[at] = self._score(one, losses, block, len(stretches))
        numbers = numbers.reshape(shape[:2])
        return Table(rungs, logs, moves, numbers, stretches, self.places is not None)

    def _score(
        self, one: Round, losses: FloatArray, block: IntArray, blocks: int
    ) -> tuple[float, FloatArray]:
        """Return a log score, NaN where there is none, and the part of each block in it."""
        observed = block[one.rows] >= 0
        lost = np.asarray(losses, dtype=np.float64)[observed]
        total = float(lost.sum())
        if total == 0.0 or not np.isfinite(total):
            return np.nan, np.full(blocks, np.nan)
        mean = total / float(self.counts[one.rows].sum())
        parts = np.bincount(block[one.rows][observed], lost, minlength=blocks) / total
        return self.power * float(np.log(mean)), self.power * parts


@dataclass(frozen=True)
class Table:
    """The scores of whole passes.

    Args:
        rungs: The names of G rungs.
        logs: Logarithms of the scores, `(passes, folds, G)`; NaN where there is none:
            it is not finite, or 0, which has no logarithm.
        moves: The part of each of B blocks in the score, `(passes, folds, G, B)`: a block that
            loses 1 % more moves the log score by a hundredth of it.
        numbers: Which round of the study each is, from 0, `(passes, folds)`.
        stretches: Which stretch of rows each block lies in, `(B,)`; neighbours there may have
            something in common.
        fixed: Whether the folds are the same in every pass.
    """

    rungs: tuple[str, ...]
    logs: FloatArray
    moves: FloatArray
    numbers: IntArray
    stretches: IntArray
    fixed: bool

    @property
    def folds(self) -> int:
        """Rounds of one pass."""
        return int(self.logs.shape[1])

    def why_not(self) -> str | None:
        """Tell why there can be no verdict at all, if so."""
        blocks = np.unique(self.stretches, return_counts=True)[1]
        if self.folds < LEAST_FOLDS:
            return f"{self.folds} folds, and a verdict needs {LEAST_FOLDS}"
        few = not self.fixed and len(self.stretches) < LEAST_OF_A_FOLD * self.folds
        few = few or (self.fixed and (len(blocks) < self.folds or blocks.min() < LEAST_OF_A_FOLD))
        if few:
            return f"fewer than {LEAST_OF_A_FOLD} blocks of rows in a fold"
        if len(self.stretches) < LEAST_BLOCKS:
            return f"{len(self.stretches)} blocks of rows, and a verdict needs {LEAST_BLOCKS}"
        return None


def _cut(rows: IntArray, groups: IntArray | None, most: int, evidence: Evidence) -> IntArray:
    """Return the number of each row's block, from 0: equal blocks, but for groups."""
    seen = len(rows)
    blocks = max(min(most, seen // max(evidence.horizon, 1)), 1)
    starts = np.arange(blocks) * seen // blocks
    if groups is None:
        return np.searchsorted(starts, np.arange(seen), side="right") - 1
    first = np.unique(groups, return_index=True, return_inverse=True)[1:]
    order = np.argsort(first[0][first[1]], kind="stable")  # rows of a group side by side
    begins = np.diff(groups[order], prepend=groups[order][:1] - 1) != 0
    starts = np.unique(np.maximum.accumulate(np.where(begins, np.arange(seen), 0))[starts])
    number = np.empty(seen, dtype=np.int64)
    number[order] = np.searchsorted(starts, np.arange(seen), side="right") - 1
    return number
