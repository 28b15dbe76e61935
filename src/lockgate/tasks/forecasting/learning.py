"""Learn from the training rows of a table, block by block, how tables of the kind are laid out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate.reading.zones import instants, shown, wall_clock
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.tasks.forecasting.calendar import calendar_cycles
from lockgate.tasks.forecasting.categories import choose_categories
from lockgate.tasks.forecasting.columns import choose_columns, column_values, static_columns
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.filling import one_of_each_series
from lockgate.tasks.forecasting.preprocessing import KnownSeries, Preprocessing
from lockgate.tasks.forecasting.public_holidays import check_holidays
from lockgate.tasks.forecasting.scales import Observed, Usual, relative_spread
from lockgate.tasks.forecasting.seasons import find_seasons
from lockgate.tasks.forecasting.stretch import Stretch
from lockgate.tasks.forecasting.table import Table

SHORTEST_LOOKBACK = 24
LONGEST_LOOKBACK = 168
MOST_ASKED = 32
"""Series that are asked for their seasons: the longest."""


def learn(table: Table, config: TableConfig, train_steps: int, seen_steps: int) -> Preprocessing:
    """Learn from the first `train_steps` steps of `table`; `seen_steps` adds the validation part.

    Raises:
        DataError: If the target does not vary in the training rows, `config` names columns that
            cannot be read, or the horizon or lookback is no whole number of steps.
    """
    if config.holidays is not None:
        check_holidays(config.holidays, table.frequency)
    train, seen = Stretch(table, 0, train_steps), Stretch(table, 0, seen_steps)
    names, dropped = choose_columns(table, train.frames, config)
    categories, useless = choose_categories(table, train.frames, config)
    of_texts = [one.column for one in categories]
    known = tuple(c for c in dict.fromkeys(config.known_future) if c in (*names, *of_texts))
    columns = tuple(table.target if name == "y" else name for name in names)
    static = static_columns(table, train.frames, [*names[1:], *of_texts], config)
    pooled = _pooled(train, names, static)
    with_holes = [n for n, h in zip(names, pooled.holes, strict=True) if h and n not in static]
    horizon = table.slots.steps(config.horizon, "horizon")
    seasons = _common_seasons(train)
    lookback = (
        default_lookback(seasons, horizon, int(np.median(train.lengths)))
        if config.lookback is None
        else table.slots.steps(config.lookback, "lookback")
    )
    told = (seen, seasons, lookback + horizon)
    return Preprocessing(
        target=table.target,
        frequency=str(table.frequency),
        columns=columns,
        means=tuple(pooled.means.tolist()),
        stds=tuple(pooled.stds.tolist()),
        with_holes=tuple(table.target if name == "y" else name for name in with_holes),
        calendar=calendar_cycles(table.frequency, pooled.ends),
        seasons=seasons,
        max_gap=config.max_gap,
        lookback=lookback,
        horizon=horizon,
        dropped=(*dropped, *useless),
        seen_until=_latest(seen),
        slots=table.slots,
        series=_known_series(train, told) if table.several else (),
        several=table.several,
        known_future=known,
        static=static,
        named=dict(table.named),
        categories=categories,
        calendar_ahead=bool(config.known_future) or config.holidays is not None,
        holidays=config.holidays,
        since_seen=config.holes == "age",
        elapsed=config.calendar == "irregular" and table.frequency.of_time,
    )


def default_lookback(seasons: tuple[int, ...], horizon: int, train_rows: int) -> int:
    """Return how many steps of the past are worth reading.

    Two of the shortest season (`SHORTEST_LOOKBACK` where there is none), at least two horizons, at
    most `LONGEST_LOOKBACK` and a tenth of the training part.
    """
    two_seasons = 2 * seasons[0] if seasons else SHORTEST_LOOKBACK
    wanted = min(max(two_seasons, 2 * horizon), LONGEST_LOOKBACK)
    return max(1, min(wanted, train_rows // 10))


class _Pooled(NamedTuple):
    """What is learned of columns over all series alike, (C,) each."""

    means: FloatArray
    stds: FloatArray
    holes: IntArray  # whether any value is missing, 0 or 1
    ends: npt.NDArray[np.datetime64]  # (2,) the first stamp on the clock on the wall, and the last


def _pooled(train: Stretch, names: list[str], static: tuple[str, ...]) -> _Pooled:
    blocks, of_series, ends = [], [], []
    holes = np.zeros(len(names), np.int64)
    places = [place for place, name in enumerate(names) if name in static]
    for block in train.blocks():
        values = column_values(block.frame, names)
        holes |= np.isnan(values).any(axis=0)
        blocks.append(Moments.of(values))
        # a long series counts for no more than a short one
        each = [one_of_each_series(values[:, place], block.layout) for place in places]
        of_series.append(np.stack(each) if each else np.empty((0, 0)))
        wall = wall_clock(block.frame["ds"]).to_numpy()
        ends += [wall.min(), wall.max()]
    moments = Moments.joined(blocks)
    means, stds = moments.means, moments.stds
    for row, place in enumerate(places):
        own = np.concatenate([each[row] for each in of_series])
        means[place], stds[place] = np.nanmean(own), np.nanstd(own)
    return _Pooled(means, stds, holes, np.array([min(ends), max(ends)]))


class Moments(NamedTuple):
    """Observed values of columns, and their means and standard deviations, (C,) each."""

    counts: FloatArray
    means: FloatArray
    stds: FloatArray

    @classmethod
    def of(cls, values: FloatArray) -> "Moments":
        """Look at the values of columns, (T, C), NaN where missing."""
        counts = np.isfinite(values).sum(axis=0).astype(np.float64)
        told = np.where(counts > 0, values, 0.0) if (counts == 0).any() else values
        return cls(counts, np.nanmean(told, axis=0), np.nanstd(told, axis=0))

    @classmethod
    def joined(cls, parts: "Sequence[Moments]") -> "Moments":
        """Return those of parts together (Chan, Golub and LeVeque 1979).

        Example:
            >>> x = np.array([[1.0], [2.0], [6.0]])
            >>> Moments.joined([Moments.of(x[:2]), Moments.of(x[2:])]).means
            array([3.])
        """
        counts, means, stds = parts[0]
        squares = counts * stds**2
        for other in parts[1:]:
            whole = counts + other.counts
            share = other.counts / np.maximum(whole, 1.0)
            apart = other.means - means
            squares = squares + other.counts * other.stds**2 + counts * share * apart**2
            counts, means = whole, means + share * apart
        if len(parts) > 1:
            stds = np.sqrt(squares / np.maximum(counts, 1.0))
        return cls(counts, means, stds)


def _latest(seen: Stretch) -> str:
    """Return the latest stamp of the rows of a stretch."""
    last = seen.table.frame["ds"].gather(seen.ends - 1)
    return shown(last, int(instants(last).arg_max() or 0))


def _known_series(
    train: Stretch, told: tuple[Stretch, tuple[int, ...], int]
) -> tuple[KnownSeries, ...]:
    # imported here because a model is loaded without what scoring loads
    from lockgate.scoring.metrics import mase_scale

    seen, seasons, whole = told
    season = next(iter(seasons), 1)
    parts, naive = [], []
    for y in _targets(train):
        parts.append((len(y), Observed.of(y)))
        naive.append(mase_scale(y, season))
    # what is usual is told by the long ones, if there are any
    long = [part for length, part in parts if length >= whole] or [part for _, part in parts]
    scales = [part.scale(Usual(0.0, 0.0)) for part in long]
    usual = Usual(float(np.median([std for _, std in scales])) or 1.0, relative_spread(scales))
    ds = seen.table.frame["ds"]
    last = dict(zip(seen.names, (seen.ends - 1).tolist(), strict=True))
    return tuple(
        KnownSeries(
            name,
            *part.scale(usual, short=length < whole),
            shown(ds, last[name]),
            error,
        )
        for name, (length, part), error in zip(train.names, parts, naive, strict=True)
    )


def _targets(train: Stretch) -> Iterator[FloatArray]:
    """Yield the target of each series."""
    for block in train.blocks():
        y = column_values(block.frame, ["y"])[:, 0]
        yield from np.split(y, block.layout.starts[1:])


def _common_seasons(train: Stretch) -> tuple[int, ...]:
    """Return the seasons that most of the longest series have."""
    table, lengths = train.table, train.lengths
    longest = sorted(range(len(lengths)), key=lambda one: -lengths[one])[:MOST_ASKED]
    periods = table.slots.periods()
    found = []
    for one in longest:
        rows = table.frame.slice(int(train.ends[one] - lengths[one]), int(lengths[one]))
        found.append(find_seasons(column_values(rows, ["y"])[:, 0], table.frequency, periods))
    counts = Counter(season for seasons in found for season in seasons)
    return tuple(sorted(season for season, count in counts.items() if 2 * count > len(longest)))
