"""The chart of a sweep over learning rates."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from lockgate.charts.figures import Figure, figure, trace, upright

MARGIN = 0.08
"""Of the height that is drawn, what is left free above and below."""


class Marked(NamedTuple):
    """Rates that the chart marks."""

    learning_rate: float  # what is set
    suggested: tuple[float, float, float] | None  # low, steepest, high


def rate_sweep(
    rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float], marked: Marked
) -> Figure:
    """The loss of every batch as a dot and the smoothed loss as a line, over the rates.

    What the losses run off to where they diverge is cut off: the axis ends above all losses up to
    the rate of the lowest smoothed one.
    """
    lowest = min(range(len(smoothed)), key=lambda i: smoothed[i])
    seen = [*losses[: lowest + 1], *smoothed[: lowest + 1]]
    pad = MARGIN * (max(seen) - min(seen)) or 1.0
    text = "at %{x:.2~g}: %{y:.4~g}"
    dots = trace([*rates], [*losses], "training", 0, "a batch", text)
    dots |= {"mode": "markers", "marker": {"size": 5, "color": "@training 0.55"}}
    line = trace([*rates], [*smoothed], "model", 2.5, "smoothed", text)
    shapes = [upright(marked.learning_rate, "base", "dash")]
    if marked.suggested is not None:
        low, best, high = marked.suggested
        band = {"type": "rect", "layer": "below", "fillcolor": "@good 0.16", "line": {"width": 0}}
        ends = {"x0": low, "x1": high, "y0": 0, "y1": 1, "yref": "paper"}
        shapes = [{**band, **ends}, upright(best, "good", "solid"), *shapes]
    x = {
        "type": "log",
        "range": [math.log10(rates[0]) - 0.05, math.log10(rates[-1]) + 0.05],
        "exponentformat": "power",
        "dtick": 1,
    }
    y = {"range": [min(seen) - pad, max(seen) + 2 * pad]}
    drawn = figure([dots, line], x, y, shapes)
    drawn["layout"]["hovermode"] = "closest"
    return drawn
