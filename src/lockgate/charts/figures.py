"""Charts as Plotly figures in plain dictionaries, and what they are put together from.

A colour is a name of the page's palette, `@model`, or `@model 0.2` with an opacity: the page
resolves it, so that a chart follows the reader's light or dark scheme. Plotly reads texts as HTML,
so every name that comes from the data is escaped here.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

from lockgate.charts.curves import Curve
from lockgate.charts.strips import nice_step

Figure = dict[str, Any]

LEAST_SHARE = 1e-8  # of a gradient: what single precision does not see beside the whole


class Line(NamedTuple):
    """One line of a chart that compares rungs or baselines."""

    name: str
    kind: str  # "rung" or "baseline"
    colour: str
    width: float
    dash: str
    values: list[float | None]


class Frame(NamedTuple):
    """The axes that the learning curves of all rungs share."""

    epochs: int
    low: float
    high: float


def learning_curve(
    training: Curve, validation: Curve, overfits_from: float | None, frame: Frame
) -> Figure:
    """Mean and range over seeds of both losses, with the epoch where overfitting begins."""
    traces = [*_ribbon(training, "training"), *_ribbon(validation, "validation")]
    marks = [] if overfits_from is None else [upright(overfits_from, "bad", "dash")]
    x = counting_axis(frame.epochs) | {"range": [1 - 0.02 * frame.epochs, frame.epochs * 1.02]}
    if frame.epochs == 1:
        x["range"] = [0.5, 1.5]
    return figure(traces, x, {"range": [frame.low, frame.high]}, marks)


def reach(lines: list[Line]) -> Figure:
    """The gradient that each of `lines` leaves by the steps back, as shares of the last step's."""
    steps = max(len(line.values) for line in lines)
    # a logarithm of nothing has no place: what has vanished is a gap
    drawn = [line._replace(values=[value or None for value in line.values]) for line in lines]
    traces = line_traces(drawn, list(range(steps)), "%{y:.2~g}")
    seen = [value for line in lines for value in line.values if value]
    low, high = math.log10(max(LEAST_SHARE, min(seen))), math.log10(max(seen))
    pad = 0.05 * (high - low) or 0.5
    x = counting_axis(steps) | {"range": [-0.02 * steps, 1.02 * steps - 1]}
    y: dict[str, Any] = {"type": "log", "range": [low - pad, high + pad]}
    # Plotly draws powers a quarter larger than it is told
    y |= {"exponentformat": "power", "tickfont": {"size": 10}}
    return figure(traces, x, y, [])


def figure(
    traces: list[Figure], x: dict[str, Any], y: dict[str, Any], shapes: list[Figure]
) -> Figure:
    """Put traces, the settings of both axes and shapes together."""
    layout = {"xaxis": x, "yaxis": {"automargin": True, **y}, "shapes": shapes}
    return {"data": traces, "layout": layout}


def trace(
    x: list[Any],
    y: list[Any],
    colour: str,
    width: float,
    name: str,
    text: str,
    dash: str = "solid",
) -> Figure:
    """A line through points; `text` is what a tooltip shows of one, such as `%{y:.3f}`."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": escape(name, quote=False),
        "line": {"color": f"@{colour}", "width": width, "dash": dash},
        # the name of the trace is looked up by the chart: a name written into the template could
        # hold a placeholder of its own
        "hovertemplate": f"%{{fullData.name}} {text}<extra></extra>",
    }


def line_traces(lines: Sequence[Line], x: list[Any], text: str) -> list[Figure]:
    """The traces of lines over the same `x`, the first on top of the others."""
    return [
        trace(x, line.values, line.colour, line.width, line.name, text, line.dash)
        for line in reversed(lines)
    ]


def _ribbon(curve: Curve, which: str) -> list[Figure]:
    """The range as a filled band, the mean dotted, and solid on top while all seeds run."""
    if not curve.epochs:
        return []
    edge = {"type": "scatter", "mode": "lines", "x": curve.epochs, "hoverinfo": "skip"}
    thin = {"color": f"@{which}", "width": 0}
    full = curve.last_full()
    text = "%{y:.4~g} (%{customdata})"
    running = [f"{count} seed{'s' * (count != 1)}" for count in curve.running]
    solid = trace(curve.epochs[:full], curve.mean[:full], which, 2, which, text)
    solid |= {"hoverinfo": "skip"}
    del solid["hovertemplate"]
    if full == 1:
        solid |= {"mode": "markers", "marker": {"size": 6, "color": f"@{which}"}}
    return [
        edge | {"y": curve.low, "line": thin},
        edge | {"y": curve.high, "line": thin, "fill": "tonexty", "fillcolor": f"@{which} 0.22"},
        trace(curve.epochs, curve.mean, which, 2, which, text, "dot") | {"customdata": running},
        solid,
    ]


def counting_axis(count: int) -> dict[str, Any]:
    """An axis of whole numbers from 1, such as epochs or steps."""
    return {"tick0": 0, "dtick": max(1, round(nice_step(count / 5))), "tickformat": "d"}


def upright(x: Any, colour: str, dash: str) -> Figure:
    """A line from the bottom to the top at `x`."""
    line = {"color": f"@{colour}", "width": 1.5, "dash": dash}
    ends = {"x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper"}
    return {"type": "line", "layer": "below", "line": line, **ends}
