"""The functions that join the parts: what `lockgate` exports and its commands call."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from lockgate.arguments import Settings
from lockgate.errors import DataError, MissingSettingError, shortened
from lockgate.files import (
    DiskFullError,
    remove_folder,
)
from lockgate.progress import BacktestProgress, Steps, StudyProgress, TuneProgress
from lockgate.reports import write_rate_report, write_report, write_tune_report
from lockgate.running.ranks import check_devices, together
from lockgate.runs import begin_training, check_new, default_out, fit_and_score, written_new
from lockgate.scoring.looks import check_ledger
from lockgate.settings import (
    ConfigT,
    by_path,
    read_anew,
    read_settings,
    resolve,
    write_settings,
)
from lockgate.studies import plan as plans
from lockgate.studies.anew import fit_anew, networks_of
from lockgate.studies.comparison import Comparison, compare_studies
from lockgate.studies.config import StudyConfig, study_config
from lockgate.studies.result import StudyResult
from lockgate.studies.study import run
from lockgate.studies.tuned import Tuned
from lockgate.tasks import registry
from lockgate.tasks.base import Evaluation, Fitted, Task
from lockgate.tasks.stack.rungs import default_names
from lockgate.tasks.storage import is_of_today
from lockgate.tuning.config import rate_config, tune_config
from lockgate.tuning.plan import TunePlan
from lockgate.tuning.rates import RateResult, find_rate
from lockgate.tuning.result import TuneResult
from lockgate.tuning.space import by_setting
from lockgate.tuning.tune import run as run_tuning
from lockgate.tuning.tuned import read_tuned

if TYPE_CHECKING:
    from lockgate.tasks.forecasting.backtest_result import BacktestResult
    from lockgate.tasks.forecasting.update import UpdateResult

LOG = logging.getLogger(__name__)
FORECAST = "forecast"
"""Name of the task whose data have a past to go back to."""
ConfigSource = Mapping[str, Any] | str | Path | None


@contextlib.contextmanager
def _with_room_it_goes_on() -> Iterator[None]:
    """Say how to go on once a full disk has room again."""
    try:
        yield
    except DiskFullError as error:
        raise DiskFullError(f"{error}, and continue with resume=True (--resume)") from None


@_with_room_it_goes_on()
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
        source: Path of a CSV or Parquet file; a pandas, polars or pyarrow frame; or
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
    """
    chosen, resolved = _resolve(source, task, config, settings, _study_config)
    folder = Path(out) if out is not None else default_out(source, chosen.subject(resolved))
    tuned = _tuned(chosen, resolved)
    with StudyProgress(on_prepared, on_plan) as watcher:
        result = run(source, resolved, folder, chosen, resume=resume, watcher=watcher, tuned=tuned)
    write_report(result.results, folder)
    LOG.info("%s: written", result.report_path)
    return result


