"""Put what rounds lost together as the evidence that the rule judges by."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.studies.evidence import Evidence, Round
from lockgate.studies.stretches import Stretch


class Judged(NamedTuple):
    """A round that was fitted: its fold, and what each rung predicts of the rows judged."""

    round: int  # from 1
    fold: int  # in its pass
    stretch: Stretch
    predictions: Mapping[str, FloatArray]  # by rung; without those that diverged
    spreads: Mapping[str, FloatArray] = MappingProxyType({})  # of those that forecast one


def gather(rounds: Sequence[Judged], *, folds: int, power: float, stay: bool) -> Evidence:
    """Return the evidence of rounds.

    The rows are numbered anew, in order. Those of folds that are drawn have no order: they are
    shuffled, so that a block holds rows of every place of the table, those of a group side by side.

    Args:
        rounds: All rounds so far.
        folds: How many a pass has.
        power: The score is the mean loss to this power.
        stay: Whether every pass is over the same folds, which follow each other in time.
    """
    rows = np.unique(np.concatenate([one.stretch.rows for one in rounds]))
    groups = _groups(rows, rounds)
    order = np.arange(len(rows)) if stay else _shuffled(len(rows), groups)
    place = np.empty(len(rows), dtype=np.int64)  # of each row, in the new order
    place[order] = np.arange(len(rows))
    counts, places = np.zeros(len(rows)), np.zeros(len(rows), dtype=np.int64)
    told = []
    for one in rounds:
        own, inverse = np.unique(one.stretch.rows, return_inverse=True)
        at = place[np.searchsorted(rows, own)]
        ascending = np.argsort(at)
        counts[at] = np.bincount(inverse, one.stretch.scorer.counts)
        places[at] = one.fold
        losses = {
            rung: np.bincount(inverse, one.stretch.scorer.losses(prediction)).astype(np.float64)[
                ascending
            ]
            for rung, prediction in one.predictions.items()
        }
        told.append(Round(one.fold, at[ascending], losses))
    return Evidence(
        told,
        folds,
        counts,
        power,
        places=places if stay else None,
        horizon=max(one.stretch.scorer.horizon for one in rounds),
        groups=None if groups is None else groups[order],
    )


def _groups(rows: IntArray, rounds: Sequence[Judged]) -> IntArray | None:
    """Return a number for each row that those of its group share, if rows come in groups."""
    if rounds[0].stretch.scorer.groups is None:
        return None
    numbers = np.full(len(rows), -1)
    for one in rounds:
        own, first = np.unique(one.stretch.rows, return_index=True)
        groups = one.stretch.scorer.groups
        assert groups is not None
        at = np.searchsorted(rows, own)
        new = numbers[at] < 0
        # of a later drawing of folds only what no earlier one judged
        numbers[at[new]] = groups[first][new] + numbers.max() + 1
    _, numbers = np.unique(numbers, return_inverse=True)
    return np.asarray(numbers, dtype=np.int64)


def _shuffled(rows: int, groups: IntArray | None) -> IntArray:
    """Return an order of rows in which groups come at random and their rows side by side."""
    alone = np.arange(rows) if groups is None else groups
    chance = np.random.default_rng(0).permutation(int(alone.max()) + 1)
    return np.argsort(chance[alone], kind="stable")
