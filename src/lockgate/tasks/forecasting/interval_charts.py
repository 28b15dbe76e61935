"""Charts of intervals: what they cover by steps ahead, and where truths lie in them."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.charts.figures import Figure, Line, counting_axis, figure, line_traces, trace

BAND = {0: 0.30, 1: 0.16}
"""How opaque the bands of a fan are, from the narrowest."""
COLOURS = ("model", "other-1")


def interval_figures(intervals: Mapping[str, Any], decimals: int) -> dict[str, Figure]:
    """Draw the charts of what `score_intervals` gives, by their names."""
    figures = {}
    levels = intervals["levels"]
    if levels and len(levels[0]["per_step"]) > 1:
        figures["covered"] = draw_covered(levels)
        figures["widths"] = draw_widths(levels, decimals)
    if intervals["placed"]:
        figures["placed"] = draw_placed(intervals["placed"])
    return figures


def draw_covered(levels: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the share covered by steps ahead, in per cent, beside what is meant to be."""
    steps = len(levels[0]["per_step"])
    lines = [
        Line(f"{one['level']:g} %", "rung", colour, 2, "solid", _per_cent(one["per_step"]))
        for one, colour in zip(levels, COLOURS, strict=False)
    ]
    shapes = [_level(one["level"], colour) for one, colour in zip(levels, COLOURS, strict=False)]
    traces = line_traces(lines, list(range(1, steps + 1)), "%{y:.1f} % covered")
    x = counting_axis(steps) | {"range": [1 - 0.02 * steps, steps * 1.02]}
    return figure(traces, x, {"ticksuffix": " %"}, shapes)


def draw_widths(levels: Sequence[Mapping[str, Any]], decimals: int) -> Figure:
    """Draw the mean width by steps ahead."""
    steps = len(levels[0]["per_step"])
    lines = [
        Line(f"{one['level']:g} %", "rung", colour, 2, "solid", list(one["width_per_step"]))
        for one, colour in zip(levels, COLOURS, strict=False)
    ]
    traces = line_traces(lines, list(range(1, steps + 1)), f"%{{y:,.{decimals}f}} wide")
    x = counting_axis(steps) | {"range": [1 - 0.02 * steps, steps * 1.02]}
    return figure(traces, x, {"rangemode": "tozero"}, [])


def draw_placed(placed: Sequence[float]) -> Figure:
    """Draw how often truths lie in each tenth of what was forecast."""
    bins = len(placed)
    centres = [(place + 0.5) / bins for place in range(bins)]
    bars = {
        "type": "bar",
        "x": centres,
        "y": _per_cent(placed),
        "width": 0.94 / bins,
        "marker": {"color": "@model 0.55"},
        "hovertemplate": "%{y:.1f} %<extra></extra>",
    }
    even = _level(100.0 / bins, "muted")
    y = {"ticksuffix": " %", "rangemode": "tozero"}
    return figure([bars], {"range": [0, 1], "dtick": 0.2}, y, [even])


def bands(future: Mapping[str, Any], text: str) -> list[Figure]:
    """Draw the fan of a forecast: the widest interval first, under the others."""
    traces = []
    ordered = sorted(future.get("intervals") or [], key=lambda one: -one["level"])
    for place, one in enumerate(ordered):
        opacity = BAND.get(len(ordered) - 1 - place, 0.1)
        edge = trace(future["ds"], one["low"], "model", 0, f"{one['level']:g} %, from", text)
        upper = trace(future["ds"], one["high"], "model", 0, f"{one['level']:g} %, to", text)
        traces += [edge, upper | {"fill": "tonexty", "fillcolor": f"@model {opacity:g}"}]
    return traces


def _level(height: float, colour: str) -> Figure:
    line = {"color": f"@{colour}", "width": 1, "dash": "dot"}
    ends = {"x0": 0, "x1": 1, "xref": "paper", "y0": height, "y1": height}
    return {"type": "line", "layer": "below", "line": line, **ends}


def _per_cent(shares: Sequence[float | None]) -> list[float | None]:
    return [None if share is None else round(100.0 * share, 2) for share in shares]
