"""How the target of a series is scaled: by its own values, or by what is usual if they are few."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from lockgate.scoring.arrays import FloatArray

LEAST_SPREAD = 0.01
"""Of the usual standard deviation of a series, what one that is still is scaled by."""


class Usual(NamedTuple):
    """How most series spread."""

    std: float
    relative: float
    """Standard deviation beside the mean; 0 where no series has any."""


def series_scale(y: FloatArray, usual: Usual, *, short: bool = False) -> tuple[float, float]:
    """Return mean and standard deviation of a series; where it is still, a part of what is usual.

    A few values tell little of how far a series spreads, and a single one nothing: a short series
    has what is usual for its size as one more squared deviation.

    Args:
        y: Its values, NaN where missing.
        usual: The spread of most series.
        short: Whether the values are fewer than a window has.

    Example:
        >>> series_scale(np.array([8.0]), Usual(5.0, 0.25), short=True)
        (8.0, 1.4142135623730951)
    """
    return Observed.of(y).scale(usual, short=short)


class Observed(NamedTuple):
    """What is observed of a series."""

    rows: int
    mean: float
    std: float

    @classmethod
    def of(cls, y: FloatArray) -> "Observed":
        """Look at the values of a series, NaN where missing."""
        observed = y[np.isfinite(y)]
        if not len(observed):
            return cls(0, 0.0, 0.0)
        return cls(len(observed), float(observed.mean()), float(observed.std()))

    def scale(self, usual: Usual, *, short: bool = False) -> tuple[float, float]:
        """Return what `series_scale` does."""
        if not self.rows:
            return 0.0, usual.std
        std = self.std
        if short:
            own = usual.relative * abs(self.mean) or usual.std
            std = float(np.sqrt((self.rows * std**2 + own**2) / (self.rows + 1)))
        return self.mean, max(std, LEAST_SPREAD * usual.std)


def relative_spread(scales: Iterable[tuple[float, float]]) -> float:
    relative = [std / abs(mean) for mean, std in scales if mean]
    return float(np.median(relative)) if relative else 0.0
