"""The functions that join the parts: what `lockgate` exports and its commands call."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Unpack

from lockgate.arguments import Settings
from lockgate.files import (
    remove_folder,
)
from lockgate.progress import Steps, StudyProgress, TuneProgress
from lockgate.reading.kept import stores_in
from lockgate.reports import write_rate_report, write_report, write_tune_report
from lockgate.running.ranks import check_devices, together
from lockgate.runs import (
    ConfigSource,
    begin_training,
    check_new,
    default_out,
    fit_and_score,
    resolved_run,
    with_room_it_goes_on,
    written_new,
)
from lockgate.scoring.looks import check_ledger
from lockgate.settings import (
    resolve,
    write_settings,
)
from lockgate.studies import plan as plans
from lockgate.studies.comparison import Comparison, compare_studies
from lockgate.studies.config import StudyConfig, study_config
from lockgate.studies.result import StudyResult
from lockgate.studies.rounds import run_config
from lockgate.studies.study import run
from lockgate.studies.tuned import Tuned
from lockgate.tasks.base import Fitted, Task
from lockgate.tasks.stack.rungs import default_names
from lockgate.tracking.config import tracked
from lockgate.tracking.tracker import open_tracker
from lockgate.tuning.config import rate_config, tune_config
from lockgate.tuning.plan import TunePlan
from lockgate.tuning.rates import RateResult, find_rate
from lockgate.tuning.result import TuneResult
from lockgate.tuning.space import by_setting
from lockgate.tuning.tune import run as run_tuning
from lockgate.tuning.tuned import read_tuned

LOG = logging.getLogger(__name__)
STORES = "stores"
"""Folder beside that of a run, of tables that are too large for memory."""


@with_room_it_goes_on()
def study(
    source: Any,
    *,
    task: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    config: ConfigSource = None,
    on_prepared: Callable[[plans.Plan], None] = lambda _: None,
    on_plan: Callable[[plans.Plan], None] = lambda _: None,
    **settings: Unpack[Settings],
) -> StudyResult:
    """Find out which of the recurrent network's tricks help on your data, with the evidence.

    Trains a ladder of networks (plain RNN, LSTM, GRU, then input dropout, recurrent dropout, both,
    stacked, bidirectional on the best cell) in rounds, each judged on rows that it has not seen,
    until what helps is decided; scores what it then delivers on a test part that is looked at once,
    and writes a report. A bar on standard error counts the fits.

    Args:
        source: Path of a CSV or Parquet file, or of a folder of Parquet files, or a list of their
            paths; a pandas, polars or pyarrow frame; or
            `"sample:co2"`, the weekly CO2 record of Mauna Loa with a horizon of 26 weeks. Labelled
            sequences or texts also as a .ts file, a zip or tar file, a folder, or a pair (X, y).
        task: `"forecast"`, `"labels"` or `"language"`, a language model of a text file or of a list
            of texts. Default: what the source and the settings show.
        out: Folder to write. Default: `runs/<table>-<target>`.
        resume: Continue an interrupted study in `out`: no finished fit is repeated.
        config: Settings as a YAML file or a mapping, such as the `config.yaml` of an earlier run.
        on_prepared: Called with the `Plan` as soon as the data are read, before it is estimated
            how long the fits take.
        on_plan: Called with the whole `Plan` before the first fit.
        settings: Any setting by its name: `target="sold"`, `horizon="24h"`, `resample="1h"`,
            `rounds=20`, `rungs=("lstm", "both")`, `hidden_size=32`.

    Returns:
        The verdict in words, the table of scores, the best model, and where the report is.

    Raises:
        DataError: If the data or a setting cannot be used.
        DiskFullError: If a disk has no room; with room, `resume` goes on.
        ModuleNotFoundError: If a library that `track` names is not installed.
    """
    chosen, resolved = resolved_run(source, task, config, settings, _study_config)
    folder = Path(out) if out is not None else default_out(source, chosen.subject(resolved))
    tuned, tracker = _tuned(chosen, resolved), open_tracker(resolved.track, folder)
    progress = StudyProgress(on_prepared, on_plan, tracker.fit)
    with progress as watcher, stores_in(folder.parent / STORES):
        result = run(source, resolved, folder, chosen, resume=resume, watcher=watcher, tuned=tuned)
    write_report(result.results, folder)
    tracker.end(resolved)
    LOG.info("%s: written", result.report_path)
    return result


@with_room_it_goes_on()
def tune(
    source: Any,
    *,
    trials: int | None = None,
    space: Mapping[str, Any] | None = None,
    task: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    storage: str | Path | None = None,
    config: ConfigSource = None,
    on_search: Callable[[TunePlan], None] = lambda _: None,
    **settings: Unpack[Settings],
) -> TuneResult:
    """Search for better settings, and find out whether they help on your data.

    Trials are judged beside the default settings on folds of all but the test part, never on the
    test part itself. The best three are then fitted again on other seeds and, where folds are
    drawn, other folds, and get a verdict against the default by the rule of a study: where tuning
    does not help, that is what it says. What is delivered is scored on the test part once, and a
    report is written. Needs Optuna: `pip install "lockgate[tune]"`.

    Args:
        source: What `study` takes.
        trials: Settings to try at most. Default: 40.
        space: What to search: for each setting by its name `[16, 256]`, `[1e-4, 1e-2, "log"]` or
            `{"choices": ["lstm", "gru"]}`. Those of the configuration's section `tune` that have no
            range here are searched too. Default: cell, sizes, rates, learning rate and decay; of
            tables lookback and level too.
        task: `"forecast"`, `"labels"` or `"language"`. Default: what the source and the settings
            show.
        out: Folder to write. Default: `runs/<table>-<target>-tuned`.
        resume: Continue an interrupted search in `out`: no finished fit is repeated, and the end is
            that of one that was not interrupted.
        storage: Where the trials are kept: file of a journal of Optuna, or the address of a
            database, `postgresql://...`. Default: a journal in `out`.
        config: Settings as a YAML file or a mapping, the space in its section `tune`.
        on_search: Called with the `TunePlan` before the first fit.
        settings: Any setting by its name, of which the default settings are: `target="sold"`,
            `horizon="24h"`, `hidden_size=32`, `budget="20m"`.

    Returns:
        What to use in words, the trials, the settings, the best model, and where the report is.

    Raises:
        DataError: If the data, a setting, the space or the storage cannot be used.
        ModuleNotFoundError: If Optuna, or a library that `track` names, is not installed.
    """
    named = {**settings, "trials": trials}
    chosen, resolved = resolved_run(source, task, config, named, lambda one: tune_config(one.run))
    if space is not None:
        told = by_setting(resolved.tune, chosen) if resolved.tune else {}
        both = {"tune": {**told, **by_setting(space, chosen)}}
        resolved = resolve(type(resolved), resolved.model_dump(), both)
    name = f"{chosen.subject(resolved)}-tuned"
    folder = Path(out) if out is not None else default_out(source, name)
    tracker = open_tracker(resolved.track, folder)
    progress = TuneProgress(on_search, tracker.fit)
    with progress as watcher, stores_in(folder.parent / STORES):
        result = run_tuning(
            source, resolved, folder, chosen, storage=storage, resume=resume, watcher=watcher
        )
    write_tune_report(result.results, folder)
    tracker.end(resolved)
    LOG.info("%s: written", result.report_path)
    return result


def lr_find(
    source: Any,
    *,
    low_rate: float | None = None,
    high_rate: float | None = None,
    batches: int | None = None,
    task: str | None = None,
    out: str | Path | None = None,
    config: ConfigSource = None,
    **settings: Unpack[Settings],
) -> RateResult:
    """Draw how the training loss goes as the learning rate rises: a range test (Smith, 2017).

    The network that `train` would begin with takes a step on each of its first batches, at rates
    that rise exponentially until the loss diverges. The suggestion is the rate of the steepest
    descent: of the straight lines by least squares through the losses of the decade around each
    rate, the one that falls fastest, below the rate of the lowest smoothed loss; with the range
    around it in which the loss falls at least half as fast. It is a suggestion and no verdict: a
    study, or `tune`, judges. A page with the picture is written as a new folder.

    Args:
        source: What `study` takes.
        low_rate: Learning rate of the first batch. Default: 1e-5.
        high_rate: Learning rate of the last batch, at least a hundred times the lowest. Default: 1.
        batches: Batches at most, and no more than a fit has. Default: 200.
        task: `"forecast"`, `"labels"` or `"language"`. Default: what the source and the settings
            show.
        out: Folder to write. Default: `runs/<table>-<target>-rates`.
        config: Settings as a YAML file or a mapping.
        settings: Any setting by its name, as `train` takes it. A schedule is left out of account.

    Returns:
        Rates, losses, smoothed losses, the suggestion, what it says in words, and where the picture
        is.

    Raises:
        DataError: If the data or a setting cannot be used, `out` is not new, there are fewer than
            ten batches for each decade of rates, or no loss is finite.
    """
    named = {**settings, "low_rate": low_rate, "high_rate": high_rate, "batches": batches}
    chosen, resolved = resolved_run(source, task, config, named, lambda one: rate_config(one.run))
    name = f"{chosen.subject(resolved)}-rates"
    folder = Path(out) if out is not None else default_out(source, name)
    check_new(folder)
    kept = folder.with_name(f"{folder.name}.encoder.safetensors")
    try:
        with Steps() as steps, stores_in(folder.parent / STORES):
            result = find_rate(source, resolved, chosen, folder, on_step=steps.on_step, keep=kept)
    finally:
        kept.unlink(missing_ok=True)
    with written_new(folder) as temporary:
        write_rate_report(result, temporary)
    LOG.info("%s: written", result.report_path)
    return result


def plan_study(
    source: Any,
    *,
    task: str | None = None,
    config: ConfigSource = None,
    on_prepared: Callable[[plans.Plan], None] = lambda _: None,
    **settings: Unpack[Settings],
) -> plans.Plan:
    """Return the plan of a study without running it; arguments as in `study`."""
    chosen, resolved = resolved_run(source, task, config, settings, _study_config)
    tuned = _tuned(chosen, resolved)
    with StudyProgress(on_prepared) as watcher, plans.place_of(resolved) as place:
        return plans.plan(source, resolved, chosen, place, watcher, tuned)


@with_room_it_goes_on()
def train(
    source: Any,
    *,
    task: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    devices: int = 1,
    config: ConfigSource = None,
    **settings: Unpack[Settings],
) -> tuple[Fitted, Path]:
    """Fit networks to your data, score them beside the baselines and save them as a new folder.

    The model is the mean of `members` fits, mixed with the best baseline; with `members=1` and
    `mix=False` it is one network. Probabilities of classes are calibrated on validation. Ctrl-C
    ends training early and keeps the best weights so far. While it trains, `<out>.training` holds
    what each fit needs to go on. Arguments as in `study`, less those that only a study has.

    Args:
        resume: Continue a training that was killed: with the same settings and data it ends in the
            weights that it would have ended in. If there is nothing to continue, it begins.
        devices: Processes of this machine that train each network together, each on a GPU, or on
            its part of the cores: the same steps, to rounding. Ctrl-C ends them then, and `resume`
            goes on.

    Returns:
        The fitted model, whose `metrics` hold its scores and history, and the folder.

    Raises:
        DataError: If the data or a setting cannot be used, or `out` is not new; or if what is to be
            continued is of other settings or data.
        ChildProcessError: If one of several processes ended.
        ModuleNotFoundError: If a library that `track` names is not installed.
    """
    chosen, told = resolved_run(source, task, config, settings, lambda one: tracked(one.run))
    resolved = run_config(chosen, told, told.model)
    check_devices(devices, resolved.training.device)
    folder = Path(out) if out is not None else default_out(source, chosen.subject(resolved))
    checkpoints = folder.with_name(f"{folder.name}.training")
    whole = begin_training(folder, checkpoints, resolved, resume=resume)
    if whole is not None:
        if told.track:
            LOG.warning("%s: trained already, and not tracked anew", folder)
        return whole, folder
    check_ledger(folder.parent)
    tracker, histories = open_tracker(told.track, folder, notes=checkpoints), []
    with together(devices, resolved.training.device):
        with Steps() as steps, stores_in(folder.parent / STORES):
            steps.on_step("reading")
            data = chosen.read(source, resolved)
            steps.on_step(f"preparing {data.source}")
            plain, begun = chosen.prepare(data, resolved), checkpoints / "begun.safetensors"
            prepared = chosen.begin(data, plain, resolved, steps.on_step, begun)
        LOG.info("%s: read and prepared", data.source)
        scored = fit_and_score(
            *(chosen, data, prepared, resolved, folder, checkpoints),
            on_history=lambda *done: histories.append(done),
        )
    with written_new(folder) as temporary:
        scored.write_into(temporary)
        write_settings(resolved, temporary / "config.yaml")
        # in what becomes the folder: once it is there, nothing is left to be done
        within = tracker._replace(folder=temporary)
        for done in histories:
            within.fit(*done)
        within.end(resolved)
    remove_folder(checkpoints)
    LOG.info("%s: written", folder)
    return scored, folder


def compare(first: StudyResult | str | Path, second: StudyResult | str | Path) -> Comparison:
    """Set two finished studies of the same data side by side.

    Args:
        first: A study, or the folder of it.
        second: Another, of the same data and metric.

    Returns:
        The settings that differ, the scores of the rungs on the rows judged, the changes and
        outcomes of the pairs, and what each delivers on the test part; rows of plain values.

    Raises:
        DataError: If a folder holds no study, or they are of other data or another metric.
    """
    one, other = (
        study if isinstance(study, StudyResult) else StudyResult.load(Path(study))
        for study in (first, second)
    )
    return compare_studies(one, other)


def _tuned(task: Task, config: Any) -> Tuned | None:
    """Read what the search of a study found, if it names one."""
    return None if config.tuned is None else read_tuned(config.tuned, task, config)


def _study_config(task: Task) -> type[StudyConfig]:
    return study_config(task.run, default_names(task.ladder))
