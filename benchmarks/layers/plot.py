"""A plot of the ratios to torch by layer and shape, as SVG."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.common.svg import drawing, text
from benchmarks.layers import floors

WIDTH, LEFT, RIGHT, ROW, TOP, GAP = 720, 190, 20, 18, 46, 10
TICKS = (0.5, 1, 2, 4, 8, 16, 32)
MARKS = {"train": ("torch/cell", "#0b6fa4"), "inference": ("torch/unmasked", "#d9822b")}
NAMES = {"train": "train step, masks per cell", "inference": "inference"}


def plot(groups: Iterable[Mapping[str, Any]]) -> str:
    """Return a dot for each ratio, and a tick where its floor is."""
    rows = _rows(groups)
    cells = list(dict.fromkeys(found[0]["cell"] for _, found in rows))
    bottom = TOP + ROW * len(rows) + GAP * max(len(cells) - 1, 0)
    height = bottom + 24
    parts = [*_legend()]
    for tick in TICKS:
        color = "#888" if tick == 1 else "#e4e4e4"
        parts.append(_line(_x(tick), TOP - 6, _x(tick), bottom, color))
        parts.append(text(_x(tick), bottom + 15, f"{tick:g}×", "middle"))
    for index, (label, found) in enumerate(rows):
        y = TOP + ROW * index + ROW / 2 + GAP * cells.index(found[0]["cell"])
        parts.append(text(LEFT - 10, y + 4, label, "end"))
        for group in found:
            parts += _mark(group, y)
    return drawing(WIDTH, height, parts)


def _rows(groups: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for group in groups:
        if group["mode"] in MARKS and MARKS[group["mode"]][0] in group["ratios"]:
            B, T, n_in, H = (group[size] for size in "BTIH")
            label = f"{group['cell'].upper()} {B}, {T}, {n_in}, {H}"
            rows.setdefault(label, []).append(group)
    return list(rows.items())


def _mark(group: Mapping[str, Any], y: float) -> Sequence[str]:
    pair, color = MARKS[group["mode"]]
    y += -3 if group["mode"] == "train" else 3
    ratio = group["ratios"][pair]
    goal = getattr(floors, group["mode"])(group["cell"], group["H"])
    at = _x(ratio["median"])
    return (
        _line(_x(goal.floor), y - 4, _x(goal.floor), y + 4, color, width=2),
        _line(_x(ratio["low"]), y, _x(ratio["high"]), y, color),
        f'<circle cx="{at:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>',
    )


def _legend() -> Iterable[str]:
    yield text(LEFT, 16, "torch's time over ours; a tick is the floor, a line the quartiles")
    for index, (mode, name) in enumerate(NAMES.items()):
        x = LEFT + 6 + 220 * index
        yield f'<circle cx="{x}" cy="28" r="3" fill="{MARKS[mode][1]}"/>'
        yield text(x + 8, 32, name)


def _x(ratio: float) -> float:
    """Place a ratio on the logarithmic axis."""
    low, high = math.log(TICKS[0]), math.log(TICKS[-1])
    at = (math.log(max(ratio, 1e-9)) - low) / (high - low)
    return LEFT + (WIDTH - LEFT - RIGHT) * min(max(at, 0.0), 1.0)


def _line(x1: float, y1: float, x2: float, y2: float, color: str, width: int = 1) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{color}" stroke-width="{width}"/>'
