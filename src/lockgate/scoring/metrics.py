"""Score forecasts: MAE, RMSE and MASE over all windows, by step, and window by window."""

import math
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from utilsforecast import losses

from lockgate.scoring.arrays import AnyFloatArray, FloatArray

PointMetric = Literal["mae", "rmse", "mase"]

METRICS: tuple[PointMetric, ...] = get_args(PointMetric)


class PointScores(NamedTuple):
    """Every metric of one forecast, over all its windows and steps; lower is better.

    `mae` and `rmse` are in the target's unit, `mase` has none: it is `mae` over the error that a
    seasonal naive forecast made on the training rows, and None where that error is 0 or unknown.
    Each is infinite where a forecast of an observed value was not finite.
    """

    mae: float
    rmse: float
    mase: float | None

    def of(self, metric: PointMetric) -> float:
        """Return the score by one metric; NaN for a MASE that is not defined."""
        value: float | None = getattr(self, metric)
        return math.nan if value is None else value


class PointLosses(NamedTuple):
    """The errors of one forecast, summed by window, from which any part of it can be scored."""

    losses: FloatArray  # (N,) absolute errors summed (mae, mase), or squared ones (rmse)
    counts: FloatArray  # (N,) observed points they were summed over

    def score(self, power: float) -> float:
        """Return the mean loss of all points to `power`, which is `metric_power` of the metric."""
        if not self.counts.sum() > 0:
            raise ValueError("truth must hold at least one observed value, got none")
        return float((self.losses.sum() / self.counts.sum()) ** power)


def score(truth: AnyFloatArray, forecast: AnyFloatArray, scale_mae: float | None) -> PointScores:
    """Score forecasts by every metric over the points where the truth is observed.

    A forecast of an observed value that is NaN or infinite counts as infinitely wrong; it is never
    left out.

    Args:
        truth: Observed values in the target's unit, `(N, horizon)`, NaN where missing.
        forecast: Forecast values in the same unit and shape.
        scale_mae: The denominator of MASE, from `mase_scale`; None where there is none.

    Raises:
        ValueError: If the shapes differ or no value of `truth` is observed.

    Example:
        >>> truth = np.array([[1.0, 2.0], [np.nan, 4.0]])
        >>> score(truth, np.array([[1.0, 3.0], [9.0, 1.0]]), scale_mae=2.0)
        PointScores(mae=1.333..., rmse=1.825..., mase=0.666...)
    """
    frame = _observed(truth, forecast)
    if frame.empty:
        raise ValueError("truth must hold at least one observed value, got none")
    frame = frame.assign(unique_id=0)
    mae = float(losses.mae(frame, ["forecast"])["forecast"].iloc[0])
    rmse = float(losses.rmse(frame, ["forecast"])["forecast"].iloc[0])
    return PointScores(mae, rmse, None if scale_mae is None else mae / scale_mae)


def score_per_step(
    truth: AnyFloatArray,
    forecast: AnyFloatArray,
    metric: PointMetric,
    scale_mae: float | None = None,
) -> FloatArray:
    """Score each step of the horizon by one metric, over all windows: `(horizon,)`.

    Arguments as in `score`. NaN at a step without an observed value, and at every step of a MASE
    without a scale; infinite where a forecast of an observed value was not finite.

    Example:
        >>> score_per_step(np.zeros((3, 2)), np.array([[1.0, 2.0]] * 3), "mae")
        array([1., 2.])
    """
    loss = losses.mae if metric_power(metric) == 1.0 else losses.rmse
    by_step = loss(_observed(truth, forecast), ["forecast"]).set_index("unique_id")["forecast"]
    values: FloatArray = by_step.reindex(range(truth.shape[1])).to_numpy(np.float64)
    if metric == "mase":
        values = values / (np.nan if scale_mae is None else scale_mae)
    return values


def point_losses(truth: AnyFloatArray, forecast: AnyFloatArray, metric: PointMetric) -> PointLosses:
    """Sum the losses of each window over its observed points.

    The loss is the absolute error (mae, mase) or the squared one (rmse): the score of any set of
    windows is `(losses.sum() / counts.sum()) ** metric_power(metric)`, for MASE over its scale. A
    forecast of an observed value that is not finite has an infinite loss.

    Args:
        truth: Observed values, `(N, horizon)`, NaN where missing.
        forecast: Forecast values in the same unit and shape.
        metric: One of `METRICS`.

    Example:
        >>> truth = np.array([[1.0, 2.0], [np.nan, 4.0]])
        >>> point_losses(truth, np.array([[1.0, 3.0], [9.0, 1.0]]), "rmse")
        PointLosses(losses=array([1., 9.]), counts=array([2., 1.]))
    """
    power = metric_power(metric)
    truth, forecast = _checked(truth, forecast)
    observed = ~np.isnan(truth)
    with np.errstate(over="ignore"):
        error = np.abs(np.where(observed, truth - forecast, 0.0)) ** (1.0 / power)
        return PointLosses(error.sum(axis=1), observed.sum(axis=1).astype(np.float64))


def metric_power(metric: PointMetric) -> float:
    """Return the power of the mean loss that is the score: 1/2 for rmse, else 1."""
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
    return 0.5 if metric == "rmse" else 1.0


def mase_scale(train_y: AnyFloatArray, season: int = 1) -> float | None:
    """Return the denominator of MASE: the mean absolute seasonal difference of the training rows.

    Pairs of rows with a missing value on either side are left out. None where no pair is left or
    the differences are all zero (to rounding), because MASE is not defined then.

    Args:
        train_y: The target over the training rows, `(T,)`, NaN where missing.
        season: Rows in the shortest season, at least 1; 1 where the series has none.

    Example:
        >>> mase_scale(np.array([1.0, 5.0, 2.0, np.nan, 4.0]), season=2)
        1.5
    """
    if season < 1:
        raise ValueError(f"season must be at least 1, got {season}")
    train_y = np.asarray(train_y, dtype=np.float64)
    differences = np.abs(train_y[season:] - train_y[:-season])
    differences = differences[~np.isnan(differences)]
    if differences.size == 0:
        return None
    scale = float(differences.mean())
    rounding = float(np.finfo(np.float64).eps * np.nanmax(np.abs(train_y)))
    return scale if scale > rounding else None


def _observed(truth: AnyFloatArray, forecast: AnyFloatArray) -> pd.DataFrame:
    """Return the observed points as utilsforecast's long frame, its `unique_id` the step."""
    truth, forecast = _checked(truth, forecast)
    observed = ~np.isnan(truth)
    steps = np.broadcast_to(np.arange(truth.shape[1]), truth.shape)
    # pandas: in a polars frame the last bits of a mean depend on the number of threads
    return pd.DataFrame(
        {"unique_id": steps[observed], "y": truth[observed], "forecast": forecast[observed]}
    )


def _checked(truth: AnyFloatArray, forecast: AnyFloatArray) -> tuple[FloatArray, FloatArray]:
    """Return both in float64, with infinity for every forecast that is not finite."""
    if truth.ndim != 2 or truth.shape != forecast.shape:
        raise ValueError(
            "truth and forecast must have one shape (windows, horizon), "
            f"got {truth.shape} and {forecast.shape}"
        )
    finite = np.where(np.isfinite(forecast), forecast, np.inf)
    return np.asarray(truth, dtype=np.float64), np.asarray(finite, dtype=np.float64)
