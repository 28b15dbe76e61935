"""Lay rows out on a regular grid of time: sorted, averaged where asked, with gaps left missing."""

from datetime import timedelta
from typing import NamedTuple

import polars as pl

from lockgate.errors import DataError, count_of, listed, option, quoted
from lockgate.reading.frequency import Frequency, resample_advice
from lockgate.reading.series import MOST_REPEATED

MOST_PER_ROW = 50
"""Most steps of the grid for each row of the source: more come from a faulty stamp."""
_MONDAY = 4 * 86_400_000_000  # microseconds from 1970-01-01, a Thursday, to the first Monday


class Grid(NamedTuple):
    """Values on a regular grid."""

    frame: pl.DataFrame
    """`ds`, every stamp from the first to the last, and the columns, null where missing."""
    frequency: Frequency
    notices: tuple[str, ...]


def to_grid(
    frame: pl.DataFrame,
    rows: pl.Series,
    *,
    resample: str | None = None,
    missing: tuple[float, ...] = (),
) -> Grid:
    """Lay a table out on the regular grid of its stamps, or of `resample`.

    Numbers in `missing` become null before anything else. Rows that share a stamp are averaged.
    Nothing is filled: a stamp without a row is a row of nulls.

    With `resample`, a value is the mean over `(t - resample, t]` and stands at `t`, so that it
    holds nothing of the time after its stamp; `t` are multiples of the duration (weeks end on
    Monday 00:00, months on their first day). A mean over less than half of the values that the
    median distance of the stamps lets expect is null.

    Args:
        frame: `ds`, Datetime without nulls, and Float64 columns.
        rows: The number of each row in the source, for messages.
        resample: Duration of a step. Default: the frequency found by `Frequency.infer`.
        missing: Numbers that stand for a missing value.

    Raises:
        DataError: If a value is infinite, more than a tenth of the rows repeat a stamp, stamps lie
            off the grid, `resample` is finer than the stamps, or the grid would be huge.
    """
    frame, notices = _without_sentinels(frame, missing)
    _check_finite(frame, rows)
    if not frame["ds"].is_sorted():
        frame = frame.sort("ds", maintain_order=True)
        notices.append("rows were not in the order of time: sorted")
    frame, repeated = _averaged_repeats(frame, resample)
    if resample is None:
        frequency = Frequency.infer(frame["ds"])
        _check_on_grid(frame["ds"], frequency)
    else:
        frequency = Frequency.parse(resample, "resample")
        frame, thin = _resampled(frame, frequency)
        repeated += thin
    frame, gaps = _laid_out(frame, frequency)
    return Grid(frame, frequency, (*notices, *repeated, *gaps))


def _without_sentinels(
    frame: pl.DataFrame, missing: tuple[float, ...]
) -> tuple[pl.DataFrame, list[str]]:
    """Make the numbers in `missing` null, and count where they stood."""
    notices = []
    values = pl.exclude("ds")
    for number in missing:
        counts = frame.select((values == number).sum()).row(0, named=True)
        columns = [f"{name} ({count:,})" for name, count in counts.items() if count]
        frame = frame.with_columns(pl.when(values != number).then(values).name.keep())
        places = f"read as missing in {listed(columns)}" if columns else "stands in no column"
        notices.append(f"{number:g} {places}")
    return frame, notices


def _check_finite(frame: pl.DataFrame, rows: pl.Series) -> None:
    infinite = frame.select(pl.exclude("ds").is_infinite().any()).row(0, named=True)
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
            f"{len(frame):,} rows; name all parts of the time, {option('time', 'date,hour')}, or "
            f"average with {option('resample', '1d')}"
        )
    first = frame["ds"].filter(repeated)[0]
    stamps = count_of(count, "repeated time stamp")
    mean = frame.group_by("ds", maintain_order=True).agg(pl.exclude("ds").mean())
    return mean, [f"{stamps} averaged, the first {first}"]


