"""Compare networks that were prepared for in different ways, on the rows that all of them judge.

A longer lookback, for example, leaves fewer windows after a hole. So a pair is compared on the rows
that both judge, and of which both see as much.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.studies.gather import Judged
from lockgate.studies.stretches import Stretch


class Rows(NamedTuple):
    """The rows that a stretch judges, ascending, and how much is observed of each."""

    rows: IntArray
    counts: FloatArray

    @classmethod
    def of(cls, stretch: Stretch) -> "Rows":
        """Take the rows of a stretch: steps of a sequence share the sequence's."""
        rows, inverse = np.unique(stretch.rows, return_inverse=True)
        counts = np.bincount(inverse, stretch.scorer.counts)
        return cls(rows, counts.astype(np.float64))


class CommonScorer(NamedTuple):
    """Scores losses of some rows: what it takes for a prediction are the losses themselves."""

    horizon: int
    groups: IntArray | None
    counts: FloatArray
    power: float
    metric: str

    def losses(self, prediction: FloatArray) -> FloatArray:
        """Return the losses, which are given."""
        return prediction

    def scores(self, prediction: FloatArray) -> dict[str, float | None]:
        """Give the metric."""
        return {self.metric: score_of(prediction, self.counts, self.power)}

    def per_step(self, prediction: FloatArray) -> Sequence[float]:  # noqa: ARG002
        """Give nothing: losses tell no steps."""
        return ()


def score_of(losses: FloatArray, counts: FloatArray, power: float) -> float | None:
    """Return the score that losses of rows are; None of what is infinite or of no row."""
    total = float(counts.sum())
    score = float(losses.sum()) / total if total else math.nan
    return score**power if math.isfinite(score) else None


def in_common(stretches: Sequence[Stretch]) -> IntArray:
    """Return the rows that all stretches judge and of which each observes as much, ascending."""
    first, *others = (Rows.of(stretch) for stretch in stretches)
    keep = np.ones(len(first.rows), dtype=bool)
    for other in others:
        places = np.searchsorted(other.rows, first.rows)
        places[places == len(other.rows)] = 0
        keep &= (other.rows[places] == first.rows) & (other.counts[places] == first.counts)
    return first.rows[keep]


def losses_of(stretch: Stretch, prediction: FloatArray, rows: IntArray) -> FloatArray:
    """Return what a prediction loses on each of some rows that its stretch judges."""
    own, inverse = np.unique(stretch.rows, return_inverse=True)
    summed = np.bincount(inverse, stretch.scorer.losses(prediction)).astype(np.float64)
    return np.asarray(summed[np.searchsorted(own, rows)], dtype=np.float64)


def log_ratio(
    own: tuple[Stretch, FloatArray], default: tuple[Stretch, FloatArray], power: float
) -> float | None:
    """Return log(score / score of the default) on the rows that both judge.

    None where there is no such row, or a score is not above 0.
    """
    rows = in_common([own[0], default[0]])
    counts = _counts(default[0], rows)
    scores = [score_of(losses_of(*one, rows), counts, power) for one in (own, default)]
    if any(score is None or score <= 0.0 for score in scores):
        return None
    first, second = (score for score in scores if score is not None)
    return math.log(first / second)


def on_common_rows(
    number: int,
    fold: int,
    stretches: Mapping[str, Stretch],
    predictions: Mapping[str, FloatArray],
    power: float,
    metric: str,
) -> Judged:
    """Return a round whose networks have stretches of their own as one on the rows of all.

    Args:
        number: Of the round.
        fold: In its pass.
        stretches: For each network its own, the default's first. Also of one that diverged, so that
            the rows of a fold are the same in each round.
        predictions: For each network that did not diverge.
        power: The score is the mean loss to this power.
        metric: The score.
    """
    first = next(iter(stretches.values()))
    rows = in_common(list(stretches.values()))
    scorer = CommonScorer(
        horizon=first.scorer.horizon,
        groups=_groups(first, rows),
        counts=_counts(first, rows),
        power=power,
        metric=metric,
    )
    losses = {
        name: losses_of(stretches[name], prediction, rows)
        for name, prediction in predictions.items()
    }
    return Judged(number, fold, first._replace(scorer=scorer, rows=rows, naive=()), losses)


def _counts(stretch: Stretch, rows: IntArray) -> FloatArray:
    own = Rows.of(stretch)
    return np.asarray(own.counts[np.searchsorted(own.rows, rows)], dtype=np.float64)


def _groups(stretch: Stretch, rows: IntArray) -> IntArray | None:
    groups = stretch.scorer.groups
    if groups is None:
        return None
    own, first = np.unique(stretch.rows, return_index=True)
    return np.asarray(groups[first][np.searchsorted(own, rows)], dtype=np.int64)
