"""Learning curves of several fits as one line and a ribbon."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from statistics import fmean
from typing import NamedTuple

MOST_EPOCHS = 300


class Curve(NamedTuple):
    """A loss over the fits still running, at each drawn epoch (1-based), or part of one."""

    epochs: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]
    running: list[int]

    def last_full(self) -> int:
        """How many of the drawn epochs all fits reached."""
        return sum(count == self.running[0] for count in self.running)


def over_fits(histories: Iterable[Sequence[float | None]], per_epoch: int = 1) -> Curve:
    """The mean, the lowest and the highest loss per epoch; fits may stop at different epochs.

    `per_epoch` is how many values an epoch has.

    At most 300 epochs are kept, evenly, the last among them: more cannot be told apart.

    Example:
        >>> over_fits([[4.0, 2.0], [2.0]])
        Curve(epochs=[1, 2], mean=[3.0, 2.0], low=[2.0, 2.0], high=[4.0, 2.0], running=[2, 1])
    """
    columns = [
        (look if per_epoch == 1 else look / per_epoch, seen)
        for look, values in enumerate(zip_longest(*histories), start=1)
        if (seen := [value for value in values if value is not None])
    ]
    step = -(-len(columns) // MOST_EPOCHS) or 1
    kept = columns[::-1][::step][::-1]
    return Curve(
        [epoch for epoch, _ in kept],
        [_short(fmean(seen)) for _, seen in kept],
        [_short(min(seen)) for _, seen in kept],
        [_short(max(seen)) for _, seen in kept],
        [len(seen) for _, seen in kept],
    )


def loss_range(curves: Sequence[Curve]) -> tuple[float, float]:
    """One loss axis for all curves; the first epochs may start above it.

    An untrained model's loss is many times that of a trained one: drawn whole, it would press all
    that matters into a line at the bottom.
    """
    values = sorted(v for c in curves for v in (*c.low, *c.high))
    if not values:
        return 0.0, 1.0
    bottom, settled = values[0], values[int(0.8 * (len(values) - 1))]
    ends = max(c.high[-1] for c in curves if c.high)
    top = min(values[-1], bottom + 1.6 * (max(settled, ends) - bottom))
    pad = 0.06 * (top - bottom) or abs(top) * 0.1 or 1.0
    return bottom - pad, top + pad


def _short(value: float) -> float:
    """Five digits: what a chart can show, at a third of the bytes."""
    return float(f"{value:.5g}")
