"""Naive forecasts, always computed beside the models."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from lockgate.scoring.arrays import AnyFloatArray, FloatArray, IntArray
from lockgate.scoring.baselines import Skipped
from lockgate.tasks.forecasting.layout import blocks_of
from lockgate.tasks.forecasting.ridge import Ridge, fit_ridge, ridge_why_not
from lockgate.tasks.forecasting.windows import Windows

if TYPE_CHECKING:
    from lockgate.scoring.metrics import PointMetric


class Baseline(Protocol):
    """A forecast that costs next to nothing and that a model should beat."""

    @property
    def name(self) -> str:
        """What the baseline is called, for example `seasonal naive 24`."""

    @property
    def setting(self) -> str:
        """What was chosen for it, in words; empty where there was nothing to choose."""

    def forecast(self, windows: Windows) -> FloatArray:
        """Forecast every window in the target's own unit, `(N, horizon)`.

        A forecast may use every row up to its window's origin, beyond the lookback too, and none
        after it.
        """


class LastValue(NamedTuple):
    """Every step is the latest observed value; the training mean before the first one."""

    name: str = "last value"
    setting: str = ""

    def forecast(self, windows: Windows) -> FloatArray:
        """Forecast every window in the target's own unit, `(N, horizon)`."""
        last = _last_observed(windows)
        return windows.invert(np.repeat(last[:, None], windows.horizon, axis=1))


