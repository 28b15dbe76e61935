"""A table as it lay at one of its steps: what was known, what it taught, what was forecast."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import torch

from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.tasks.forecasting.asked import MODEL as PREDICTED
from lockgate.tasks.forecasting.asked import asked_for
from lockgate.tasks.forecasting.baselines import bounded, naive_baselines
from lockgate.tasks.forecasting.choose import choose
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.cutoffs import held_steps
from lockgate.tasks.forecasting.fitted import FittedForecaster
from lockgate.tasks.forecasting.known_future import known_after
from lockgate.tasks.forecasting.prepare import Prepared, prepare_split
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.ridge import Ridge
from lockgate.tasks.forecasting.split import Split
from lockgate.tasks.forecasting.table import Table
from lockgate.tasks.forecasting.windows import Windows

MODEL = "lockgate"
"""Name of the column of a model's forecasts."""


def learned_from(table: Table, steps: range, config: ForecastConfig) -> tuple[Table, Prepared]:
    """Return what a fit may know of a table: these steps alone, and what they teach.

    The last of them are the validation part, and there is no test part.

    Raises:
        DataError: If nothing can be learned from them, as `prepare_split` and `choose` say.
    """
    own = table.between(steps.start, steps.stop)
    rows = len(steps)
    split = Split(rows - held_steps(rows, config.data.split), rows, rows)
    prepared = prepare_split(own, split, config.data, ("train", "validation"))
    return own, choose(prepared, config)


class AsOf(NamedTuple):
    """The series that are forecast at a cutoff, cut there."""

    table: Table
    """What is known."""
    windows: Windows
    """One of each series, that ends with the cutoff."""
    rows: IntArray
    """Of the whole table, at the cutoff, (N,)."""
    naive: FloatArray
    """Of several series what MASE divides their errors by, (N,), NaN where unknown."""


def as_of(table: Table, preprocessing: Preprocessing, step: int, *, padded: bool = True) -> AsOf:
    """Cut a table after a step and give a window of each series that is forecast from there.

    These are the series with a whole lookback before it, without a hole that is too long to fill,
    and a whole horizon after it, of which nothing is read but what is known ahead.

    Args:
        table: The whole table.
        preprocessing: What was learned by a model.
        step: The last that is known.
        padded: Whether of several series those that began less than a lookback before it are
            forecast too, from padded windows.
    """
    lookback, horizon = preprocessing.lookback, preprocessing.horizon
    known = table.between(0, step + 1)
    arrays = preprocessing.apply(known)
    before = 0 if padded and preprocessing.several else lookback - 1
    rows = table.layout.within(range(step, step + 1), before, horizon)
    # a series that begins later is gone from what is known
    begun = table.layout.steps[table.layout.starts] <= step
    which = (np.cumsum(begun) - 1)[table.layout.of_rows[rows]]
    ends = (known.layout.starts + known.layout.lengths - 1)[which]
    # the first row stands for those before it
    reads = np.maximum(ends[:, None] - np.arange(lookback), known.layout.starts[which][:, None])
    whole = arrays.usable[reads].all(axis=1)
    told = None
    if preprocessing.channels_ahead:
        every = preprocessing.apply(table)
        ahead = rows[:, None] + np.arange(1, horizon + 1)
        whole &= every.usable_ahead[ahead].all(axis=1)
        inputs = torch.from_numpy(every.inputs)
        told = known_after(inputs, preprocessing, torch.from_numpy(rows[whole]))
    windows = Windows(
        inputs=torch.from_numpy(arrays.inputs),
        target=torch.from_numpy(arrays.target),
        origins=torch.from_numpy(ends[whole]),
        lookback=lookback,
        horizon=horizon,
        series=arrays.series,
        known=told,
        categories=preprocessing.sizes,
    )
    return AsOf(known, windows, rows[whole], arrays.naive_of(ends[whole]))


def histories(table: Table, rows: IntArray, most: int | None) -> list[FloatArray]:
    """Return the target of series up to and with some rows, holes filled with the value before.

    Args:
        table: The table.
        rows: A row of each series, (N,).
        most: Rows to give at most, the latest; None gives all.
    """
    starts = table.layout.starts[table.layout.of_rows[rows]]
    y = table.frame["y"]
    parts = []
    for start, row in zip(starts.tolist(), rows.tolist(), strict=True):
        known = y.slice(start, row + 1 - start).fill_null(strategy="forward")
        parts.append((known if most is None else known.tail(most)).to_numpy())
    return parts


def model_columns(
    fitted: FittedForecaster, known: AsOf, level: Sequence[float] = ()
) -> dict[str, FloatArray]:
    """Give the columns of the frame that a fitted forecaster fills, each (N, horizon).

    Args:
        fitted: The forecaster.
        known: What it forecasts.
        level: Shares of truths, in per cent, that intervals are to cover: of 80 come
            `lockgate-lo-80` and `lockgate-hi-80`.

    Raises:
        DataError: If a level is out of range, or nothing tells the model's intervals.
    """
    columns = {MODEL: fitted.forecast(known.windows)}
    asked = asked_for(level, None)
    if asked:
        quantiles = list(asked.values())
        told = fitted.quantiles(known.windows, known.table, quantiles, as_level=True)
        names = (f"{MODEL}{name.removeprefix(PREDICTED)}" for name in asked)
        columns |= dict(zip(names, told, strict=True))
    return columns


def baseline_columns(
    windows: Windows, seasons: Sequence[int], ridge: Ridge | None, at_least: float | None
) -> dict[str, FloatArray]:
    """Give those of the baselines that cost next to nothing, each (N, horizon).

    Args:
        windows: What is forecast.
        seasons: In steps, the shortest first; each gives a seasonal naive.
        ridge: A ridge that is fitted, if there is one.
        at_least: What no forecast is below.
    """
    first, *further = seasons or (0,)
    names = ["naive", *(["seasonal_naive"] if first else [])]
    names += [*(f"seasonal_naive_{season}" for season in further), "drift", "window_mean"]
    baselines = bounded((*naive_baselines(seasons), *([] if ridge is None else [ridge])), at_least)
    names += [] if ridge is None else ["ridge"]
    return {
        name: baseline.forecast(windows) for name, baseline in zip(names, baselines, strict=True)
    }


def long_frame(
    table: Table, rows: IntArray, horizon: int, columns: Mapping[str, FloatArray]
) -> pl.DataFrame:
    """Lay forecasts out as Nixtla's libraries do: a row for each series, cutoff and step ahead.

    Args:
        table: What is forecast.
        rows: Of its rows those at the cutoff, (N,).
        horizon: Steps ahead.
        columns: The forecasts by name, each (N, horizon).

    Returns:
        `unique_id`, `ds`, `cutoff`, `y` and a column of each name.
    """
    targets = (rows[:, None] + np.arange(1, horizon + 1)).ravel()
    later = table.frame.select("unique_id", "ds", "y")[targets]
    cutoffs = table.frame["ds"][np.repeat(rows, horizon)].alias("cutoff")
    return later.insert_column(2, cutoffs).with_columns(
        **{name: pl.Series(values.ravel()) for name, values in columns.items()}
    )
