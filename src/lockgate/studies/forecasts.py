"""Pick stretches of the test part that show how the selected network forecasts."""

from typing import Any

import numpy as np

from lockgate.studies.judge import Choices, Look
from lockgate.studies.plan import Plan

MOST_HISTORY = 168


def stretches(plan: Plan, choices: Choices, looked: Look) -> list[dict[str, Any]]:
    """Return the best, the median and the worst window by mean absolute error, with the truth.

    Only windows whose targets are all observed count.
    """
    forecast = looked.fits[choices.fit.rung, choices.fit.seed]
    errors = np.abs(forecast - looked.truth).mean(axis=1)
    order = np.argsort(errors)[: int(np.isfinite(errors).sum())]
    if not len(order):
        return []
    chosen = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    return [_stretch(which, int(i), plan, choices, looked) for which, i in chosen.items()]


def _stretch(which: str, i: int, plan: Plan, choices: Choices, looked: Look) -> dict[str, Any]:
    forecast = looked.fits[choices.fit.rung, choices.fit.seed][i]
    origin, windows = int(looked.windows.origins[i]), looked.windows
    past = plan.table.frame.slice(0, origin + 1).tail(min(windows.lookback, MOST_HISTORY))
    future = plan.table.frame.slice(origin + 1, windows.horizon)
    return {
        "which": which,
        "error": float(np.abs(forecast - looked.truth[i]).mean()),
        "origin": str(past["ds"][-1]),
        "history": {"ds": past["ds"].dt.to_string().to_list(), "y": past["y"].to_list()},
        "future": {
            "ds": future["ds"].dt.to_string().to_list(),
            "y": future["y"].to_list(),
            "forecast": forecast,
            "baseline": looked.baselines[choices.reference][i],
            "baseline_name": choices.reference,
        },
    }
