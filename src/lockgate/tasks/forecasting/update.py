"""Keep intervals up to date: take in the errors of forecasts whose truths have come since."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch

from lockgate.errors import DataError, count_of, option
from lockgate.reading.zones import instants, shown
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.scoring.conformal import ENOUGH_FOR_SIDES, errors_needed, levels_as_quantiles
from lockgate.scoring.intervals import Coverage, blocks_of, coverage, interval_score
from lockgate.tasks.base import Section
from lockgate.tasks.forecasting.covered import between_words, share_words
from lockgate.tasks.forecasting.fitted import NO_INTERVALS, FittedForecaster
from lockgate.tasks.forecasting.interval_scores import LEVELS, plain
from lockgate.tasks.forecasting.intervals import MOST_NUMBERS, Intervals
from lockgate.tasks.forecasting.origins import Origins, origins_of
from lockgate.tasks.forecasting.prepare import make_windows
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.stream import Stream, beyond_of, when
from lockgate.tasks.forecasting.table import Table

LEAST_LEVEL = 80.0
"""So many forecasts are kept at least that an interval of this level can be told."""


class LevelOfUpdate(NamedTuple):
    """How the interval of one level did on the new rows."""

    level: float
    before: Coverage
    """As it was."""
    kept_up: Coverage
    """With errors taken in as their truths came."""
    scores: tuple[float, float]
    """The interval scores of both; see `scoring.intervals.interval_score`."""


class UpdateResult(NamedTuple):
    """A model with the errors of later forecasts in its intervals, and how these did there."""

    fitted: FittedForecaster
    forecasts: int
    """Forecasts whose errors are new."""
    start: str
    """Time of the first target."""
    end: str
    """Time of the last target."""
    kept: int
    """Forecasts whose errors are kept, about."""
    later: int
    """Of these the ones that were made after training."""
    levels: tuple[LevelOfUpdate, ...]
    lost: tuple[float, ...]
    """Levels that could be told before, and cannot of so few errors."""
    notices: tuple[str, ...]
    """What a reader should know of how the table was read."""

    def to_dict(self) -> dict[str, Any]:
        """Give everything but the model as plain values that JSON can hold."""
        own = {name: value for name, value in self._asdict().items() if name != "fitted"}
        levels = [
            {
                "level": one.level,
                "before": plain(one.before._asdict()),
                "kept_up": plain(one.kept_up._asdict()),
                "interval_scores": [*one.scores],
            }
            for one in self.levels
        ]
        return {**own, "notices": [*self.notices], "levels": levels}

    def sections(self) -> tuple[Section, ...]:
        """Give what a terminal shows: what was taken in, and how intervals did on it."""
        title = f"{count_of(self.forecasts, 'new forecast')} of {self.start} to {self.end}"
        notes = (f"note: {notice}" for notice in self.notices)
        kept = (
            f"Intervals come from the errors of {count_of(self.kept, 'forecast')} now, "
            f"{self.later:,} of them made after training."
        )
        lines = (title, *notes, kept, *map(self._lost_words, self.lost))
        return (Section(lines, tuple(self._rows())),)

    def _lost_words(self, level: float) -> str:
        least = self.fitted.preprocessing.horizon * _errors_of(level)
        return (
            f"They are too few for an interval of {level:g} %, which needs {least:,}: pass "
            f"{option('latest', least)} or more."
        )

    def _rows(self) -> Iterator[dict[str, Any]]:
        for one in self.levels:
            both = (("as it was", one.before), ("kept up to date", one.kept_up))
            for (name, own), score in zip(both, one.scores, strict=True):
                yield {
                    "interval": f"{one.level:g} %, {name}",
                    "covers": share_words(own.share),
                    "95 % of blocks": between_words(own.low, own.high),
                    "mean width": own.width,
                    "interval score": score,
                }


def update(
    fitted: FittedForecaster, table: Table, latest: int | None = None, adapt: float | None = None
) -> UpdateResult:
    """Take the errors of forecasts whose truths have come since into the intervals of a model.

    The networks stay as they are. Every window of the table is forecast whose targets came after
    what learning, and updates before, have seen; the newest errors are kept, and those that they
    displace are forgotten. What the new forecasts would have been told is told as well: by the
    intervals as they were, and by intervals that took in each horizon of rows once it was past.

    Args:
        fitted: The model.
        table: Rows that it has not seen, and the past that their forecasts read.
        latest: Forecasts whose errors are kept. Default: as many as the model has, and as many at
            least as let both sides be told apart.
        adapt: See `scoring.adaptive.adapted`. Default: as the model has it, or 0.

    Raises:
        DataError: If the model has no intervals, nothing is new, or `latest` is too few to tell an
            interval of 80 %.
    """
    intervals = fitted.intervals
    if intervals is None:
        raise DataError(NO_INTERVALS.format(asked="update"))
    began = intervals.stream
    if latest is None:
        enough = ENOUGH_FOR_SIDES * intervals.horizon
        latest = max(intervals.kept, enough) if began is None else began.latest
    if adapt is None:
        adapt = 0.0 if began is None else began.adapt
    _check_latest(latest, intervals.horizon)
    fresh = _fresh(fitted, intervals, table)
    whole = _Whole(intervals, fresh, latest, adapt)
    least = whole.before(int(fresh.steps[0]))
    levels = [one for one in LEVELS if intervals.can_tell_level(one) and least.can_tell_level(one)]
    ends = [end for level in levels for end in levels_as_quantiles([level])]
    told = whole.replay(fresh, ends)
    before = intervals.quantiles(fresh.forecast, fresh.origins, ends, fresh.spreads)
    if (bound := fitted.config.data.at_least) is not None:
        told, before = np.maximum(told, bound), np.maximum(before, bound)
    blocks = blocks_of(fresh.origins.steps, intervals.horizon)

    def of_level(place: int) -> LevelOfUpdate:
        (low, high), (new_low, new_high) = (e[2 * place : 2 * place + 2] for e in (before, told))
        return LevelOfUpdate(
            levels[place],
            coverage(fresh.truth, low, high, blocks),
            coverage(fresh.truth, new_low, new_high, blocks),
            (
                interval_score(fresh.truth, low, high, levels[place]),
                interval_score(fresh.truth, new_low, new_high, levels[place]),
            ),
        )

    updated = whole.after(len(whole.steps))
    stamps = _targets(table, fresh, intervals.horizon)
    return UpdateResult(
        fitted=replace(fitted, intervals=updated),
        forecasts=len(fresh.steps),
        start=shown(stamps, int(instants(stamps).arg_min() or 0)),
        end=shown(stamps, int(instants(stamps).arg_max() or 0)),
        kept=updated.kept,
        later=updated.later,
        lost=tuple(one for one in LEVELS if one not in levels and intervals.can_tell_level(one)),
        levels=tuple(map(of_level, range(len(levels)))),
        notices=table.notices,
    )


class _Fresh(NamedTuple):
    """Forecasts whose truths an update takes in, in the order of time."""

    forecast: FloatArray  # (N, H)
    truth: FloatArray
    spreads: FloatArray | None
    origins: Origins
    steps: IntArray
    """(N,) When each was made, on an axis of all stamps of the table."""
    rows: IntArray
    """(N,) The row of the table that it was made at."""
    until: Mapping[str, str]
    """Stamp of the last of each series that has any, by its name."""
    began: int
    """Where on that axis the last of the updates before was."""

    def part(self, rows: IntArray) -> tuple[FloatArray, Origins, FloatArray | None]:
        """Return forecasts, origins and spreads of some of them."""
        spreads = None if self.spreads is None else self.spreads[rows]
        return self.forecast[rows], self.origins.select(rows), spreads


def _fresh(fitted: FittedForecaster, intervals: Intervals, table: Table) -> _Fresh:
    """Forecast every window whose truths are new.

    Raises:
        DataError: If there is none.
    """
    preprocessing = fitted.preprocessing
    every = make_windows(preprocessing.apply(table), preprocessing, range(len(table.layout.axis)))
    ds, rows = instants(table.frame["ds"]).to_numpy(), every.origins.numpy()
    axis = np.unique(ds)
    new = ~preprocessing.seen(table)[rows + 1]
    new &= intervals.takes(np.searchsorted(axis, ds[rows]))
    last, series = _counted(intervals), every.series.of(rows)
    for number, name in enumerate(_names(table)):
        if name in last:
            new &= (series != number) | (ds[rows] > last[name])
    kept = np.flatnonzero(new)
    if not len(kept):
        raise DataError(
            f"the table must hold {count_of(intervals.horizon, 'step')}, one of them with a truth, "
            f"whose forecast is new, and the past that it reads, got none: "
            f"{_seen(intervals, preprocessing)}"
        )
    kept = kept[np.argsort(ds[rows[kept]], kind="stable")]
    windows, stamps = every.select(torch.from_numpy(kept)), table.frame["ds"]
    names = _names(table)
    until = {names[of]: int(row) for of, row in zip(series[kept], rows[kept], strict=True)}
    return _Fresh(
        forecast=fitted.forecast(windows),
        truth=windows.invert(windows.truth().numpy()),
        spreads=fitted.spreads(windows),
        origins=origins_of(windows, table),
        steps=np.searchsorted(axis, ds[rows[kept]]),
        rows=rows[kept],
        until={name: shown(stamps, row) for name, row in until.items()},
        began=int(np.searchsorted(axis, max(last.values()), side="right")) - 1 if last else -1,
    )


def _counted(intervals: Intervals) -> dict[str, Any]:
    """Return when the last forecast of each series was made that updates before took in."""
    if intervals.stream is None:
        return {}
    pairs = zip(intervals.names or ("",), intervals.stream.until, strict=True)
    return {name: when(until) for name, until in pairs if until is not None}


def _seen(intervals: Intervals, preprocessing: Preprocessing) -> str:
    """Say up to where all is seen, of any series."""
    if intervals.stream is None:
        return f"the model has learned from all up to {preprocessing.seen_until}"
    return f"forecasts up to the one made at {intervals.stream.last} have been taken in"


def _names(table: Table) -> Sequence[str]:
    """Name the series of a table; a single one has the name that goes without saying."""
    return table.names if table.several else ("",)


class _Whole:
    """All errors: of rows held out, then of later rows in the order of time."""

    def __init__(self, intervals: Intervals, fresh: _Fresh, latest: int, adapt: float) -> None:
        """Add those of new forecasts; what they lie beyond is known when `replay` has found it."""
        began, horizon = intervals.stream, intervals.horizon
        names = dict.fromkeys((*intervals.names, *fresh.origins.names))
        number = {name: place for place, name in enumerate(names)}
        own = fresh.origins.series
        if names:
            own = np.array([number[name] for name in fresh.origins.names])[own]
        scale = intervals.scale(fresh.origins, fresh.spreads)
        self.fresh_errors = ((fresh.truth - fresh.forecast) / scale).astype(np.float32)
        # of the oldest forecasts that updates have added no error is kept
        old = 0 if began is None else len(began.steps)
        with_error = min(old, len(intervals.errors))
        gone = old - with_error
        self.held = len(intervals.errors) - with_error
        steps = [] if began is None else [began.steps + fresh.began]
        together = np.concatenate([*steps, fresh.steps])
        # a series whose rows come late has forecasts that were made before those of others
        order = np.argsort(together, kind="stable")
        self.steps, self.places = together[order], np.argsort(order, kind="stable")[old:]
        beyond = np.full((3, len(together), horizon), np.nan, np.float32)
        if began is not None:
            beyond[:, :old] = began.beyond
        self.beyond = beyond[:, order]
        of_all = np.concatenate([np.arange(self.held), self.held + order])
        self.errors = _padded(intervals.errors, self.held, gone, self.fresh_errors)[of_all]
        self.series = _padded(intervals.series, self.held, gone, own)[of_all]
        # what lies before a forecast whose error is no longer kept is too old too
        self.first = int(np.flatnonzero(order < gone).max(initial=-1)) + 1
        counted = () if began is None else began.until
        until = {**dict(zip(intervals.names or ("",), counted, strict=False)), **fresh.until}
        self.until = tuple(until.get(name) for name in names or ("",))
        self.intervals, self.names = intervals, tuple(names)
        self.latest, self.adapt = latest, adapt

    def after(self, later: int) -> Intervals:
        """Return the intervals that so many of the later forecasts have told."""
        stop = self.held + later
        rows = slice(max(self.first, stop - int(self.latest // self.intervals.every)), stop)
        stream = None
        if later:
            begin = max(0, later - MOST_NUMBERS // self.beyond[:, 0].size)
            steps = self.steps[begin:later] - self.steps[later - 1]
            beyond = self.beyond[:, begin:later]
            stream = Stream(self.until, self.latest, self.adapt, steps, beyond)
        return self.intervals._replace(
            errors=self.errors[rows], series=self.series[rows], names=self.names, stream=stream
        )

    def before(self, step: int) -> Intervals:
        """Return the intervals as they were known at a step: of forecasts whose horizon is past."""
        return self.after(
            int(np.searchsorted(self.steps, step - self.intervals.horizon, side="right"))
        )

    def replay(self, fresh: _Fresh, quantiles: Sequence[float]) -> FloatArray:
        """Return what each new forecast would have been told, (Q, N, H), and learn from it.

        Of each horizon of rows in turn: by the errors that were known before it.
        """
        told = np.empty((len(quantiles), *fresh.forecast.shape))
        horizon = self.intervals.horizon
        for start in range(int(fresh.steps[0]), int(fresh.steps[-1]) + 1, horizon):
            first, stop = np.searchsorted(fresh.steps, [start, start + horizon])
            if first == stop:
                continue
            rows = np.arange(first, stop)
            known = self.before(start)
            forecast, origins, spreads = fresh.part(rows)
            told[:, rows] = known.quantiles(forecast, origins, quantiles, spreads)
            for own, errors in known.by_series(origins):
                beyond = beyond_of(self.fresh_errors[rows[own]], errors)
                self.beyond[:, self.places[rows[own]]] = beyond
        return told


def _padded(held: Any, first: int, gone: int, fresh: Any) -> Any:
    """Put rows together: the first so many, `gone` ones that are not kept, the rest, new ones."""
    nothing = np.zeros((gone, *held.shape[1:]), held.dtype)
    return np.concatenate([held[:first], nothing, held[first:], fresh])


def _errors_of(level: float) -> int:
    """Return how many errors that do not overlap an interval of a level needs."""
    return errors_needed(max(levels_as_quantiles([level])), sides=False)


def _check_latest(latest: int, horizon: int) -> None:
    least = horizon * _errors_of(LEAST_LEVEL)
    most = MOST_NUMBERS // horizon
    if not least <= latest <= most:
        steps = count_of(horizon, "step")
        why = f"of fewer forecasts of {steps} no interval of {LEAST_LEVEL:g} % can be told"
        raise DataError(
            f"latest must be from {least:,} to {most:,} for this model, got {latest:,}"
            f"{f': {why}' if latest < least else ''}"
        )


def _targets(table: Table, fresh: _Fresh, horizon: int) -> pl.Series:
    """Return the stamps of the first and the last target of every new forecast."""
    return table.frame["ds"].gather(np.concatenate([fresh.rows + 1, fresh.rows + horizon]))
