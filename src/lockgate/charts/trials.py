"""Charts of a search: trials in their order, by each setting, and across all settings at once."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from lockgate.charts.figures import Figure, counting_axis, figure, no_difference, trace

LEAST_REACH = 30.0  # per cent above the default that are drawn at least, where trials lie there
MOST_LINES = 100  # lines across all settings: more cannot be told apart
CLOSEST = {"hovermode": "closest"}


class Dot(NamedTuple):
    """A trial that has a score."""

    number: int
    percent: float  # against the default, below 0 is better
    complete: bool  # judged on every fold
    values: Mapping[str, Any]


class Scale(NamedTuple):
    """A setting as an axis."""

    path: str
    name: str
    low: float | None
    high: float | None
    log: bool
    choices: Sequence[Any] | None
    default: Any

    def at(self, value: Any) -> float:
        """Where a value lies, from 0 to 1."""
        if self.choices is not None:
            return list(self.choices).index(value) / max(len(self.choices) - 1, 1)
        assert self.low is not None
        assert self.high is not None
        low, high, place = self.low, self.high, float(value)
        if self.log:
            low, high, place = math.log(low), math.log(high), math.log(place)
        return (place - low) / (high - low)

    @property
    def ends(self) -> tuple[str, str]:
        """The lowest and the highest value in words."""
        if self.choices is not None:
            return str(self.choices[0]), str(self.choices[-1])
        return f"{self.low:.3g}", f"{self.high:.3g}"


def trial_history(dots: Sequence[Dot], best: int | None, zone: float) -> Figure:
    """Every trial's change against the default, with the best so far."""
    traces = [_dots(dots, best, lambda dot: dot.number)]
    complete = [dot for dot in dots if dot.complete]
    so_far = [min(one.percent for one in complete[: i + 1]) for i in range(len(complete))]
    line = trace([dot.number for dot in complete], so_far, "model", 2, "best so far", "%{y:+.1f} %")
    line["line"]["shape"] = "hv"
    line["hoverinfo"] = "skip"
    del line["hovertemplate"]
    last = max((dot.number for dot in dots), default=0)
    x = counting_axis(last + 1) | {"range": [-0.03 * (last + 1) - 0.5, 1.03 * last + 0.5]}
    drawn = figure([line, *_flat(traces)], x, _change_axis(dots), [*no_difference(zone)])
    return _closest(drawn)


def trial_slice(dots: Sequence[Dot], scale: Scale, best: int | None, zone: float) -> Figure:
    """Every trial's change by the value of one setting."""
    if scale.choices is not None:
        # a value such as 7 or true is a name here, not a place on an axis
        x: dict[str, Any] = {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [escape(str(choice), quote=False) for choice in scale.choices],
        }
        parts = _dots(dots, best, lambda dot: escape(str(dot.values[scale.path]), quote=False))
    else:
        x = {"type": "log", "nticks": 4} if scale.log else {}
        parts = _dots(dots, best, lambda dot: dot.values[scale.path])
    return _closest(figure(_flat([parts]), x, _change_axis(dots), [*no_difference(zone)]))


def shares(names: Sequence[str], values: Sequence[float]) -> Figure:
    """Bars of shares, the largest on top."""
    order = sorted(range(len(names)), key=lambda i: values[i])
    bar = {
        "type": "bar",
        "orientation": "h",
        "x": [round(100.0 * values[i], 2) for i in order],
        "y": [escape(names[i], quote=False) for i in order],
        "marker": {"color": "@model"},
        "hovertemplate": "%{y}: %{x:.0f} %<extra></extra>",
    }
    x = {"ticksuffix": " %", "rangemode": "tozero"}
    return _closest(figure([bar], x, {"nticks": len(names) + 1, "dtick": 1}, []))


