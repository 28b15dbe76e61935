"""Lay rows out on a regular grid of time: sorted, averaged where asked, with gaps left missing."""

from datetime import timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
import polars.selectors as cs

from lockgate.errors import DataError, count_of, listed, quoted
from lockgate.reading.frequency import Frequency, resample_advice
from lockgate.reading.series import MOST_REPEATED
from lockgate.reading.zones import shown, zone_of
from lockgate.tasks.forecasting.slots import BY_ROWS, DAY, ROW, Calendar, Slots

MOST_PER_ROW = 50
"""Most steps of the grid for each row of the source: more come from a faulty stamp."""
_FINEST = 60_000_000  # microseconds of the finest step that an opening is looked for
_MONDAY = 4 * 86_400_000_000  # microseconds from 1970-01-01, a Thursday, to the first Monday


class Grid(NamedTuple):
    """Values on a regular grid."""

    frame: pl.DataFrame
    """`ds`, every slot from the first to the last, and the columns, null where missing."""
    slots: Slots
    notices: tuple[str, ...]

    @property
    def frequency(self) -> Frequency:
        """The step."""
        return self.slots.frequency


def to_grid(
    frame: pl.DataFrame,
    rows: pl.Series,
    *,
    resample: str | None = None,
    missing: tuple[float, ...] = (),
    calendar: Calendar = "auto",
    like: Slots | None = None,
) -> Grid:
    """Lay a table out on the regular grid of its stamps, or of `resample`.

    Numbers in `missing` become null before anything else. Rows that share a stamp are averaged.
    Nothing is filled: a slot without a row is a row of nulls.

    In a zone the grid is one of instants, so that days have 23 or 25 hours where they do; days and
    longer steps whose stamps keep to the clock on the wall follow that.

    Where stamps show times of the week that are closed, such as weekends, or nights of a shop, the
    grid has no slots there; see `opening.find_opening` and `Slots.laid_out`.

    With `resample`, a value is the mean over `(t - resample, t]` and stands at `t`, so that it
    holds nothing of the time after its stamp; `t` are multiples of the duration (weeks end on
    Monday 00:00, months on their first day). A mean over less than half of the values that the
    median distance of the stamps, or the open slots of the bin, let expect is null.

    Args:
        frame: `ds`, Datetime without nulls, with or without a zone, Float64 columns, and behind
            them texts, of which none is averaged: the last of rows that come together is taken.
        rows: The number of each row in the source, for messages.
        resample: Duration of a step. Default: the frequency found by `Frequency.infer`.
        missing: Numbers that stand for a missing value.
        calendar: Which slots there are; see `Slots.opened`.
        like: The slots of the table that a model was fitted to, whose clock and opening are kept.

    Raises:
        DataError: If a value is infinite, more than a tenth of the rows repeat a stamp, stamps lie
            off the grid, `resample` is finer than the stamps, or the grid would be huge.
    """
    frame, notices = without_sentinels(frame, missing)
    check_finite(frame, rows)
    if not frame["ds"].is_sorted():
        frame = frame.sort("ds", maintain_order=True)
        notices.append("rows were not in the order of time: sorted")
    frame, repeated = _averaged_repeats(frame, resample)
    rows_told = frame.height
    if resample is None:
        slots = _found_slots(frame["ds"], calendar, like)
        frame = frame.with_columns(slots.ruler(frame["ds"]))
    else:
        slots = Slots.of(Frequency.parse(resample, "resample"), zone_of(frame["ds"]))
        of_rows = like.of_rows if like is not None else _slots_of_rows(frame, calendar)
        distance = spacing(frame["ds"], slots.frequency)
        frame, thin = resampled(frame, slots, of_rows, distance)
        slots = slots.model_copy(update={"of_rows": of_rows})
        repeated += thin
    held = frame.filter(pl.any_horizontal(pl.exclude("ds").is_not_null()))
    if held.height:
        slots = _opened(slots, held["ds"], calendar, like)
        # rows without a value say nothing of when a series is open
        frame = held if slots.opening or slots.only_observed else frame
    _check_size(frame["ds"], slots, rows_told)
    slots = slots if like is not None else slots.with_holidays(frame["ds"])
    frame, gaps = _laid_out(frame, slots)
    return Grid(frame.with_columns(slots.stamps(frame["ds"])), slots, (*notices, *repeated, *gaps))


