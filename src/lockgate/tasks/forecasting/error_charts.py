"""Charts of what networks read and of when they err."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from lockgate.charts.figures import Figure, counting_axis, figure

MOST_BARS = 16


def draw_importance(parts: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw by how much the error grows where a part is shuffled, the first part on top."""
    shown = parts[:MOST_BARS][::-1]
    percent = [one["percent"] for one in shown]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": percent,
        "y": [escape(one["name"], quote=False) for one in shown],
        "marker": {"color": "@model 0.55"},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [one["high"] - one["percent"] for one in shown],
            "arrayminus": [one["percent"] - one["low"] for one in shown],
            "color": "@ink",
            "thickness": 1.25,
            "width": 3,
        },
        "hovertemplate": "%{y}: %{x:+.1f} %<extra></extra>",
    }
    y = {"type": "category", "dtick": 1, "tickfont": {"size": 11}}
    return _pointed(figure([bars], {"ticksuffix": " %", "rangemode": "tozero"}, y, []))


def draw_clock(clock: Mapping[str, Any], decimals: int) -> Figure:
    """Draw the mean absolute error by clock and steps ahead, darker where it is larger."""
    kept = [
        (name, row)
        for name, row in zip(clock["names"], clock["errors"], strict=True)
        if any(value is not None for value in row)
    ]
    steps = len(kept[0][1])
    cells = {
        "type": "heatmap",
        "x": list(range(1, steps + 1)),
        "y": [name for name, _ in kept],
        "z": [row for _, row in kept],
        "colorscale": [[0, "@model 0.04"], [1, "@model 0.95"]],
        "showscale": True,
        "colorbar": {"thickness": 10, "outlinewidth": 0},
        "hovertemplate": f"%{{y}}, step %{{x}}: %{{z:,.{decimals}f}}<extra></extra>",
    }
    y = {"type": "category", "autorange": "reversed"}
    return _pointed(figure([cells], counting_axis(steps), y, []))


def _pointed(drawn: Figure) -> Figure:
    """Show what a pointer is on, and not all at its place of the axis."""
    drawn["layout"]["hovermode"] = "closest"
    return drawn