@_with_room_it_goes_on()
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
        ModuleNotFoundError: If Optuna is not installed.
    """
    named = {**settings, "trials": trials}
    chosen, resolved = _resolve(source, task, config, named, lambda one: tune_config(one.run))
    if space is not None:
        told = by_setting(resolved.tune, chosen) if resolved.tune else {}
        both = {"tune": {**told, **by_setting(space, chosen)}}
        resolved = resolve(type(resolved), resolved.model_dump(), both)
    name = f"{chosen.subject(resolved)}-tuned"
    folder = Path(out) if out is not None else default_out(source, name)
    with TuneProgress(on_search) as watcher:
        result = run_tuning(
            source, resolved, folder, chosen, storage=storage, resume=resume, watcher=watcher
        )
    write_tune_report(result.results, folder)
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
    chosen, resolved = _resolve(source, task, config, named, lambda one: rate_config(one.run))
    name = f"{chosen.subject(resolved)}-rates"
    folder = Path(out) if out is not None else default_out(source, name)
    check_new(folder)
    kept = folder.with_name(f"{folder.name}.encoder.safetensors")
    try:
        with Steps() as steps:
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
    chosen, resolved = _resolve(source, task, config, settings, _study_config)
    tuned = _tuned(chosen, resolved)
    with StudyProgress(on_prepared) as watcher, plans.place_of(resolved) as place:
        return plans.plan(source, resolved, chosen, place, watcher, tuned)


@_with_room_it_goes_on()
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
    """
    chosen, resolved = _resolve(source, task, config, settings, lambda one: one.run)
    check_devices(devices, resolved.training.device)
    folder = Path(out) if out is not None else default_out(source, chosen.subject(resolved))
    checkpoints = folder.with_name(f"{folder.name}.training")
    whole = begin_training(folder, checkpoints, resolved, resume=resume)
    if whole is not None:
        return whole, folder
    check_ledger(folder.parent)
    with together(devices, resolved.training.device):
        with Steps() as steps:
            steps.on_step("reading")
            data = chosen.read(source, resolved)
            steps.on_step(f"preparing {data.source}")
            plain, begun = chosen.prepare(data, resolved), checkpoints / "begun.safetensors"
            prepared = chosen.begin(data, plain, resolved, steps.on_step, begun)
        scored = fit_and_score(chosen, data, prepared, resolved, folder, checkpoints)
    with written_new(folder) as temporary:
        scored.write_into(temporary)
        write_settings(resolved, temporary / "config.yaml")
    remove_folder(checkpoints)
    LOG.info("%s: written", folder)
    return scored, folder


def evaluate(model: Fitted | str | Path, source: Any, **settings: Any) -> Evaluation:
    """Score a fitted model on data that it has not learned from.

    Args:
        model: What was fitted, or the folder of it.
        source: Data of the form of the training data.
        settings: As in `predict`; and `mc_samples`, the passes of Monte-Carlo dropout by which a
            classifier tells how certain it is.

    Raises:
        DataError: If the folder or the data cannot be used, or do not go together.
    """
    return _model_for(model, source).evaluate(source, **settings)


@_with_room_it_goes_on()
def backtest(
    model: Fitted | ConfigSource,
    source: Any,
    *,
    n_windows: int | None = None,
    step: int | str | None = None,
    refit_every: int | None = None,
    gap: int | str | None = None,
    window: str | None = None,
    baselines: Sequence[str] | str | None = None,
    level: Sequence[float] | float | str | None = None,
    run: str | Path | None = None,
    resume: bool = False,
    on_plan: Callable[[Any], None] = lambda _: None,
    **settings: Any,
) -> "BacktestResult":
    """Forecast a table as it would have been forecast in the past, at several cutoffs, and score.

    Whatever a fit learns, from scales and seasons to the weight of the mixture, it learns from rows
    up to its cutoff, as `train` would have had it then; a forecast reads rows up to its cutoff.

    Args:
        model: A forecaster that was fitted, or its folder; or the settings of one, as a file
            (`config.yaml`, or the `config.json` of a folder) or a mapping, which is then fitted
            before the first cutoff; None takes `settings` alone.
        source: A table.
        n_windows: Cutoffs, the last so that its horizon ends with the table. Default: 8.
        step: From one cutoff to the next, in steps or as a duration. Default: the horizon.
        refit_every: Fit anew before every so many cutoffs, from the first on. Default: 0, which
            never does, beyond the first fit of settings.
        gap: Steps or a duration left out between what is learned from and a cutoff. Default: 0.
        window: `"expanding"` learns from all rows before, `"rolling"` from as many as the first
            fit. Default: `"expanding"`.
        baselines: Further ones beside naive, seasonal naive, drift, mean and ridge: `"ets"`,
            `"theta"`, `"mstl"` of statsforecast (`pip install "lockgate[baselines]"`).
        level: Shares of truths, in per cent, that intervals of the model are to cover, `[80, 95]`:
            columns `lockgate-lo-80` and `lockgate-hi-80`. Default: no intervals.
        run: Folder in which fits, and forecasts from each cutoff, are kept as they are done.
            Default: none is kept.
        resume: Continue what was stopped in `run`, with the same forecasts in the end.
        on_plan: Called with the plan before the first fit; its `words` tell how many fits there
            are.
        settings: Of a model how the table is read, as `predict` takes them; else any setting.

    Returns:
        `forecasts`, a long frame that utilsforecast evaluates; `scores` by cutoff, by step and by
        series; `sections()`, what a terminal shows.

    Raises:
        DataError: If the model or the table cannot be used, the table is too short for so many
            cutoffs, or a model without refits has learned from rows after the first.
        ModuleNotFoundError: If statsforecast is needed and not installed.
    """
    # imported here because other tasks have no use for it
    from lockgate.tasks.forecasting.backtest import plan_backtest, run_backtest
    from lockgate.tasks.forecasting.backtest_folder import BacktestFolder, settings_in
    from lockgate.tasks.forecasting.config import BacktestSettings

    told: dict[str, Any] = {"n_windows": n_windows, "step": step, "refit_every": refit_every}
    told |= {"gap": gap, "window": window, "baselines": baselines, "level": level}
    asked = resolve(BacktestSettings, {n: value for n, value in told.items() if value is not None})
    fitted = _forecaster(model, source)
    task = registry.task(FORECAST)
    with BacktestProgress(on_plan) as watcher:
        watcher.on_step("reading")
        if fitted is not None:
            config, data = read_anew(fitted.config, settings), fitted.read(source, settings)
        else:
            _, config = _resolve(
                source, FORECAST, settings_in(model), settings, lambda one: one.run
            )
            data = task.read(source, config)
        plan = plan_backtest(data, config, asked, networks_of(task, config), fitted)
        kept = BacktestFolder(Path(run), plan.identity, resume=resume) if run is not None else None

        def anew(own: Any, prepared: Any, config: Any, checkpoints: Path | None) -> Any:
            return fit_anew(task, own, prepared, config, watcher.on_fit, checkpoints)

        return run_backtest(plan, anew, watcher, kept, source)