class SeasonalNaive(NamedTuple):
    """Every step is the latest observed value of its phase, whole seasons before it.

    Where the value one season ago is missing, the season before that is asked, as far back as the
    series goes. A phase that was never observed takes the last value.
    """

    season: int

    @property
    def name(self) -> str:
        """`seasonal naive` and the season in rows."""
        return f"seasonal naive {self.season}"

    @property
    def setting(self) -> str:
        """Nothing is chosen."""
        return ""

    def forecast(self, windows: Windows) -> FloatArray:
        """Forecast every window in the target's own unit, `(N, horizon)`."""
        steps = np.arange(1, windows.horizon + 1)
        # whole seasons back, until the row is at the origin or before it
        origins = windows.origins.numpy()
        rows = origins[:, None] + steps - -(-steps // self.season) * self.season
        first = windows.series.starts[windows.series.of(origins)][:, None]
        latest = _latest_of_phase(windows, self.season, np.maximum(rows, 0))
        repeated = np.where(rows >= first, latest, np.nan)
        last = _last_observed(windows)[:, None]
        return windows.invert(np.where(np.isnan(repeated), last, repeated))


class Drift(NamedTuple):
    """The line through the first and the last value of the lookback, continued.

    Both are values of the filled target channel. With a lookback of 1 the line is level, and so is
    it of a padded window that holds one row.
    """

    name: str = "drift"
    setting: str = ""

    def forecast(self, windows: Windows) -> FloatArray:
        """Forecast every window in the target's own unit, `(N, horizon)`."""
        filled, origins = windows.inputs[:, 0].numpy(), windows.origins.numpy()
        last = filled[origins].astype(np.float64)
        rows = _rows(windows)
        slope = (last - filled[origins - rows + 1]) / np.maximum(rows - 1, 1)
        return windows.invert(last[:, None] + slope[:, None] * np.arange(1, windows.horizon + 1))


class WindowMean(NamedTuple):
    """Every step is the mean of the filled target channel over the lookback."""

    name: str = "window mean"
    setting: str = ""

    def forecast(self, windows: Windows) -> FloatArray:
        """Forecast every window in the target's own unit, `(N, horizon)`."""
        filled, origins = windows.inputs[:, 0].numpy(), windows.origins.numpy()
        rows, mean = _rows(windows), np.empty(len(windows))
        for block, inside in _blocks(windows, origins):
            before = np.concatenate([[0.0], np.cumsum(filled[block], dtype=np.float64)])
            ends, read = origins[inside] - block.start + 1, rows[inside]
            mean[inside] = (before[ends] - before[ends - read]) / read
        return windows.invert(np.repeat(mean[:, None], windows.horizon, axis=1))


class Bounded(NamedTuple):
    """Another baseline, of which no forecast is below a bound."""

    baseline: Baseline
    at_least: float

    @property
    def name(self) -> str:
        """That of the baseline."""
        return self.baseline.name

    @property
    def setting(self) -> str:
        """That of the baseline."""
        return self.baseline.setting

    def forecast(self, windows: Windows) -> FloatArray:
        """Forecast every window in the target's own unit, `(N, horizon)`."""
        return np.maximum(self.baseline.forecast(windows), self.at_least)


def bounded(baselines: Sequence[Baseline], at_least: float | None) -> tuple[Baseline, ...]:
    """Return the baselines, no forecast of which is below `at_least`, if there is a bound."""
    if at_least is None:
        return tuple(baselines)
    return tuple(Bounded(baseline, at_least) for baseline in baselines)


def naive_baselines(seasons: Sequence[int]) -> tuple[Baseline, ...]:
    """Return the baselines that learn nothing: last value, seasonal naive, drift, window mean.

    Args:
        seasons: Seasons of the series in rows; each gives one seasonal naive.

    Example:
        >>> [baseline.name for baseline in naive_baselines([24])]
        ['last value', 'seasonal naive 24', 'drift', 'window mean']
    """
    return (LastValue(), *map(SeasonalNaive, seasons), Drift(), WindowMean())


def fit_baselines(
    train: Windows,
    validation: Windows,
    seasons: Sequence[int],
    metric: "PointMetric",
    ridge: Ridge | None = None,
) -> tuple[Baseline, ...]:
    """Return every baseline that can be computed, the ridge fitted.

    `skipped_baselines` says which cannot, and why.

    Args:
        train: Windows that the ridge learns from.
        validation: Windows on which its strength is chosen.
        seasons: Seasons of the series in rows.
        metric: The metric by which the strength is chosen.
        ridge: The ridge of these windows, if it is fitted already.
    """
    naive = naive_baselines(seasons)
    if skipped_baselines(train):
        return naive
    return (*naive, ridge or fit_ridge(train, validation, metric))


def skipped_baselines(train: Windows) -> tuple[Skipped, ...]:
    """Return the baselines that `fit_baselines` leaves out, each with the reason."""
    reason = ridge_why_not(train)
    return () if reason is None else (Skipped("ridge", reason),)


def _rows(windows: Windows) -> IntArray:
    """Return how many rows each window holds: the lookback, less its padding."""
    padding = windows.padding
    missing = np.zeros(len(windows), np.int64) if padding is None else padding.numpy()
    rows: IntArray = windows.lookback - missing
    return rows


def _last_observed(windows: Windows) -> FloatArray:
    """Return the latest scaled target observed up to each origin: 0, the mean, before the first."""
    latest = _latest_of_phase(windows, 1, windows.origins.numpy())
    return np.where(np.isnan(latest), 0.0, latest)


def _blocks(windows: Windows, rows: IntArray) -> Iterator[tuple[slice, npt.NDArray[np.bool_]]]:
    """Yield blocks of whole series, each with which of some rows are in it."""
    for block in blocks_of(windows.series.starts, len(windows.target)):
        inside = (rows >= block.start) & (rows < block.stop)
        if inside.any():
            yield block, inside


def _latest_of_phase(windows: Windows, season: int, rows: IntArray) -> FloatArray:
    """Return for some rows the latest observed of the row, the one a season before, and so on."""
    target, starts = windows.target.numpy(), windows.series.starts
    latest = np.full(rows.shape, np.nan)
    for block, inside in _blocks(windows, rows):
        edges = starts[(starts > block.start) & (starts < block.stop)] - block.start
        found = [_latest_in(one, season) for one in np.split(target[block], edges)]
        latest[inside] = np.concatenate(found)[rows[inside] - block.start]
    return latest


def _latest_in(values: AnyFloatArray, season: int) -> FloatArray:
    """Return the same of the rows of one series."""
    seasons = -(-len(values) // season)
    padded = np.full(seasons * season, np.nan)
    padded[: len(values)] = values
    by_phase = padded.reshape(seasons, season)
    observed = np.where(np.isnan(by_phase), 0, np.arange(seasons)[:, None])
    latest: npt.NDArray[np.int64] = np.maximum.accumulate(observed, axis=0)
    return np.take_along_axis(by_phase, latest, axis=0).ravel()[: len(values)]
