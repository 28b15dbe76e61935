"""The charts, as Plotly figures in plain dictionaries.

A colour is a name of the page's palette, `@model`, or `@model 0.2` with an opacity: the page
resolves it, so that a chart follows the reader's light or dark scheme. Plotly reads texts as HTML,
so every name that comes from the data is escaped here.
"""

import math
from html import escape
from typing import Any, NamedTuple

from lockgate.reports.curves import Curve
from lockgate.reports.strips import nice_step

Figure = dict[str, Any]

PARTS = ("train", "validation", "test")
LEAST_SHARE = 1e-8  # of a gradient: what single precision does not see beside the whole


class Line(NamedTuple):
    """One line of a chart by steps: of errors ahead, or of gradients back."""

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


def series(data: dict[str, Any], decimals: int) -> Figure:
    """The target over time, with the three parts of the split shaded."""
    shown = data["series"]
    line = _line(shown["ds"], shown["y"], "ink", 1, data["target"], f"%{{y:,.{decimals}f}}")
    bands = [
        _band(data["split"][part]["start"], data["split"][part]["end"], part) for part in PARTS
    ]
    return _figure([line], {"type": "date"}, {}, bands)


def learning_curve(
    training: Curve, validation: Curve, overfits_from: int | None, frame: Frame
) -> Figure:
    """Mean and range over seeds of both losses, with the epoch where overfitting begins."""
    traces = [*_ribbon(training, "training"), *_ribbon(validation, "validation")]
    marks = [] if overfits_from is None else [_upright(overfits_from, "bad", "dash")]
    x = _counting(frame.epochs) | {"range": [1 - 0.02 * frame.epochs, frame.epochs * 1.02]}
    if frame.epochs == 1:
        x["range"] = [0.5, 1.5]
    return _figure(traces, x, {"range": [frame.low, frame.high]}, marks)


def forecast(one: dict[str, Any], decimals: int) -> Figure:
    """One stretch: what the model saw, what came, what it and the reference baseline said."""
    past, future = one["history"], one["future"]
    text = f"%{{y:,.{decimals}f}}"
    # the truth goes on from the last value seen; the forecasts do not claim to have met it
    joint = [*past["ds"][-1:], *future["ds"]], [*past["y"][-1:], *future["y"]]
    traces = [
        _line(past["ds"], past["y"], "muted", 1.25, "history", text),
        _line(*joint, "ink", 2, "truth", text),
        _line(
            future["ds"], future["baseline"], "base", 1.75, future["baseline_name"], text, "dash"
        ),
        _line(future["ds"], future["forecast"], "model", 2.25, "forecast", text),
    ]
    return _figure(traces, {"type": "date"}, {}, [_upright(one["origin"], "muted", "dot")])


def per_step(lines: list[Line], decimals: int) -> Figure:
    """The error of each of `lines` by the steps ahead."""
    steps = max(len(line.values) for line in lines)
    ahead = list(range(1, steps + 1))
    traces = [
        _line(ahead, ln.values, ln.colour, ln.width, ln.name, f"%{{y:,.{decimals}f}}", ln.dash)
        for ln in reversed(lines)  # the first line is drawn on top of the others
    ]
    for trace in traces:
        trace["mode"] = "lines+markers" if steps <= 12 else "lines"
        trace["marker"] = {"size": 5}
    x = _counting(steps) | {"range": [1 - 0.02 * steps, steps * 1.02]}
    return _figure(traces, x, {"rangemode": "tozero"}, [])


def reach(lines: list[Line]) -> Figure:
    """The gradient that each of `lines` leaves by the steps back, as shares of the last step's."""
    steps = max(len(line.values) for line in lines)
    traces = [
        # a logarithm of nothing has no place: what has vanished is a gap
        _line(list(range(steps)), [v or None for v in ln.values], *_look(ln), "%{y:.2~g}", ln.dash)
        for ln in reversed(lines)
    ]
    seen = [value for line in lines for value in line.values if value]
    low, high = math.log10(max(LEAST_SHARE, min(seen))), math.log10(max(seen))
    pad = 0.05 * (high - low) or 0.5
    x = _counting(steps) | {"range": [-0.02 * steps, 1.02 * steps - 1]}
    y: dict[str, Any] = {"type": "log", "range": [low - pad, high + pad]}
    # Plotly draws powers a quarter larger than it is told
    y |= {"exponentformat": "power", "tickfont": {"size": 10}}
    return _figure(traces, x, y, [])


def certainty(lines: list[Line], shares: list[float]) -> Figure:
    """The accuracy of each of `lines` over the most certain `shares` of the rows."""
    kept = [100.0 * share for share in shares]
    traces = [_line(kept, ln.values, *_look(ln), "%{y:.3f}", ln.dash) for ln in reversed(lines)]
    # all rows on the left: to the right ever fewer are left
    return _figure(traces, {"range": [102.0, 8.0], "ticksuffix": " %"}, {}, [])


def _look(line: Line) -> tuple[str, float, str]:
    return line.colour, line.width, line.name


def _figure(
    traces: list[Figure], x: dict[str, Any], y: dict[str, Any], shapes: list[Figure]
) -> Figure:
    layout = {"xaxis": x, "yaxis": {"automargin": True, **y}, "shapes": shapes}
    return {"data": traces, "layout": layout}


def _line(
    x: list[Any],
    y: list[Any],
    colour: str,
    width: float,
    name: str,
    text: str,
    dash: str = "solid",
) -> Figure:
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


def _ribbon(curve: Curve, which: str) -> list[Figure]:
    """The range as a filled band, the mean dotted, and solid on top while all seeds run."""
    if not curve.epochs:
        return []
    edge = {"type": "scatter", "mode": "lines", "x": curve.epochs, "hoverinfo": "skip"}
    thin = {"color": f"@{which}", "width": 0}
    full = curve.last_full()
    text = "%{y:.4~g} (%{customdata})"
    running = [f"{count} seed{'s' * (count != 1)}" for count in curve.running]
    solid = _line(curve.epochs[:full], curve.mean[:full], which, 2, which, text)
    solid |= {"hoverinfo": "skip"}
    del solid["hovertemplate"]
    if full == 1:
        solid |= {"mode": "markers", "marker": {"size": 6, "color": f"@{which}"}}
    return [
        edge | {"y": curve.low, "line": thin},
        edge | {"y": curve.high, "line": thin, "fill": "tonexty", "fillcolor": f"@{which} 0.22"},
        _line(curve.epochs, curve.mean, which, 2, which, text, "dot") | {"customdata": running},
        solid,
    ]


def _counting(count: int) -> dict[str, Any]:
    """An axis of whole numbers from 1, such as epochs or steps."""
    return {"tick0": 0, "dtick": max(1, round(nice_step(count / 5))), "tickformat": "d"}


def _upright(x: Any, colour: str, dash: str) -> Figure:
    line = {"color": f"@{colour}", "width": 1.5, "dash": dash}
    ends = {"x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper"}
    return {"type": "line", "layer": "below", "line": line, **ends}


def _band(start: str, end: str, part: str) -> Figure:
    ends = {"x0": start, "x1": end, "y0": 0, "y1": 1, "yref": "paper"}
    colour = f"@part-{part} 0.28"
    return {"type": "rect", "layer": "below", "fillcolor": colour, "line": {"width": 0}, **ends}
