"""Score classifiers from their probabilities: scores, calibration, mistakes.

Throughout, `probabilities` is `(N, K)`. `truth` is `(N,)` class indices, or `(N, K)` of 0 and 1
where a row may have several labels; each of those is decided by itself, at a probability over 1/2.
Labels at steps are rows too: all steps end to end.
"""

from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy.special import entr
from sklearn.metrics import confusion_matrix

from lockgate.scoring.arrays import AnyFloatArray, AnyIntArray, FloatArray, IntArray
from lockgate.scoring.probabilities import check_probabilities

ClassMetric = Literal["log_loss", "error"]

CLASS_METRICS: tuple[ClassMetric, ...] = get_args(ClassMetric)
BINS = 15
"""Bins of the calibration error, of equal width in the probability of the decided class."""
SHARES = tuple(tenths / 10 for tenths in range(10, 0, -1))
"""Shares of the rows that `accuracy_by_share` keeps."""

# probabilities are clipped to this and to 1 less this before their logarithm is taken
_EPS = float(np.finfo(np.float64).eps)


class ClassScores(NamedTuple):
    """The scores of one classifier on one part; the first three are better when higher.

    `accuracy`: share of rows decided right; of several labels, rows whose labels all are (subset
    accuracy). `balanced_accuracy`: mean over the classes that occur in the truth of the share of
    their rows decided right; of several labels, the mean of that over the labels, having and not
    having one being its two classes. `macro_f1`: mean F1 over the classes (or labels) that occur
    in the truth or are decided for. `log_loss`: mean of -log of the probability of the true class;
    of several labels, the mean of the binary log losses of all. `calibration_error`: the expected
    calibration error, |share right - mean probability| of the decided class, averaged over the rows
    of 15 bins of equal width; of several labels, over all decisions.
    """

    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    log_loss: float
    calibration_error: float

    def of(self, metric: ClassMetric) -> float:
        """Return the loss by one metric, lower is better: the log loss, or 1 - accuracy."""
        _check_metric(metric)
        return self.log_loss if metric == "log_loss" else 1.0 - self.accuracy


class KeptShare(NamedTuple):
    """The accuracy over the most certain rows."""

    share: float
    rows: int
    accuracy: float


def score_classes(probabilities: AnyFloatArray, truth: AnyIntArray) -> ClassScores:
    """Score probabilities by every metric; a class may be absent in the truth.

    Raises:
        ValueError: If the shapes do not fit, there is no row, a probability is not finite, negative
            or over 1, the classes of a row do not sum to 1, or `truth` names no class.

    Example:
        >>> scores = score_classes(np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([0, 1]))
        >>> scores.accuracy, round(scores.log_loss, 4)
        (0.5, 0.5697)
    """
    p, truth = check_probabilities(probabilities, truth)
    counts = confusion(truth, decided(p, several=truth.ndim == 2), p.shape[1])
    return ClassScores(
        accuracy=float(_right(p, truth).mean()),
        balanced_accuracy=balanced_accuracy(counts),
        macro_f1=macro_f1(counts),
        log_loss=float(_log_losses(p, truth).mean()),
        calibration_error=_calibration_error(p, truth),
    )


def balanced_accuracy(counts: AnyFloatArray | AnyIntArray) -> float:
    """Return the balanced accuracy of counts as `confusion` gives them; see `ClassScores`."""
    rows = counts.sum(axis=-1)
    recall = counts.diagonal(axis1=-2, axis2=-1) / np.maximum(rows, 1)
    # of several labels a mean for each, and of these the mean
    return float((recall.sum(axis=-1) / (rows > 0).sum(axis=-1)).mean())


def macro_f1(counts: AnyFloatArray | AnyIntArray) -> float:
    """Return the macro F1 of counts as `confusion` gives them; see `ClassScores`."""
    if counts.ndim == 3:
        right, both = counts[:, 1, 1], counts[:, 1, :].sum(axis=1) + counts[:, :, 1].sum(axis=1)
    else:
        right, both = counts.diagonal(), counts.sum(axis=1) + counts.sum(axis=0)
    seen = both > 0
    # labels of which none occurs and none is decided for are all right
    return float((2 * right[seen] / both[seen]).mean()) if seen.any() else 1.0


def decided(probabilities: AnyFloatArray, *, several: bool = False) -> IntArray:
    """Return the class of the highest probability, `(N,)`, or each label's 0 or 1, `(N, K)`."""
    if several:
        return (probabilities > 0.5).astype(np.int64)
    highest: IntArray = probabilities.argmax(axis=1)
    return highest


def row_losses(probabilities: AnyFloatArray, truth: AnyIntArray, metric: ClassMetric) -> FloatArray:
    """Return the loss of each row `(N,)`: their mean is the score, `ClassScores.of(metric)`.

    Args:
        probabilities: `(N, K)`.
        truth: `(N,)`, or `(N, K)` of 0 and 1.
        metric: "log_loss", with probabilities clipped at the rounding of float64, of several labels
            their mean; or "error", 1 for a row decided wrong and else 0.

    Example:
        >>> row_losses(np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([0, 1]), "error")
        array([0., 1.])
    """
    _check_metric(metric)
    p, truth = check_probabilities(probabilities, truth)
    return _log_losses(p, truth) if metric == "log_loss" else 1.0 - _right(p, truth)


