"""Bootstrap intervals of the scores of classes, all of the same draws of the test rows."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate.scoring.arrays import AnyFloatArray, AnyIntArray, FloatArray, IntArray
from lockgate.scoring.bootstrap import LEVEL
from lockgate.tasks.labelling.scores import balanced_accuracy, decided, macro_f1, row_losses


def class_intervals(
    probabilities: AnyFloatArray,
    truth: AnyIntArray,
    level: float = LEVEL,
    repeats: int = 1000,
    seed: int = 0,
    groups: npt.NDArray[Any] | None = None,
) -> dict[str, tuple[float, float]]:
    """Return the percentile interval of accuracy, balanced accuracy, macro F1 and log loss.

    All are of the same draws. A class that a draw lacks does not count in it, as in `ClassScores`;
    arguments are those of `score_classes` and `bootstrap_interval`.
    """
    lost = row_losses(probabilities, truth, "log_loss")
    wrong = row_losses(probabilities, truth, "error")
    unit = np.arange(len(lost)) if groups is None else np.unique(groups, return_inverse=True)[1]
    names = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss")
    units = int(unit.max()) + 1
    if units < 2:
        return dict.fromkeys(names, (float("nan"), float("nan")))
    sums = np.stack([np.bincount(unit, of) for of in (np.ones_like(lost), 1.0 - wrong, lost)])
    table = _Table.of(np.asarray(probabilities), np.asarray(truth), unit)
    rng = np.random.default_rng(seed)
    scores = []
    for _ in range(repeats):
        often = np.bincount(rng.integers(units, size=units), minlength=units)
        # no product of matrices, whose threads cost more than they save where others compute too
        drawn, right, loss = (sums * often).sum(axis=1).tolist()
        counts = table.counts(often)
        scores.append([right / drawn, balanced_accuracy(counts), macro_f1(counts), loss / drawn])
    low, high = np.quantile(np.array(scores), [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
    return dict(zip(names, zip(low.tolist(), high.tolist(), strict=True), strict=True))


class _Table(NamedTuple):
    """What `confusion` counts, kept by unit, so that units can be drawn."""

    unit: IntArray  # (M,)
    cell: IntArray  # (M,): place in the flat counts
    rows: IntArray  # (M,): how many rows of the unit are in the cell
    shape: tuple[int, ...]

    @staticmethod
    def of(p: AnyFloatArray, truth: AnyIntArray, unit: IntArray) -> "_Table":
        classes, several = p.shape[1], truth.ndim == 2
        guess = decided(p, several=several)
        if several:
            # four cells for each label
            cell = (4 * np.arange(classes) + 2 * truth + guess).astype(np.int64).ravel()
            unit = np.repeat(unit, classes)
        else:
            cell = (truth * classes + guess).astype(np.int64)
        shape = (classes, 2, 2) if several else (classes, classes)
        cells = int(np.prod(shape))
        places, rows = np.unique(unit * cells + cell, return_counts=True)
        return _Table(places // cells, places % cells, rows, shape)

    def counts(self, often: IntArray) -> FloatArray:
        """Count the cells with each unit drawn `often` times."""
        times = (often[self.unit] * self.rows).astype(np.float64)
        counts: FloatArray = np.bincount(self.cell, times, int(np.prod(self.shape))).astype(float)
        return counts.reshape(self.shape)
