"""Score predictions of labels, with intervals, and order them for the verdict's blocks."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.scoring.bootstrap import bootstrap_interval
from lockgate.tasks.labelling.intervals import class_intervals
from lockgate.tasks.labelling.scores import row_losses, score_classes

Ends = tuple[float, float] | None


class LabelScorer(NamedTuple):
    """Scores probabilities of the classes of one part, or numbers."""

    truth: npt.NDArray[Any]
    metric: str
    order: IntArray  # rows as the verdict's blocks take them
    units: IntArray | None  # (N,): the group of each row, or of a step its sequence
    apart: npt.NDArray[np.bool_] | None  # rows in no other part, if some are in one

    @property
    def counts(self) -> FloatArray:
        """Every row counts alike."""
        return np.ones(len(self.order))

    @property
    def horizon(self) -> int:
        """Rows of the largest unit."""
        return 1 if self.units is None else int(np.bincount(self.units).max())

    @property
    def groups(self) -> IntArray | None:
        """The unit of each row, in the order of the blocks."""
        return None if self.units is None else self.units[self.order]

    def scores(self, prediction: FloatArray) -> dict[str, float | None]:
        """Give every score; those without rows that are in another part too, if there are any."""
        scores = self._scores(prediction, slice(None))
        if self.apart is not None:
            own = self._scores(prediction, self.apart)
            scores |= {f"{name}_without_overlap": value for name, value in own.items()}
        return scores

    def intervals(self, prediction: FloatArray) -> dict[str, Ends]:
        """Give the 95 % bootstrap interval of scores over rows or units; of one there is none."""
        if self.metric == "log_loss":
            intervals = class_intervals(prediction, self.truth, groups=self.units)
        else:
            error = prediction[:, 0] - self.truth
            low, high = np.sqrt(bootstrap_interval(np.square(error), groups=self.units)).tolist()
            mae = bootstrap_interval(np.abs(error), groups=self.units)
            intervals = {"mae": mae, "rmse": (low, high)}
        return {name: None if np.isnan(ends[0]) else ends for name, ends in intervals.items()}

    def _scores(self, prediction: FloatArray, rows: Any) -> dict[str, float | None]:
        if self.metric == "log_loss":
            return score_classes(prediction[rows], self.truth[rows])._asdict()
        error = prediction[rows, 0] - self.truth[rows]
        return {
            "mae": float(np.abs(error).mean()),
            "rmse": float(np.sqrt(np.square(error).mean())),
        }

    def per_step(self, prediction: FloatArray) -> Sequence[float]:  # noqa: ARG002 - there are none
        """Give nothing: there are no steps ahead."""
        return ()

    def losses(self, prediction: FloatArray) -> FloatArray:
        """Give the loss of each row, in the order of the blocks."""
        if self.metric == "log_loss":
            return row_losses(prediction, self.truth, "log_loss")[self.order]
        error = prediction[:, 0] - self.truth
        losses: FloatArray = np.square(error) if self.metric == "rmse" else np.abs(error)
        return losses[self.order]


def units_of(groups: npt.NDArray[Any] | None, lengths: IntArray | None) -> IntArray | None:
    """Number what is alike and stays together: groups, or the sequences that steps belong to.

    Args:
        groups: `(N,)`, of each sequence or text, if there are any.
        lengths: `(N,)`, the steps of each sequence where the rows are steps.
    """
    if groups is not None:
        groups = np.unique(groups, return_inverse=True)[1]
    if lengths is None:
        return groups
    return np.repeat(np.arange(len(lengths)) if groups is None else groups, lengths)


def block_order(units: IntArray | None, rows: int, *, in_order: bool) -> IntArray:
    """Order rows for the verdict's blocks, units whole.

    They are shuffled, since files are often sorted by label; but steps, whose sequences may follow
    each other in time, stay `in_order`.
    """
    if in_order:
        return np.arange(rows)
    rng = np.random.default_rng(0)
    if units is None:
        return rng.permutation(rows)
    return np.argsort(rng.permutation(units.max() + 1)[units], kind="stable")
