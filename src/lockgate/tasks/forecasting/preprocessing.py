"""What is learned from the training rows of a table, and how it turns any table into arrays."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict

from lockgate.errors import DataError
from lockgate.reading.zones import instant, instants, shown, wall_clock
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.tasks.forecasting.calendar import calendar_cycles, calendar_features, elapsed
from lockgate.tasks.forecasting.categories import Vocabulary, choose_categories, codes_of
from lockgate.tasks.forecasting.columns import choose_columns, column_values, static_columns
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.filling import ALWAYS, NEVER, ages, fill_forward, one_of_each_series
from lockgate.tasks.forecasting.layout import Layout
from lockgate.tasks.forecasting.public_holidays import check_holidays, holiday_flags
from lockgate.tasks.forecasting.seasons import find_seasons
from lockgate.tasks.forecasting.slots import Slots
from lockgate.tasks.forecasting.table import Dropped, Table
from lockgate.tasks.forecasting.windows import Series

SHORTEST_LOOKBACK = 24
LONGEST_LOOKBACK = 168
SCALE = "scale of the series"
ELAPSED = "time since the row before"
MISSING = "was missing: "
"""Begins the name of a channel that tells where a value of a column was missing."""
SINCE = "steps since seen: "
"""Begins the name of one that tells how long it has been."""
LEAST_SPREAD = 0.01
"""Of the usual standard deviation of a series, what one that is still is scaled by."""
MOST_ASKED = 32
"""Series that are asked for their seasons: the longest."""


class Arrays(NamedTuple):
    """A table as the network reads it."""

    inputs: npt.NDArray[np.float32]  # (T, C) scaled; 0 where a hole is too long to fill
    target: npt.NDArray[np.float32]  # (T,) scaled; NaN where missing
    usable: npt.NDArray[np.bool_]  # (T,) every input is present or filled
    usable_ahead: npt.NDArray[np.bool_]  # (T,) the same of what is known ahead
    # (T,) in UTC where the stamps have a zone, or the numbers of rows
    ds: npt.NDArray[np.datetime64]
    steps: IntArray  # (T,) on the axis of all series
    starts: IntArray  # (S,) first row of each series
    means: FloatArray  # (S,) of the target
    stds: FloatArray  # (S,)
    naive: FloatArray  # (S,) of several series; see `KnownSeries`, NaN where it has none

    @property
    def series(self) -> Series:
        """Where the series lie, and how their targets were scaled."""
        return Series(self.starts, self.means, self.stds)

    @property
    def layout(self) -> Layout:
        """The same without scales."""
        return Layout(self.starts, self.steps, pl.Series(dtype=pl.Int64))

    def between(self, start: int, stop: int) -> "Arrays":
        """Return the rows from one step up to another, of the series that have any there."""
        layout, rows = self.layout.between(start, stop)
        series = self.series.of(rows[layout.starts])
        # the rows of one series are a slice, which copies nothing
        which = slice(start, stop) if len(self.starts) == 1 else rows
        return Arrays(
            self.inputs[which],
            self.target[which],
            self.usable[which],
            self.usable_ahead[which],
            self.ds[which],
            layout.steps,
            layout.starts,
            self.means[series],
            self.stds[series],
            self.naive[series],
        )

    def naive_of(self, rows: IntArray) -> FloatArray:
        """Return the naive error of the series that rows are of, (N,)."""
        return np.asarray(self.naive[self.series.of(rows)])


class KnownSeries(NamedTuple):
    """What is learned of one series of several."""

    name: str
    mean: float
    std: float
    seen_until: str
    """Its last stamp that learning has seen."""
    naive: float | None
    """Mean absolute error of a seasonal naive forecast over its training rows."""


class Preprocessing(BaseModel):
    """Everything learned from the training rows. `apply` treats any table of the kind alike."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    frequency: str
    columns: tuple[str, ...]
    """Columns whose past is read; the target is the first."""
    means: tuple[float, ...]
    stds: tuple[float, ...]
    with_holes: tuple[str, ...]
    """Columns that have a channel telling where a value was missing."""
    calendar: tuple[str, ...]
    seasons: tuple[int, ...]
    max_gap: int
    lookback: int
    horizon: int
    dropped: tuple[Dropped, ...]
    seen_until: str
    """Last time stamp that learning has seen, the validation part included; or number of a row."""
    slots: Slots | None = None
    """The slots of the table, which other tables are laid on; None of folders without zones."""
    series: tuple[KnownSeries, ...] = ()
    """The series that were learned from, where the table holds several."""
    several: bool = False
    """Whether tables hold several series, each with a scale of its own."""
    known_future: tuple[str, ...] = ()
    """Columns that are read at the steps forecast too."""
    categories: tuple[Vocabulary, ...] = ()
    """Columns of categories; their numbers are the last channels of `Arrays.inputs`."""
    calendar_ahead: bool = False
    """Whether the calendar is."""
    static: tuple[str, ...] = ()
    """Columns with one value in each series."""
    since_seen: bool = False
    """Whether the channel of a column with holes tells how long ago it was seen, not only where."""
    elapsed: bool = False
    """Whether a channel tells how much time has passed since the row before."""
    holidays: str | None = None
    """Country, or country and part, whose public holidays are a channel of the calendar."""

    @property
    def laid_on(self) -> Slots:
        """What other tables are laid on."""
        return self.slots or Slots(step=self.frequency, forgets_zone=True)

    @property
    def std(self) -> float:
        """Standard deviation of the target: of several series the median of theirs."""
        return float(np.median([one.std for one in self.series])) if self.series else self.stds[0]

    @property
    def last_seen(self) -> np.datetime64 | int:
        """`seen_until`, as `Arrays.ds` holds stamps."""
        in_rows = self.frequency.endswith(" row")
        return int(self.seen_until) if in_rows else instant(self.seen_until)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels of `Arrays.inputs`, in order."""
        waves = tuple(f"{name} {wave}" for name in self.calendar for wave in ("sin", "cos"))
        days = () if self.holidays is None else (f"holiday {self.holidays}",)
        scale = (SCALE,) if self.several else ()
        told = SINCE if self.since_seen else MISSING
        flags = tuple(f"{told}{c}" for c in self.with_holes)
        elapsed = (ELAPSED,) if self.elapsed else ()
        return self.columns + flags + waves + days + scale + elapsed

    @property
    def channels_ahead(self) -> tuple[int, ...]:
        """Which of the inputs are known of the steps forecast.

        Columns of numbers, then the calendar, then categories.
        """
        columns = [self.columns.index(name) for name in self.numbers_known]
        before = len(self.columns) + len(self.with_holes)
        of_stamps = 2 * len(self.calendar) + (self.holidays is not None)
        stamps = range(before, before + of_stamps * self.calendar_ahead)
        behind = len(self.channels)
        return (*columns, *stamps, *(behind + place for place in self.categories_known))

    @property
    def numbers_known(self) -> tuple[str, ...]:
        """The columns of numbers among `known_future`."""
        return tuple(name for name in self.known_future if name in self.columns)

    @property
    def categories_known(self) -> tuple[int, ...]:
        """Which of `categories` are known of the steps forecast."""
        columns = [one.column for one in self.categories]
        return tuple(columns.index(name) for name in self.known_future if name in columns)

    @property
    def sizes(self) -> tuple[int, ...]:
        """See `Windows.categories`."""
        return tuple(one.size for one in self.categories)

    @property
    def sizes_known(self) -> tuple[int, ...]:
        """The same of what is known ahead."""
        return tuple(self.sizes[place] for place in self.categories_known)

    @property
    def channels_known(self) -> tuple[str, ...]:
        """Their names."""
        names = (*self.channels, *(one.column for one in self.categories))
        return tuple(names[place] for place in self.channels_ahead)

    @property
    def features(self) -> int:
        """Features of a linear forecast; see `Windows.features`."""
        known = len(self.channels_ahead) - len(self.categories_known)
        of_step = known + sum(size - 1 for size in self.sizes_known)
        of_window = self.lookback * len(self.channels) + sum(size - 1 for size in self.sizes)
        return of_window + self.horizon * of_step

    def apply(self, table: Table) -> Arrays:
        """Fill, scale and lay out `table`.

        Raises:
            DataError: If a column is absent or the frequency is another one.
        """
        self._check(table)
        values, layout = column_values(table.frame, self._names()), table.layout
        filled = fill_forward(values, self._gaps, layout)
        observed = np.isfinite(filled)
        known = [self.columns.index(name) for name in self.numbers_known]
        own = self._scales(table, values[:, 0])
        which = layout.of_rows
        target = (values[:, 0] - own.means[which]) / own.stds[which]
        scaled = (filled - np.array(self.means)) / np.array(self.stds)
        scaled[:, 0] = (filled[:, 0] - own.means[which]) / own.stds[which]
        holes = self._holes(values[:, [self.columns.index(c) for c in self.with_holes]], layout)
        ds = table.frame["ds"]
        inputs = [
            np.nan_to_num(scaled).astype(np.float32),
            holes,
            self.of_stamps(ds),
        ]
        if self.several:
            inputs.append(self._relative(own.stds)[which, None].astype(np.float32))
        if self.elapsed:
            inputs.append(elapsed(instants(ds).to_numpy(), layout.starts, table.frequency)[:, None])
        inputs.append(codes_of(table.frame, self.categories, self.static))
        return Arrays(
            np.concatenate(inputs, axis=1),
            target.astype(np.float32),
            np.asarray(observed.all(axis=1)),
            np.asarray(observed[:, known].all(axis=1)),
            instants(ds).to_numpy(),
            layout.steps,
            *own,
            self._naive(table),
        )

    def _holes(self, values: FloatArray, layout: Layout) -> npt.NDArray[np.float32]:
        """Return the channels of columns with holes, 0 where a value was observed, (T, H).

        Elsewhere they are 1, or the logarithm of the steps since the last one, up to 1 for what is
        too long ago to be filled.
        """
        if not self.since_seen:
            return np.isnan(values).astype(np.float32)
        oldest = self.max_gap + 1
        steps = np.minimum(ages(values, layout), oldest)
        return np.asarray(np.log1p(steps) / np.log1p(oldest), dtype=np.float32)

    def of_stamps(self, ds: pl.Series) -> npt.NDArray[np.float32]:
        """Return the channels that stamps alone tell, the waves and the holidays, (T, W)."""
        waves = calendar_features(wall_clock(ds).to_numpy(), self.calendar)
        if self.holidays is None:
            return waves
        return np.column_stack([waves, holiday_flags(ds, self.holidays)])

    def seen(self, table: Table) -> npt.NDArray[np.bool_]:
        """Tell which rows of a table lie before the end of what was learned from, (T,)."""
        ds, last = instants(table.frame["ds"]).to_numpy(), self.last_seen
        known = {one.name: one.seen_until for one in self.series}
        if not known:
            return np.asarray(ds <= last)
        in_rows = isinstance(last, int)
        lasts = [
            last if name not in known else int(known[name]) if in_rows else instant(known[name])
            for name in table.names
        ]
        return np.asarray(ds <= np.array(lasts)[table.layout.of_rows])

    def _scales(self, table: Table, y: FloatArray) -> Series:
        """Return how the target of each series is scaled."""
        starts = table.layout.starts
        if not self.several:
            return Series(starts, np.array(self.means[:1]), np.array(self.stds[:1]))
        known = {one.name: (one.mean, one.std) for one in self.series}
        usual = Usual(self.std, relative_spread(known.values()))
        # a series that was not learned from has no other scale than its own first window's
        firsts = (part[: self.lookback] for part in np.split(y, starts[1:]))
        scales = [
            known.get(name) or series_scale(first, usual, short=len(first) < self.lookback)
            for name, first in zip(table.names, firsts, strict=True)
        ]
        means, stds = np.array(scales, dtype=np.float64).reshape(-1, 2).T
        return Series(starts, means, stds)

    def _naive(self, table: Table) -> FloatArray:
        known = {one.name: one.naive for one in self.series}
        naive = [known.get(name) for name in table.names]
        return np.array(naive, dtype=np.float64)

    def _relative(self, stds: FloatArray) -> FloatArray:
        """Return how large the scales of series are beside those learned from, in logarithms."""
        logs = np.log([one.std for one in self.series])
        spread = float(logs.std()) or 1.0
        relative: FloatArray = (np.log(stds) - logs.mean()) / spread
        return relative

    def worst_column(self, table: Table, rows: range) -> tuple[str, float]:
        """Return the column with most holes in `rows` after filling, and their share."""
        values = column_values(table.frame, self._names())
        filled = fill_forward(values, self._gaps, table.layout)
        within = table.layout.within(rows, 0, 0)
        shares = np.isnan(filled[within]).mean(axis=0)
        return self.columns[int(shares.argmax())], float(shares.max())

    def ages(self, table: Table) -> npt.NDArray[np.int64]:
        """Return how many rows ago each of `columns` was last observed, (T, C)."""
        found = ages(column_values(table.frame, self._names()), table.layout)
        # what never changes is never old
        return np.where((self._gaps == ALWAYS) & (found < NEVER), 0, found)

    @property
    def _gaps(self) -> IntArray:
        """Return the most steps over which each column is filled forward, (C,)."""
        return np.array([ALWAYS if c in self.static else self.max_gap for c in self.columns])

    def _names(self) -> list[str]:
        return ["y", *self.columns[1:]]

    def _check(self, table: Table) -> None:
        needed = {*self._names(), *(one.column for one in self.categories)}
        absent = sorted(needed - {*table.frame.columns})
        if absent:
            raise DataError(
                f"the table must have the columns learned from, got none named {absent}"
            )
        if str(table.frequency) != self.frequency:
            raise DataError(
                f"the table must have the frequency {self.frequency}, got {table.frequency}"
            )
        if table.slots.zone != self.laid_on.zone:
            raise DataError(
                f"the table must be in the time zone {self.laid_on.zone}, got {table.slots.zone}"
            )


def learn(table: Table, config: TableConfig, train_steps: int, seen_steps: int) -> Preprocessing:
    """Learn from the first `train_steps` steps of `table`; `seen_steps` adds the validation part.

    Raises:
        DataError: If the target does not vary in the training rows, `config` names columns that
            cannot be read, or the horizon or lookback is no whole number of steps.
    """
    if config.holidays is not None:
        check_holidays(config.holidays, table.frequency)
    train = table.between(0, train_steps)
    names, dropped = choose_columns(table, train.frame, config)
    categories, useless = choose_categories(table, train.frame, config)
    of_texts = [one.column for one in categories]
    known = tuple(c for c in dict.fromkeys(config.known_future) if c in (*names, *of_texts))
    values, layout = column_values(train.frame, names), train.layout
    columns = tuple(table.target if name == "y" else name for name in names)
    static = static_columns(table, train.frame, [*names[1:], *of_texts], config)
    with_holes = [
        name
        for name, column in zip(names, values.T, strict=True)
        if np.isnan(column).any() and name not in static
    ]
    horizon = table.slots.steps(config.horizon, "horizon")
    seasons = _common_seasons(values[:, 0], train)
    lookback = (
        default_lookback(seasons, horizon, int(np.median(layout.lengths)))
        if config.lookback is None
        else table.slots.steps(config.lookback, "lookback")
    )
    means, stds = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    for place, name in enumerate(names):
        if name in static:  # a long series counts for no more than a short one
            of_series = one_of_each_series(values[:, place], layout)
            means[place], stds[place] = np.nanmean(of_series), np.nanstd(of_series)
    wall = wall_clock(train.frame["ds"]).to_numpy()
    return Preprocessing(
        target=table.target,
        frequency=str(table.frequency),
        columns=columns,
        means=tuple(means.tolist()),
        stds=tuple(stds.tolist()),
        with_holes=tuple(table.target if name == "y" else name for name in with_holes),
        calendar=calendar_cycles(table.frequency, np.array([wall.min(), wall.max()])),
        seasons=seasons,
        max_gap=config.max_gap,
        lookback=lookback,
        horizon=horizon,
        dropped=(*dropped, *useless),
        seen_until=_latest(table, seen_steps),
        slots=table.slots,
        series=_known_series(table, train, values[:, 0], (seen_steps, seasons, lookback + horizon))
        if table.several
        else (),
        several=table.several,
        known_future=known,
        static=static,
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
    observed = y[np.isfinite(y)]
    if not len(observed):
        return 0.0, usual.std
    mean, std = float(observed.mean()), float(observed.std())
    if short:
        own = usual.relative * abs(mean) or usual.std
        std = float(np.sqrt((len(observed) * std**2 + own**2) / (len(observed) + 1)))
    return mean, max(std, LEAST_SPREAD * usual.std)


def relative_spread(scales: Iterable[tuple[float, float]]) -> float:
    relative = [std / abs(mean) for mean, std in scales if mean]
    return float(np.median(relative)) if relative else 0.0


def _latest(table: Table, seen_steps: int) -> str:
    """Return the latest stamp of the first so many steps."""
    seen = table.frame["ds"].filter(pl.Series(table.layout.steps < seen_steps))
    return shown(seen, int(instants(seen).arg_max() or 0))


def _known_series(
    table: Table, train: Table, y: FloatArray, told: tuple[int, tuple[int, ...], int]
) -> tuple[KnownSeries, ...]:
    # imported here because a model is loaded without what scoring loads
    from lockgate.scoring.metrics import mase_scale

    seen_steps, seasons, whole = told
    season = next(iter(seasons), 1)
    parts = np.split(y, train.layout.starts[1:])
    # what is usual is told by the long ones, if there are any
    long = [part for part in parts if len(part) >= whole] or parts
    scales = [series_scale(part, Usual(0.0, 0.0)) for part in long]
    std = float(np.median([std for _, std in scales])) or 1.0
    usual = Usual(std, relative_spread(scales))
    seen = table.between(0, seen_steps)
    ends = seen.layout.starts + seen.layout.lengths - 1
    until = {
        name: shown(seen.frame["ds"], int(end)) for name, end in zip(seen.names, ends, strict=True)
    }
    return tuple(
        KnownSeries(
            name,
            *series_scale(part, usual, short=len(part) < whole),
            until[name],
            mase_scale(part, season),
        )
        for name, part in zip(train.names, parts, strict=True)
    )


def _common_seasons(y: FloatArray, train: Table) -> tuple[int, ...]:
    """Return the seasons that most of the longest series have."""
    parts = sorted(np.split(y, train.layout.starts[1:]), key=len, reverse=True)[:MOST_ASKED]
    periods = train.slots.periods()
    found = [find_seasons(part, train.frequency, periods) for part in parts]
    counts = Counter(season for seasons in found for season in seasons)
    return tuple(sorted(season for season, count in counts.items() if 2 * count > len(parts)))
