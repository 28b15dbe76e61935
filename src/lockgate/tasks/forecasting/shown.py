"""What the report shows of forecasts of the test part: some of them, and what is seen in all."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from lockgate.reading.zones import shown, wall_clock
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.tasks.base import Chosen
from lockgate.tasks.forecasting.baselines import naive_baselines
from lockgate.tasks.forecasting.importance import importance
from lockgate.tasks.forecasting.interval_scores import bands_of
from lockgate.tasks.forecasting.prepare import Prepared
from lockgate.tasks.forecasting.residuals import errors_by_clock, residual_checks
from lockgate.tasks.forecasting.scorer import WindowScorer
from lockgate.tasks.forecasting.several import by_series
from lockgate.tasks.forecasting.table import Table
from lockgate.tasks.forecasting.windows import Windows

MOST_HISTORY = 168
NOT_LOOKED_INTO: dict[str, Any] = {"importance": [], "clock": None, "residuals": []}


def what_is_shown(
    data: Table, prepared: Prepared, scorer: WindowScorer, chosen: Chosen
) -> dict[str, Any]:
    """Give the best, the median and the worst window by mean absolute error, with the truth.

    Only windows whose targets are all observed count. Of several series a window of the best,
    the median and the worst series beside a naive forecast, and in how many it is better. With them
    what the networks read, when they err, and what is left in their errors.
    """
    windows = prepared.windows("test")
    errors = np.abs(chosen.prediction - scorer.truth).mean(axis=1)
    order = np.argsort(errors)[: int(np.isfinite(errors).sum())]
    if not len(order):
        return {"forecasts": [], "by_series": None, **NOT_LOOKED_INTO}
    three = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    told: dict[str, Any] | None = None
    if data.several:
        baselines = naive_baselines(prepared.preprocessing.seasons[:1])
        naive = baselines[1] if prepared.preprocessing.seasons else baselines[0]
        theirs = np.abs(naive.forecast(windows) - scorer.truth).mean(axis=1)
        of_series = windows.series.of(windows.origins.numpy())
        if found := by_series(of_series, errors, theirs):
            three = found.windows
            told = {"better": found.better, "of": found.series, "naive": naive.name}
            if scorer.each > 1:
                told["windows"] = _fewest_and_most(of_series[np.isfinite(errors)])
    spreads = chosen.fitted.spreads(windows)
    return {
        "forecasts": [
            _stretch(data, windows, scorer, chosen, spreads, (which, int(place)))
            for which, place in three.items()
        ],
        "by_series": told,
        **_looked_into(data, prepared, scorer, chosen, spreads),
    }


def _fewest_and_most(series: IntArray) -> list[int]:
    """Return by how few windows a series is judged, and by how many."""
    _, counts = np.unique(series, return_counts=True)
    return [int(counts.min()), int(counts.max())]


def series_of(rows: pl.DataFrame) -> dict[str, Any]:
    """Return the times and the targets of rows, for a chart."""
    return {"ds": _times(rows["ds"]), "y": rows["y"].to_list()}


def _stretch(
    data: Table,
    windows: Windows,
    scorer: WindowScorer,
    chosen: Chosen,
    spreads: FloatArray | None,
    one: tuple[str, int],
) -> dict[str, Any]:
    which, place = one
    origin = int(windows.origins[place])
    begun = int(windows.series.starts[windows.series.of(windows.origins[place].numpy())])
    read = min(windows.lookback, MOST_HISTORY, origin + 1 - begun)
    past = data.frame.slice(origin + 1 - read, read)
    future = data.frame.slice(origin + 1, windows.horizon)
    return {
        "which": which,
        "series": past["unique_id"][0] if data.several else None,
        "error": float(np.abs(chosen.prediction[place] - scorer.truth[place]).mean()),
        "origin": shown(past["ds"], -1),
        "history": series_of(past),
        "future": {
            "ds": _times(future["ds"]),
            "y": future["y"].to_list(),
            "forecast": chosen.prediction[place],
            "baseline": chosen.reference[place],
            "baseline_name": chosen.name,
            "intervals": bands_of(chosen.fitted, scorer, chosen.prediction, place, spreads),
        },
    }


def _looked_into(
    data: Table,
    prepared: Prepared,
    scorer: WindowScorer,
    chosen: Chosen,
    spreads: FloatArray | None,
) -> dict[str, Any]:
    """Tell what the networks read, when they err, and what is left in their errors."""
    windows, forecast = prepared.windows("test"), chosen.prediction
    targets = windows.origins.numpy()[:, None] + np.arange(1, windows.horizon + 1)
    networks, preprocessing = replace(chosen.fitted, mixture=None), prepared.preprocessing
    return {
        "importance": importance(networks, windows, preprocessing),
        "clock": errors_by_clock(scorer, forecast, data.frame["ds"][targets.ravel()]),
        "residuals": residual_checks(scorer, forecast, preprocessing.seasons, spreads),
    }


def _times(ds: pl.Series) -> list[str] | list[int]:
    """Write stamps for a chart, whose axis is the clock on the wall; numbers of rows stay."""
    return (wall_clock(ds).dt.to_string() if ds.dtype.is_temporal() else ds).to_list()
