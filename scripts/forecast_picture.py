"""The picture of a forecast on a page of docs, as SVG: few kilobytes, and the same at every run."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 34, 30
# of Okabe and Ito (2008), told apart by the colour-blind
BLUE, ORANGE, GREY, INK = "#0072B2", "#D55E00", "#767676", "#333333"
Numbers = Sequence[float | None]
Place = Callable[[float, float], str]


def forecast_picture(shown: dict[str, Any], target: str) -> str:
    """Draw a forecast beside what came, with its bounds and the baseline's forecast.

    Args:
        shown: One of the `forecasts` of a study's results.
        target: Name of what is forecast.
    """
    past, future = shown["history"], shown["future"]
    first = len(past["y"])
    bands = sorted(future.get("intervals") or (), key=lambda one: -one["level"])
    lines = [past["y"], future["y"], future["forecast"], future["baseline"]]
    lines += [band[side] for band in bands for side in ("low", "high")]
    values = [one for line in lines for one in line if one is not None]
    lowest, highest = min(values), max(values)
    spread = highest - lowest or 1.0

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / (first + len(future["y"]) - 1)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (highest - value) / spread

    def place(step: float, value: float) -> str:
        return f"{x(step):.1f},{y(value):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="12">',
        f"<title>{escape(target)}: a forecast from {escape(shown['origin'])}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for value in (lowest, (lowest + highest) / 2, highest):
        parts.append(f'<path d="M{LEFT},{y(value):.1f}H{WIDTH - RIGHT}" stroke="#e0e0e0"/>')
        parts.append(_text(LEFT - 6, y(value) + 4, f"{value:.4g}".replace("-", "−"), GREY, "end"))
    for band in bands:
        edge = [place(first + k, one) for k, one in enumerate(band["high"])]
        edge += [place(first + k, one) for k, one in enumerate(band["low"])][::-1]
        parts.append(f'<polygon points="{" ".join(edge)}" fill="{BLUE}" fill-opacity="0.15"/>')
    parts += [
        *_line([*past["y"], *future["y"]], 0, place, INK),
        *_line(future["baseline"], first, place, ORANGE, 'stroke-dasharray="5 3"'),
        *_line(future["forecast"], first, place, BLUE, 'stroke-width="2.5"'),
        f'<path d="M{x(first - 0.5):.1f},{TOP}V{HEIGHT - BOTTOM}" stroke="{GREY}" '
        'stroke-dasharray="2 3"/>',
        _text(x(first - 0.5), HEIGHT - 10, _when(shown["origin"]), GREY, "end"),
    ]
    levels = " and ".join(f"{band['level']:g} %" for band in bands[::-1])
    legend = [(target, INK), ("forecast", BLUE), (future["baseline_name"], ORANGE)]
    legend += [(f"bounds of {levels}", GREY)] if bands else []
    at = float(LEFT)
    for words, colour in legend:
        parts.append(_text(at, 20, words, colour, "start"))
        at += 7.0 * len(words) + 22
    return "\n".join([*parts, "</svg>", ""])


def _line(values: Numbers, first: int, place: Place, colour: str, more: str = "") -> list[str]:
    """Draw the stretches of a line between missing values; of one value a dot."""
    stretches: list[list[str]] = [[]]
    for step, value in enumerate(values, first):
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append(place(step, value))
    drawn = []
    for points in filter(None, stretches):
        if len(points) == 1:
            x, y = points[0].split(",")
            drawn.append(f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>')
        else:
            drawn.append(
                f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" {more}/>'
            )
    return drawn


def _text(x: float, y: float, words: str, colour: str, anchor: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}">{escape(words)}</text>'


def _when(origin: str) -> str:
    """Tell the last row read: a stamp to the minute, or a number of rows."""
    return f"row {origin}" if origin.isdigit() else origin[:16]
