"""Score predictions of labels, with intervals, and order them for the verdict's blocks."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.scoring.bootstrap import bootstrap_interval
from lockgate.tasks.labelling.intervals import class_intervals
from lockgate.tasks.labelling.scores import row_losses, score_classes
from lockgate.training.losses import IGNORED

Ends = tuple[float, float] | None


class LabelScorer(NamedTuple):
    """Scores probabilities of the classes of one part, or numbers."""

    truth: npt.NDArray[Any]
    metric: str
    order: IntArray  # rows that have a label, as the verdict's blocks take them
    units: IntArray | None  # (N,): the group of each row, or of a step its sequence
    apart: npt.NDArray[np.bool_] | None  # rows in no other part, if some are in one

    @property
    def rows(self) -> IntArray:
        """The rows that are scored: those that have a label."""
        return np.sort(self.order)

    @property
    def counts(self) -> FloatArray:
        """Every row counts alike."""
        return np.ones(len(self.order))

    @property
    def horizon(self) -> int:
        """Rows of the largest unit."""
        return 1 if self.units is None else int(np.bincount(self.units[self.order]).max())

    @property
    def groups(self) -> IntArray | None:
        """The unit of each row, in the order of the blocks."""
        return None if self.units is None else self.units[self.order]

    def scores(self, prediction: FloatArray) -> dict[str, float | None]:
        """Give every score; those without rows that are in another part too, if there are any."""
        rows = self.rows
        scores = self._scores(prediction, rows)
        if self.apart is not None:
            own = self._scores(prediction, rows[self.apart[rows]])
            scores |= {f"{name}_without_overlap": value for name, value in own.items()}
        return scores

    def intervals(self, prediction: FloatArray) -> dict[str, Ends]:
        """Give the 95 % bootstrap interval of scores over rows or units; of one there is none."""
        rows = self.rows
        prediction, truth = prediction[rows], self.truth[rows]
        units = None if self.units is None else self.units[rows]
        if self.metric == "log_loss":
            intervals = class_intervals(prediction, truth, groups=units)
        else:
            error = prediction[:, 0] - truth
            low, high = np.sqrt(bootstrap_interval(np.square(error), groups=units)).tolist()
            mae = bootstrap_interval(np.abs(error), groups=units)
            intervals = {"mae": mae, "rmse": (low, high)}
        return {name: None if np.isnan(ends[0]) else ends for name, ends in intervals.items()}

    def _scores(self, prediction: FloatArray, rows: IntArray) -> dict[str, float | None]:
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
        prediction, truth = prediction[self.order], self.truth[self.order]
        if self.metric == "log_loss":
            return row_losses(prediction, truth, "log_loss")
        error = prediction[:, 0] - truth
        losses: FloatArray = np.square(error) if self.metric == "rmse" else np.abs(error)
        return losses


def known(truth: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Tell which rows have a label, (N,): of labels at steps some may lack one."""
    is_class = truth.ndim == 1 and truth.dtype.kind == "i"
    return truth != IGNORED if is_class else np.ones(len(truth), dtype=bool)


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


def block_order(
    units: IntArray | None, truth: npt.NDArray[Any], *, in_order: bool = False
) -> IntArray:
    """Order the rows that have a label for the verdict's blocks, units whole.

    They are shuffled, since files are often sorted by label; but steps, whose sequences may follow
    each other in time, stay `in_order`.
    """
    rng = np.random.default_rng(0)
    if in_order:
        order = np.arange(len(truth))
    elif units is None:
        order = rng.permutation(len(truth))
    else:
        order = np.argsort(rng.permutation(units.max() + 1)[units], kind="stable")
    return order[known(truth)[order]]
