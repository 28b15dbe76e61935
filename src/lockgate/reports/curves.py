"""The learning curves of the rungs: a chart for each, on axes that all share."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from lockgate.charts.curves import Curve, loss_range, over_fits
from lockgate.charts.figures import Figure, Frame, learning_curve
from lockgate.tasks.results import Losses, RungResult


class CurvePanel(NamedTuple):
    """The heading of a rung's learning curves, and the name of their chart if there is one."""

    name: str
    words: str
    overfits_from: float | None
    chart: str | None
    diverged: list[int]  # rounds


def curve(
    rung: RungResult, which: Literal["training", "validation"], *, less: bool = False
) -> Curve:
    """One of a rung's losses over its fits that did not diverge.

    Folds are harder and easier, which says nothing of a curve's shape: each fit's losses are
    multiples of its lowest validation loss, or with `less` what they are above it.
    """
    healthy = _healthy(rung)
    per_epoch = healthy[0]["per_epoch"] if healthy else 1
    return over_fits((_relative(history, which, less=less) for history in healthy), per_epoch)


def fall_below_0(rungs: Sequence[RungResult]) -> bool:
    """Tell whether a validation loss does, as that of a likelihood may: no multiple tells of it."""
    return any(_lowest(history) < 0.0 for rung in rungs for history in _healthy(rung))


def _healthy(rung: RungResult) -> list[Losses]:
    return [one["history"] for one in rung["rounds"] if one["stopped"] != "diverged"]


def _lowest(history: Losses) -> float:
    return min((loss for loss in history["validation"] if loss is not None), default=0.0)


def _relative(
    history: Losses, which: Literal["training", "validation"], *, less: bool
) -> list[float | None]:
    lowest = _lowest(history)
    if less:
        return [None if loss is None else loss - lowest for loss in history[which]]
    if lowest <= 0.0:
        return history[which]
    return [None if loss is None else loss / lowest for loss in history[which]]


def curve_panels(rungs: Sequence[RungResult]) -> list[CurvePanel]:
    """Give what stands over the chart of each rung."""
    panels = []
    for i, rung in enumerate(rungs):
        diverged = [one["round"] for one in rung["rounds"] if one["stopped"] == "diverged"]
        drawn = curve(rung, "validation").epochs or curve(rung, "training").epochs
        chart = f"curve-{i}" if drawn else None
        panels.append(
            CurvePanel(rung["name"], rung["words"], rung["overfits_from"], chart, diverged)
        )
    return panels


def curve_figures(rungs: Sequence[RungResult]) -> dict[str, Figure]:
    """Draw both losses of each rung that has any."""
    less = fall_below_0(rungs)
    both = [
        (curve(rung, "training", less=less), curve(rung, "validation", less=less)) for rung in rungs
    ]
    low, high = loss_range([one for pair in both for one in pair])
    last = max((one.epochs[-1] for pair in both for one in pair if one.epochs), default=1)
    frame = Frame(math.ceil(last), low, high)
    return {
        f"curve-{i}": learning_curve(training, validation, rung["overfits_from"], frame)
        for i, (rung, (training, validation)) in enumerate(zip(rungs, both, strict=True))
        if training.epochs or validation.epochs
    }