def common_grid(
    stamps: pl.Series, resample: str | None, calendar: Calendar, like: Slots | None
) -> Grid:
    """Return the grid of several series: that of all their stamps, without a column.

    Args:
        stamps: Of all rows of all series, in any order.
        resample: Duration of a step; see `to_grid`.
        calendar: Which slots there are; see `Slots.opened`.
        like: The slots of the table that a model was fitted to.

    Raises:
        DataError: As `to_grid` does.
    """
    each = stamps.unique().sort().to_frame().with_columns(pl.lit(1.0).alias(""))
    rows = pl.Series(range(each.height))
    grid = to_grid(each, rows, resample=resample, calendar=calendar, like=like)
    return grid._replace(frame=grid.frame.select("ds"))


def without_sentinels(
    frame: pl.DataFrame, missing: tuple[float, ...]
) -> tuple[pl.DataFrame, list[str]]:
    """Make the numbers in `missing` null, and count where they stood."""
    notices = []
    values = cs.float()
    for number in missing:
        counts = frame.select((values == number).sum()).row(0, named=True)
        columns = [f"{name} ({count:,})" for name, count in counts.items() if count]
        frame = frame.with_columns(pl.when(values != number).then(values).name.keep())
        places = f"read as missing in {listed(columns)}" if columns else "stands in no column"
        notices.append(f"{number:g} {places}")
    return frame, notices


def check_finite(frame: pl.DataFrame, rows: pl.Series) -> None:
    infinite = frame.select(cs.float().is_infinite().any()).row(0, named=True)
    for name in (name for name, any_infinite in infinite.items() if any_infinite):
        row = rows.filter(frame[name].is_infinite().fill_null(value=False))[0]
        raise DataError(
            f"column {quoted(name)} must hold finite numbers, got an infinite one in row {row}; "
            "leave the cell empty where the value is missing"
        )


def _averaged_repeats(frame: pl.DataFrame, resample: str | None) -> tuple[pl.DataFrame, list[str]]:
    """Average the rows that share a stamp."""
    repeated = ~frame["ds"].is_first_distinct()
    if not (count := int(repeated.sum())):
        return frame, []
    if resample is None and count > MOST_REPEATED * len(frame):
        raise DataError(
            f"time must tell the rows apart, got {len(frame) - count:,} different stamps in "
            f"{len(frame):,} rows{resample_advice(frame['ds'].unique().sort())}"
        )
    first = shown(frame["ds"].filter(repeated))
    stamps = count_of(count, "repeated time stamp")
    mean = frame.group_by("ds", maintain_order=True).agg(*averages())
    return mean, [f"{stamps} averaged, the first {first}"]


def _found_slots(stamps: pl.Series, calendar: Calendar, like: Slots | None) -> Slots:
    """Find the step, and the clock that it follows."""
    if not stamps.dtype.is_temporal():
        return Slots(step=ROW)
    if like is not None and like.only_observed:
        return like
    if calendar in BY_ROWS:
        return _step_between(stamps)
    try:
        slots, off = _regular_slots(stamps, like)
    except DataError:
        if finer := _finer_slots(stamps, calendar, like):
            return finer
        raise
    if off.any():
        if finer := _finer_slots(stamps, calendar, like):
            return finer
        raise DataError(
            f"{off.sum():,} of {len(stamps):,} time stamps are off the {slots.step} grid, the "
            f"first {shown(stamps.filter(off))}"
            f"{resample_advice(slots.ruler(stamps), slots.frequency)}"
        )
    return slots


def _regular_slots(stamps: pl.Series, like: Slots | None) -> tuple[Slots, pl.Series]:
    """Take the most common step, on the clock that fewer stamps are off; with it, which are."""
    zone = zone_of(stamps)
    clocks = [False, True] if zone else [False]
    if like is not None:
        clocks = [like.by_wall_clock]
    found = []
    for by_wall_clock in clocks:
        ruler = Slots(step="1d", zone=zone, by_wall_clock=by_wall_clock).ruler(stamps)
        # where an hour comes twice, the clock on the wall tells no order
        if by_wall_clock and like is None and not (ruler.diff().drop_nulls() > timedelta(0)).all():
            continue
        # one stamp or two tell no step of their own
        told = like is not None and len(ruler) < 3 and like.frequency.of_time
        frequency = like.frequency if told and like else Frequency.infer(ruler)
        off = _off_grid(ruler, frequency)
        slots = Slots(step=str(frequency), zone=zone, by_wall_clock=by_wall_clock)
        found.append((int(off.sum()), by_wall_clock != (frequency.longest >= DAY), slots, off))
    _, _, slots, off = min(found, key=lambda one: one[:2])
    return slots, off


