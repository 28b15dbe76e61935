"""Probabilities of classes: from a network's scores, calibrated by a temperature, checked."""

import numpy as np
import numpy.typing as npt

from lockgate.scoring.arrays import AnyFloatArray, AnyIntArray, FloatArray, IntArray

_HOTTEST = 100.0
_TINY = float(np.finfo(np.float64).tiny)
_SPREAD = 0.5  # of the logarithm of a temperature, before any row is seen
# what rows of probabilities may be off a sum of 1 by, as after a softmax in half precision
_OFF_ONE = 2e-3


def probabilities(
    scores: npt.ArrayLike, temperature: float = 1.0, *, several: bool = False
) -> FloatArray:
    """Turn a network's scores `(..., K)` into probabilities, in float64.

    Args:
        scores: What enters the softmax, or for several labels the sigmoid.
        temperature: What the scores are divided by first, over 0.
        several: Whether a row may have several labels.

    Example:
        >>> probabilities(np.array([[0.0, np.log(3.0)]]))
        array([[0.25, 0.75]])
    """
    # imported here, and below, because a model is loaded without it
    from scipy.special import expit, softmax

    if not temperature > 0.0:
        raise ValueError(f"temperature must be over 0, got {temperature}")
    cooled = np.asarray(scores, dtype=np.float64) / temperature
    result: FloatArray = expit(cooled) if several else softmax(cooled, axis=-1)
    return result


def fit_temperature(scores: AnyFloatArray, truth: AnyIntArray) -> float:
    """Return the temperature by which `scores` have the lowest log loss (Guo et al. 2017).

    Temperature scaling (arXiv:1706.04599) changes no decision, only how sure it is. A few rows, all
    or nearly all of them right, would have it run to 0: so its logarithm is taken to be normally
    distributed around 0, with a deviation of 1/2, which hundreds of rows overrule.

    Args:
        scores: What enters the softmax or sigmoid, `(N, K)`; of rows that the network has not
            learned from.
        truth: Their classes `(N,)`, or `(N, K)` of 0 and 1.
    """
    logits: FloatArray = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(logits).all():
        raise ValueError("scores must be finite, got NaN or infinity")
    _, truth = check_probabilities(probabilities(logits, several=np.ndim(truth) == 2), truth)
    lead = _leads(logits, truth)

    def loss(log_temperature: float) -> float:
        cooled = lead / np.exp(log_temperature)
        prior = 0.5 * (log_temperature / _SPREAD) ** 2
        return float(_losses_of_leads(cooled).mean() + prior / len(lead))

    # imported here because a model is loaded without it
    from scipy.optimize import minimize_scalar

    bound = np.log(_HOTTEST)
    best = minimize_scalar(
        loss, bounds=(-bound, bound), method="bounded", options={"xatol": 1e-7, "maxiter": 200}
    )
    return float(np.exp(best.x))


def log_scores(p: AnyFloatArray, *, several: bool = False) -> FloatArray:
    """Return finite scores whose probabilities are `p`, `(N, K)`: what a temperature divides.

    Example:
        >>> probabilities(log_scores(np.array([[0.2, 0.8]])))
        array([[0.2, 0.8]])
    """
    p = np.asarray(p, dtype=np.float64)
    scores: FloatArray = np.log(np.maximum(p, _TINY))
    if several:
        scores -= np.log(np.maximum(1.0 - p, _TINY))
    return scores


def check_probabilities(p: AnyFloatArray, truth: AnyIntArray) -> tuple[FloatArray, IntArray]:
    """Return both in 64 bits, the rows of classes summing to 1 exactly."""
    p, truth = np.asarray(p, dtype=np.float64), np.asarray(truth)
    several = truth.ndim == 2
    if p.ndim != 2 or not len(p) or (truth.shape != (p.shape if several else (len(p),))):
        raise ValueError(
            "probabilities and truth must have shapes (N, K) and (N,), or both (N, K), with N at "
            f"least 1, got {p.shape} and {truth.shape}"
        )
    if not several and p.shape[1] < 2:
        raise ValueError(f"probabilities must have two classes or more, got {p.shape[1]}")
    if not ((p >= 0.0) & (p <= 1.0 + _OFF_ONE)).all():
        bad = p[~((p >= 0.0) & (p <= 1.0 + _OFF_ONE))][0]
        raise ValueError(f"probabilities must be in [0, 1], got {bad}")
    most = 1 if several else p.shape[1] - 1
    wrong = truth[(truth < 0) | (truth > most) | (truth != np.floor(truth))]
    if len(wrong):
        what = "0 or 1" if several else f"a class in 0 .. {most}"
        raise ValueError(f"truth must be {what}, got {wrong[0]}")
    if several:
        return np.minimum(p, 1.0), truth.astype(np.int64)
    total = p.sum(axis=1, keepdims=True)
    if (np.abs(total - 1.0) > _OFF_ONE).any():
        raise ValueError(
            "probabilities must sum to 1 in every row, got "
            f"{float(total[np.abs(total - 1.0).argmax(), 0]):.6g}"
        )
    return p / total, truth.astype(np.int64)


def _leads(scores: FloatArray, truth: IntArray) -> FloatArray:
    """Return how far the truth's score is ahead of each other, (N, K - 1), or of 0, (N * K, 1)."""
    if truth.ndim == 2:
        leads: FloatArray = np.where(truth == 1, scores, -scores)
        return leads.reshape(-1, 1)
    others = np.arange(scores.shape[1]) != truth[:, None]
    leads = (np.take_along_axis(scores, truth[:, None], axis=1) - scores)[others]
    return leads.reshape(len(scores), -1)


def _losses_of_leads(leads: FloatArray) -> FloatArray:
    """Return the log losses: log(1 + the sum of exp(-lead))."""
    from scipy.special import logsumexp

    losses: FloatArray = np.logaddexp(0.0, logsumexp(-leads, axis=1))
    return losses