def predict(model: Fitted | str | Path, source: Any, **settings: Any) -> Any:
    """Predict with a fitted model: the steps after a table, or labels of sequences or texts.

    A forecast begins after the last observed target; warnings of the logger `lockgate` tell what a
    reader should know of how the table was read.

    Args:
        model: What was fitted, or the folder of it.
        source: Data of the form of the training data; labels need not be there.
        settings: How the source is read, where that is another way than the training data were:
            `separator=";"`, `time_format="%d.%m.%Y"`, `label="kind"`. None leaves it to the source.
            Of a forecaster also `future`, rows of the steps forecast with what is known of them,
            and `level` or `quantiles`; see `FittedForecaster.predict`.

    Returns:
        A frame of the kind that `source` is: pandas, pyarrow or polars, which it is of a path. The
        forecast of a pandas Series is a Series.

    Raises:
        DataError: If the folder or the data cannot be used, or do not go together.
    """
    return _model_for(model, source).predict(source, **settings)


@_with_room_it_goes_on()
def update(
    model: Fitted | str | Path,
    source: Any,
    *,
    latest: int | None = None,
    adapt: float | None = None,
    out: str | Path | None = None,
    **settings: Any,
) -> "UpdateResult":
    """Keep the intervals of a forecaster up to date with rows that have come in since.

    Every window is forecast whose targets come after all that training, and updates before, have
    seen; the newest errors take the place of the oldest. The networks stay as they are: to learn
    from new rows, train anew.

    Args:
        model: A forecaster that was fitted, or its folder, of which one file is replaced.
        source: A table that holds these rows, and the past that their forecasts read. The table
            that has grown will do: what was seen before is not counted again.
        latest: Forecasts whose errors are kept, the newest: fewer follow a change sooner, more tell
            a quantile better. Default: as many as the model has, and at least 40 times its horizon.
        adapt: Let intervals widen while too many truths lie outside, and narrow while too few do
            (adaptive conformal inference; Gibbs and Candès 2021, arXiv:2106.00170): how much one
            truth changes the share outside, such as 0.01; of the step h an h-th of it. The widest
            go as far as the largest error that is kept. Default: as the model has it, at first 0,
            which does neither.
        out: New folder for the model. Default: the one given.
        settings: How the table is read, where that is another way than the training table was.

    Returns:
        The model as `fitted`, and how its intervals did on the new forecasts: as they were, and as
        they would have been had they taken in each horizon of rows once it was past.

    Raises:
        DataError: If the model is no forecaster or has no intervals, the table holds nothing new,
            or `latest` is too few to tell an interval of 80 %.
    """
    # imported here because other tasks have no use for it
    from lockgate.tasks.forecasting import update as updating
    from lockgate.tasks.forecasting.config import UpdateSettings

    given = {name: one for name, one in (("latest", latest), ("adapt", adapt)) if one is not None}
    asked, fitted = resolve(UpdateSettings, given), _forecaster(model, source)
    if fitted is None:
        raise DataError(
            f"model must be a forecaster or the folder of one, got {shortened(str(model))}"
        )
    if out is not None:
        check_new(Path(out))
    table = fitted.read(source, settings)
    result = updating.update(fitted, table, asked.latest, asked.adapt)
    if out is not None:
        with written_new(Path(out)) as temporary:
            result.fitted.write_into(temporary)
    elif isinstance(model, str | Path):
        result.fitted.write_intervals(registry.fitted_folder(model))
    return result


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


