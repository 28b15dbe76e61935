"""The curves of a fit and the scores of a run, as names and numbers that any tool takes."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from lockgate.tasks.results import delivered_parts
from lockgate.training.config import TrainingConfig
from lockgate.training.history import History, epoch_of
from lockgate.training.schedule import share_of_rate


class Curves(NamedTuple):
    """The curves of a fit, with a value for each time that it was validated."""

    steps: Sequence[int]  # of the optimiser, up to each value
    seconds: Sequence[float]  # of fitting, up to each value
    values: Mapping[str, Sequence[float]]  # by the name of the curve


def curves_of(training: TrainingConfig, history: History) -> Curves:
    """Return the curves of a fit: both losses, the norm of the gradient, the rate, the epoch.

    Without a validation part there is no such loss. The learning rate is that of the last step
    before each value; it is left out where a fit that follows a schedule ended in its first epoch,
    as its history does not tell how long the schedule was to be.

    Example:
        >>> history = History(training=[2.0, 1.0], gradient_norm=[1.0, 0.5], seconds=[3.0, 4.0],
        ...     steps=[5, 10])
        >>> curves = curves_of(TrainingConfig(learning_rate=0.01), history)
        >>> curves.steps, curves.seconds, curves.values["learning_rate"]
        ([5, 10], [3.0, 7.0], [0.01, 0.01])
    """
    values = {
        "loss/training": history.training,
        "loss/validation": history.validation,
        "gradient_norm": history.gradient_norm,
        "learning_rate": _rates(training, history),
        "epoch": [epoch_of(look, history.per_epoch) for look in range(1, history.looks + 1)],
    }
    known = {name: curve for name, curve in values.items() if curve}
    return Curves(history.steps, list(accumulate(history.seconds)), known)


def _rates(training: TrainingConfig, history: History) -> list[float]:
    total = _total_steps(training, history)
    if training.schedule != "constant" and total is None:
        return []
    shares = (share_of_rate(training.schedule, step - 1, total) for step in history.steps)
    return [training.learning_rate * share for share in shares]


def _total_steps(training: TrainingConfig, history: History) -> int | None:
    """Return how many steps the fit was to take at most, if its history tells."""
    if history.stopped == "end":
        return history.steps[-1]
    if history.looks < history.per_epoch:
        return None
    most = training.max_epochs * history.steps[history.per_epoch - 1]
    return most if training.max_steps is None else min(most, training.max_steps)


def scores_of(metrics: Mapping[str, Any], results: Mapping[str, Any]) -> dict[str, float]:
    """Return the scores of a run by `part/metric/model`; those that are not defined are left out.

    Args:
        metrics: Those of the fitted folder.
        results: Those of the study or the search that it is of; empty of a training.

    Example:
        >>> naive = {"name": "drift", "validation": {"mae": 3.0}, "test": {"mae": None}}
        >>> metrics = {"validation": {"mae": 1.0}, "test": {"mae": 2.0}, "baselines": [naive]}
        >>> scores_of(metrics, {})
        {'validation/mae/delivered': 1.0, 'validation/mae/drift': 3.0, 'test/mae/delivered': 2.0}
    """
    own = {"name": "delivered", **{part: metrics[part] for part in ("validation", "test")}}
    rows = [
        (part, one["name"], one[part])
        for part in ("validation", "test")
        for one in (own, *metrics["baselines"])
    ]
    if "delivered" in metrics:
        parts = delivered_parts(metrics["delivered"])
        rows += [("test", part.name, part.scores) for part in parts if not part.whole]
    compared = [*results.get("rungs", ()), *results.get("entrants", ())]
    rows += [("judged", one["name"], one["judged"]) for one in compared]
    return {
        f"{part}/{metric}/{name}": float(score)
        for part, name, scores in rows
        for metric, score in scores.items()
        if score is not None
    }
