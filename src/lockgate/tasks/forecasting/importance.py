"""What networks read: how much worse they forecast where a part of what they read is another's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.forecasting.preprocessing import MISSING, Preprocessing
from lockgate.tasks.forecasting.windows import Windows

MOST_WINDOWS = 500
SHUFFLES = 3
CALENDAR = "calendar"


class Read(NamedTuple):
    """A part of a window: some channels over some of its steps, and of what is known ahead."""

    name: str
    kind: str  # "column" or "stretch"
    channels: Sequence[int]
    steps: slice
    known: Sequence[int] = ()


@dataclass(frozen=True)
class Shuffled(Windows):
    """Windows of which a part is that of another window."""

    order: Tensor | None = None  # (N,) whose part each window has
    part: Read | None = None

    def x(self, index: Tensor | slice) -> Tensor:
        """Gather the inputs of windows, the part from where `order` says."""
        own = super().x(index).clone()
        if self.order is None or self.part is None:
            return own
        other = super().x(self.order[index])
        steps, channels = self.part.steps, torch.as_tensor(self.part.channels)
        own[:, steps, channels] = other[:, steps, channels]
        return own

    def ahead(self, index: Tensor | slice) -> Tensor | None:
        """Gather what is known ahead, the part from where `order` says."""
        known = super().ahead(index)
        if known is None or self.order is None or self.part is None or not self.part.known:
            return known
        own, other = known.clone(), super().ahead(self.order[index])
        assert other is not None
        channels = torch.as_tensor(self.part.known)
        own[..., channels] = other[..., channels]
        return own


def importance(
    fitted: Any, windows: Windows, preprocessing: Preprocessing, seed: int = 0
) -> list[dict[str, Any]]:
    """Return by how much the mean absolute error grows where a part is shuffled (Breiman, 2001).

    Each column, with its flag of missing values and what is known of it ahead, and each stretch of
    the lookback is taken from another window, the rest from its own, `SHUFFLES` times. Columns that
    tell the same stand in for each other: each alone may look idle.

    Args:
        fitted: Networks, without a baseline: it would tell of the baseline too.
        windows: Of rows that they have not learned from.
        preprocessing: What names the channels.
        seed: Of the shuffles.

    Returns:
        A row for each part: `name`, `kind`, `percent` (the mean change), `low` and `high` (the
        least and the greatest of the shuffles), the largest first of each kind. Empty if no truth
        is observed or nothing is read beside one step.
    """
    windows = windows.thinned(MOST_WINDOWS)
    truth = windows.invert(windows.truth().numpy())
    observed = np.isfinite(truth)
    if len(windows) < 2 or not observed.any():
        return []

    def error(of: Windows) -> float:
        off: FloatArray = np.abs(fitted.forecast(of) - truth)
        return float(off[observed].mean())

    base, rng = error(windows), torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(windows), generator=rng) for _ in range(SHUFFLES)]
    rows: list[dict[str, Any]] = []
    for part in parts_of(preprocessing):
        worse = [100.0 * (error(_shuffled(windows, order, part)) / base - 1.0) for order in orders]
        told = {"percent": float(np.mean(worse)), "low": min(worse), "high": max(worse)}
        rows.append({"name": part.name, "kind": part.kind, **told})
    columns = [row for row in rows if row["kind"] == "column"]
    stretches = [row for row in rows if row["kind"] == "stretch"]
    return [*sorted(columns, key=lambda row: float(row["percent"]), reverse=True), *stretches]


def parts_of(preprocessing: Preprocessing) -> Iterator[Read]:
    """Yield the columns of a window, each with its flag, then stretches of its steps.

    Stretches double from the latest step on: 1 step back, 2 to 3, 4 to 7, ...
    """
    lookback = preprocessing.lookback
    channels = (*preprocessing.channels, *(one.column for one in preprocessing.categories))
    columns = [_column(channel, preprocessing) for channel in channels]
    known = [columns[place] for place in preprocessing.channels_ahead]
    if len(names := dict.fromkeys(columns)) > 1:
        for name in names:
            own, ahead = _places(columns, name), _places(known, name)
            yield Read(name, "column", own, slice(0, lookback), ahead)
    if lookback < 2:
        return
    first = 1
    while first <= lookback:
        last = min(2 * first - 1, lookback)
        name = f"{first} to {last} back" if last > first else f"{first} back"
        steps = slice(lookback - last, lookback - first + 1)
        yield Read(name, "stretch", range(len(channels)), steps)
        first = last + 1


def _column(channel: str, preprocessing: Preprocessing) -> str:
    """Return the column that a channel is of; the waves of the calendar are one."""
    waves = [f"{name} {wave}" for name in preprocessing.calendar for wave in ("sin", "cos")]
    if channel in preprocessing.columns:
        return channel
    return CALENDAR if channel in waves else channel.removeprefix(MISSING)


def _places(names: Sequence[str], name: str) -> list[int]:
    return [place for place, one in enumerate(names) if one == name]


def _shuffled(windows: Windows, order: Tensor, part: Read) -> Shuffled:
    own = {name: getattr(windows, name) for name in windows.__dataclass_fields__}
    return Shuffled(**own, order=order, part=part)