def upgrade(folder: str | Path) -> Fitted:
    """Rewrite a fitted folder of an earlier format in that of today; predictions stay equal.

    Every file is written under another name and renamed, so that the folder can be read at any
    moment. A folder of today's format stays as it is.

    Raises:
        DataError: If it holds no fitted model.
    """
    fitted, place = registry.load(folder), registry.fitted_folder(folder)
    if not is_of_today(place):
        fitted.write_into(place)
        LOG.info("%s: rewritten", place)
    return fitted


def _forecaster(model: Any, source: Any) -> Any:
    """Return a fitted forecaster, read from its folder; None where settings are given.

    Raises:
        DataError: If it is another model, or a path is neither a folder nor a file.
    """
    if isinstance(model, str | Path):
        if Path(model).is_file():
            return None
        if not Path(model).is_dir():
            raise DataError(
                f"model must be the folder of a forecaster or a file of settings, got {model}, "
                "which is neither"
            )
        model = _model_for(model, source)
    if not isinstance(model, Fitted):
        return None
    if model.task != FORECAST:
        raise DataError(
            f"model must be {registry.model_name(FORECAST)}, whose rows have a past, got "
            f"{registry.model_name(model.task)}"
        )
    return model


def _model_for(model: Fitted | str | Path, source: Any) -> Fitted:
    """Read a fitted folder, which must be of the task that the data are for."""
    if not isinstance(model, str | Path):
        return model
    fitted, owner = registry.load(model), registry.owner(source)
    if owner is not None and owner != fitted.task:
        shown = str(source)[:80]
        raise DataError(
            f"{model} must hold {registry.model_name(owner)} for {shown!r}, got "
            f"{registry.model_name(fitted.task)}"
        )
    return fitted


def _resolve(
    source: Any,
    task: str | None,
    config: ConfigSource,
    named: Mapping[str, Any],
    kind: Callable[[Task], type[ConfigT]],
) -> tuple[Task, ConfigT]:
    """Choose the task and resolve its settings, from the least to the most explicit."""
    nested = read_settings(Path(config)) if isinstance(config, str | Path) else (config or {})
    given = {name: value for name, value in named.items() if value is not None}
    of_data = nested.get("data", {})
    names = [*nested, *(of_data if isinstance(of_data, Mapping) else ()), *given]
    chosen = registry.suitable(source, names, task)
    LOG.info("task: %s", chosen.name)
    layers = chosen.defaults(source), nested, given
    missing = chosen.missing(source, by_path(kind(chosen), *layers))
    if missing is not None:
        raise MissingSettingError(" ".join(missing.lines), missing.rows)
    return chosen, resolve(kind(chosen), *layers)


def _tuned(task: Task, config: Any) -> Tuned | None:
    """Read what the search of a study found, if it names one."""
    return None if config.tuned is None else read_tuned(config.tuned, task, config)


def _study_config(task: Task) -> type[StudyConfig]:
    return study_config(task.run, default_names(task.ladder))