def _finer_slots(stamps: pl.Series, calendar: Calendar, like: Slots | None) -> Slots | None:
    """Find a step of which all distances are multiples, if that shows an opening.

    Mondays, Wednesdays and Fridays are 2 days apart, and 3: they are slots of a grid of days.
    """
    if like is not None:
        on_grid = like.opening and not _off_grid(like.ruler(stamps), like.frequency).any()
        return like if on_grid else None
    if calendar != "auto":
        return None
    zone = zone_of(stamps)
    for by_wall_clock in (True, False) if zone else (False,):
        ruler = Slots(step="1d", zone=zone, by_wall_clock=by_wall_clock).ruler(stamps)
        step = int(np.gcd.reduce(np.diff(ruler.cast(pl.Int64).to_numpy()), initial=0))
        if step < _FINEST or step % 1_000_000:
            continue
        name = str(Frequency.parse(f"{step // 1_000_000}s"))
        slots = Slots(step=name, zone=zone, by_wall_clock=by_wall_clock)
        opened = slots.opened(ruler, "auto")
        # a stamp that is wrong is no slot of its own: each must come in most weeks
        of_most = slots.opened(ruler, "observed").opening
        if opened.opening and opened.opening == of_most and opened.is_open(ruler).all():
            return opened
    return None


def _step_between(stamps: pl.Series) -> Slots:
    """Take the most common step, or the median of distances that share none, in whole seconds."""
    try:
        return _regular_slots(stamps, None)[0]
    except DataError:
        ruler = Slots(step="1d", zone=zone_of(stamps)).ruler(stamps)
        if len(ruler) < 3:
            raise
        median = int(ruler.diff().drop_nulls().dt.total_seconds().median() or 0)  # type: ignore[arg-type]
        return Slots(step=str(Frequency.parse(f"{max(1, median)}s")), zone=zone_of(stamps))


def _slots_of_rows(frame: pl.DataFrame, calendar: Calendar) -> Slots | None:
    """Find the slots of rows that are to be averaged, if they have an opening."""
    if calendar != "auto":
        return None
    try:
        slots = _found_slots(frame["ds"], calendar, None)
    except DataError:  # rows without a step of their own can be averaged too
        return None
    ruler = slots.ruler(frame["ds"])
    opened = slots.opened(ruler, calendar)
    if not opened.opening:
        return None
    _check_size(ruler, opened, frame.height)
    return opened.with_holidays(ruler)


def _opened(slots: Slots, held: pl.Series, calendar: Calendar, like: Slots | None) -> Slots:
    if like is None:
        return slots.opened(held, calendar)
    return like if like.step == slots.step else slots


def _off_grid(ruler: pl.Series, frequency: Frequency) -> pl.Series:
    if frequency.unit == "us":
        rest = ruler.cast(pl.Int64) % frequency.count
        return rest != rest.mode().min()
    steps = frequency.steps_between(ruler[0], ruler[-1])
    return ~ruler.is_in(frequency.range(ruler[0], steps + 1).implode())


def resampled(
    frame: pl.DataFrame, slots: Slots, of_rows: Slots | None, distance: float
) -> tuple[pl.DataFrame, list[str]]:
    """Average over the bins that end at multiples of the step, on its ruler.

    Args:
        frame: Rows of one series in the order of their stamps `ds`, without repeats.
        slots: The slots of the means.
        of_rows: Those of the rows, where they have an opening.
        distance: How far apart rows are by `spacing`.

    Returns:
        The means, and a notice of those that rest on too few rows.
    """
    frequency, stamps = slots.frequency, frame["ds"]
    edge = _right_edge(frequency)
    bins = frame.with_columns(slots.ruler(stamps)).with_columns(edge)
    grouped = bins.group_by("ds", maintain_order=True)
    means = grouped.agg(*averages()).sort("ds")
    counts = grouped.agg(cs.float().count()).sort("ds")
    lengths = (means["ds"] - _previous(means["ds"], frequency)).dt.total_microseconds()
    expected = lengths.cast(pl.Float64) / distance
    if of_rows is not None:
        of_frame = of_rows.ruler(stamps)
        _check_size(of_frame, of_rows, len(stamps))
        rows, _ = of_rows.laid_out(of_frame)
        places = slots.ruler(of_rows.stamps(rows)).rename("ds").to_frame().with_columns(edge)
        expected = means.join(places.group_by("ds").len("in bin"), on="ds", how="left")["in bin"]
    thin = 0
    for name in counts.columns[1:]:
        # a little less, because a quotient can be rounded past one half
        enough = 2 * counts[name].cast(pl.Float64) >= expected * (1 - 1e-9)
        thin += int(((counts[name] > 0) & ~enough).sum())
        means = means.with_columns(pl.when(enough).then(pl.col(name)).alias(name))
    notice = f"{count_of(thin, 'mean')} over less than half of a {frequency} step left missing"
    return _trimmed(means), [notice] if thin else []


