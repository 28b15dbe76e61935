"""Score a forecaster beside its baselines, rolled over a table."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import torch

from lockgate.errors import DataError
from lockgate.reading.zones import instants, shown
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.scoring.metrics import PointMetric
from lockgate.tasks.base import Section
from lockgate.tasks.forecasting.baselines import bounded, naive_baselines
from lockgate.tasks.forecasting.covered import covered_rows
from lockgate.tasks.forecasting.interval_scores import score_intervals
from lockgate.tasks.forecasting.intervals import Intervals
from lockgate.tasks.forecasting.origins import origins_of
from lockgate.tasks.forecasting.prepare import make_windows
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.ridge import Ridge
from lockgate.tasks.forecasting.scorer import WindowScorer
from lockgate.tasks.forecasting.stream import when
from lockgate.tasks.forecasting.table import Table
from lockgate.tasks.forecasting.windows import Windows


class Forecasts(Protocol):
    """What gives forecasts, and tells how far off they may be."""

    @property
    def intervals(self) -> Intervals | None:
        """What tells it, if anything does."""
        ...

    def forecast(self, windows: Windows) -> FloatArray:
        """Forecast every window in the target's own unit, `(N, horizon)`."""
        ...

    def spreads(self, windows: Windows) -> FloatArray | None:
        """Forecast how far off each may be, if it does, as `forecast` does."""
        ...


class ForecastScores(NamedTuple):
    """The scores of one model or baseline."""

    name: str
    scores: dict[str, float | None]
    """MAE, RMSE, and MASE by the training part's scale."""
    per_step: list[float | None]
    """The metric by steps ahead."""


class ForecastEvaluation(NamedTuple):
    """How a forecaster does on rows that it has not learned from."""

    metric: str
    windows: int
    """Forecasts that were scored."""
    start: str
    """Time of the first target."""
    end: str
    """Time of the last target."""
    notices: tuple[str, ...]
    """What a reader should know of how the table was read."""
    model: ForecastScores
    baselines: tuple[ForecastScores, ...]
    intervals: dict[str, Any] | None = None
    """How the model's intervals do; see `interval_scores.score_intervals`."""

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values that JSON can hold."""
        model, baselines = self.model._asdict(), [b._asdict() for b in self.baselines]
        own = {**self._asdict(), "notices": list(self.notices)}
        return {**own, "model": model, "baselines": baselines}

    def sections(self) -> tuple[Section, ...]:
        """Give what a terminal shows: which forecasts, and a table of the scores."""
        rows = ({"model": one.name, **one.scores} for one in (self.model, *self.baselines))
        title = f"{self.windows} forecasts of {self.start} to {self.end}"
        notes = (f"note: {notice}" for notice in self.notices)
        scores = Section((title, *notes), tuple(rows))
        if self.intervals is None:
            return (scores,)
        covered = tuple(covered_rows(self.intervals))
        return scores, Section(("", *self.intervals["words"]), covered)


def evaluate(
    model: Forecasts,
    preprocessing: Preprocessing,
    table: Table,
    metric: PointMetric,
    mase_scale: float | None = None,
    ridge: Ridge | None = None,
    at_least: float | None = None,
) -> ForecastEvaluation:
    """Forecast from every row of `table` that comes after all that the model has learned from.

    Args:
        model: What is scored beside the baselines.
        preprocessing: What was learned with it.
        table: The rows.
        metric: What is given by steps ahead.
        mase_scale: What MASE divides by; without it there is no MASE.
        ridge: A ridge of the same training rows, to be scored beside it.
        at_least: What no forecast of a baseline is below.

    Raises:
        DataError: If the table has no window after `Preprocessing.seen_until`, or another form.
    """
    arrays = preprocessing.apply(table)
    every = make_windows(arrays, preprocessing, range(len(table.layout.axis)))
    seen, horizon = preprocessing.seen(table), preprocessing.horizon
    windows = every.select(torch.from_numpy(~seen[every.origins.numpy() + 1]))
    if not len(windows):
        raise DataError(
            f"the table must hold {horizon} rows after {preprocessing.seen_until}, the last that "
            f"the model has learned from, got {(~seen).sum()}, or none without a hole"
        )
    truth = windows.invert(windows.truth().numpy())
    several = preprocessing.several
    scale = arrays.naive_of(windows.origins.numpy()) if several else mase_scale
    scorer = WindowScorer(truth, metric, scale, origins_of(windows, table))

    def scored(name: str, forecast: FloatArray) -> ForecastScores:
        steps = scorer.per_step(forecast)
        per_step = [None if np.isnan(step) else float(step) for step in steps]
        return ForecastScores(name, scorer.scores(forecast), per_step)

    own = model.forecast(windows)
    ds, origins = table.frame["ds"], windows.origins.numpy()
    targets = ds.gather(np.concatenate([origins + 1, origins + horizon]))
    naive = naive_baselines(preprocessing.seasons)
    baselines = bounded((*naive, *([] if ridge is None else [ridge])), at_least)
    return ForecastEvaluation(
        metric=metric,
        windows=len(windows),
        start=shown(targets, int(instants(targets).arg_min() or 0)),
        end=shown(targets, int(instants(targets).arg_max() or 0)),
        notices=table.notices,
        model=scored("model", own),
        baselines=tuple(scored(one.name, one.forecast(windows)) for one in baselines),
        intervals=model.intervals
        and score_intervals(
            *(model.intervals, scorer, own, _where(model.intervals, table, origins)),
            *(at_least, model.spreads(windows)),
        ),
    )


def _where(intervals: Intervals, table: Table, origins: IntArray) -> str:
    """Name the rows that intervals are scored on, with what part they had in them."""
    made = instants(table.frame["ds"]).to_numpy()[origins]
    if intervals.stream is None or made.min() > when(intervals.stream.last):
        return "these rows"
    return "these rows, some of which updates have taken in,"
