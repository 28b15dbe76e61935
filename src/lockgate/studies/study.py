"""Run a study: fit the ladder, freeze every choice, look at the test part once, judge."""

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lockgate.fitted import RunConfig
from lockgate.models.config import Cell
from lockgate.studies.config import StudyConfig
from lockgate.studies.fits import Fit, Task, best_rung, read_fitted, run_fits
from lockgate.studies.folder import open_folder
from lockgate.studies.judge import Choices, choose, look
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
    planned = plan(source, config)
    planned = planned._replace(config=open_folder(out, config, planned, resume=resume))
    on_plan(planned)
    fits, cell = _fit_ladder(planned, out, on_fit)
    choices = choose(planned, fits, cell)
    looked = look(planned, out, fits, choices)
    result = StudyResult(summarise(planned, fits, choices, looked), out)
    _keep_best(out, choices, result)
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


def _keep_best(out: Path, choices: Choices, result: StudyResult) -> None:
    """Save the selected rung's best seed, with that seed's own scores."""
    folder = out / "fitted"
    if folder.exists():
        return
    rung = next(r for r in result.results["rungs"] if r["name"] == choices.rung)
    own = next(s for s in rung["seeds"] if s["seed"] == choices.fit.seed)
    metrics = {
        "metric": result.results["metric"],
        "mase_scale": choices.mase_scale,
        "rung": choices.rung,
        **{key: own[key] for key in ("seed", "validation", "test", "best_epoch", "stopped")},
        "baselines": result.results["baselines"],
    }
    fitted = read_fitted(out, choices.rung, choices.fit.seed)
    dataclasses.replace(fitted, metrics=metrics).save(folder)


def _run_config(config: StudyConfig, rung: Rung, cell: Cell) -> RunConfig:
    network = model_config(rung, config.model, cell)
    return RunConfig(data=config.data, model=network, training=config.training)
