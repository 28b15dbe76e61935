"""Lay several series out on one regular grid of time, each from its first target to its last."""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import polars as pl

from lockgate.errors import DataError, listed, quoted
from lockgate.reading.zones import shown
from lockgate.scoring.arrays import IntArray
from lockgate.tasks.forecasting.grid import (
    Grid,
    averages,
    check_finite,
    common_grid,
    resampled,
    spacing,
    without_sentinels,
)
from lockgate.tasks.forecasting.layout import Layout
from lockgate.tasks.forecasting.slots import Calendar, Slots

Align: TypeAlias = Literal["time", "end"]
MOST_NAMED = 3
_ID = "unique_id"


class Panel(NamedTuple):
    """Several series on one grid."""

    frame: pl.DataFrame
    """`unique_id`, `ds` and the columns; the rows of a series side by side, one for each slot."""
    layout: Layout
    slots: Slots
    notices: tuple[str, ...]
    later: pl.DataFrame
    """The rows of each series after its last target, like `frame`; slots without one are absent."""


def to_panel(
    frame: pl.DataFrame,
    ids: pl.DataFrame,
    target: str,
    rows: pl.Series,
    *,
    resample: str | None = None,
    missing: tuple[float, ...] = (),
    calendar: Calendar = "auto",
    like: Slots | None = None,
    align: Align = "time",
) -> Panel:
    """Lay a long table out: the slots are those of all stamps together, as of one series.

    Unlike in a table of one series, no stamp of a series may come twice.

    Args:
        frame: `ds`, Float64 columns and texts; see `grid.to_grid`.
        ids: The columns that name the series of each row, as text.
        target: Its column: a series begins with its first value and ends with its last.
        rows: The number of each row in the source, for messages.
        resample: Duration of a step; see `grid.to_grid`.
        missing: Numbers that stand for a missing value.
        calendar: Which slots there are; see `Slots.opened`.
        like: The slots of the table that a model was fitted to.
        align: Where parts are cut: at a `"time"`, the same of all series, or so many steps before
            the `"end"` of each, for series that have no time in common.

    Raises:
        DataError: If rows of a series share a stamp, with what `to_grid` raises; or if the calendar
            is `"irregular"`, which one series has.
    """
    if calendar == "irregular":
        # the steps of all lie on one axis, on which each would have holes at the others' stamps
        raise DataError(
            'calendar must be another than "irregular" for several series, whose steps lie at the '
            'same times; pass resample="1h" (--resample 1h) or longer, or choose one by where'
        )
    frame, notices = without_sentinels(frame, missing)
    check_finite(frame, rows)
    frame = frame.insert_column(0, names_of(ids))
    order = frame[_ID].unique(maintain_order=True)
    if resample is None:
        check_repeats(frame, rows, ids.columns)
    grid = common_grid(frame["ds"], resample, calendar, like)
    if resample is None:
        placed = frame.with_columns(grid.slots.ruler(frame["ds"]))
    else:
        placed, thin = _resampled(frame, grid)
        notices += thin
    own = lay_out(placed, grid, order, target)
    # steps at which no series has a target are no part of the data
    axis = grid.frame["ds"].head(int(own.steps.max(initial=-1)) + 1)
    layout = Layout(first_rows(own.lengths), own.steps, axis)
    if align == "end":
        layout = _cut_before_ends(layout, own.frame["ds"])
    told = told_of(len(own.lengths), own.empty, target)
    later = without_steps(own.later)
    return Panel(own.frame, layout, grid.slots, (*notices, *grid.notices, *told), later)


class LaidOut(NamedTuple):
    """The rows of some series on a grid."""

    frame: pl.DataFrame
    """As in `Panel`."""
    steps: IntArray  # (T,) of the grid, of each row
    lengths: IntArray  # (S,) rows of each series that has any
    empty: list[str]
    """The series without a target, which have none."""
    later: pl.DataFrame
    """As in `Panel`, with the column `step`, in any order."""


