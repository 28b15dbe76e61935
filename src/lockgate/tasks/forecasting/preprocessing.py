"""What is learned from the training rows of a table, and how it turns any table into arrays."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from lockgate.errors import DataError
from lockgate.reading.zones import instant, instants, shown, wall_clock
from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.forecasting.calendar import calendar_cycles, calendar_features
from lockgate.tasks.forecasting.columns import choose_columns, column_values
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.seasons import find_seasons
from lockgate.tasks.forecasting.slots import Slots
from lockgate.tasks.forecasting.table import Dropped, Table
from lockgate.tasks.forecasting.windows import Scale

SHORTEST_LOOKBACK = 24
LONGEST_LOOKBACK = 168
NEVER = 2**40
"""Rows since a value that was never observed, at the least: more than any gap that is filled."""


class Arrays(NamedTuple):
    """A table as the network reads it."""

    inputs: npt.NDArray[np.float32]  # (T, C) scaled; 0 where a hole is too long to fill
    target: npt.NDArray[np.float32]  # (T,) scaled; NaN where missing
    usable: npt.NDArray[np.bool_]  # (T,) every input is present or filled
    # (T,) in UTC where the stamps have a zone, or the numbers of rows
    ds: npt.NDArray[np.datetime64]


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

    @property
    def laid_on(self) -> Slots:
        """What other tables are laid on."""
        return self.slots or Slots(step=self.frequency, forgets_zone=True)

    @property
    def scale(self) -> Scale:
        """Scale of the target."""
        return Scale(self.means[0], self.stds[0])

    @property
    def last_seen(self) -> np.datetime64 | int:
        """`seen_until`, as `Arrays.ds` holds stamps."""
        in_rows = self.frequency.endswith(" row")
        return int(self.seen_until) if in_rows else instant(self.seen_until)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels of `Arrays.inputs`, in order."""
        waves = tuple(f"{name} {wave}" for name in self.calendar for wave in ("sin", "cos"))
        return self.columns + tuple(f"was missing: {c}" for c in self.with_holes) + waves

    def apply(self, table: Table) -> Arrays:
        """Fill, scale and lay out `table`.

        Raises:
            DataError: If a column is absent or the frequency is another one.
        """
        self._check(table)
        values = column_values(table.frame, self._names())
        filled = fill_forward(values, self.max_gap)
        usable = np.asarray(np.isfinite(filled).all(axis=1))
        means, stds = np.array(self.means), np.array(self.stds)
        flags = np.isnan(values[:, [self.columns.index(c) for c in self.with_holes]])
        ds = table.frame["ds"]
        inputs = np.concatenate(
            [
                np.nan_to_num((filled - means) / stds).astype(np.float32),
                flags.astype(np.float32),
                calendar_features(wall_clock(ds).to_numpy(), self.calendar),
            ],
            axis=1,
        )
        target = ((values[:, 0] - means[0]) / stds[0]).astype(np.float32)
        return Arrays(inputs, target, usable, instants(ds).to_numpy())

    def worst_column(self, table: Table, rows: range) -> tuple[str, float]:
        """Return the column with most holes in `rows` after filling, and their share."""
        filled = fill_forward(column_values(table.frame, self._names()), self.max_gap)
        shares = np.isnan(filled[rows.start : rows.stop]).mean(axis=0)
        return self.columns[int(shares.argmax())], float(shares.max())

    def ages(self, table: Table) -> npt.NDArray[np.int64]:
        """Return how many rows ago each of `columns` was last observed, (T, C)."""
        return ages(column_values(table.frame, self._names()))

    def _names(self) -> list[str]:
        return ["y", *self.columns[1:]]

    def _check(self, table: Table) -> None:
        absent = sorted({*self._names()} - {*table.frame.columns})
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


def learn(table: Table, config: TableConfig, train_rows: int, seen_rows: int) -> Preprocessing:
    """Learn from the first `train_rows` rows of `table`; `seen_rows` adds the validation part.

    Raises:
        DataError: If the target does not vary in the training rows, `config` names columns that
            cannot be read, or the horizon or lookback is no whole number of steps.
    """
    train = table.frame.head(train_rows)
    names, dropped = choose_columns(table, train, config)
    values = column_values(train, names)
    columns = tuple(table.target if name == "y" else name for name in names)
    holes = [bool(np.isnan(column).any()) for column in values.T]
    horizon = table.slots.steps(config.horizon, "horizon")
    seasons = find_seasons(values[:, 0], table.frequency, table.slots.periods())
    lookback = (
        default_lookback(seasons, horizon, train_rows)
        if config.lookback is None
        else table.slots.steps(config.lookback, "lookback")
    )
    return Preprocessing(
        target=table.target,
        frequency=str(table.frequency),
        columns=columns,
        means=tuple(np.nanmean(values, axis=0).tolist()),
        stds=tuple(np.nanstd(values, axis=0).tolist()),
        with_holes=tuple(c for c, hole in zip(columns, holes, strict=True) if hole),
        calendar=calendar_cycles(table.frequency, wall_clock(train["ds"]).to_numpy()),
        seasons=seasons,
        max_gap=config.max_gap,
        lookback=lookback,
        horizon=horizon,
        dropped=dropped,
        seen_until=shown(table.frame["ds"], seen_rows - 1),
        slots=table.slots,
    )


def default_lookback(seasons: tuple[int, ...], horizon: int, train_rows: int) -> int:
    """Return how many steps of the past are worth reading.

    Two of the shortest season (`SHORTEST_LOOKBACK` where there is none), at least two horizons, at
    most `LONGEST_LOOKBACK` and a tenth of the training part.
    """
    two_seasons = 2 * seasons[0] if seasons else SHORTEST_LOOKBACK
    wanted = min(max(two_seasons, 2 * horizon), LONGEST_LOOKBACK)
    return max(1, min(wanted, train_rows // 10))


def fill_forward(values: FloatArray, max_gap: int) -> FloatArray:
    """Carry the last observed value over at most `max_gap` rows, column by column, (T, C)."""
    age = ages(values)
    last = np.maximum(np.arange(len(values))[:, None] - age, 0)
    return np.where(age <= max_gap, np.take_along_axis(values, last, axis=0), np.nan)


def ages(values: FloatArray) -> npt.NDArray[np.int64]:
    """Return how many rows ago each column was last observed, (T, C); before, more than T."""
    rows = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(values), -NEVER, rows), axis=0)
    return np.asarray(rows - last)
