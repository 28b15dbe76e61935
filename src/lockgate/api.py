"""The functions that join the parts: what `lockgate` exports and its commands call."""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from lockgate.data.errors import DataError
from lockgate.data.files import new_folder
from lockgate.data.label_config import told_of_labels
from lockgate.data.label_read import is_labelled_path
from lockgate.data.prepare import SAMPLE, read
from lockgate.evaluation.backtest import backtest
from lockgate.evaluation.looks import check_ledger, count_look
from lockgate.fitted import Fitted, LabelRunConfig, RunConfig
from lockgate.fitted.classifier import FittedClassifier
from lockgate.fitted.load import load
from lockgate.fitted.settings import Config, read_settings, resolve, write_settings
from lockgate.progress import FitProgress, StudyProgress
from lockgate.reports import write_report
from lockgate.studies import plan as plans
from lockgate.studies.config import LabelStudyConfig, StudyConfig
from lockgate.studies.labelling import Labelling
from lockgate.studies.problem import Problem
from lockgate.studies.result import StudyResult
from lockgate.studies.single import score_labelled, score_parts
from lockgate.studies.study import FORECASTING, run

LABELLING = Labelling()
# what a table that comes along need not be told
SAMPLES: dict[str, dict[str, Any]] = {f"{SAMPLE}co2": {"target": "co2", "horizon": "26w"}}

Settings = Mapping[str, Any] | str | Path | None
LabelConfig = TypeVar("LabelConfig", bound=LabelRunConfig)
ForecastConfig = TypeVar("ForecastConfig", bound=RunConfig)


def study(
    table: Any,
    *,
    target: str | None = None,
    horizon: int | str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    config: Settings = None,
    on_plan: Callable[[plans.Plan], None] = lambda _: None,
    **settings: Any,
) -> StudyResult:
    """Find out which of the recurrent network's tricks help on a table, with the evidence.

    Trains a ladder of networks (plain RNN, LSTM, GRU, then input dropout, recurrent dropout, both,
    stacked, bidirectional on the best cell) over several seeds beside naive baselines, judges them
    on a test part that is looked at once, and writes a report. A bar on standard error counts the
    fits.

    Args:
        table: Path of a CSV or Parquet file; a pandas, polars or pyarrow frame; or
            `"sample:co2"`, the weekly CO2 record of Mauna Loa with a horizon of 26 weeks.
        target: Column to forecast.
        horizon: Steps, or a duration such as `"24h"`.
        out: Folder to write. Default: `runs/<table>-<target>`.
        resume: Continue an interrupted study in `out`: no finished fit is repeated.
        config: Settings as a YAML file or a mapping, such as the `config.yaml` of an earlier run.
        on_plan: Called with the `Plan` before the first fit.
        settings: Any setting of the command line by its name: `resample="1h"`, `seeds=3`,
            `rungs=("lstm", "both")`, `hidden_size=32`.

    Returns:
        The verdict in words, the table of scores, the best model, and where the report is.

    Raises:
        DataError: If the table or a setting cannot be used.
    """
    told = {"target": target, "horizon": horizon, **settings}
    problem, resolved = _task(table, config, told, StudyConfig, LabelStudyConfig)
    folder = Path(out) if out is not None else default_out(table, _what(resolved))
    with StudyProgress() as progress:

        def planned(plan: plans.Plan) -> None:
            on_plan(plan)
            progress.on_plan(plan)

        result = run(
            *(table, resolved, folder, problem),
            resume=resume,
            on_plan=planned,
            on_fit=progress.on_fit,
        )
    write_report(result.results, folder)
    return result


def plan_study(table: Any, *, config: Settings = None, **settings: Any) -> plans.Plan:
    """Return the plan of a study without running it; arguments as in `study`."""
    problem, resolved = _task(table, config, settings, StudyConfig, LabelStudyConfig)
    return plans.plan(table, resolved, problem)


def train(
    table: Any,
    *,
    target: str | None = None,
    horizon: int | str | None = None,
    out: str | Path | None = None,
    config: Settings = None,
    **settings: Any,
) -> tuple[Fitted | FittedClassifier, Path]:
    """Fit one network to a table, score it beside the baselines and save it as a new folder.

    Labelled sequences or texts are told from a table to forecast as in `study`; the probabilities
    of their classes are calibrated on the validation part. Ctrl-C ends training early and keeps the
    best weights so far. Arguments as in `study`, less those that only a study has.

    Returns:
        The fitted model, whose `metrics` hold its scores and history, and the folder.

    Raises:
        DataError: If the table or a setting cannot be used, or `out` is not new.
    """
    told = {"target": target, "horizon": horizon, **settings}
    problem, resolved = _task(table, config, told, RunConfig, LabelRunConfig)
    folder = Path(out) if out is not None else default_out(table, _what(resolved))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"out must be a new folder, got {folder}: pass another out (--out)")
    check_ledger(folder.parent)
    data = problem.read(table, resolved)
    prepared = problem.prepare(data, resolved)
    with FitProgress(resolved.training.max_epochs) as progress:
        fitted, history = problem.train(prepared, resolved, on_epoch=progress.on_epoch)
    if not history.best_epoch:
        raise DataError("training diverged in its first epoch: pass a smaller learning_rate")
    settings_hash = hashlib.sha256(resolved.model_dump_json().encode()).hexdigest()[:16]
    what = f"train {folder.name} {settings_hash}"
    looks = count_look(folder.parent, problem.test_fingerprint(data, prepared), what)
    scored: Fitted | FittedClassifier = score_parts(problem, data, prepared, fitted, history, looks)
    with _as_data_error(), new_folder(folder) as temporary:
        scored.write_into(temporary)
        write_settings(resolved, temporary / "config.yaml")
    return scored, folder


