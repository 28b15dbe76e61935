"""Forecasts that were held out, and the intervals that follow from them."""

from typing import Any

import numpy as np

from lockgate.tasks.base import HeldOut
from lockgate.tasks.forecasting.intervals import Intervals
from lockgate.tasks.forecasting.origins import Origins
from lockgate.tasks.forecasting.scorer import WindowScorer

NAMES = ("large", "small", "short")
STDS = np.array([100.0, 1.0, 10.0])


def held_out(
    rows: int, horizon: int = 2, seed: int = 0, series: Any = None, name: str = "fold-0"
) -> HeldOut:
    """Forecasts of 5.0 whose errors are normal, in the deviations of their series."""
    rng = np.random.default_rng(seed)
    which = np.zeros(rows, np.int64) if series is None else np.asarray(series)
    stds = np.ones(rows) if series is None else STDS[which]
    origins = Origins(np.arange(rows), which, () if series is None else NAMES, stds)
    truth = 5.0 + stds[:, None] * rng.normal(size=(rows, horizon)) * np.arange(1, horizon + 1)
    return HeldOut(name, WindowScorer(truth, "mae", None, origins), np.full(truth.shape, 5.0))


def made(*parts: HeldOut) -> Intervals:
    made = Intervals.of(parts)
    assert made is not None
    return made


def with_spreads(rows: int, seed: int = 0, series: Any = None) -> HeldOut:
    """Forecasts whose errors are as large as the spreads forecast for them."""
    one = held_out(rows, seed=seed, series=series)
    rng = np.random.default_rng(100 + seed)
    spreads = one.scorer.origins.stds[:, None] * np.exp(rng.normal(size=one.prediction.shape))
    truth = 5.0 + spreads * rng.normal(size=spreads.shape)
    return one._replace(scorer=one.scorer._replace(truth=truth), spreads=spreads)
