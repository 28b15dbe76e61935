"""Errors of forecasts whose truths came after training, in the order of time."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lockgate.reading.zones import instant
from lockgate.scoring.adaptive import adapted
from lockgate.scoring.arrays import AnyFloatArray, FloatArray, IntArray
from lockgate.scoring.conformal import share_within

ABOVE, BELOW, IN_SIZE = range(3)


class Stream(NamedTuple):
    """What is known of forecasts whose truths came after training, in the order of time.

    The errors of the newest of them are the last of those kept; where truths lay is kept of more.
    """

    until: tuple[str | None, ...]
    """Of each series the stamp, or number of the row, of its last forecast among them; None if it
    has none."""
    latest: int
    """How many forecasts are kept, of held-out rows and of these together."""
    adapt: float
    """How much one truth changes the share outside an interval; see `scoring.adaptive.adapted`."""
    steps: IntArray
    """(M,) When each was forecast, ascending; the last is 0."""
    beyond: AnyFloatArray
    """(3, M, H) Of the n errors known then how many its own lay beyond, by n + 1: above, below, and
    in size. NaN where the truth is missing."""

    @property
    def last(self) -> str:
        """Of all series the stamp, or number of the row, of the last forecast."""
        return max((one for one in self.until if one is not None), key=when)

    def shares(self, quantiles: Sequence[float], *, sides: bool) -> FloatArray | None:
        """Return the share of errors that each quantile is to be no nearer than, (Q, H).

        None where nothing adapts. It is of all series together.
        """
        if not self.adapt:
            return None
        ends = [self._end(quantile, sides=sides) for quantile in quantiles]
        which, outside = [end for end, _ in ends], [1.0 - within for _, within in ends]
        last: FloatArray = adapted(self.beyond[which], self.steps, outside, self.adapt)[-1]
        return 1.0 - last

    @staticmethod
    def _end(quantile: float, *, sides: bool) -> tuple[int, float]:
        """Return which of `beyond` a quantile looks at, and the share that is to be inside."""
        which = (BELOW if quantile < 0.5 else ABOVE) if sides else IN_SIZE
        return which, share_within(quantile, sides=sides)


def when(text: str) -> Any:
    """Read what `zones.shown` wrote of a stamp or of the number of a row, to be compared."""
    return int(text) if text.isdecimal() else instant(text)


def beyond_of(errors: AnyFloatArray, known: AnyFloatArray) -> AnyFloatArray:
    """Return of how many of the errors known others lie beyond, by one more than their number.

    Args:
        errors: Truth less forecast of those to place, (M, H), NaN where the truth is missing.
        known: Of those known, (N, H).

    Returns:
        (3, M, H): above, below, and in size.
    """

    def each(own: AnyFloatArray, others: AnyFloatArray) -> FloatArray:
        ordered = np.sort(others, axis=0)  # NaN last
        counts = np.isfinite(ordered).sum(axis=0)
        columns = [
            np.searchsorted(ordered[:count, step], own[:, step], side="left") / (count + 1)
            for step, count in enumerate(counts)
        ]
        return np.where(np.isfinite(own), np.stack(columns, axis=1), np.nan)

    pairs = ((errors, known), (-errors, -known), (np.abs(errors), np.abs(known)))
    return np.stack([each(*pair) for pair in pairs]).astype(np.float32)
