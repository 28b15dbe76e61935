"""Run a search: trials on the folds, the best ones again on other seeds, one look at the test."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lockgate.files import remove_folder
from lockgate.scoring.looks import check_ledger, count_look
from lockgate.settings import write_settings
from lockgate.studies.clock import Clock
from lockgate.studies.fits import Fit, Job
from lockgate.studies.folder import check_free, claim_folder, study_id
from lockgate.studies.gather import Judged
from lockgate.studies.judge import select
from lockgate.studies.learned import learn
from lockgate.studies.plan import place_of
from lockgate.studies.single import Validated, apart, look, score_delivery
from lockgate.studies.stretches import Stretch, mean_scores
from lockgate.studies.study import deliver_selected
from lockgate.tasks.base import Task
from lockgate.tuning.again import fit_again
from lockgate.tuning.bench import DEFAULT, Bench, Entrant
from lockgate.tuning.plan import TunePlan, plan_tuning
from lockgate.tuning.prepared import Preparations
from lockgate.tuning.result import TuneResult
from lockgate.tuning.results import TUNING_FORMAT
from lockgate.tuning.search import Searching, most_fits, search
from lockgate.tuning.storage import JOURNAL, open_storage
from lockgate.tuning.summary import Found, summarise
from lockgate.tuning.watcher import SILENT_SEARCH, TuneWatcher

FREE = ("workers", "ray", "gpus_per_fit", "rounds", "budget", "track")
"""Settings that may change when a search is resumed: they change no number of a trial."""


class Told(NamedTuple):
    """What is delivered learns from: the rounds of its settings alone."""

    fits: Sequence[Fit]
    rounds: Sequence[Judged]


def run(
    source: Any,
    config: Any,
    out: Path,
    task: Task,
    *,
    storage: str | Path | None = None,
    resume: bool = False,
    watcher: TuneWatcher = SILENT_SEARCH,
) -> TuneResult:
    """Run the search of `config` on `source` in the folder `out`.

    Args:
        source: What the task reads.
        config: What to search.
        out: A new folder, or with `resume` the folder of this search.
        task: The task; `config` is of its kind.
        storage: Where Optuna keeps the trials: file of a journal, or address of a database. By
            default a journal in `out`.
        resume: Continue in `out`; finished fits are not repeated.
        watcher: Told what the search is at.

    Raises:
        DataError: If the data, the settings, the space, the storage or `out` cannot be used.
        ModuleNotFoundError: If Optuna is not installed.
    """
    clock = Clock()
    check_ledger(out.parent)
    if not resume:
        check_free(out, "tune")
    with place_of(config) as place:
        planned = plan_tuning(source, config, task, place, watcher, storage)
        return _run(planned, out, clock, watcher, resume=resume)


def _run(
    planned: TunePlan, out: Path, clock: Clock, watcher: TuneWatcher, *, resume: bool
) -> TuneResult:
    task, config = planned.study.task, planned.study.config
    with_ = _begin(planned, out, clock, watcher, resume=resume)
    watcher.on_search(planned, most_fits(config, len(planned.study.folds.folds)))
    try:
        searched = search(with_, watcher.on_trial)
    finally:
        with_.storage.close()
    again = fit_again(with_, searched.candidates)
    name = select(DEFAULT, again.verdicts)
    chosen = next(one for one in again.entrants if one.name == name)
    watcher.on_step("fitting baselines")
    first, prepared = chosen.preparation.with_baselines(), chosen.preparation.whole()
    data, plan, metric = planned.study.data, planned.study, config.training.metric
    compared = task.baselines(data, prepared, chosen.run)
    rounds = _with_baselines(again.own[name], first)
    own = [fit for fit in again.fits if fit.rung == name]
    learned = learn(task, chosen.run, compared.baselines, Told(own, rounds), name)
    kept = chosen.preparation.root, name
    delivery = deliver_selected(plan, prepared, chosen.run, kept, learned, compared, watcher)
    watcher.on_step("judging on the test part")
    fingerprint = task.test_fingerprint(data, plan.prepared)
    looks = count_look(out.parent, fingerprint, f"{study_id(out, 'tune')} {name}")
    tested = look(task, data, prepared, delivery.fitted, compared, looks)
    delivered = apart(task, prepared, delivery, tested, metric)
    naive = {one.name: mean_scores(first, one.name) for one in compared.baselines}
    found = Found(planned, searched, again, name, rounds, first, naive, tested)
    results = summarise(found, delivered, clock.keep(out))
    scored = score_delivery(
        *(task, data, prepared, delivery, results["delivered"]),
        validated=Validated(learned.scores, naive),
        tested=tested,
    )
    # of a search that went on: what was delivered before may be another network
    remove_folder(out / "fitted")
    tuned = {"rung": name, "settings": results["settings"]}
    scored.with_metrics({**scored.metrics, **tuned}).save(out / "fitted")
    result = TuneResult(results, out)
    result.save()
    return result


def _begin(
    planned: TunePlan, out: Path, clock: Clock, watcher: TuneWatcher, *, resume: bool
) -> Searching:
    """Make the folder and the storage those of this search, or find it there."""
    plan = planned.study
    identity = {
        "format_version": TUNING_FORMAT,
        "data": plan.data.fingerprint,
        "asked": plan.config.model_dump(mode="json", exclude=set(FREE)),
    }
    claim_folder(out, identity, "tune", resume=resume)
    clock.go_on(out)
    storage = open_storage(
        out / JOURNAL if planned.storage is None else planned.storage,
        out.name,
        identity,
        planned.space,
        resume=resume,
    )
    write_settings(plan.config, out / "config.yaml")
    fits = most_fits(plan.config, len(plan.folds.folds))

    def on_fit(fit: Fit, job: Job, done: int) -> None:
        watcher.on_history(job.name, job.config, fit.history)
        watcher.on_fit(fit, done, fits)

    bench = Bench(plan, out, clock, on_fit)
    preparations = Preparations(plan, planned.run, out, watcher)
    default = Entrant(DEFAULT, planned.run, preparations.of(planned.run))
    return Searching(
        *(plan, out, planned.space, planned.known, default, bench, preparations, storage, clock)
    )


def _with_baselines(rounds: Sequence[Judged], first: Sequence[Stretch]) -> list[Judged]:
    """Return rounds whose folds are those of the first pass with the baselines of these."""
    known = {stretch.fold.name: stretch for stretch in first}
    return [one._replace(stretch=known.get(one.stretch.fold.name, one.stretch)) for one in rounds]
