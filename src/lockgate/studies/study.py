"""Run a study: fit the ladder, freeze every choice, look at the test part once, judge."""

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lockgate.scoring.looks import check_ledger
from lockgate.studies.clock import Clock
from lockgate.studies.delivery import Delivery, Fits, Member, deliver, is_single
from lockgate.studies.fits import Fit, Job, best_rung, run_fits
from lockgate.studies.folder import open_folder
from lockgate.studies.judge import Choices, Look, choose, look
from lockgate.studies.plan import SILENT, Plan, Watcher, plan
from lockgate.studies.result import StudyResult
from lockgate.studies.single import score_delivery
from lockgate.studies.summary import summarise
from lockgate.tasks.base import Task
from lockgate.tasks.results import Results
from lockgate.tasks.stack.config import CellName
from lockgate.tasks.stack.rungs import Rung, model_config

LOG = logging.getLogger(__name__)
OnFit = Callable[[Fit, int, int], None]


def run(
    source: Any,
    config: Any,
    out: Path,
    task: Task,
    *,
    resume: bool = False,
    watcher: Watcher = SILENT,
) -> StudyResult:
    """Run the study of `config` on `source` in the folder `out`.

    Args:
        source: What the task reads.
        config: What to compare.
        out: A new folder, or with `resume` the folder of this study.
        task: The task that the study is of; `config` is of its kind.
        resume: Continue in `out`; finished fits are not repeated.
        watcher: Told what the study is at.

    Raises:
        DataError: If the table, the configuration or `out` cannot be used.
    """
    clock = Clock()
    check_ledger(out.parent)
    planned = plan(source, config, task, watcher)
    planned = planned._replace(config=open_folder(out, config, planned, resume=resume))
    clock.go_on(out)
    watcher.on_plan(planned)

    def count(fit: Fit, done: int, total: int) -> None:
        clock.keep(out)
        watcher.on_fit(fit, done, total)

    fits, cell = _fit_ladder(planned, out, count)
    watcher.on_step("fitting baselines")
    choices = choose(planned, fits, cell)
    delivery = _deliver(planned, out, choices, watcher)
    watcher.on_step("judging on the test part")
    looked = look(planned, out, fits, choices)
    results = summarise(planned, fits, choices, looked, delivery, clock.keep(out))
    result = StudyResult(results, out)
    if delivery is None:
        _keep_best(planned, out, choices, looked, result.results)
    else:
        _keep_delivery(planned, out, choices, delivery, results)
    result.save()
    return result


def _fit_ladder(planned: Plan, out: Path, on_fit: OnFit) -> tuple[list[Fit], CellName]:
    """Fit the plain cells, choose the best on validation, then fit the rungs that build on it."""
    fits: list[Fit] = []

    def fit_all(rungs: Iterable[Rung], cell: CellName) -> None:
        task, config = planned.task, planned.config
        jobs = [
            Job(rung.name, seed, run_config(task, config, network), task)
            for rung in rungs
            for network in [model_config(rung, config.model, cell, planned.rungs)]
            for seed in range(config.seeds)
        ]
        for fit in run_fits(out, jobs, planned.workers):
            fits.append(fit)
            LOG.info(
                "fit %d of %d: %s seed %d, best epoch %d, %.1f s",
                *(len(fits), planned.fits, fit.rung, fit.seed, fit.history.best_epoch, fit.seconds),
            )
            on_fit(fit, len(fits), planned.fits)

    cells = [rung for rung in planned.rungs if rung.cell]
    fit_all(cells, cell="lstm")
    name = best_rung(fits, planned.task.power(planned.config.training.metric))
    cell = next(rung.cell for rung in cells if rung.name == name and rung.cell)
    fit_all((rung for rung in planned.rungs if not rung.cell), cell)
    order = [rung.name for rung in planned.rungs]
    return sorted(fits, key=lambda fit: (order.index(fit.rung), fit.seed)), cell


def _deliver(planned: Plan, out: Path, choices: Choices, watcher: Watcher) -> Delivery | None:
    """Fit the selected network as often as the settings say; None where one is kept as it is."""
    task, config = planned.task, planned.config
    if is_single(task, config):
        return None
    rung = next(rung for rung in planned.rungs if rung.name == choices.rung)
    network = model_config(rung, config.model, choices.cell, planned.rungs)

    def fit_all(members: Sequence[Member]) -> Fits:
        jobs = [Job(rung.name, one.seed, one.config, task, one.learn, one.stop) for one in members]
        where = "all but the test part" if members[0].stop is None else "the training part"
        watcher.on_step(f"fitting {rung.name} {len(jobs)} times to {where}")
        done = {fit.seed: fit.history for fit in run_fits(out, jobs, planned.workers)}
        return [(task.load_fitted(job.folder(out)), done[job.seed]) for job in jobs]

    return deliver(
        *(task, planned.data, planned.prepared, run_config(task, config, network)), fit_all
    )


def run_config(task: Task, config: Any, network: Any) -> Any:
    """Return the settings of one run of a study."""
    own = {name: getattr(config, name) for name in task.run.model_fields}
    return task.run(**{**own, "model": network})


def _keep_delivery(
    planned: Plan, out: Path, choices: Choices, delivery: Delivery, results: Results
) -> None:
    """Save what is delivered with its scores, as `train` does."""
    folder, task = out / "fitted", planned.task
    if folder.exists():
        return
    delivered, looks = results["delivered"], results["verdict"]["test_looks"]
    assert delivered is not None
    scored = score_delivery(
        *(task, planned.data, planned.prepared, delivery, delivered), test_looks=looks
    )
    named = {**scored.metrics, "rung": choices.rung}
    scored.with_metrics(named).save(folder)


def _keep_best(planned: Plan, out: Path, choices: Choices, looked: Look, results: Results) -> None:
    """Save the selected rung's best seed with that seed's own scores, as `train` saves a model."""
    folder, fit = out / "fitted", choices.fit
    if folder.exists():
        return
    fitted, task = looked.selected, planned.task
    validation = task.scorer(planned.data, planned.prepared, planned.config, "validation")
    rung = next(rung for rung in results["rungs"] if rung["name"] == fit.rung)
    own = next(seed for seed in rung["seeds"] if seed["seed"] == fit.seed)
    metrics = {
        "metric": results["metric"],
        **task.scales(planned.prepared),
        "test_looks": looked.looks,
        "rung": fit.rung,
        "seed": fit.seed,
        "history": fit.history.model_dump(mode="json"),
        "validation": validation.scores(task.predict(fitted, planned.prepared, "validation")),
        "test": own["test"],
        "baselines": results["baselines"],
        "skipped_baselines": [skipped._asdict() for skipped in choices.skipped],
    }
    fitted.with_metrics(metrics, choices.baselines).save(folder)
