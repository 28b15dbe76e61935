"""What every task's baselines have: a choice of the one to beat, reasons for those left out."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Skipped(NamedTuple):
    """A baseline that could not be computed, and why."""

    name: str
    reason: str


class Grid(NamedTuple):
    """Values of a setting to choose from, and those of them that are tried at first."""

    values: tuple[float, ...]  # ascending
    start: int
    stop: int

    def near(self, value: float) -> "Grid":
        """Return the same values, `value` alone to be tried at first."""
        place = self.values.index(value)
        return self._replace(start=place, stop=place + 1)

    def told(self, value: float) -> str:
        """Tell in words how `value` was chosen, and whether a better one may lie beyond.

        Example:
            >>> Grid((0.1, 1.0, 10.0), 1, 2).told(10.0)
            'chosen on validation, at the edge of those tried (0.1 to 10)'
        """
        ends = self.values[0], self.values[-1]
        if value not in ends:
            return "chosen on validation"
        return f"chosen on validation, at the edge of those tried ({ends[0]:g} to {ends[1]:g})"


def search(
    grid: Grid,
    attempt: Callable[[Sequence[float]], Iterable[tuple[T, float]]],
    gain: float = 0.0,
) -> T:
    """Return what fits best, trying further values while the best is at an edge of those tried.

    Args:
        grid: The values; the search ends at either end of them.
        attempt: Gives what is fitted with each of some values, and its loss.
        gain: What a value beyond those tried at first must lower the loss by.
    """
    low, high = grid.start, grid.stop
    best, place, lowest = _least(attempt(grid.values[low:high]))
    place += low
    while True:
        if place == high - 1 and high < len(grid.values):
            further, high = high, high + 1
        elif place == low and low > 0:
            further = low = low - 1
        else:
            return best
        fitted, _, loss = _least(attempt(grid.values[further : further + 1]))
        if lowest - loss > gain:
            best, place, lowest = fitted, further, loss


def _least(tried: Iterable[tuple[T, float]]) -> tuple[T, int, float]:
    """Return the first of the lowest loss, its place and its loss; no other is kept in memory."""
    found: tuple[T, int, float] | None = None
    for place, (fitted, loss) in enumerate(tried):
        if found is None or loss < found[2]:
            found = fitted, place, loss
    assert found is not None
    return found


def reference(validation: Mapping[str, Mapping[str, float | None]], metric: str) -> str:
    """Return the baseline that a model is judged against: the one of the best validation score.

    Where two are equal it is the earlier one. Where MASE is not defined, MAE decides: they order
    forecasts alike.

    Raises:
        ValueError: If no baseline has a finite score.

    Example:
        >>> reference({"drift": {"mae": 2.0, "mase": None}, "ridge": {"mae": 1.5}}, "mase")
        'ridge'
    """
    by = "mae" if metric == "mase" else metric
    known = {name: scores[by] for name, scores in validation.items()}
    finite = {name: s for name, s in known.items() if s is not None and math.isfinite(s)}
    if not finite:
        raise ValueError(f"validation must hold a finite {by}, got {dict(validation)}")
    return min(finite, key=lambda name: finite[name])
