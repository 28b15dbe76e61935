"""How intervals do on rows that nothing has seen."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lockgate.scoring.arrays import FloatArray
from lockgate.scoring.conformal import levels_as_quantiles, ranks_of
from lockgate.scoring.intervals import GRID, blocks_of, coverage, interval_score, pinball
from lockgate.tasks.forecasting.covered import interval_words
from lockgate.tasks.forecasting.intervals import Intervals
from lockgate.tasks.forecasting.origins import Origins
from lockgate.tasks.forecasting.scorer import WindowScorer

LEVELS = (80.0, 95.0)
"""Levels that scores and reports show, in per cent, where there are errors enough."""
BINS = 10
LEAST_COVERED = 3


def score_intervals(
    intervals: Intervals,
    scorer: WindowScorer,
    forecast: FloatArray,
    where: str,
    least: float | None = None,
    spreads: FloatArray | None = None,
) -> dict[str, Any] | None:
    """Give how intervals do on rows that nothing has seen, as plain values.

    Args:
        intervals: What is scored.
        scorer: Of these rows.
        forecast: Of them, (N, H).
        where: What they are called in a sentence: `the test part`.
        least: What no quantile is below.
        spreads: As `Intervals.scale` takes them.
    """
    truth, origins = scorer.truth, scorer.origins
    if not np.isfinite(truth).any():
        return None
    blocks = blocks_of(origins.steps, intervals.horizon)

    def bounded(quantiles: Sequence[float]) -> FloatArray:
        told = intervals.quantiles(forecast, origins, quantiles, spreads)
        return told if least is None else np.maximum(told, least)

    levels = []
    for level in filter(intervals.can_tell_level, LEVELS):
        low, high = bounded(levels_as_quantiles([level]))
        own = coverage(truth, low, high, blocks)
        score = interval_score(truth, low, high, level)
        inside = (truth >= low) & (truth <= high)
        told = {"level": level, **plain(own._asdict()), "interval_score": score}
        levels.append({**told, "least_covered": _least_covered(inside, truth, origins)})
    off = (truth - forecast) / intervals.scale(origins, spreads)
    grid = [one for one in GRID if intervals.can_tell(one)]
    scored = {
        "levels": levels,
        "crps": 2.0 * pinball(truth, grid, bounded(grid)) if grid == [*GRID] else None,
        "placed": _placed(intervals, off, origins),
        "forecasts": intervals.forecasts,
        "independent": intervals.independent,
        "sides": intervals.sides,
        "sources": [one._asdict() for one in intervals.sources],
    }
    return {
        **scored,
        "words": interval_words(
            scored,
            where,
            with_spread=intervals.least is not None,
            later=min(intervals.later, intervals.forecasts),
        ),
    }


def bands_of(
    fitted: Any,
    scorer: WindowScorer,
    prediction: FloatArray,
    window: int,
    spreads: FloatArray | None = None,
) -> list[dict[str, Any]]:
    """Return the intervals of one window as plain values; none where nothing tells them."""
    intervals: Intervals | None = fitted.intervals
    if intervals is None:
        return []
    place = slice(window, window + 1)
    origin, own = scorer.origins.select(place), prediction[place]
    spread = None if spreads is None else spreads[place]
    least = fitted.config.data.at_least
    found = []
    for level in filter(intervals.can_tell_level, LEVELS):
        quantiles = levels_as_quantiles([level])
        ends = intervals.quantiles(own, origin, quantiles, spread)[:, 0]
        low, high = ends if least is None else np.maximum(ends, least)
        found.append({"level": level, "low": low.tolist(), "high": high.tolist()})
    return found


def _placed(intervals: Intervals, scaled: FloatArray, origins: Origins) -> list[float]:
    """Return the shares of errors by where they lie among those held out, in `BINS` bins."""
    places = np.concatenate(
        [ranks_of(scaled[rows], own).ravel() for rows, own in intervals.by_series(origins)]
    )
    known = places[np.isfinite(places)]
    counts, _ = np.histogram(known, BINS, (0.0, 1.0))
    return [float(count) / len(known) for count in counts]


def _least_covered(inside: FloatArray, truth: FloatArray, origins: Origins) -> list[dict[str, Any]]:
    """Return the series of several of which the smallest share lies inside."""
    if len(origins.names) < 2:
        return []
    observed = np.isfinite(truth)
    counts = np.bincount(origins.series, observed.sum(axis=1), len(origins.names))
    sums = np.bincount(origins.series, (inside & observed).sum(axis=1), len(origins.names))
    known = np.flatnonzero(counts)
    shares = sums[known] / counts[known]
    order = np.argsort(shares, kind="stable")[:LEAST_COVERED]
    return [
        {"series": origins.names[known[place]], "share": float(shares[place])} for place in order
    ]


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return values as JSON knows them: null for what is not finite."""

    def known(value: Any) -> Any:
        if isinstance(value, list):
            return [known(one) for one in value]
        return value if math.isfinite(value) else None

    return {name: known(value) for name, value in values.items()}
