"""Run a study: fit the ladder, freeze every choice, look at the test part once, judge."""

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lockgate.evaluation.looks import check_ledger
from lockgate.evaluation.metrics import score
from lockgate.fitted import RunConfig
from lockgate.models.config import Cell
from lockgate.studies.config import StudyConfig
from lockgate.studies.fits import Fit, Task, best_rung, read_fitted, run_fits
from lockgate.studies.folder import open_folder
from lockgate.studies.judge import Choices, Look, choose, look
from lockgate.studies.plan import Plan, plan
from lockgate.studies.result import StudyResult
from lockgate.studies.rungs import Rung, model_config
from lockgate.studies.summary import summarise

OnFit = Callable[[Fit, int, int], None]


def run(
    source: Any,
    config: StudyConfig,
    out: Path,
    *,
    resume: bool = False,
    on_plan: Callable[[Plan], None] = lambda _: None,
    on_fit: OnFit = lambda *_: None,
) -> StudyResult:
    """Run the study of `config` on `source` in the folder `out`.

    Args:
        source: Path of a table, or a frame.
        config: What to compare.
        out: A new folder, or with `resume` the folder of this study.
        resume: Continue in `out`; finished fits are not repeated.
        on_plan: Called with the plan before the first fit.
        on_fit: Called after every fit with it, how many are done and how many there are.

    Raises:
        DataError: If the table, the configuration or `out` cannot be used.
    """
    check_ledger(out.parent)
    planned = plan(source, config)
    planned = planned._replace(config=open_folder(out, config, planned, resume=resume))
    on_plan(planned)
    fits, cell = _fit_ladder(planned, out, on_fit)
    choices = choose(planned, fits, cell)
    looked = look(planned, out, fits, choices)
    result = StudyResult(summarise(planned, fits, choices, looked), out)
    _keep_best(planned, out, choices, looked, result.results)
    result.save()
    return result


def _fit_ladder(planned: Plan, out: Path, on_fit: OnFit) -> tuple[list[Fit], Cell]:
    """Fit the plain cells, choose the best on validation, then fit the rungs that build on it."""
    fits: list[Fit] = []

    def fit_all(rungs: Iterable[Rung], cell: Cell) -> None:
        tasks = [
            Task(rung.name, seed, _run_config(planned.config, rung, cell))
            for rung in rungs
            for seed in range(planned.config.seeds)
        ]
        for fit in run_fits(out, tasks, planned.workers):
            fits.append(fit)
            on_fit(fit, len(fits), planned.fits)

    cells = [rung for rung in planned.rungs if rung.cell]
    fit_all(cells, cell="lstm")
    name = best_rung(fits, planned.config.training.metric)
    cell = next(rung.cell for rung in cells if rung.name == name and rung.cell)
    fit_all((rung for rung in planned.rungs if not rung.cell), cell)
    order = [rung.name for rung in planned.rungs]
    return sorted(fits, key=lambda fit: (order.index(fit.rung), fit.seed)), cell


def _keep_best(
    planned: Plan, out: Path, choices: Choices, looked: Look, results: dict[str, Any]
) -> None:
    """Save the selected rung's best seed with that seed's own scores, as `train` saves a model."""
    folder, fit = out / "fitted", choices.fit
    if folder.exists():
        return
    fitted = read_fitted(out, fit.rung, fit.seed)
    validation = planned.prepared.windows("validation")
    truth = fitted.preprocessing.scale.invert(validation.truth().numpy())
    rung = next(rung for rung in results["rungs"] if rung["name"] == fit.rung)
    own = next(seed for seed in rung["seeds"] if seed["seed"] == fit.seed)
    metrics = {
        "metric": results["metric"],
        "mase_scale": choices.mase_scale,
        "test_looks": looked.looks,
        "rung": fit.rung,
        "seed": fit.seed,
        "history": fit.history.model_dump(mode="json"),
        "validation": score(truth, fitted.forecast(validation), choices.mase_scale)._asdict(),
        "test": own["test"],
        "baselines": results["baselines"],
        "skipped_baselines": [skipped._asdict() for skipped in choices.skipped],
    }
    dataclasses.replace(fitted, metrics=metrics).save(folder)


def _run_config(config: StudyConfig, rung: Rung, cell: Cell) -> RunConfig:
    network = model_config(rung, config.model, cell)
    return RunConfig(data=config.data, model=network, training=config.training)
