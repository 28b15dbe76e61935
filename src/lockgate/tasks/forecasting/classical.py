"""Statistical forecasts of single series, which statsforecast computes: ETS, theta, MSTL."""

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lockgate.errors import DataError, listed, nearest, need, quoted
from lockgate.scoring.arrays import FloatArray

CLASSICAL = ("ets", "theta", "mstl")
"""Names of the baselines that can be asked for."""


def check_classical(names: Iterable[str]) -> None:
    """Refuse names of no baseline, and any where statsforecast is not installed.

    Raises:
        DataError: If a name is unknown or comes twice.
        ModuleNotFoundError: If statsforecast is needed and missing, with what installs it.
    """
    names = tuple(names)
    for name in names:
        if name not in CLASSICAL:
            near = nearest(name, CLASSICAL, "further baselines")
            raise DataError(
                f"baselines must be among {listed(CLASSICAL)}, got {quoted(name)}; naive, seasonal "
                f"naive and ridge are always there; {near}"
            )
    if len(set(names)) < len(names):
        raise DataError(f"baselines must be named once each, got {listed(names)}")
    if names:
        _models()


def why_no_classical(name: str, seasons: Sequence[int]) -> str | None:
    """Tell why a baseline is not computed for series with these seasons, or None if it is."""
    if name == "mstl" and not seasons:
        return "the series shows no season to take apart"
    return None


def forecast_classical(
    name: str,
    histories: Sequence[FloatArray],
    seasons: Sequence[int],
    horizon: int,
    at_least: float | None = None,
) -> FloatArray:
    """Fit a model to each series and forecast what follows, (N, horizon).

    Args:
        name: One of `CLASSICAL`: AutoETS, AutoTheta or MSTL, whose trend is an AutoETS.
        histories: What is known of each series, in order and without holes.
        seasons: In steps, the shortest first. ETS and theta have one, the shortest.
        horizon: Steps ahead.
        at_least: What no forecast is below.

    Raises:
        DataError: If a series is one that the model cannot be fitted to.
    """
    forecasts = []
    for history in histories:
        model = _model(name, seasons)
        try:
            # constant series divide by a variance of 0 inside, and are forecast all the same
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore", RuntimeWarning)
                forecasts.append(model.forecast(y=history, h=horizon)["mean"])
        except Exception as error:
            # statsforecast raises bare exceptions for series that are too short or too odd
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(
                f"{name} must be fitted to every series, got one of {len(history)} rows that it "
                f"cannot be: {reason}; leave {name} out of baselines (--baselines)"
            ) from error
    values: FloatArray = np.array(forecasts, dtype=np.float64).reshape(-1, horizon)
    return values if at_least is None else np.maximum(values, at_least)


def _model(name: str, seasons: Sequence[int]) -> Any:
    models, season = _models(), next(iter(seasons), 1)
    if name == "mstl":
        return models.MSTL(season_length=list(seasons))
    kind = models.AutoETS if name == "ets" else models.AutoTheta
    return kind(season_length=season)


def _models() -> Any:
    return need("statsforecast.models", "baselines")
