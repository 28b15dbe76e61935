"""The plot of perplexity by epoch, as SVG."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.common.svg import drawing, text
from benchmarks.language_model.config import ARMS

COLOURS = {"none": "#b03a2e", "locked": "#d9822b", "weight": "#0b6fa4"}
OTHER_COLOURS = ("#5b8c5a", "#7d5ba6", "#8c6d46", "#4f8f9d", "#a65b7d")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 56, 20, 62, 40

Fit = Mapping[str, Any]


def plot(fits: Sequence[Fit]) -> str:
    """Return validation perplexity by epoch for each fit, dashed that of training, as SVG."""
    parts = [
        text(LEFT, 16, "perplexity; each line a fit: full on validation, dashed on training text"),
        text(LEFT, 31, "without dropout; a dot is the epoch whose weights are kept"),
    ]
    if fits:
        axes = Axes(fits)
        parts += [*axes.lines(), *_curves(fits, axes)]
    return drawing(WIDTH, HEIGHT, parts)


class Axes:
    """Epochs to the right, perplexity upwards on a logarithmic scale."""

    def __init__(self, fits: Sequence[Fit]) -> None:
        values = [e[name] for fit in fits for e in fit["curve"] for name in ("train", "valid")]
        valid = [epoch["valid"] for fit in fits for epoch in fit["curve"]]
        # what the first epochs are above is of no interest
        self.high = min(max(values), 2.5 * min(valid))
        self.low = 0.95 * min(values)
        self.epochs = max(len(fit["curve"]) for fit in fits)

    def x(self, epoch: float) -> float:
        """Place an epoch."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (epoch - 1) / max(self.epochs - 1, 1)

    def y(self, value: float) -> float:
        """Place a perplexity."""
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(share, 0.0), 1.0)

    def lines(self) -> Iterable[str]:
        """Draw the grid and its numbers."""
        for tick in self._ticks():
            y = self.y(tick)
            yield (
                f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" '
                'stroke="#e4e4e4"/>'
            )
            yield text(LEFT - 6, y + 4, f"{tick:g}", "end")
        every = max(1, math.ceil(self.epochs / 20))
        for epoch in range(1, self.epochs + 1, every):
            yield text(self.x(epoch), HEIGHT - BOTTOM + 16, str(epoch), "middle")
        yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "epoch", "middle")

    def _ticks(self) -> list[float]:
        for steps in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7), tuple(n / 10 for n in range(10, 100))):
            ticks = [
                step * 10**power
                for power in range(-1, 7)
                for step in steps
                if self.low <= step * 10**power <= self.high
            ]
            if len(ticks) >= 4:
                return ticks
        return ticks


def by_arm(fits: Iterable[Fit]) -> dict[str, dict[int, Fit]]:
    """Sort fits by arm, in the order of the arms, and by seed."""
    found: dict[str, dict[int, Fit]] = {}
    for fit in fits:
        found.setdefault(fit["arm"], {})[fit["seed"]] = fit
    return {name: found[name] for name in ARMS if name in found}


def _curves(fits: Sequence[Fit], axes: Axes) -> Iterable[str]:
    arms = by_arm(fits)
    for number, (name, seeds) in enumerate(arms.items()):
        colour = _colour(name)
        at = LEFT + 6 + 150 * (number % 4)
        yield f'<circle cx="{at}" cy="{46 + 12 * (number // 4)}" r="3" fill="{colour}"/>'
        yield text(at + 8, 50 + 12 * (number // 4), name)
        for fit in seeds.values():
            yield _line([(e["epoch"], e["train"]) for e in fit["curve"]], axes, colour, dashed=True)
            yield _line([(e["epoch"], e["valid"]) for e in fit["curve"]], axes, colour)
            best = fit["curve"][fit["best_epoch"] - 1]
            yield (
                f'<circle cx="{axes.x(best["epoch"]):.1f}" cy="{axes.y(best["valid"]):.1f}" r="3" '
                f'fill="{colour}"/>'
            )


def _colour(arm: str) -> str:
    others = [name for name in ARMS if name not in COLOURS]
    return COLOURS.get(arm) or OTHER_COLOURS[others.index(arm)]


def _line(
    values: Iterable[tuple[float, float]], axes: Axes, colour: str, dashed: bool = False
) -> str:
    points = " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in values)
    style = ' stroke-dasharray="3 3" opacity="0.6"' if dashed else ""
    return f'<polyline points="{points}" fill="none" stroke="{colour}"{style}/>'