def _check_on_grid(times: pl.Series, frequency: Frequency) -> None:
    if frequency.unit == "us":
        rest = times.cast(pl.Int64) % frequency.count
        off = rest != rest.mode().min()
    else:
        steps = frequency.steps_between(times[0], times[-1])
        off = ~times.is_in(frequency.range(times[0], steps + 1).implode())
    if off.any():
        raise DataError(
            f"{off.sum():,} of {len(times):,} time stamps are off the {frequency} grid, the first "
            f"{times.filter(off)[0]}{resample_advice(times, frequency)}"
        )


def _resampled(frame: pl.DataFrame, frequency: Frequency) -> tuple[pl.DataFrame, list[str]]:
    """Average over the bins that end at multiples of the frequency."""
    spacing = _spacing(frame["ds"], frequency)
    bins = frame.with_columns(_right_edge(frequency)).group_by("ds", maintain_order=True)
    means = bins.agg(pl.exclude("ds").mean())
    counts = bins.agg(pl.exclude("ds").count())
    _check_size(means["ds"], frequency, frame.height)
    lengths = (means["ds"] - _previous(means["ds"], frequency)).dt.total_microseconds()
    thin = 0
    for name in means.columns[1:]:
        # products, because a quotient can be rounded past one half
        enough = 2 * spacing * counts[name].cast(pl.Float64) >= lengths.cast(pl.Float64)
        thin += int(((counts[name] > 0) & ~enough).sum())
        means = means.with_columns(pl.when(enough).then(pl.col(name)).alias(name))
    notice = f"{count_of(thin, 'mean')} over less than half of a {frequency} step left missing"
    return _trimmed(means), [notice] if thin else []


def _spacing(times: pl.Series, frequency: Frequency) -> float:
    """Return the median distance of the stamps in microseconds."""
    if len(times) < 2:
        raise DataError(f"time must hold at least 2 different stamps, got {len(times)}")
    spacing = float(times.diff().drop_nulls().dt.total_microseconds().median())  # type: ignore[arg-type]
    if frequency.longest / timedelta(microseconds=1) < spacing:
        raise DataError(
            f"resample must be no finer than the time stamps, which are "
            f"{Frequency(round(spacing), 'us')} apart, got {quoted(str(frequency))}"
        )
    return spacing


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


def _check_size(times: pl.Series, frequency: Frequency, rows: int) -> None:
    steps = frequency.steps_between(times[0], times[-1]) + 1
    if steps <= MOST_PER_ROW * rows or not frequency.of_time:
        return
    after = int(times.diff().arg_max() or 0)
    raise DataError(
        f"the {frequency} grid must have at most {MOST_PER_ROW} steps for each row, got "
        f"{steps:,} for {count_of(rows, 'row')}: nothing lies between {times[after - 1]} and "
        f"{times[after]}; mend the stamp that is wrong"
        f"{resample_advice(times, frequency).replace(';', ', or')}"
    )


def _laid_out(frame: pl.DataFrame, frequency: Frequency) -> tuple[pl.DataFrame, list[str]]:
    """Give every stamp of the grid a row, and say where gaps were."""
    times = frame["ds"]
    _check_size(times, frequency, frame.height)
    grid = frequency.range(times[0], frequency.steps_between(times[0], times[-1]) + 1)
    if len(grid) == len(times):
        return frame, []
    absent = ~grid.is_in(times.implode())
    runs = absent.rle().struct.unnest().with_columns(start=pl.col("len").cum_sum() - pl.col("len"))
    gaps = runs.filter(pl.col("value"))
    longest = gaps.row(int(gaps["len"].arg_max() or 0), named=True)
    steps = count_of(int(gaps["len"].sum()), "step")
    notice = (
        f"{count_of(len(gaps), 'gap')}, {steps} in all, the longest "
        f"{count_of(longest['len'], 'step')} from {grid[longest['start']]}"
    )
    return grid.to_frame().join(frame, on="ds", how="left", maintain_order="left"), [notice]
