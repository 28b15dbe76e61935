"""What every task's baselines have: a choice of the one to beat, reasons for those left out."""

import math
from collections.abc import Mapping
from typing import NamedTuple


class Skipped(NamedTuple):
    """A baseline that could not be computed, and why."""

    name: str
    reason: str


def reference(validation: Mapping[str, Mapping[str, float | None]], metric: str) -> str:
    """Return the baseline that a model is judged against: the one of the best validation score.

    Where two are equal it is the earlier one. Where MASE is not defined, MAE decides: they order
    forecasts alike.

    Raises:
        ValueError: If no baseline has a finite score.

    Example:
        >>> reference({"drift": {"mae": 2.0, "mase": None}, "ridge": {"mae": 1.5}}, "mase")
        'ridge'
    """
    by = "mae" if metric == "mase" else metric
    known = {name: scores[by] for name, scores in validation.items()}
    finite = {name: s for name, s in known.items() if s is not None and math.isfinite(s)}
    if not finite:
        raise ValueError(f"validation must hold a finite {by}, got {dict(validation)}")
    return min(finite, key=lambda name: finite[name])
