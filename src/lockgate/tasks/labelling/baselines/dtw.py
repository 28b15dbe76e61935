"""The nearest neighbour by dynamic time warping: a strong baseline of small sets of sequences."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.labelling.baselines.common import FitData, Items
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.parts import Rows

BAND = 0.1
"""Width of the band around the diagonal, as a share of the shorter sequence."""
MOST_CELLS = 1_000_000_000
"""Most pairs of a step to classify and a training step that are warped."""

_CELLS_AT_ONCE = 1_000_000


class Nearest(NamedTuple):
    """The label of the nearest training sequence by banded dynamic time warping.

    All channels are warped together (dependent warping), each standardised by its training steps;
    the cost of a step on another is the sum of the squared differences of their channels. A path
    may leave the diagonal, scaled to both lengths, by a tenth of the shorter sequence, and by one
    step at least.

    A neighbour has no probability of its own: the neighbour's label gets the share of the
    validation sequences in which it was right (counting one right and one wrong more), the other
    classes the rest in equal parts. Of the temperatures of a smoothed one-hot this is the one of
    the lowest log loss on validation.
    """

    sequences: tuple[FloatArray, ...]  # of training, standardised
    y: npt.NDArray[Any]
    scale: tuple[FloatArray, FloatArray]
    classes: int
    right: float
    name: str = "1-NN DTW"

    @property
    def setting(self) -> str:
        """What was chosen, in words."""
        return (
            f"band of {BAND:.0%}, probability {self.right:.3g} for the neighbour's label, as often "
            "as it is right on validation"
        )

    def labels(self, items: Items, rows: Rows) -> npt.NDArray[Any]:
        """Return the label of the nearest training sequence of each."""
        distances = warped_distances(_standardised(items, rows, self.scale), self.sequences)
        labels: npt.NDArray[Any] = self.y[distances.argmin(axis=1)]
        return labels

    def probabilities(self, items: Items, rows: Rows) -> FloatArray:
        """Classify the sequences `rows`, `(len(rows), K)`."""
        labels = self.labels(items, rows)
        if labels.ndim == 2:
            return np.where(labels == 1, self.right, 1.0 - self.right)
        result = np.full((len(rows), self.classes), (1.0 - self.right) / (self.classes - 1))
        result[np.arange(len(rows)), labels] = self.right
        return result


def nearest_why_not(items: Items, train: Rows) -> str | None:
    """Return why the nearest neighbours of all other items are not sought, or None if they are."""
    assert isinstance(items, Ragged)
    training_steps = int(items.lengths[train].sum())
    cells = training_steps * (len(items.values) - training_steps)
    if cells <= MOST_CELLS:
        return None
    return (
        f"warping compares {cells:,} pairs of steps (training steps times steps to classify), over "
        f"the bound of {MOST_CELLS:,}"
    )


def fit_nearest(data: FitData) -> Nearest:
    """Keep the training sequences, and count on validation how often the nearest is right."""
    assert isinstance(data.items, Ragged)
    steps = np.concatenate([data.items[row] for row in data.train.tolist()]).astype(np.float64)
    constant = steps.min(axis=0) == steps.max(axis=0)
    scale = steps.mean(axis=0), np.where(constant, 1.0, steps.std(axis=0))
    fitted = Nearest(
        tuple(_standardised(data.items, data.train, scale)),
        data.y[data.train],
        scale,
        data.classes,
        right=1.0,
    )
    right = fitted.labels(data.items, data.validation) == data.y[data.validation]
    return fitted._replace(right=(int(right.sum()) + 1.0) / (right.size + 2.0))


def warped_distances(
    sequences: "list[FloatArray]", others: "tuple[FloatArray, ...] | list[FloatArray]"
) -> FloatArray:
    """Return the squared banded distance of each sequence to each other, `(N, M)`.

    Sequences are `(T, channels)`, of any lengths.
    """
    lengths = np.array([len(other) for other in others])
    result = np.empty((len(sequences), len(others)))
    # others of like length together; as many at once as fit into the cache
    order = np.argsort(lengths, kind="stable")
    longest = max(len(sequence) for sequence in sequences)
    at_once = max(1, _CELLS_AT_ONCE // (longest * int(lengths.max())))
    for first in range(0, len(order), at_once):
        chosen = order[first : first + at_once]
        padded = _stacked([others[i] for i in chosen])
        bands: dict[int, npt.NDArray[np.bool_]] = {}
        for i, sequence in enumerate(sequences):
            n = len(sequence)
            if n not in bands:
                bands[n] = _band(n, lengths[chosen])
            result[i, chosen] = _warp(sequence, padded, lengths[chosen], bands[n])
    return result


def _stacked(others: list[FloatArray]) -> FloatArray:
    """Return sequences as (channels, steps, M), zero where padded."""
    longest = max(len(other) for other in others)
    stacked = np.zeros((others[0].shape[1], longest, len(others)))
    for k, other in enumerate(others):
        stacked[:, : len(other), k] = other.T
    return stacked


def _band(n: int, lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which cells a path may take, (n, steps, M)."""
    i = np.arange(n)[:, None, None]
    j = np.arange(lengths.max())[None, :, None]
    # off the diagonal in steps of the shorter one, so that some path is always open
    shorter, longer = np.minimum(n, lengths), np.maximum(n, lengths)
    along = np.where(n >= lengths, i, j) * ((shorter - 1) / np.maximum(longer - 1, 1))
    off = np.abs(along - np.where(n >= lengths, j, i))
    # cells beyond the end of a padded one may be open: no path comes back from there
    band: npt.NDArray[np.bool_] = off <= np.maximum(1.0, BAND * shorter)
    return band


def _warp(
    sequence: FloatArray,
    others: FloatArray,
    lengths: npt.NDArray[np.int64],
    band: npt.NDArray[np.bool_],
) -> FloatArray:
    """Return the distances of one sequence to M others, diagonal by diagonal of the cost matrix."""
    n, m, M = band.shape
    cost = np.square(sequence).sum(axis=1)[:, None, None] + np.square(others).sum(axis=0)
    cost -= 2.0 * (sequence @ others.reshape(len(others), -1)).reshape(n, m, M)
    # rounding may take the difference of equal steps below 0
    np.maximum(cost, 0.0, out=cost)
    cost[~band] = np.inf
    flat = cost.reshape(n * m, M)
    # the best paths to the cells of a diagonal, by i + 1; the row before the first is closed
    before, last = np.full((n + 1, M), np.inf), np.full((n + 1, M), np.inf)
    before[0] = 0.0
    ends = np.empty((m, M))
    for k in range(n + m - 1):
        low, high = max(0, k - m + 1), min(n - 1, k)
        first = low * m + k - low
        step = max(m - 1, 1)
        here = flat[first : first + (high - low) * step + 1 : step]
        best = np.minimum(last[low : high + 1], last[low + 1 : high + 2])
        np.minimum(best, before[low : high + 1], out=best)
        before, last = last, np.full((n + 1, M), np.inf)
        np.add(best, here, out=last[low + 1 : high + 2])
        if k >= n - 1:
            ends[k - n + 1] = last[n]
    return ends[lengths - 1, np.arange(M)]


def _standardised(
    items: Items, rows: Rows, scale: tuple[FloatArray, FloatArray]
) -> list[FloatArray]:
    assert isinstance(items, Ragged)
    return [(items[row] - scale[0]) / scale[1] for row in rows.tolist()]
