"""Points with intervals on a common axis, placed in per cent of the width they are drawn in.

The page draws them as inline SVG, one strip per row of words, so that a forest plot reads, prints
and shrinks to a phone like the table it stands in, with no script.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Bounds = tuple[float | None, float | None]


class AxisRange(NamedTuple):
    """The values at the left and right end of an axis."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where `value` lies, in per cent of the width; held at the ends."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 3)

    def ticks(self, count: int = 5) -> tuple[list[float], int]:
        """Up to about `count` round values within the axis, and the decimals that part them."""
        step = nice_step((self.high - self.low) / count)
        decimals = max(0, -math.floor(math.log10(step)))
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [round(i * step, decimals) for i in range(first, last + 1)], decimals


class Mark(NamedTuple):
    """A point and its interval in per cent of the width; a cut end goes on beyond the axis.

    A point that lies beyond it is not drawn, only where it would be found.
    """

    point: float | None
    low: float | None
    high: float | None
    cut_low: bool
    cut_high: bool
    beyond: bool = False


def nice_step(rough: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least `rough`.

    Example:
        >>> nice_step(0.31), nice_step(3), nice_step(5.1)
        (0.5, 5.0, 10.0)
    """
    power = math.floor(math.log10(rough))
    size = rough / 10.0**power
    # the tolerance keeps 0.2 at 0.2 although 0.2 / 0.1 is a little more than 2
    factor = next(f for f in (1, 2, 5, 10) if size <= f * (1 + 1e-9))
    return float(f"{factor}e{power}")


def scale_over(points: Iterable[float | None], bounds: Sequence[Bounds], reach: float) -> AxisRange:
    """An axis that holds all `points`, and `bounds` as far as they stay in sight of the points.

    Two seeds can give an interval a hundred times wider than all effects; it is cut at `reach` or
    2.5 times the spread of the points, whichever is more, so that the other rows stay legible.
    """
    seen = [point for point in points if point is not None] or [0.0]
    low, high = min(seen), max(seen)
    room = max(reach, 2.5 * (high - low))
    lows = [b for b, _ in bounds if b is not None]
    highs = [b for _, b in bounds if b is not None]
    left, right = max(low - room, min([low, *lows])), min(high + room, max([high, *highs]))
    pad = max(0.04 * (right - left), 0.01 * reach) or 1.0
    return AxisRange(left - pad, right + pad)


def mark(scale: AxisRange, point: float | None, low: float | None, high: float | None) -> Mark:
    """Place a point and its interval on `scale`; an interval needs both ends."""
    if point is None:
        return Mark(None, None, None, False, False)
    below, above = point < scale.low, point > scale.high
    if low is None or high is None:
        return Mark(scale.at(point), None, None, below, above, below or above)
    cut = low < scale.low, high > scale.high
    return Mark(scale.at(point), scale.at(low), scale.at(high), *cut, below or above)


def in_sight(value: float | None, points: Iterable[float | None], reach: float) -> float | None:
    """Return `value` unless it lies so far from `points` that they could not be told apart.

    Example:
        >>> in_sight(12.0, [-4.0, 3.0], 10.0), in_sight(365.0, [-4.0, 3.0], 10.0)
        (12.0, None)
    """
    seen = [point for point in points if point is not None]
    if value is None or not seen:
        return value
    low, high = min(seen), max(seen)
    room = max(reach, 2.5 * (high - low))
    return value if low - room <= value <= high + room else None
