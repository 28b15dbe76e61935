"""Where windows lie: when each forecast is made, and of which series."""

from typing import NamedTuple

import numpy as np

from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.tasks.forecasting.table import Table
from lockgate.tasks.forecasting.windows import Windows


class Origins(NamedTuple):
    """Where windows lie: when each forecast is made, and of which series."""

    steps: IntArray  # (N,) of the last input, on the axis of all series
    series: IntArray  # (N,) which of `names`
    names: tuple[str, ...]
    """The series; none where there is one."""
    stds: FloatArray
    """(N,) Standard deviation of each window's series of several; 1 where there is one."""

    def select(self, windows: IntArray | slice) -> "Origins":
        """Return those of some of the windows, by their places."""
        return Origins(self.steps[windows], self.series[windows], self.names, self.stds[windows])


def origins_of(windows: Windows, table: Table) -> Origins:
    """Tell where windows of a table lie."""
    rows = windows.origins.numpy()
    series = windows.series.of(rows)
    names = tuple(table.names) if table.several else ()
    stds = windows.series.stds[series] if names else np.ones(len(rows))
    return Origins(table.layout.steps[rows], series, names, stds)
