"""What a backtest over past cutoffs gives: its forecasts, and their scores cut in several ways."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from lockgate.errors import count_of
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.scoring.metrics import PointMetric, metric_power
from lockgate.tasks.base import Section
from lockgate.tasks.forecasting.as_of import MODEL
from lockgate.tasks.forecasting.origins import Origins
from lockgate.tasks.forecasting.scorer import WindowScorer
from lockgate.tasks.forecasting.several import by_series

SCALE = "mase_scale"
"""Column of a part of a backtest beside those that are given: what MASE divides errors by."""
FIRST = ("unique_id", "ds", "cutoff", "y")
"""Columns of the frame before those of forecasts."""
MOST_STEPS = 8
"""Steps ahead whose scores a terminal shows, evenly spread."""


class CutoffScores(NamedTuple):
    """The scores of the model or of a baseline."""

    name: str
    """Its column in the frame."""
    scores: dict[str, float | None]
    """MAE, RMSE and MASE over all forecasts."""
    by_cutoff: dict[str, float | None]
    """The metric of the forecasts from each cutoff."""
    per_step: list[float | None]
    """The metric by steps ahead."""


class SeriesScore(NamedTuple):
    """One series of several, by mean absolute error."""

    which: str
    """`best`, `median` or `worst`, by the ratio of both errors."""
    unique_id: str
    model: float
    naive: float


class SeriesScores(NamedTuple):
    """How the model does in each series beside a naive forecast of it."""

    better: int
    """Series in which the model has the smaller mean absolute error."""
    series: int
    """Series that can be compared."""
    naive: str
    """The column of the naive forecast."""
    shown: tuple[SeriesScore, ...]


@dataclass(frozen=True)
class BacktestResult:
    """Forecasts of a table from cutoffs in its past, and how good they were."""

    forecasts: Any
    """The long frame of Nixtla's libraries, which `utilsforecast.evaluation.evaluate` takes:
    `unique_id`, `ds` (stamps, or the numbers of rows), `cutoff`, `y`, `lockgate` and a column for
    each baseline. It is of the kind that the source is, polars for a path."""
    metric: str
    """What is given by cutoff and by step: the metric of the model's training."""
    cutoffs: tuple[str, ...]
    """The last stamps that were known."""
    horizon: int
    """Steps ahead."""
    fits: int
    """How often the model was fitted."""
    windows: int
    """Forecasts that were scored: a cutoff and a series each."""
    scores: tuple[CutoffScores, ...]
    """Those of the model first."""
    coverage: dict[str, float | None]
    """By level, in per cent, the share of truths inside of the model's intervals."""
    by_series: SeriesScores | None
    """Of several series."""
    notices: tuple[str, ...]
    """What a reader should know of how the table was read, and of what is not forecast."""

    def to_dict(self) -> dict[str, Any]:
        """Give all but the forecasts as plain values that JSON can hold."""
        several = self.by_series
        told = several and several._asdict() | {"shown": [one._asdict() for one in several.shown]}
        return {
            "metric": self.metric,
            "cutoffs": list(self.cutoffs),
            "horizon": self.horizon,
            "fits": self.fits,
            "windows": self.windows,
            "scores": [one._asdict() for one in self.scores],
            "coverage": self.coverage,
            "by_series": told,
            "notices": list(self.notices),
        }

    def sections(self) -> tuple[Section, ...]:
        """Give what a terminal shows: pooled scores, by cutoff, by step, and of several series."""
        title = (
            f"{count_of(self.windows, 'forecast')} of {count_of(self.horizon, 'step')} from "
            f"{count_of(len(self.cutoffs), 'cutoff')}, {self.cutoffs[0]} to {self.cutoffs[-1]}; "
            f"{count_of(self.fits, 'fit') if self.fits else 'the model as it is'}"
        )
        notes = (f"note: {notice}" for notice in self.notices)
        covered = (
            f"intervals of level {level} hold {share:.1%} of the truths"
            for level, share in self.coverage.items()
            if share is not None
        )
        pooled = tuple({"model": one.name, **one.scores} for one in self.scores)
        by_cutoff = tuple(
            {"cutoff": at, **{one.name: one.by_cutoff.get(at) for one in self.scores}}
            for at in self.cutoffs
        )
        steps = np.unique(np.linspace(0, self.horizon - 1, MOST_STEPS).round().astype(int))
        by_step = tuple(
            {"step": int(step) + 1, **{one.name: one.per_step[step] for one in self.scores}}
            for step in steps
        )
        return (
            Section((title, *covered, *notes), pooled),
            Section(("", f"{self.metric} by cutoff"), by_cutoff),
            Section(("", f"{self.metric} by steps ahead"), by_step),
            *self._series_sections(),
        )

    def _series_sections(self) -> Iterable[Section]:
        if self.by_series is None:
            return
        better, series, naive, three = self.by_series
        sentence = f"{MODEL} is better than {naive} in {better:,} of {series:,} series"
        rows = (
            {"series": one.which, "name": one.unique_id, f"{MODEL} mae": one.model}
            | {f"{naive} mae": one.naive}
            for one in three
        )
        yield Section(("", f"{sentence} ({better / series:.0%})"), tuple(rows))


