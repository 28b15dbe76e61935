"""Read learning curves: where overfitting begins, and how wide the gap is at the end."""

from collections.abc import Sequence

import numpy as np

from lockgate.training.history import History, epoch_of


def overfits_from(histories: Sequence[History]) -> float | None:
    """Return the epoch, from 1, at which the rung begins to overfit, or None if it does not.

    It is the minimum of the validation curve (the mean over seeds) if the curve later lies above
    it by more than a standard error, taken over seeds, while the training loss is lower than it
    was there. Only epochs that every seed has reached count; one seed has no standard error, so
    two are needed.
    """
    looks = min((h.looks for h in histories), default=0)
    if len(histories) < 2 or looks < 2:
        return None
    validation = np.array([h.validation[:looks] for h in histories])  # (S, looks)
    training = np.array([h.training[:looks] for h in histories])
    if not (np.isfinite(validation).all() and np.isfinite(training).all()):
        return None
    lowest = int(validation.mean(axis=0).argmin())
    rise = validation[:, lowest + 1 :] - validation[:, [lowest]]
    error = rise.std(axis=0, ddof=1) / np.sqrt(len(histories))
    falls = training.mean(axis=0)[lowest + 1 :] < training.mean(axis=0)[lowest]
    overfits = np.any((rise.mean(axis=0) > error) & falls)
    return epoch_of(lowest + 1, histories[0].per_epoch) if overfits else None


def final_gap(histories: Sequence[History]) -> float | None:
    """Return how far validation lies above training loss at the last epoch, mean over seeds."""
    gaps = [h.validation[-1] - h.training[-1] for h in histories if h.looks]
    return float(np.mean(gaps)) if gaps and np.isfinite(gaps).all() else None