def evaluate(folder: Path, source: Any, *, mc_samples: int = 20) -> dict[str, Any]:
    """Score a fitted folder on data that it has not learned from.

    Args:
        folder: What was fitted.
        source: The data.
        mc_samples: Passes of Monte-Carlo dropout, by which a classifier tells how certain it is.

    Returns:
        What `backtest` gives of a forecaster, or `score_labelled` of a classifier.

    Raises:
        DataError: If the folder or the data cannot be used, or do not go together.
    """
    if mc_samples < 2:
        raise DataError(f"mc_samples must be 2 or more, got {mc_samples}")
    fitted = _load_for(folder, source)
    if isinstance(fitted, FittedClassifier):
        return score_labelled(fitted, source, mc_samples)
    return backtest(fitted, read(source, fitted.config.data))


def predict(folder: Path, source: Any) -> pl.DataFrame:
    """Predict with a fitted folder: the steps after a table, or labels of sequences or texts.

    Raises:
        DataError: If the folder or the data cannot be used, or do not go together.
    """
    fitted = _load_for(folder, source)
    if isinstance(fitted, FittedClassifier):
        return fitted.predictions(source)
    return fitted.predict(source)


def _load_for(folder: Path, source: Any) -> Fitted | FittedClassifier:
    """Read a fitted folder, which must be of the kind that the data are."""
    fitted = load(folder)
    if isinstance(fitted, Fitted) and is_labelled_path(source):
        raise DataError(
            f"{folder} must hold a classifier for sequences or texts such as {str(source)!r}, got "
            f"a forecaster of {fitted.config.data.target!r}"
        )
    if isinstance(fitted, FittedClassifier) and str(source).startswith(SAMPLE):
        raise DataError(
            f"{folder} must hold a forecaster for a table such as {str(source)!r}, got a classifier"
        )
    return fitted


def default_out(table: Any, target: str) -> Path:
    """Return `runs/<table>-<target>`, spelled so that any file system and shell takes it."""
    name = "table"
    if isinstance(table, str | Path):
        name = Path(str(table).removeprefix(SAMPLE)).name.split(".")[0]
    return Path("runs") / (re.sub(r"[^\w.]+", "-", f"{name}-{target}").strip("-.") or "table")


def _task(
    table: Any,
    config: Settings,
    told: Mapping[str, Any],
    forecast: type[ForecastConfig],
    labels: type[LabelConfig],
) -> tuple[Problem, ForecastConfig | LabelConfig]:
    """Tell from what is told whether it is of labels or of a forecast, and resolve the settings."""
    if is_labelled(table, config, told):
        return LABELLING, _resolve(labels, table, config, told)
    return FORECASTING, _resolve(forecast, table, config, told)


def is_labelled(table: Any, config: Settings, told: Mapping[str, Any]) -> bool:
    """Tell whether what is told is of labelled sequences or texts, and not of a forecast."""
    nested = read_settings(Path(config)) if isinstance(config, str | Path) else (config or {})
    of_data = nested.get("data", {})
    names = [*nested, *(of_data if isinstance(of_data, Mapping) else ())]
    names += [name for name, value in told.items() if value is not None]
    if {"target", "horizon"} & {name.removeprefix("data.") for name in names}:
        return False
    return is_labelled_path(table) or told_of_labels(names)


def _what(config: RunConfig | LabelRunConfig) -> str:
    """Name what is predicted, for the folder of a run."""
    return config.data.target if isinstance(config, RunConfig) else config.data.label or "labels"


def _resolve(kind: type[Config], table: Any, config: Settings, told: Mapping[str, Any]) -> Config:
    known = SAMPLES.get(table, {}) if isinstance(table, str) else {}
    nested = read_settings(Path(config)) if isinstance(config, str | Path) else (config or {})
    given = {name: value for name, value in told.items() if value is not None}
    return resolve(kind, known, nested, given)


@contextlib.contextmanager
def _as_data_error() -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise DataError(f"out must be a new folder: {error}") from None
