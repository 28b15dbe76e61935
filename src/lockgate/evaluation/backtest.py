"""Score a fitted model beside the naive baselines, rolled over a table."""

from typing import Any

import numpy as np

from lockgate.data.errors import DataError
from lockgate.data.prepare import Prepared, make_windows
from lockgate.data.table import Table
from lockgate.data.windows import Windows
from lockgate.evaluation.baselines import Baseline, naive_baselines
from lockgate.evaluation.metrics import mase_scale, score, score_per_step
from lockgate.fitted import Fitted


def backtest(fitted: Fitted, table: Table) -> dict[str, Any]:
    """Forecast from every row of `table` that comes after all that `fitted` has learned from.

    Returns:
        `windows`, `start` and `end` of the targets, and for the model and each naive baseline
        `scores` (MAE, RMSE, MASE by the training part's scale) and `per_step` of the metric.

    Raises:
        DataError: If the table has no window after `Preprocessing.seen_until`, or another form.
    """
    learned = fitted.preprocessing
    arrays = learned.apply(table)
    first = int(np.searchsorted(arrays.ds, np.datetime64(learned.seen_until), side="right"))
    windows = make_windows(arrays, learned, range(first, len(arrays.ds)))
    if not len(windows):
        raise DataError(
            f"the table must hold {learned.horizon} rows after {learned.seen_until}, the last that "
            f"the model has learned from, got {len(arrays.ds) - first}, or none without a hole"
        )
    scale_mae = fitted.metrics.get("mase_scale")
    return {
        "metric": fitted.config.training.metric,
        "windows": len(windows),
        "start": str(table.frame["ds"][int(windows.origins[0]) + 1]),
        "end": str(table.frame["ds"][int(windows.origins[-1]) + learned.horizon]),
        "model": _scores(fitted, fitted, windows, scale_mae),
        "baselines": [
            {"name": b.name, **_scores(fitted, b, windows, scale_mae)}
            for b in naive_baselines(learned.seasons, learned.scale)
        ],
    }


def training_mase_scale(prepared: Prepared) -> float | None:
    """Return the scale of MASE: the seasonal naive error over the training rows."""
    learned = prepared.preprocessing
    train_y = prepared.arrays.target[: prepared.split.train]
    return mase_scale(learned.scale.invert(train_y), next(iter(learned.seasons), 1))


def _scores(
    fitted: Fitted, model: Fitted | Baseline, windows: Windows, scale_mae: float | None
) -> dict[str, Any]:
    metric = fitted.config.training.metric
    truth = fitted.preprocessing.scale.invert(windows.truth().numpy())
    forecast = model.forecast(windows)
    steps = score_per_step(truth, forecast, metric, scale_mae)
    return {
        "scores": score(truth, forecast, scale_mae)._asdict(),
        "per_step": [None if np.isnan(step) else float(step) for step in steps],
    }
