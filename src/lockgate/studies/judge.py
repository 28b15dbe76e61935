"""Judge a study: freeze what validation chose, look at the test part once, compare."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lockgate.files import new_file
from lockgate.scoring.arrays import FloatArray
from lockgate.scoring.baselines import Skipped, reference
from lockgate.scoring.looks import count_look
from lockgate.studies.fits import Fit, best_rung, finite, fit_folder
from lockgate.studies.folder import study_id
from lockgate.studies.plan import Plan
from lockgate.tasks.base import Candidate, Scorer
from lockgate.tasks.stack.config import CellName


class Choices(NamedTuple):
    """What validation decided; the test part has not been looked at."""

    cell: CellName
    rung: str
    fit: Fit  # the rung's best seed
    baselines: tuple[Candidate, ...]
    skipped: tuple[Skipped, ...]
    baseline_scores: dict[str, dict[str, float | None]]  # on validation
    reference: str  # the baseline of the lowest validation score


class Look(NamedTuple):
    """The test part and every prediction of it, in the unit of its truth."""

    scorer: Scorer
    fits: dict[tuple[str, int], FloatArray]  # (rung, seed) -> a row for each of the part
    selected: Any  # the fitted model of the selected rung's best seed
    baselines: dict[str, FloatArray]  # name -> likewise
    looks: int  # looks at this test part so far, this one included


def choose(plan: Plan, fits: list[Fit], cell: CellName) -> Choices:
    """Choose rung, seed and reference baseline on the validation part."""
    task, metric = plan.task, plan.config.training.metric
    compared = task.baselines(plan.data, plan.prepared, plan.config)
    validation = task.scorer(plan.data, plan.prepared, plan.config, "validation")
    scores = {b.name: validation.scores(b.predict("validation")) for b in compared.baselines}
    rung = best_rung(fits, task.power(metric))
    return Choices(
        cell=cell,
        rung=rung,
        fit=min((fit for fit in finite(fits) if fit.rung == rung), key=lambda f: f.validation),
        baselines=compared.baselines,
        skipped=compared.skipped,
        baseline_scores=scores,
        reference=reference(scores, metric),
    )


def look(plan: Plan, out: Path, fits: list[Fit], choices: Choices) -> Look:
    """Predict the test part once with everything that was fitted, and keep the predictions."""
    task = plan.task
    fingerprint = task.test_fingerprint(plan.data, plan.prepared)
    looks = count_look(out.parent, fingerprint, study_id(out))
    predictions = {}
    for fit in finite(fits):
        prediction = task.predict(read_fitted(plan, out, fit), plan.prepared, "test")
        predictions[fit.rung, fit.seed] = prediction
        with new_file(out / "predictions" / f"{fit.rung}-seed-{fit.seed}.npy") as file:
            np.save(file, prediction.astype(np.float32))
    return Look(
        scorer=task.scorer(plan.data, plan.prepared, plan.config, "test"),
        fits=predictions,
        selected=read_fitted(plan, out, choices.fit),
        baselines={b.name: b.predict("test") for b in choices.baselines},
        looks=looks,
    )


def read_fitted(plan: Plan, out: Path, fit: Fit) -> Any:
    """Read the model of a finished fit."""
    return plan.task.load_fitted(fit_folder(out, fit.rung, fit.seed))