def lay_out(placed: pl.DataFrame, grid: Grid, order: pl.Series, target: str) -> LaidOut:
    """Give each series a row for each slot from its first target to its last.

    Args:
        placed: `unique_id`, `ds` on the ruler of the grid, and the columns of all rows of some
            series, in any order.
        grid: The grid of all series.
        order: The names of these series, in the order in which they are laid out.
        target: The column of the target.
    """
    axis = grid.slots.ruler(grid.frame["ds"])
    steps = pl.DataFrame({"ds": axis, "step": np.arange(len(axis))})
    placed = placed.join(steps, on="ds", how="inner", maintain_order="left").drop("ds")
    seen = (
        placed.filter(pl.col(target).is_not_null())
        .group_by(_ID)
        .agg(pl.col("step").min().alias("first"), pl.col("step").max().alias("last"))
    )
    seen = order.to_frame().join(seen, on=_ID, how="left", maintain_order="left")
    empty = seen.filter(pl.col("first").is_null())[_ID].to_list()
    seen = seen.drop_nulls()
    whole = seen.select(_ID, step=pl.int_ranges("first", pl.col("last") + 1)).explode("step")
    filled = whole.join(placed, on=[_ID, "step"], how="left", maintain_order="left")
    number = filled["step"].to_numpy().astype(np.int64)
    lengths = (seen["last"] - seen["first"] + 1).to_numpy().astype(np.int64)
    stamps = grid.frame["ds"][number].alias("ds")
    later = placed.join(seen, on=_ID, how="inner", maintain_order="left")
    later = later.filter(pl.col("step") > pl.col("last")).drop("first", "last")
    behind = grid.frame["ds"].gather(later["step"]).alias("ds")
    laid_out = filled.drop("step").insert_column(1, stamps)
    return LaidOut(laid_out, number, lengths, empty, later.insert_column(1, behind))


def first_rows(lengths: IntArray) -> IntArray:
    """Return the first row of each series, from how many rows each has, (S,)."""
    return np.concatenate([[0], np.cumsum(lengths)])[: len(lengths)].astype(np.int64)


def without_steps(later: pl.DataFrame) -> pl.DataFrame:
    """Return rows after the last targets in the order of their steps, which are gone."""
    return later.sort("step", maintain_order=True).drop("step")


def names_of(ids: pl.DataFrame) -> pl.Series:
    """Return the name of the series of each row: the values of its columns, joined."""
    return ids.select(pl.concat_str(pl.all(), separator="/").alias(_ID)).to_series()


def _resampled(frame: pl.DataFrame, grid: Grid) -> tuple[pl.DataFrame, list[str]]:
    """Average each series over the bins of the grid."""
    distance = spacing(frame["ds"].unique().sort(), grid.frequency)
    means, notices = [], []
    for own in frame.sort("ds").partition_by(_ID):
        alike = own.drop(_ID).group_by("ds", maintain_order=True).agg(*averages())
        mean, thin = resampled(alike, grid.slots, grid.slots.of_rows, distance)
        means.append(mean.insert_column(0, pl.Series(_ID, [own[_ID][0]] * mean.height)))
        notices += [f"{own[_ID][0]}: {notice}" for notice in thin]
    return pl.concat(means), _few(notices)


def _cut_before_ends(layout: Layout, stamps: pl.Series) -> Layout:
    """Count steps so that all series end with the same; the axis is that of the longest."""
    lengths, longest = layout.lengths, layout.longest
    most = int(lengths[longest])
    within = np.arange(len(layout.steps)) - np.repeat(layout.starts, lengths)
    steps = within + np.repeat(most - lengths, lengths)
    return Layout(layout.starts, steps, stamps.slice(int(layout.starts[longest]), most))


def check_repeats(frame: pl.DataFrame, rows: pl.Series, columns: list[str]) -> None:
    """Refuse two rows of one series with the same stamp; `columns` are those of its name."""
    again = ~frame.select(pl.struct(_ID, "ds").is_first_distinct()).to_series()
    if not again.any():
        return
    second = int(again.arg_true()[0])
    name, stamp = frame[_ID][second], frame["ds"][second]
    first = int(((frame[_ID] == name) & (frame["ds"] == stamp)).arg_true()[0])
    raise DataError(
        f"{' and '.join(map(quoted, columns))} and the time must tell the rows apart, got rows "
        f"{rows[first]} and {rows[second]}, both of {quoted(name)} at {shown(frame['ds'], second)}"
        f"{_and_more(int(again.sum()) - 1)}; leave one of them out, or pass resample (--resample) "
        "to average them"
    )


def _few(notices: list[str]) -> list[str]:
    more = len(notices) - MOST_NAMED
    return [*notices[:MOST_NAMED], f"and {more:,} more series alike"] if more > 0 else notices


def _and_more(others: int) -> str:
    return f", and {others:,} more" if others else ""


def told_of(series: int, empty: list[str], target: str) -> list[str]:
    """Tell how many series there are, and which are left out."""
    notices = [f"{series:,} series"]
    if empty:
        left_out = listed([str(name) for name in empty], MOST_NAMED)
        notices.append(f"{len(empty):,} series without any {quoted(target)} left out: {left_out}")
    return notices
