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


class Estimate(NamedTuple):
    """What was known of a change after some rounds, in per cent."""

    rounds: int
    value: float | None
    low: float | None
    high: float | None


class RoundFrame(NamedTuple):
    """The axes that the charts of all pairs share."""

    rounds: int
    low: float
    high: float


class Frame(NamedTuple):
    """The axes that the learning curves of all rungs share."""

    epochs: int
    low: float
    high: float


def learning_curve(
    training: Curve, validation: Curve, overfits_from: float | None, frame: Frame
) -> Figure:
    """Mean and range over fits of both losses, with the epoch where overfitting begins."""
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


def narrowing(
    looks: list[Estimate], rounds: dict[int, float], colour: str, zone: float, frame: RoundFrame
) -> Figure:
    """How an estimate and its interval moved from look to look, over the rounds they rest on."""
    dots = trace(list(rounds), list(rounds.values()), "muted", 1, "round", "%{x}: %{y:+.1f} %")
    dots |= {"mode": "markers", "marker": {"size": 5, "color": "@muted 0.7"}}
    told = [one for one in looks if one.value is not None]
    values = [one.value for one in told]
    line = trace([one.rounds for one in told], values, colour, 1.5, "look", "%{y:+.1f} %", "dot")
    line |= {"mode": "lines+markers", "marker": {"size": 9, "color": f"@{colour}"}}
    line["error_y"] = {
        "type": "data",
        "symmetric": False,
        "array": [_apart(one.value, one.high) for one in told],
        "arrayminus": [_apart(one.low, one.value) for one in told],
        "color": f"@{colour}",
        "thickness": 2.5,
        "width": 5,
    }
    x = counting_axis(frame.rounds) | {"range": [0.5, frame.rounds + 0.5]}
    y = {"range": [frame.low, frame.high], "ticksuffix": " %"}
    return figure([dots, line], x, y, [*no_difference(zone)])


def no_difference(zone: float) -> list[Figure]:
    """The band of changes that are too small to matter, and the line of none."""
    across = {"x0": 0, "x1": 1, "xref": "paper", "layer": "below"}
    band = {"type": "rect", "y0": -zone, "y1": zone, "fillcolor": "@muted 0.16"}
    line = {"type": "line", "y0": 0, "y1": 0, "line": {"color": "@muted", "width": 1}}
    return [{**band, **across, "line": {"width": 0}}, {**line, **across}]


def stretches(lines: Sequence[Line], ends: Sequence[tuple[Any, Any]], text: str) -> Figure:
    """Lines that are level over each stretch of an axis of times or of numbers of rows."""
    x = [place for begins, stop in ends for place in (begins, stop, None)]
    flat = [
        line._replace(values=[value for one in line.values for value in (one, one, None)])
        for line in lines
    ]
    axis = {"type": "date" if isinstance(ends[0][0], str) else "linear"}
    return figure(line_traces(flat, x, text), axis, {}, [])


def dotted(lines: Sequence[Line], x: list[Any], text: str, axes: tuple[Figure, Figure]) -> Figure:
    """Lines with a dot at each of their few points."""
    traces = line_traces(lines, x, text)
    for one in traces:
        one |= {"mode": "lines+markers", "marker": {"size": 5}}
    return figure(traces, *axes, [])


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


def _apart(low: float | None, high: float | None) -> float:
    return 0.0 if low is None or high is None else high - low


def _ribbon(curve: Curve, which: str) -> list[Figure]:
    """The range as a filled band, the mean dotted, and solid on top while all fits run."""
    if not curve.epochs:
        return []
    edge = {"type": "scatter", "mode": "lines", "x": curve.epochs, "hoverinfo": "skip"}
    thin = {"color": f"@{which}", "width": 0}
    full = curve.last_full()
    text = "%{y:.4~g} (%{customdata})"
    running = [f"{count} fit{'s' * (count != 1)}" for count in curve.running]
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