class CutoffForecasts(NamedTuple):
    """The forecasts of a backtest as scores are computed from them: a row for each series and
    cutoff.
    """

    names: tuple[str, ...]
    truth: FloatArray  # (N, horizon)
    forecasts: dict[str, FloatArray]  # each (N, horizon)
    scale: FloatArray  # (N,)
    of_cutoff: IntArray  # (N,) number of the cutoff
    series: list[str]  # (N,)

    @classmethod
    def of(cls, parts: Sequence[pl.DataFrame], horizon: int) -> "CutoffForecasts":
        """Take apart what each cutoff gave, in order; columns are those that all of them have."""
        names = tuple(name for name in shared_columns(parts) if not is_bound(name))
        frame = pl.concat([part.select(*FIRST, *names, SCALE) for part in parts])

        def by_window(name: str) -> FloatArray:
            column = frame[name].cast(pl.Float64).fill_null(float("nan"))
            return np.asarray(column.to_numpy().reshape(-1, horizon))

        lengths = [part.height // horizon for part in parts]
        return cls(
            names,
            by_window("y"),
            {name: by_window(name) for name in names},
            by_window(SCALE)[:, 0],
            np.repeat(np.arange(len(parts)), lengths),
            frame["unique_id"].gather_every(horizon).to_list(),
        )

    def scores(self, metric: PointMetric, cutoffs: Sequence[str]) -> tuple[CutoffScores, ...]:
        """Score each column; `cutoffs` are the names of the cutoffs."""
        one = np.zeros(len(self.truth), np.int64)  # scores do not ask for the series
        origins = Origins(self.of_cutoff, one, (), np.ones(len(one)))
        scorer = WindowScorer(self.truth, metric, self.scale, origins)
        return tuple(self._scored(name, scorer, cutoffs) for name in self.names)

    def _scored(self, name: str, scorer: WindowScorer, cutoffs: Sequence[str]) -> CutoffScores:
        forecast = self.forecasts[name]
        losses, counts = (
            np.bincount(self.of_cutoff, each, len(cutoffs))
            for each in (scorer.losses(forecast), scorer.counts)
        )
        by_cutoff = {
            cutoff: float((loss / count) ** metric_power(scorer.metric)) if count else None
            for cutoff, loss, count in zip(cutoffs, losses, counts, strict=True)
        }
        steps = [None if np.isnan(step) else float(step) for step in scorer.per_step(forecast)]
        return CutoffScores(name, scorer.scores(forecast), by_cutoff, steps)

    def by_series(self) -> SeriesScores | None:
        """Compare the model with a naive forecast series by series; None if there is none to."""
        naive = "seasonal_naive" if "seasonal_naive" in self.names else "naive"
        known = np.isfinite(self.truth).any(axis=1)
        truth = self.truth[known]
        ours, theirs = (
            np.nanmean(np.abs(self.forecasts[name][known] - truth), axis=1)
            for name in (MODEL, naive)
        )
        names, of_series = np.unique(np.array(self.series)[known], return_inverse=True)
        found = by_series(of_series, ours, theirs)
        if found is None:
            return None
        three = []
        for which, window in found.windows.items():
            of_it = of_series == of_series[window]
            name = str(names[of_series[window]])
            errors = float(ours[of_it].mean()), float(theirs[of_it].mean())
            three.append(SeriesScore(which, name, *errors))
        return SeriesScores(found.better, found.series, naive, tuple(three))


def is_bound(name: str) -> bool:
    """Tell whether a column is an end of an interval, which is not scored as a forecast is."""
    return name.startswith((f"{MODEL}-lo-", f"{MODEL}-hi-"))


def coverage(parts: Sequence[pl.DataFrame], level: Sequence[float]) -> dict[str, float | None]:
    """Return the share of truths inside of the intervals of each level; None if none is known."""
    frame = joined(parts)
    shares: dict[str, float | None] = {}
    for one in level:
        low, high = (pl.col(f"{MODEL}-{side}-{one:g}") for side in ("lo", "hi"))
        inside = frame.select(pl.col("y").is_between(low, high)).to_series().drop_nulls()
        shares[f"{one:g}"] = float(inside.sum()) / len(inside) if len(inside) else None
    return shares


def shared_columns(parts: Sequence[pl.DataFrame]) -> tuple[str, ...]:
    """Return the columns of forecasts that every part has, in the order of the first."""
    every = [{*part.columns} for part in parts]
    return tuple(
        name
        for name in parts[0].columns
        if name not in (*FIRST, SCALE) and all(name in columns for columns in every)
    )


def joined(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the frame of all parts, without what MASE divides by."""
    return pl.concat([part.select(*FIRST, *shared_columns(parts)) for part in parts])


def left_out(parts: Sequence[pl.DataFrame]) -> list[str]:
    """Tell of columns that some parts lack."""
    shared = shared_columns(parts)
    names = dict.fromkeys(name for part in parts for name in part.columns)
    return [
        f"{name} could not be computed at every cutoff: left out"
        for name in names
        if name not in (*FIRST, SCALE, *shared)
    ]