def across(dots: Sequence[Dot], scales: Sequence[Scale], best: int | None) -> Figure:
    """Each trial as a line through its values, the better ones above the others."""
    complete = sorted((dot for dot in dots if dot.complete), key=lambda dot: dot.percent)
    drawn = complete[:MOST_LINES]
    names = [escape(scale.name, quote=False) for scale in scales]
    third = -(-len(drawn) // 3)
    traces = []
    for rank, dot in reversed(list(enumerate(drawn))):
        colour = "model" if dot.number == best else "model 0.45" if rank < third else "muted 0.3"
        width = 3 if dot.number == best else 1.5
        places = [round(scale.at(dot.values[scale.path]), 4) for scale in scales]
        one = trace(names, places, colour, width, f"trial {dot.number}", "")
        told = [_word(dot.values[scale.path]) for scale in scales]
        one |= {"customdata": [[word, round(dot.percent, 1)] for word in told]}
        one["hovertemplate"] = (
            "%{fullData.name}: %{x} %{customdata[0]}, %{customdata[1]:+.1f} %<extra></extra>"
        )
        traces.append(one)
    x = {"type": "category", "range": [-0.3, len(names) - 0.7], "nticks": len(names) + 1}
    y = {"range": [-0.12, 1.12], "showticklabels": False}
    found = figure(traces, {**x, "tickangle": -30}, y, [_upright(i) for i in range(len(names))])
    found["layout"]["annotations"] = [
        _end(i, place, word)
        for i, scale in enumerate(scales)
        for place, word in zip((0.0, 1.0), scale.ends, strict=True)
    ]
    return _closest(found)


def _dots(dots: Sequence[Dot], best: int | None, place: Any) -> list[Figure]:
    """Return the trials as dots: halved ones pale, complete ones full, the best large."""
    highest = _reach(dots)
    groups = (
        ("muted 0.55", 6, [dot for dot in dots if not dot.complete]),
        ("ink 0.75", 8, [dot for dot in dots if dot.complete and dot.number != best]),
        ("model", 13, [dot for dot in dots if dot.number == best]),
    )
    traces = []
    for colour, size, own in groups:
        heights = [min(dot.percent, highest) for dot in own]
        one = trace([place(dot) for dot in own], heights, colour, 0, "", "")
        beyond = [dot.percent > highest for dot in own]
        symbols = ["triangle-up" if far else "circle" for far in beyond]
        one |= {
            "mode": "markers",
            "marker": {"size": size, "color": f"@{colour}", "symbol": symbols},
            "customdata": [[dot.number, round(dot.percent, 1)] for dot in own],
            "hovertemplate": "trial %{customdata[0]}: %{customdata[1]:+.1f} %<extra></extra>",
        }
        traces.append(one)
    return traces


def _reach(dots: Sequence[Dot]) -> float:
    """Return the largest change that is drawn in its place."""
    percents = [dot.percent for dot in dots]
    lowest = min(percents, default=0.0)
    return min(max(percents, default=0.0), max(LEAST_REACH, -2.0 * lowest))


def _change_axis(dots: Sequence[Dot]) -> dict[str, Any]:
    low, high = min([0.0, *(dot.percent for dot in dots)]), max(0.0, _reach(dots))
    pad = 0.08 * (high - low) or 1.0
    return {"range": [low - pad, high + pad], "ticksuffix": " %"}


def _flat(parts: Sequence[Sequence[Figure]]) -> list[Figure]:
    return [one for part in parts for one in part if one["x"]]


def _closest(drawn: Figure) -> Figure:
    drawn["layout"] |= CLOSEST
    return drawn


def _upright(at: int) -> Figure:
    line = {"color": "@rule", "width": 1}
    return {"type": "line", "layer": "below", "line": line, "x0": at, "x1": at, "y0": 0, "y1": 1}


def _end(at: int, place: float, word: str) -> Figure:
    return {
        "x": at,
        "y": place,
        "text": escape(word, quote=False),
        "showarrow": False,
        "yanchor": "bottom" if place else "top",
        "font": {"size": 10, "color": "@soft"},
    }


def _word(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else escape(str(value), quote=False)
