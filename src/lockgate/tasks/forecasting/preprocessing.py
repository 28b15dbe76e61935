"""What is learned from the training rows of a table, and how it turns any table into arrays."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict

from lockgate.errors import DataError
from lockgate.reading.zones import instant, instants, wall_clock
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.tasks.forecasting.calendar import calendar_features, elapsed
from lockgate.tasks.forecasting.categories import Vocabulary, codes_of
from lockgate.tasks.forecasting.columns import column_values
from lockgate.tasks.forecasting.filling import ALWAYS, NEVER, ages, fill_forward
from lockgate.tasks.forecasting.layout import Layout
from lockgate.tasks.forecasting.public_holidays import holiday_flags
from lockgate.tasks.forecasting.scales import Usual, relative_spread, series_scale
from lockgate.tasks.forecasting.slots import Slots
from lockgate.tasks.forecasting.store import new_mapped
from lockgate.tasks.forecasting.table import Dropped, Table
from lockgate.tasks.forecasting.windows import Series

SCALE = "scale of the series"
ELAPSED = "time since the row before"
MISSING = "was missing: "
"""Begins the name of a channel that tells where a value of a column was missing."""
SINCE = "steps since seen: "
"""Begins the name of one that tells how long it has been."""


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

    def block(self, rows: slice) -> "Arrays":
        """Return a block of `Layout.blocks` by itself, which copies nothing but its starts."""
        layout, which = self.layout.of_block(rows)
        return Arrays(
            self.inputs[rows],
            self.target[rows],
            self.usable[rows],
            self.usable_ahead[rows],
            self.ds[rows],
            layout.steps,
            layout.starts,
            self.means[which],
            self.stds[which],
            self.naive[which],
        )

    @classmethod
    def empty(
        cls, layout: Layout, channels: int, of_time: bool, folder: Path | None = None
    ) -> "Arrays":
        """Return arrays of this layout whose values are yet to be taken, in files of a folder."""
        rows, series = len(layout.steps), len(layout.starts)

        def array(name: str, shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any]:
            if folder is None:
                return np.empty(shape, dtype)
            return new_mapped(folder / f"{name}.npy", dtype, shape)

        return cls(
            array("inputs", (rows, channels), "f4"),
            array("target", (rows,), "f4"),
            array("usable", (rows,), "?"),
            array("usable_ahead", (rows,), "?"),
            array("ds", (rows,), "M8[us]" if of_time else "i8"),
            layout.steps,
            layout.starts,
            *(np.empty(series) for _ in range(3)),
        )

    def save(self, folder: Path) -> None:
        """Write all arrays into a folder."""
        for name, array in self._asdict().items():
            np.save(folder / f"{name}.npy", array)

    def save_rest(self, folder: Path) -> None:
        """Write those into a folder that `empty` has not put there, but for the steps."""
        for name in ("starts", "means", "stds", "naive"):
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path, steps: IntArray | None = None) -> "Arrays":
        """Map the arrays of a folder, and the steps, where they are not elsewhere."""
        names = [name for name in cls._fields if steps is None or name != "steps"]
        # copy on write: torch asks for writable memory, nothing is ever written
        found: dict[str, Any] = {
            name: np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False)
            for name in names
        }
        return cls(**({"steps": steps} | found))

    def take(self, rows: slice, block: "Arrays") -> None:
        """Enter the values of a block of `Layout.blocks`."""
        for name in ("inputs", "target", "usable", "usable_ahead", "ds"):
            getattr(self, name)[rows] = getattr(block, name)
        _, series = self.layout.of_block(rows)
        for name in ("means", "stds", "naive"):
            getattr(self, name)[series] = getattr(block, name)

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
    named: dict[str, str] = {}
    """What the table calls `ds` and `unique_id`, each where it is one column."""
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

    def apply(self, table: Table, folder: Path | None = None) -> Arrays:
        """Fill, scale and lay out `table`, block by block, as each series is treated alone.

        Args:
            table: What to lay out.
            folder: Where the arrays are written, and mapped from. Default: they are held in memory.

        Raises:
            DataError: If a column is absent or the frequency is another one.
        """
        self._check(table)
        blocks = table.layout.blocks()
        if folder is None and len(blocks) == 1:
            return self._applied(table)
        channels = len(self.channels) + len(self.categories)
        whole = Arrays.empty(table.layout, channels, table.slots.frequency.of_time, folder)
        for rows in blocks:
            whole.take(rows, self._applied(table.block(rows)))
        return whole

    def _applied(self, table: Table) -> Arrays:
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
