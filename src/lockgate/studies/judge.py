"""Judge a study: freeze what validation chose, look at the test part once, compare."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate.data.files import new_file
from lockgate.data.windows import Windows
from lockgate.evaluation.backtest import training_mase_scale
from lockgate.evaluation.baselines import (
    Baseline,
    Skipped,
    fit_baselines,
    reference,
    skipped_baselines,
)
from lockgate.evaluation.looks import count_look, test_fingerprint
from lockgate.evaluation.metrics import Scores, score
from lockgate.models.config import Cell
from lockgate.studies.fits import Fit, best_rung, finite, read_fitted
from lockgate.studies.folder import study_id
from lockgate.studies.plan import Plan

Floats = npt.NDArray[np.float64]


class Choices(NamedTuple):
    """What validation decided; the test part has not been looked at."""

    cell: Cell
    rung: str
    fit: Fit  # the rung's best seed
    baselines: tuple[Baseline, ...]
    skipped: tuple[Skipped, ...]
    baseline_scores: dict[str, Scores]  # on validation
    reference: str  # the baseline of the lowest validation score
    mase_scale: float | None


class Look(NamedTuple):
    """The test part and every forecast of it, in the target's unit."""

    windows: Windows
    truth: Floats  # (N, horizon), NaN where missing
    fits: dict[tuple[str, int], Floats]  # (rung, seed) -> (N, horizon)
    baselines: dict[str, Floats]  # name -> (N, horizon)
    looks: int  # looks at this test part so far, this one included


def choose(plan: Plan, fits: list[Fit], cell: Cell) -> Choices:
    """Choose rung, seed and reference baseline on the validation part."""
    preprocessing, metric = plan.prepared.preprocessing, plan.config.training.metric
    train, validation = plan.prepared.windows("train"), plan.prepared.windows("validation")
    scale_mae = training_mase_scale(plan.prepared)
    baselines = fit_baselines(train, validation, preprocessing.seasons, preprocessing.scale, metric)
    truth = preprocessing.scale.invert(validation.truth().numpy())
    scores = {b.name: score(truth, b.forecast(validation), scale_mae) for b in baselines}
    rung = best_rung(fits, metric)
    return Choices(
        cell=cell,
        rung=rung,
        fit=min((fit for fit in finite(fits) if fit.rung == rung), key=lambda f: f.validation),
        baselines=baselines,
        skipped=skipped_baselines(train),
        baseline_scores=scores,
        reference=reference(scores, metric),
        mase_scale=scale_mae,
    )


def look(plan: Plan, out: Path, fits: list[Fit], choices: Choices) -> Look:
    """Forecast the test part once with everything that was fitted, and keep the forecasts."""
    windows = plan.prepared.windows("test")
    scale = plan.prepared.preprocessing.scale
    looks = count_look(out.parent, test_fingerprint(plan.table, plan.prepared), study_id(out))
    forecasts = {}
    for fit in finite(fits):
        forecast = read_fitted(out, fit.rung, fit.seed).forecast(windows)
        forecasts[fit.rung, fit.seed] = forecast
        with new_file(out / "predictions" / f"{fit.rung}-seed-{fit.seed}.npy") as file:
            np.save(file, forecast.astype(np.float32))
    return Look(
        windows=windows,
        truth=scale.invert(windows.truth().numpy()),
        fits=forecasts,
        baselines={b.name: b.forecast(windows) for b in choices.baselines},
        looks=looks,
    )
