"""Run a study: rounds until its questions are decided, then one look at the test part."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lockgate.files import remove_folder
from lockgate.scoring.looks import check_ledger, count_look
from lockgate.studies.clock import Clock
from lockgate.studies.delivery import Delivery, Fits, Member, deliver_one, is_single
from lockgate.studies.fits import CHECKPOINTS, Job, run_fits
from lockgate.studies.folder import as_begun, check_free, open_folder, study_id
from lockgate.studies.judge import select
from lockgate.studies.learned import Learned, deliver_learned, learn
from lockgate.studies.plan import SILENT, Plan, Watcher, place_of, plan
from lockgate.studies.result import StudyResult
from lockgate.studies.rounds import play_rounds, run_of
from lockgate.studies.single import Validated, apart, look, score_delivery
from lockgate.studies.stretches import Stretches, best_baseline, mean_scores
from lockgate.studies.summary import Found, summarise
from lockgate.studies.tuned import Tuned
from lockgate.tasks.base import Chosen, Compared, Task
from lockgate.tasks.stack.config import CellName


def run(
    source: Any,
    config: Any,
    out: Path,
    task: Task,
    *,
    resume: bool = False,
    watcher: Watcher = SILENT,
    tuned: Tuned | None = None,
) -> StudyResult:
    """Run the study of `config` on `source` in the folder `out`.

    Args:
        source: What the task reads.
        config: What to compare.
        out: A new folder, or with `resume` the folder of this study.
        task: The task that the study is of; `config` is of its kind.
        resume: Continue in `out`; finished fits are not repeated.
        watcher: Told what the study is at.
        tuned: What the search in the folder `config.tuned` found.

    Raises:
        DataError: If the table, the configuration or `out` cannot be used.
    """
    clock = Clock()
    check_ledger(out.parent)
    if not resume:
        check_free(out, "study")
    with place_of(config) as place:
        planned = plan(source, config, task, place, watcher, tuned)
        return _run(planned, out, clock, watcher, resume=resume)


def _run(planned: Plan, out: Path, clock: Clock, watcher: Watcher, *, resume: bool) -> StudyResult:
    task, planned = planned.task, as_begun(planned, out)
    open_folder(out, planned, resume=resume)
    clock.go_on(out)
    watcher.on_plan(planned)
    stretches = Stretches(planned, out, watcher)
    played = play_rounds(planned, out, stretches, clock, watcher)
    rung, first = select(played.cell_rung, played.verdicts), stretches.of_pass(0)
    watcher.on_step("fitting baselines")
    compared = task.baselines(planned.data, planned.prepared, planned.config)
    learned = learn(task, planned.config, compared.baselines, played, rung)
    selected = _selected(planned, rung, played.cell)
    delivery = deliver_selected(
        planned, planned.prepared, selected, (out, rung), learned, compared, watcher
    )
    watcher.on_step("judging on the test part")
    data, prepared, metric = planned.data, planned.prepared, planned.config.training.metric
    fingerprint = task.test_fingerprint(data, prepared)
    looks = count_look(out.parent, fingerprint, f"{study_id(out)} {rung}")
    tested = look(task, data, prepared, delivery.fitted, compared, looks)
    reference = best_baseline(first, metric)
    found = Found(planned, first, stretches.stay, played, rung, reference, tested)
    known = reference or compared.baselines[0].name
    chosen = Chosen(delivery.fitted, tested.model, known, tested.baselines[known])
    delivered = apart(task, prepared, delivery, tested, metric)
    results = summarise(found, delivered, chosen, clock.keep(out))
    naive = {one.name: mean_scores(first, one.name) for one in compared.baselines}
    scored = score_delivery(
        *(task, data, prepared, delivery, results["delivered"]),
        validated=Validated(learned.scores, naive),
        tested=tested,
    )
    # of a study that went on: what was delivered before may be another network
    remove_folder(out / "fitted")
    scored.with_metrics({**scored.metrics, "rung": rung}).save(out / "fitted")
    result = StudyResult(results, out)
    result.save()
    # of fits that a process that outlived a killed study had finished
    remove_folder(out / CHECKPOINTS)
    return result


def deliver_selected(
    planned: Plan,
    prepared: Any,
    run: Any,
    place: tuple[Path, str],
    learned: Learned,
    compared: Compared,
    watcher: Watcher,
) -> Delivery:
    """Fit the network of `run` as often as it says, and put what is delivered together.

    Args:
        planned: What was read, and how many fits run side by side.
        prepared: What was made of it.
        run: The settings of the selected network.
        place: The folder that holds what was prepared, and what the fits are called there.
        learned: What the rounds told of the network.
        compared: The baselines.
        watcher: Told what is done.
    """
    task, (out, name) = planned.task, place

    def fit_all(members: Sequence[Member]) -> Fits:
        jobs = [
            Job(name, one.seed, one.config, task, learn=one.learn, stop=one.stop) for one in members
        ]
        watcher.on_step(f"fitting {name} {len(jobs)} times to be delivered")
        done = {fit.seed: fit.history for fit in run_fits(out, jobs, planned.place)}
        for job in jobs:
            watcher.on_history(job.name, job.config, done[job.seed])
        return [(task.load_fitted(job.folder(out)), done[job.seed]) for job in jobs]

    if is_single(task, run):
        one = deliver_one(task, run, fit_all, compared)
        if task.committees is None:
            return one
        fitted = task.committees.with_held_out(one.fitted, learned.held_out)
        return one._replace(fitted=fitted)
    return deliver_learned(task, planned.data, prepared, run, fit_all, learned, compared)


def _selected(planned: Plan, rung: str, cell: CellName) -> Any:
    """Return the settings of a run of the selected network."""
    chosen = next(one for one in planned.rungs if one.name == rung)
    return run_of(planned, chosen, cell)
