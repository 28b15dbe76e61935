"""The functions that join the parts: what `lockgate` exports and its commands call."""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lockgate.data.errors import DataError
from lockgate.data.files import new_folder
from lockgate.data.label_config import told_of_labels
from lockgate.data.label_read import is_labelled_path
from lockgate.data.prepare import SAMPLE, prepare, read
from lockgate.evaluation.backtest import score_parts
from lockgate.evaluation.looks import check_ledger, count_look, test_fingerprint
from lockgate.fitted import Fitted, RunConfig
from lockgate.fitted import train as train_prepared
from lockgate.fitted.settings import Config, read_settings, resolve, write_settings
from lockgate.progress import FitProgress, StudyProgress
from lockgate.reports import write_report
from lockgate.studies import plan as plans
from lockgate.studies.config import LabelStudyConfig, StudyConfig
from lockgate.studies.labelling import Labelling
from lockgate.studies.problem import Problem
from lockgate.studies.result import StudyResult
from lockgate.studies.study import FORECASTING, run

LABELLING = Labelling()
# what a table that comes along need not be told
SAMPLES: dict[str, dict[str, Any]] = {f"{SAMPLE}co2": {"target": "co2", "horizon": "26w"}}

Settings = Mapping[str, Any] | str | Path | None


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
    problem, resolved = _study_of(table, config, told)
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
    problem, resolved = _study_of(table, config, settings)
    return plans.plan(table, resolved, problem)


def train(
    table: Any,
    *,
    target: str | None = None,
    horizon: int | str | None = None,
    out: str | Path | None = None,
    config: Settings = None,
    **settings: Any,
) -> tuple[Fitted, Path]:
    """Fit one network to a table, score it beside the baselines and save it as a new folder.

    Ctrl-C ends training early and keeps the best weights so far. Arguments as in `study`, less
    those that only a study has.

    Returns:
        The fitted model, whose `metrics` hold its scores and history, and the folder.

    Raises:
        DataError: If the table or a setting cannot be used, or `out` is not new.
    """
    told = {"target": target, "horizon": horizon, **settings}
    resolved = _resolve(RunConfig, table, config, told)
    folder = Path(out) if out is not None else default_out(table, resolved.data.target)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"out must be a new folder, got {folder}: pass another out (--out)")
    check_ledger(folder.parent)
    data = read(table, resolved.data)
    prepared = prepare(data, resolved.data)
    with FitProgress(resolved.training.max_epochs) as progress:
        fitted, history = train_prepared(prepared, resolved, on_epoch=progress.on_epoch)
    if not history.best_epoch:
        raise DataError("training diverged in its first epoch: pass a smaller learning_rate")
    settings_hash = hashlib.sha256(resolved.model_dump_json().encode()).hexdigest()[:16]
    what = f"train {folder.name} {settings_hash}"
    looks = count_look(folder.parent, test_fingerprint(data, prepared), what)
    scored = score_parts(fitted, prepared, history, looks)
    with _as_data_error(), new_folder(folder) as temporary:
        scored.write_into(temporary)
        write_settings(resolved, temporary / "config.yaml")
    return scored, folder


def default_out(table: Any, target: str) -> Path:
    """Return `runs/<table>-<target>`, spelled so that any file system and shell takes it."""
    name = "table"
    if isinstance(table, str | Path):
        name = Path(str(table).removeprefix(SAMPLE)).name.split(".")[0]
    return Path("runs") / (re.sub(r"[^\w.]+", "-", f"{name}-{target}").strip("-.") or "table")


def _study_of(
    table: Any, config: Settings, told: Mapping[str, Any]
) -> tuple[Problem, StudyConfig | LabelStudyConfig]:
    """Tell from what is told whether the study is of labels or of a forecast."""
    if is_labelled(table, config, told):
        return LABELLING, _resolve(LabelStudyConfig, table, config, told)
    return FORECASTING, _resolve(StudyConfig, table, config, told)


def is_labelled(table: Any, config: Settings, told: Mapping[str, Any]) -> bool:
    """Tell whether what is told is of labelled sequences or texts, and not of a forecast."""
    nested = read_settings(Path(config)) if isinstance(config, str | Path) else (config or {})
    of_data = nested.get("data", {})
    names = [*nested, *(of_data if isinstance(of_data, Mapping) else ())]
    names += [name for name, value in told.items() if value is not None]
    if {"target", "horizon"} & {name.removeprefix("data.") for name in names}:
        return False
    return is_labelled_path(table) or told_of_labels(names)


def _what(config: StudyConfig | LabelStudyConfig) -> str:
    """Name what is predicted, for the folder of a study."""
    return config.data.target if isinstance(config, StudyConfig) else config.data.label or "labels"


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
