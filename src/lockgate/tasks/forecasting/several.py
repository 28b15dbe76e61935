"""What is told of a table of several series."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from lockgate.errors import MOST_LISTED, count_of, listed
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.tasks.forecasting.config import SeriesWeight
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.table import Table


def series_words(table: Table) -> dict[str, str]:
    """Tell how many series there are and how long, where there are several."""
    if not table.several:
        return {}
    lengths = table.layout.lengths
    return {
        "series": f"{len(lengths):,} of {lengths.min():,} to {lengths.max():,} steps, half of "
        f"them at least {int(np.median(lengths)):,}"
    }


def weight_words(weight: SeriesWeight) -> Iterator[str]:
    """Say how windows are drawn where that is another way than each alike."""
    if weight == "equal":
        yield "every series is learned from alike, however many windows it has"
    if weight == "scale":
        yield "windows are learned from as often as the standard deviation of their series is large"


def padded_words(table: Table, lookback: int) -> Iterator[str]:
    """Tell of the series that are forecast from less than a lookback, if there are any."""
    lengths = table.layout.lengths
    short = np.flatnonzero(lengths < lookback)
    if not len(short):
        return
    if not table.several:
        yield (
            f"the table holds {lengths[0]} of the {lookback} rows that are read, "
            f"{lookback - lengths[0]} too few: the forecast rests on those that are there"
        )
        return
    names = [f"{table.names[k]} with {lengths[k]}" for k in short]
    yield (
        f"{len(short):,} series shorter than the lookback of {count_of(lookback, 'row')}: "
        f"{listed(names, MOST_LISTED)}; their forecasts rest on those rows"
    )


def left_out_words(table: Table, horizon: int) -> Iterator[str]:
    """Tell of the series that nothing is learned from, as they hold no row before a horizon."""
    if not table.several:
        return
    short = np.flatnonzero(table.layout.lengths < 1 + horizon)
    if len(short):
        names = [table.names[k] for k in short]
        yield (
            f"{len(short):,} series shorter than the horizon and a row before it, "
            f"{count_of(1 + horizon, 'row')}, are not learned from: {listed(names, MOST_LISTED)}"
        )


def static_words(preprocessing: Preprocessing) -> dict[str, str]:
    """Tell which columns have one value in each series, if any."""
    names = preprocessing.static
    return {"static": listed(names, MOST_LISTED)} if names else {}


def several_described(table: Table, drawn: pl.DataFrame) -> dict[str, Any] | None:
    """Give how many series there are, how long, and which is drawn; None of a table of one."""
    if not table.several:
        return None
    lengths = table.layout.lengths
    return {
        "count": len(lengths),
        "shortest": int(lengths.min()),
        "longest": int(lengths.max()),
        "drawn": drawn["unique_id"][0],
    }


def drawn_series(table: Table) -> pl.DataFrame:
    """Return the rows of the series that is drawn: the longest, the first of equally long ones."""
    layout, longest = table.layout, table.layout.longest
    return table.frame.slice(int(layout.starts[longest]), int(layout.lengths[longest]))


class BySeries(NamedTuple):
    """How forecasts do in each series beside a naive forecast of it."""

    better: int
    """Series in which they have the smaller mean absolute error."""
    series: int
    """Those with a window, and an error of the naive forecast."""
    windows: dict[str, int]
    """A window in the middle of the best series, of the median and of the worst, by the ratio of
    the errors."""


def by_series(which: IntArray, errors: FloatArray, naive: FloatArray) -> BySeries | None:
    """Compare errors series by series; None if there is none to compare.

    Args:
        which: The series of each window, (N,).
        errors: Mean absolute error of each window, (N,), NaN where it has no target.
        naive: The same of the naive forecast.
    """
    known = np.isfinite(errors) & np.isfinite(naive)
    series, of_window = np.unique(which[known], return_inverse=True)
    ours, theirs = (np.bincount(of_window, one[known]) for one in (errors, naive))
    compared = np.flatnonzero(theirs > 0)
    if not len(compared):
        return None
    order = compared[np.argsort(ours[compared] / theirs[compared], kind="stable")]
    three = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    places = {
        name: np.flatnonzero(known & (which == series[number])) for name, number in three.items()
    }
    windows = {name: int(rows[len(rows) // 2]) for name, rows in places.items()}
    return BySeries(int((ours < theirs)[compared].sum()), len(compared), windows)
