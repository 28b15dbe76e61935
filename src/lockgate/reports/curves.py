"""The learning curves of the rungs: a chart for each, on axes that all share."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from lockgate.charts.curves import Curve, loss_range, over_seeds
from lockgate.charts.figures import Figure, Frame, learning_curve
from lockgate.tasks.results import RungResult


class CurvePanel(NamedTuple):
    """The heading of a rung's learning curves, and the name of their chart if there is one."""

    name: str
    words: str
    overfits_from: float | None
    chart: str | None
    diverged: list[int]


def curve(rung: RungResult, which: Literal["training", "validation"]) -> Curve:
    """One of a rung's losses over its seeds that did not diverge."""
    healthy = [seed for seed in rung["seeds"] if seed["stopped"] != "diverged"]
    per_epoch = healthy[0]["history"].get("per_epoch", 1) if healthy else 1
    return over_seeds((seed["history"][which] for seed in healthy), per_epoch)


def curve_panels(rungs: Sequence[RungResult]) -> list[CurvePanel]:
    """Give what stands over the chart of each rung."""
    panels = []
    for i, rung in enumerate(rungs):
        diverged = [seed["seed"] for seed in rung["seeds"] if seed["stopped"] == "diverged"]
        drawn = curve(rung, "validation").epochs or curve(rung, "training").epochs
        chart = f"curve-{i}" if drawn else None
        panels.append(
            CurvePanel(rung["name"], rung["words"], rung["overfits_from"], chart, diverged)
        )
    return panels


def curve_figures(rungs: Sequence[RungResult]) -> dict[str, Figure]:
    """Draw both losses of each rung that has any."""
    both = [(curve(rung, "training"), curve(rung, "validation")) for rung in rungs]
    low, high = loss_range([one for pair in both for one in pair])
    last = max((one.epochs[-1] for pair in both for one in pair if one.epochs), default=1)
    frame = Frame(math.ceil(last), low, high)
    return {
        f"curve-{i}": learning_curve(training, validation, rung["overfits_from"], frame)
        for i, (rung, (training, validation)) in enumerate(zip(rungs, both, strict=True))
        if training.epochs or validation.epochs
    }
