"""What a fitted model is used for: to predict, to be scored, to be kept up to date."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lockgate.errors import DataError, shortened
from lockgate.exporting import folder as exporting
from lockgate.exporting.folder import Exported
from lockgate.progress import BacktestProgress
from lockgate.runs import ConfigSource, check_new, resolved_run, with_room_it_goes_on, written_new
from lockgate.settings import read_anew, resolve
from lockgate.studies.anew import fit_anew, networks_of
from lockgate.tasks import registry
from lockgate.tasks.base import Evaluation, Fitted
from lockgate.tasks.storage import is_of_today

if TYPE_CHECKING:
    from lockgate.tasks.forecasting.backtest_result import BacktestResult
    from lockgate.tasks.forecasting.update import UpdateResult

LOG = logging.getLogger(__name__)
FORECAST = "forecast"
"""Name of the task whose data have a past to go back to."""


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


@with_room_it_goes_on()
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
            _, config = resolved_run(
                source, FORECAST, settings_in(model), settings, lambda one: one.run
            )
            data = task.read(source, config)
        plan = plan_backtest(data, config, asked, networks_of(task, config), fitted)
        kept = BacktestFolder(Path(run), plan.identity, resume=resume) if run is not None else None

        def anew(own: Any, prepared: Any, config: Any, checkpoints: Path | None) -> Any:
            return fit_anew(task, own, prepared, config, watcher.on_fit, checkpoints)

        return run_backtest(plan, anew, watcher, kept, source)


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


def export(
    model: Fitted | str | Path,
    out: str | Path,
    *,
    to: Literal["onnx", "pt2"] = "onnx",
    weights: Literal["float32", "bfloat16", "int8"] = "float32",
    level: Sequence[float] | None = None,
) -> Exported:
    """Write a fitted model as a folder that predicts without torch, and without lockgate.

    One graph of ONNX holds everything from raw numbers or token ids to forecasts or probabilities:
    the filling of holes, scales, all networks, the mixture, the bounds of intervals. `schema.json`
    tells what is done around it, which the package `lockgate-runtime` does, and `manifest.json`
    the SHA-256 of each file. A model that answers at every step, in one direction, has a graph of
    one step beside it. Before anything is written, both are run beside the model.

    Args:
        model: What was fitted, or its folder.
        out: A new folder.
        to: The form of the graph: `onnx`, or `pt2`, which `torch.export.load` reads without
            lockgate.
        weights: How the matrices of a graph of ONNX are stored: `float32`, or in half or
            a quarter of their bytes `bfloat16` or `int8`; `losses` tells what that changes.
        level: Shares of truths, in per cent, that intervals of a forecaster are to cover, such as
            `[80, 95]`; an empty list leaves intervals out. Default: 80 and 95, as far as the model
            tells any.

    Returns:
        The folder, and how far the graph is from the model.

    Raises:
        DataError: If the model cannot be exported; the message says what stands in the way.
        FileExistsError: If `out` holds something.
        ModuleNotFoundError: If what writes or runs graphs is not installed: the extra `[onnx]`.
    """
    check_new(Path(out))
    fitted = registry.load(model) if isinstance(model, str | Path) else model
    return exporting.export(fitted.exportable(level), Path(out), to, weights)


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