def confusion(truth: AnyIntArray, predicted: AnyIntArray, classes: int) -> IntArray:
    """Count rows by true class (down) and predicted class (across), `(classes, classes)`.

    For several labels, both `(N, classes)`, the same for each label: `(classes, 2, 2)`.

    Example:
        >>> confusion(np.array([0, 0, 2]), np.array([0, 1, 2]), classes=3)
        array([[1, 1, 0],
               [0, 0, 0],
               [0, 0, 1]])
    """
    if np.ndim(truth) == 2:
        each = zip(np.asarray(truth).T, np.asarray(predicted).T, strict=True)
        return np.stack([confusion(*label, classes=2) for label in each])
    matrix = confusion_matrix(truth, predicted, labels=np.arange(classes))
    return np.asarray(matrix, dtype=np.int64)


def mistakes(probabilities: AnyFloatArray, truth: AnyIntArray, n: int) -> IntArray:
    """Return the rows of the `n` most confident mistakes, the surest first.

    How confident a mistake is, is the probability of what was decided; of several labels, that of
    the surest wrong decision.
    """
    p, truth = check_probabilities(probabilities, truth)
    several = truth.ndim == 2
    if several:
        wrong = decided(p, several=True) != truth
        confidence = np.where(wrong, np.maximum(p, 1.0 - p), 0.0).max(axis=1)
    else:
        confidence = p.max(axis=1)
    rows = np.flatnonzero(_right(p, truth) == 0.0)
    order = np.argsort(-confidence[rows], kind="stable")
    return rows[order][:n]


def predictive_entropy(probabilities: AnyFloatArray, *, several: bool = False) -> FloatArray:
    """Return how uncertain each row is, `(N,)`: the entropy of its probabilities, in nats.

    Of probabilities averaged over Monte-Carlo passes it is the predictive entropy (Gal 2016,
    section 3.3.1). Of several labels it is the sum over them.

    Example:
        >>> predictive_entropy(np.array([[1.0, 0.0], [0.5, 0.5]])).round(4)
        array([0.    , 0.6931])
    """
    p = np.asarray(probabilities, dtype=np.float64)
    entropy: FloatArray = (entr(p) + entr(1.0 - p) if several else entr(p)).sum(axis=1)
    return entropy


def accuracy_by_share(
    probabilities: AnyFloatArray, uncertainty: AnyFloatArray, truth: AnyIntArray
) -> tuple[KeptShare, ...]:
    """Return the accuracy when only the most certain share of the rows is kept, 1.0 to 0.1.

    Rows of one uncertainty cannot be told apart: where a share ends among them, it counts their
    mean accuracy, whatever their order.

    Args:
        probabilities: `(N, K)`.
        uncertainty: `(N,)`, higher is less certain; from Monte-Carlo dropout, or 1 less the highest
            probability.
        truth: `(N,)`, or `(N, K)` of 0 and 1.
    """
    p, truth = check_probabilities(probabilities, truth)
    uncertainty = np.asarray(uncertainty, dtype=np.float64)
    if uncertainty.shape != (len(p),) or np.isnan(uncertainty).any():
        raise ValueError(
            f"uncertainty must hold {len(p)} numbers, got shape {uncertainty.shape}"
            + (" with NaN" if np.isnan(uncertainty).any() else "")
        )
    right = _right(p, truth)
    _, tie = np.unique(uncertainty, return_inverse=True)
    even = (np.bincount(tie, right) / np.bincount(tie))[np.sort(tie)]
    accuracies = np.cumsum(even) / np.arange(1, len(p) + 1)
    rows = [max(1, round(share * len(p))) for share in SHARES]
    return tuple(
        KeptShare(share, kept, float(accuracies[kept - 1]))
        for share, kept in zip(SHARES, rows, strict=True)
    )


def _check_metric(metric: str) -> None:
    if metric not in CLASS_METRICS:
        raise ValueError(f"metric must be one of {', '.join(CLASS_METRICS)}, got {metric!r}")


def _right(p: FloatArray, truth: IntArray) -> FloatArray:
    """Return 1 for each row decided right, else 0."""
    same = decided(p, several=truth.ndim == 2) == truth
    right: FloatArray = (same.all(axis=1) if truth.ndim == 2 else same).astype(np.float64)
    return right


def _log_losses(p: FloatArray, truth: IntArray) -> FloatArray:
    if truth.ndim == 2:
        of_truth = np.where(truth == 1, p, 1.0 - p)
    else:
        of_truth = np.take_along_axis(p, truth[:, None], axis=1)
    losses: FloatArray = -np.log(np.clip(of_truth, _EPS, 1.0 - _EPS)).mean(axis=1)
    return losses


def _calibration_error(p: FloatArray, truth: IntArray) -> float:
    several = truth.ndim == 2
    right = np.ravel(decided(p, several=several) == truth)
    confidence = np.maximum(p, 1.0 - p).ravel() if several else p.max(axis=1)
    # bins (0, 1/15], (1/15, 2/15], ...
    edges = np.arange(1, BINS) / BINS
    bins = np.searchsorted(edges, confidence, side="left")
    gaps = np.bincount(bins, right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))
