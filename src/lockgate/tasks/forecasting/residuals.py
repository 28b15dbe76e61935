"""What is left in the errors of forecasts: a bias, a season, a change, a size that follows."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from lockgate.reading.zones import wall_clock
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.scoring.bootstrap import bootstrap_interval
from lockgate.scoring.intervals import blocks_of
from lockgate.tasks.base import check
from lockgate.tasks.forecasting.scorer import WindowScorer
from lockgate.tasks.results import Check

MUCH = 0.3
"""A correlation from which something is left that a model could use."""
FEW = 20


def residual_checks(
    scorer: WindowScorer,
    forecast: FloatArray,
    seasons: Sequence[int],
    spreads: FloatArray | None = None,
) -> list[Check]:
    """Tell in words what is left in errors; nothing of too few forecasts.

    Args:
        scorer: Of the rows forecast; windows follow each other in time within a series.
        forecast: (N, H).
        seasons: Steps after which the series repeats.
        spreads: How wide intervals are, (N, H), where they follow what is read.
    """
    errors, origins = scorer.truth - forecast, scorer.origins
    rows = np.flatnonzero(np.isfinite(errors).any(axis=1))
    if len(rows) < FEW:
        return []
    scaled = errors[rows] / origins.stds[rows, None]
    blocks = blocks_of(origins.steps[rows], scorer.horizon)
    found = [_bias(scaled, blocks), _change(scaled, origins.steps[rows], blocks)]
    if len(origins.names) < 2:
        found += _left_season(errors[:, 0], origins.steps, seasons)
        off = np.abs(errors[rows])
        in_spreads = None if spreads is None else off / spreads[rows]
        found.append(_size(off, forecast[rows], in_spreads))
    return found


def errors_by_clock(scorer: WindowScorer, forecast: FloatArray, ds: pl.Series) -> Any:
    """Give the mean absolute error by steps ahead and by the hour, the weekday or the month.

    Args:
        scorer: Of the rows forecast.
        forecast: (N, H).
        ds: Stamp of every target of each window, (N * H,), or numbers of rows.

    Returns:
        `clock` (hour, weekday or month), its `names`, and `errors` by name and step; None where
        rows have no time.
    """
    if not ds.dtype.is_temporal():
        return None
    wall = wall_clock(ds)
    clocks = {
        "hour": (wall.dt.hour(), [f"{hour:02d}:00" for hour in range(24)]),
        "weekday": (wall.dt.weekday() - 1, ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]),
        "month": (wall.dt.month() - 1, [f"{month:02d}" for month in range(1, 13)]),
    }
    clock = next((name for name, (own, _) in clocks.items() if own.n_unique() > 1), None)
    if clock is None:
        return None
    part, names = clocks[clock]
    off = np.abs(scorer.truth - forecast)
    bins = part.to_numpy().reshape(off.shape)
    errors = []
    for number in range(len(names)):
        own = np.where(bins == number, off, np.nan)
        counts = np.isfinite(own).sum(axis=0)
        sums = np.nansum(own, axis=0)
        errors.append([float(s / n) if n else None for s, n in zip(sums, counts, strict=True)])
    return {"clock": clock, "names": names, "errors": errors}


def _bias(scaled: FloatArray, blocks: IntArray) -> Check:
    size = float(np.nanmean(np.abs(scaled)))
    of_rows = np.nanmean(scaled, axis=1)
    low, high = bootstrap_interval(of_rows, groups=blocks)
    mean = float(of_rows.mean())
    if not size or not (low > 0.0 or high < 0.0):
        return check("Bias of forecasts", "pass", "None is seen: errors are as often up as down.")
    side = "low" if mean > 0.0 else "high"
    text = (
        f"Forecasts of the test part are too {side} on average, by {abs(mean) / size:.0%} of the "
        f"mean absolute error. A later year may have moved: train on rows up to today."
    )
    return check("Bias of forecasts", "warn", text)


def _change(scaled: FloatArray, steps: IntArray, blocks: IntArray) -> Check:
    sizes, later = np.nanmean(np.abs(scaled), axis=1), steps > np.median(steps)
    name = "Errors over time"
    if not later.any() or later.all():
        return check(name, "pass", "All forecasts begin at one time.")
    ratio = float(sizes[later].mean() / (sizes[~later].mean() or np.nan))
    # a difference of halves whose blocks are drawn anew
    signed = np.where(later, sizes / later.mean(), -sizes / (~later).mean())
    low, high = bootstrap_interval(signed, groups=blocks)
    if not (low > 0.0 or high < 0.0):
        return check(
            name,
            "pass",
            "The later half of the test part is forecast as well as the "
            "earlier one, as far as can be seen.",
        )
    if ratio < 1.0:
        return check(
            name, "pass", f"They are {1.0 - ratio:.0%} smaller in the later half of the test part."
        )
    text = (
        f"They are {ratio - 1.0:.0%} larger in the later half of the test part: what was learned "
        "ages, or the later stretch is harder. Train again as rows come in."
    )
    return check(name, "warn", text)


def _left_season(first: FloatArray, steps: IntArray, seasons: Sequence[int]) -> Iterator[Check]:
    """Look for a season in the errors one step ahead, of windows that follow each other."""
    at = dict(zip(steps.tolist(), first.tolist(), strict=True))
    for season in seasons:
        pairs = [(at[step], at[step + season]) for step in at if step + season in at]
        known = np.array([pair for pair in pairs if np.isfinite(pair).all()])
        if len(known) < max(FEW, 2 * season):
            continue
        left = float(np.corrcoef(known.T)[0, 1])
        name = f"Season of {season} steps"
        if left > MUCH:
            text = (
                f"Errors one step ahead still repeat after {season} steps (correlation "
                f"{left:.2f}): a lookback that holds the season may help."
            )
            yield check(name, "warn", text)
        else:
            yield check(
                name, "pass", f"Little of it is left in the errors (correlation {left:.2f})."
            )


def _size(off: FloatArray, forecast: FloatArray, in_spreads: FloatArray | None) -> Check:
    """Tell whether errors, or those in the spreads forecast for them, follow the level."""
    name = "Size of errors"
    off = off if in_spreads is None else in_spreads
    known = np.isfinite(off)
    if forecast[known].std() == 0.0 or off[known].std() == 0.0:
        return check(name, "pass", "It does not follow the level.")
    follows = float(np.corrcoef(off[known], forecast[known])[0, 1])
    if abs(follows) > MUCH:
        where = "higher" if follows > 0 else "lower"
        text = (
            f"Errors are larger where forecasts are {where} (correlation {follows:.2f}); intervals "
            "are as wide there as elsewhere, and so cover less. A head that forecasts a spread "
            "widens them (--set head=quantiles)."
        )
        if in_spreads is not None:
            text = (
                f"Beside the spreads forecast for them, errors are larger where forecasts are "
                f"{where} (correlation {follows:.2f}): intervals cover less there."
            )
        return check(name, "warn", text)
    return check(name, "pass", f"It hardly follows the level (correlation {follows:.2f}).")
