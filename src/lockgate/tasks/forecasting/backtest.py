"""Forecast a table from cutoffs in its past, as it would have been forecast there and then."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl

from lockgate.errors import DataError, count_of, listed, option
from lockgate.reading.frames import like
from lockgate.reading.zones import instants, shown
from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.forecasting.as_of import (
    AsOf,
    as_of,
    baseline_columns,
    histories,
    learned_from,
    long_frame,
    model_columns,
)
from lockgate.tasks.forecasting.asked import asked_for
from lockgate.tasks.forecasting.backtest_folder import BacktestFolder, digest_of
from lockgate.tasks.forecasting.backtest_result import (
    SCALE,
    BacktestResult,
    CutoffForecasts,
    coverage,
    joined,
    left_out,
)
from lockgate.tasks.forecasting.classical import (
    check_classical,
    forecast_classical,
    why_no_classical,
)
from lockgate.tasks.forecasting.config import BacktestSettings, ForecastConfig
from lockgate.tasks.forecasting.cutoffs import Cutoff, Refit, lay_cutoffs
from lockgate.tasks.forecasting.fitted import FittedForecaster
from lockgate.tasks.forecasting.prepare import Prepared
from lockgate.tasks.forecasting.stream import when
from lockgate.tasks.forecasting.table import Table

FitAnew = Callable[[Table, Prepared, ForecastConfig, Path | None], FittedForecaster]
"""Fits what `train` would deliver to a table that is cut where learning ends; the path is that of a
folder from which a fit that was killed goes on."""


class BacktestWatcher(Protocol):
    """What is told while a backtest runs."""

    def on_plan(self, plan: "BacktestPlan") -> None:
        """Take the plan, before the first fit."""
        ...

    def on_refit(self, number: int, refits: int) -> None:
        """Take that a fit begins, by its number from 1."""
        ...

    def on_cutoff(self, done: int, cutoffs: int) -> None:
        """Take how many cutoffs are done."""
        ...


@dataclass(frozen=True)
class BacktestPlan:
    """What a backtest will do."""

    table: Table
    config: ForecastConfig
    asked: BacktestSettings
    given: FittedForecaster | None
    """The model that is there already."""
    cutoffs: tuple[Cutoff, ...]
    networks: int
    """Networks that one fit trains."""

    @property
    def refits(self) -> tuple[Refit, ...]:
        """The fits, each once."""
        refits = (cutoff.refit for cutoff in self.cutoffs)
        return tuple(dict.fromkeys(refit for refit in refits if refit is not None))

    def name_of(self, cutoff: Cutoff) -> str:
        """Return the last stamp that is known, or the number of its row."""
        return shown(self.table.layout.axis, cutoff.step)

    @property
    def words(self) -> dict[str, str]:
        """What is told of it before it begins, by name."""
        first, last = (self.name_of(self.cutoffs[place]) for place in (0, -1))
        steps = [cutoff.step for cutoff in self.cutoffs]
        apart = f", {count_of(steps[1] - steps[0], 'step')} apart" if len(steps) > 1 else ""
        return {
            "table": f"{self.table.source}: {len(self.table.layout.axis)} steps of "
            f"{self.table.frequency}",
            "cutoffs": f"{len(steps)}{apart}, from {first} to {last}",
            "fits": self._fits_words(),
            "baselines": listed(["naive", "ridge", *self.asked.baselines]),
        }

    def _fits_words(self) -> str:
        if not self.refits:
            return "none: the model as it is"
        lengths = [len(refit.steps) for refit in self.refits]
        rows = f"{lengths[0]}" if len({*lengths}) == 1 else f"{lengths[0]} to {lengths[-1]}"
        networks = count_of(self.networks * len(lengths), "network")
        return f"{len(lengths)}, of {networks} in all; each learns from {rows} steps"

    @property
    def identity(self) -> dict[str, Any]:
        """What tells this backtest from others, as plain values."""
        refitted = self.given is None or bool(self.refits)
        return {
            "format_version": 1,
            "table": self.table.fingerprint,
            "backtest": self.asked.model_dump(mode="json"),
            "run": self.config.model_dump(mode="json"),
            "model": None if refitted or self.given is None else digest_of(self.given),
        }


def plan_backtest(
    table: Table,
    config: ForecastConfig,
    asked: BacktestSettings,
    networks: int,
    given: FittedForecaster | None = None,
) -> BacktestPlan:
    """Plan a backtest, and refuse one that cannot be done.

    Args:
        table: What is forecast.
        config: The settings of what is fitted, or of what was.
        asked: The cutoffs.
        networks: Networks that one fit trains.
        given: A model that is there already.

    Raises:
        DataError: As `lay_cutoffs` and `check_classical` do, or if a level is out of range.
        ModuleNotFoundError: If statsforecast is needed and missing.
    """
    check_classical(asked.baselines)
    asked_for(asked.level, None)
    cutoffs = lay_cutoffs(table, config.data, asked, None if given is None else given.preprocessing)
    plan = BacktestPlan(table, config, asked, given, cutoffs, networks)
    _check_intervals(plan)
    return plan


def _check_intervals(plan: BacktestPlan) -> None:
    """Refuse intervals at cutoffs of which updates have known the truths."""
    intervals = None if plan.given is None or plan.refits else plan.given.intervals
    if not plan.asked.level or intervals is None or intervals.stream is None:
        return
    axis = instants(plan.table.layout.axis).to_numpy()
    last = np.searchsorted(axis, when(intervals.stream.last)) + intervals.horizon
    if plan.cutoffs[0].step < last:
        known = shown(plan.table.layout.axis, min(int(last), len(axis) - 1))
        raise DataError(
            f"no cutoff must lie before {known} where a level is asked for, as updates have told "
            f"the model's intervals up to there, got the first at {plan.name_of(plan.cutoffs[0])}; "
            f"leave level out, or fit anew for each, {option('refit_every', 1)}"
        )


def run_backtest(
    plan: BacktestPlan,
    fit_anew: FitAnew,
    watcher: BacktestWatcher,
    kept: BacktestFolder | None = None,
    source: Any = None,
) -> BacktestResult:
    """Forecast from every cutoff, and score.

    What is known at a cutoff is the table cut there, so that no forecast can read a later row.

    Args:
        plan: What to do.
        fit_anew: Fits a model.
        watcher: Is told what is done.
        kept: Keeps each part as it is done, and gives those that are there; None keeps nothing.
        source: What the table was read from: the frame of forecasts is of its kind.

    Raises:
        DataError: If nothing can be learned before a cutoff, which the message names, or no series
            can be forecast from any.
    """
    models = _Models(plan, fit_anew, watcher, kept)
    watcher.on_plan(plan)
    parts = []
    for cutoff in plan.cutoffs:
        part = None if kept is None else kept.cutoff(cutoff.number)
        if part is None:
            with _telling(plan, cutoff):
                part = _forecast_from(plan, cutoff, models)
            if kept is not None:
                kept.keep_cutoff(cutoff.number, part)
        parts.append(part)
        watcher.on_cutoff(cutoff.number + 1, len(plan.cutoffs))
    return _result(plan, parts, models.seasons, source)


class _Models:
    """The models by cutoff: the last that was fitted or read is at hand."""

    def __init__(
        self,
        plan: BacktestPlan,
        fit_anew: FitAnew,
        watcher: BacktestWatcher,
        kept: BacktestFolder | None,
    ) -> None:
        self._plan, self._fit_anew, self._watcher, self._kept = plan, fit_anew, watcher, kept
        self._refit: Refit | None = None
        self._fitted = None if plan.refits else plan.given
        self._seasons: tuple[int, ...] | None = None

    @property
    def seasons(self) -> tuple[int, ...]:
        """Those that the first model knows: baselines have the same at all cutoffs."""
        if self._seasons is None:
            first = self._plan.refits[0] if self._plan.refits else None
            self._seasons = self.of(first).preprocessing.seasons
        return self._seasons

    def of(self, refit: Refit | None) -> FittedForecaster:
        """Return the model of a fit; of None the one that was given."""
        if self._fitted is None or refit != self._refit:
            assert refit is not None
            there = None if self._kept is None else self._kept.fitted(refit.number)
            self._fitted, self._refit = there or self._fit(refit), refit
        return self._fitted

    def _fit(self, refit: Refit) -> FittedForecaster:
        self._watcher.on_refit(refit.number + 1, len(self._plan.refits))
        own, prepared = learned_from(self._plan.table, refit.steps, self._plan.config)
        checkpoints = None if self._kept is None else self._kept.checkpoints(refit.number)
        fitted = self._fit_anew(own, prepared, self._plan.config, checkpoints)
        if self._kept is not None:
            self._kept.keep_fitted(refit.number, fitted)
        return fitted


@contextmanager
def _telling(plan: BacktestPlan, cutoff: Cutoff) -> Iterator[None]:
    """Tell in a message before which cutoff it was."""
    try:
        yield
    except DataError as error:
        raise DataError(f"cutoff {plan.name_of(cutoff)}: {error}") from None


def _forecast_from(plan: BacktestPlan, cutoff: Cutoff, models: _Models) -> pl.DataFrame:
    seasons = models.seasons
    fitted = models.of(cutoff.refit)
    preprocessing, bound = fitted.preprocessing, plan.config.data.at_least
    known = as_of(plan.table, preprocessing, cutoff.step, padded=_padded(plan))
    windows, rows = known.windows, known.rows
    columns = model_columns(fitted, known, plan.asked.level) if len(windows) else {}
    columns |= baseline_columns(windows, seasons, fitted.ridge, bound) if len(windows) else {}
    if plan.asked.baselines:
        rolling = plan.asked.window == "rolling" and cutoff.refit
        most = len(cutoff.refit.steps) if rolling and cutoff.refit else None
        series = histories(plan.table, rows, most)
        for name in plan.asked.baselines:
            if why_no_classical(name, seasons) is None:
                columns[name] = forecast_classical(
                    name, series, seasons, preprocessing.horizon, bound
                )
    frame = long_frame(plan.table, rows, preprocessing.horizon, columns)
    scale = np.repeat(_scales(known, fitted), preprocessing.horizon)
    return frame.with_columns(pl.Series(SCALE, scale))


def _scales(known: AsOf, fitted: FittedForecaster) -> FloatArray:
    """Return what MASE divides by: the naive error of the rows that the model has learned from."""
    if fitted.preprocessing.several:
        return known.naive
    scale = fitted.metrics.get("mase_scale")
    return np.full(len(known.rows), np.nan if scale is None else scale, dtype=np.float64)


def _result(
    plan: BacktestPlan, parts: Sequence[pl.DataFrame], seasons: tuple[int, ...], source: Any
) -> BacktestResult:
    horizon = plan.table.slots.steps(plan.config.data.horizon)
    filled = [part for part in parts if part.height]
    if not filled:
        raise DataError(
            "the table must hold a series with a whole lookback before a cutoff, without a hole "
            "longer than max_gap, and a whole horizon after it, got none; pass fewer n_windows "
            "(--n-windows), a shorter lookback, or a larger max_gap"
        )
    names = [plan.name_of(cutoff) for cutoff in plan.cutoffs]
    empty = [name for name, part in zip(names, parts, strict=True) if not part.height]
    named = [name for name, part in zip(names, parts, strict=True) if part.height]
    forecasts = CutoffForecasts.of(filled, horizon)
    whole = forecasts.scores(plan.config.training.metric, named)
    return BacktestResult(
        forecasts=like(joined(filled), source),
        metric=plan.config.training.metric,
        cutoffs=tuple(names),
        horizon=horizon,
        fits=len(plan.refits),
        windows=len(forecasts.truth),
        scores=whole,
        coverage=coverage(filled, plan.asked.level),
        by_series=forecasts.by_series() if plan.table.several else None,
        notices=(
            *plan.table.notices,
            *_not_forecast(plan, parts, empty, horizon),
            *_not_computed(plan, filled, seasons),
        ),
    )


def _not_forecast(
    plan: BacktestPlan, parts: Sequence[pl.DataFrame], empty: list[str], horizon: int
) -> Iterator[str]:
    if empty:
        yield (
            f"nothing is forecast from {listed(empty, 3)}: no series has {_read(plan)} without a "
            "long hole there"
        )
    series = len(plan.table.names)
    fewer = sum(0 < part.height < series * horizon for part in parts)
    if fewer:
        yield (
            f"at {count_of(fewer, 'cutoff')} some of the {series:,} series are not forecast: they "
            f"have no {_read(plan).removeprefix('a ')} before it, or no whole horizon after it"
        )


def _read(plan: BacktestPlan) -> str:
    """Name what a series must have before a cutoff to be forecast."""
    return "a row" if plan.table.several and _padded(plan) else "a whole lookback"


def _padded(plan: BacktestPlan) -> bool:
    # statsforecast fits nothing to a row or two, and all are compared on the same series
    return not plan.asked.baselines


def _not_computed(
    plan: BacktestPlan, parts: Sequence[pl.DataFrame], seasons: tuple[int, ...]
) -> Iterator[str]:
    yield from left_out(parts)
    if not any("ridge" in part.columns for part in parts):
        yield "no ridge: the model keeps none, or none can be fitted to so many inputs"
    for name in plan.asked.baselines:
        if reason := why_no_classical(name, seasons):
            yield f"{name} is left out: {reason}"