def averages() -> tuple[pl.Expr, pl.Expr]:
    """Return what stands for rows that come together: the mean of numbers, the last text."""
    return cs.float().mean(), cs.string().drop_nulls().last()


def spacing(times: pl.Series, frequency: Frequency) -> float:
    """Return the median distance of stamps in microseconds; a step must not be finer."""
    if len(times) < 2:
        raise DataError(f"time must hold at least 2 different stamps, got {len(times)}")
    distance = float(times.diff().drop_nulls().dt.total_microseconds().median())  # type: ignore[arg-type]
    if frequency.longest / timedelta(microseconds=1) < distance:
        raise DataError(
            f"resample must be no finer than the time stamps, which are "
            f"{Frequency(round(distance), 'us')} apart, got {quoted(str(frequency))}"
        )
    return distance


def _right_edge(frequency: Frequency) -> pl.Expr:
    """Map stamps to the end of their bin, which is closed at its end."""
    time = pl.col("ds")
    if frequency.unit == "mo":
        begin = time.dt.truncate(f"{frequency.count}mo")
        later = begin.dt.offset_by(f"{frequency.count}mo")
        return pl.when(begin == time).then(time).otherwise(later)
    ticks, step = time.cast(pl.Int64) - _MONDAY, frequency.count
    return (-((-ticks) // step) * step + _MONDAY).cast(pl.Datetime("us")).alias("ds")


def _previous(edges: pl.Series, frequency: Frequency) -> pl.Series:
    """Return the start of each bin."""
    every = f"{frequency.count}{frequency.unit}"
    return edges.dt.offset_by(f"-{every}")


def _trimmed(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out rows without any value at both ends."""
    filled = frame.select(pl.any_horizontal(pl.exclude("ds").is_not_null())).to_series()
    places = filled.arg_true()
    if places.is_empty():
        return frame
    return frame.slice(places[0], places[-1] - places[0] + 1)


def _check_size(ruler: pl.Series, slots: Slots, rows: int) -> None:
    if slots.only_observed or not slots.frequency.of_time:
        return
    steps = int(slots.open_share * (slots.frequency.steps_between(ruler[0], ruler[-1]) + 1))
    if steps <= MOST_PER_ROW * rows:
        return
    after = int(ruler.diff().arg_max() or 0)
    stamps = slots.stamps(ruler.slice(after - 1, 2))
    raise DataError(
        f"the {slots.step} grid must have at most {MOST_PER_ROW} steps for each row, got "
        f"{steps:,} for {count_of(rows, 'row')}: nothing lies between {shown(stamps)} and "
        f"{shown(stamps, 1)}; mend the stamp that is wrong"
        f"{resample_advice(ruler, slots.frequency).replace(';', ', or')}"
    )


def _laid_out(frame: pl.DataFrame, slots: Slots) -> tuple[pl.DataFrame, list[str]]:
    """Give every slot of the grid a row, and say what is closed and where gaps were."""
    places = frame["ds"]
    grid, closed = slots.laid_out(places)
    notices = []
    if slots.only_observed:
        notices.append(f"{slots.words}; stamps of forecasts are {slots.spacing}")
    elif slots.opening:
        notices.append(f"open {slots.words}: steps count open slots")
    if len(closed):
        days = count_of(len(closed), "whole day")
        notices.append(f"{days} without rows taken as closed, the first {_day(slots, closed)}")
    if len(grid) == len(places):
        return frame, notices
    absent = ~grid.is_in(places.implode())
    runs = absent.rle().struct.unnest().with_columns(start=pl.col("len").cum_sum() - pl.col("len"))
    gaps = runs.filter(pl.col("value"))
    longest = gaps.row(int(gaps["len"].arg_max() or 0), named=True)
    steps = count_of(int(gaps["len"].sum()), "step")
    notices.append(
        f"{count_of(len(gaps), 'gap')}, {steps} in all, the longest "
        f"{count_of(longest['len'], 'step')} from "
        f"{shown(slots.stamps(grid.slice(longest['start'], 1)))}"
    )
    laid_out = grid.rename("ds").to_frame().join(frame, on="ds", how="left", maintain_order="left")
    return laid_out, notices


def _day(slots: Slots, places: pl.Series) -> str:
    return str(slots.stamps(places.head(1)).dt.to_string("%Y-%m-%d")[0])
