"""What the commands print."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from lockgate.api import SAMPLES, is_labelled
from lockgate.data.errors import DataError, count_of
from lockgate.data.table import describe_columns, guess_target
from lockgate.fitted import Fitted
from lockgate.fitted.classifier import FittedClassifier
from lockgate.fitted.settings import read_settings
from lockgate.studies.plan import Plan
from lockgate.studies.result import StudyResult

# scores that stand beside the metric
BESIDE = ("accuracy", "macro_f1")


def show_plan(plan: Plan, *, as_json: bool = False, stderr: bool = False) -> None:
    """Print what a study will do."""
    if as_json:
        print(json.dumps(_plan_values(plan), indent=1, ensure_ascii=False))
        return
    console = _console(stderr=stderr)
    grid = Grid.grid(padding=(0, 2))
    for name, value in _plan_values(plan).items():
        for i, line in enumerate(value if isinstance(value, list) else [value]):
            grid.add_row("" if i else name, str(line))
    console.print(grid)


def show_result(result: StudyResult, *, as_json: bool = False) -> None:
    """Print the verdict, the scores and where the report is."""
    if as_json:
        print(json.dumps(result.results, ensure_ascii=False))
        return
    print(result.verdict, end="\n\n")
    _wide_console().print(_grid(result.table().to_dicts()))
    print(f"report: {result.report_path}")


def show_fitted(fitted: Fitted | FittedClassifier, folder: Path, *, as_json: bool = False) -> None:
    """Print how a trained model scores beside the baselines, and where it is."""
    if as_json:
        print(json.dumps({"folder": str(folder), **fitted.metrics}, ensure_ascii=False))
        return
    metrics = fitted.metrics
    if (stopped := metrics["history"]["stopped"]) in ("interrupted", "diverged"):
        print(f"{stopped.capitalize()}: the best weights so far are kept.")
    rows = [{"name": fitted.config.model.cell, **metrics}, *metrics["baselines"]]
    metric = metrics["metric"]
    shown = dict.fromkeys([metric, *(name for name in BESIDE if name in metrics["test"])])
    _wide_console().print(
        _grid(
            [
                {
                    "model": row["name"],
                    f"validation {metric}": row["validation"][metric],
                    **{f"test {name}": row["test"][name] for name in shown},
                }
                for row in rows
            ]
        )
    )
    if (apart := metrics["test"].get("accuracy_without_overlap")) is not None:
        print(f"Without the test rows that are in another part too: accuracy {apart:.4g}.")
    _show_notices(metrics["notices"])
    if metrics["test_looks"] > 1:
        print(f"The test part has been looked at {metrics['test_looks']} times.")
    print(f"model: {folder}")


def show_evaluation(results: dict[str, Any], *, as_json: bool = False) -> None:
    """Print the scores of a backtest, or of a classifier."""
    if as_json:
        print(json.dumps(results, ensure_ascii=False))
        return
    if "scores" in results:
        print(f"{count_of(results['rows'], 'row')} of {results['source']}")
        _show_notices(results["notices"])
        _wide_console().print(_grid(_with_intervals(results)))
        if results["certainty"]:
            _show_certainty(results["certainty"])
        return
    print(f"{results['windows']} forecasts of {results['start']} to {results['end']}")
    rows = [{"name": "model", **results["model"]}, *results["baselines"]]
    _console().print(_grid([{"model": row["name"], **row["scores"]} for row in rows]))


def _with_intervals(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row of scores, and one of their intervals."""
    intervals = {
        name: f"[{ends[0]:.3g}, {ends[1]:.3g}]"
        for name, ends in results["intervals"].items()
        if ends
    }
    rows = [{"model": "model", **results["scores"]}]
    return [*rows, {"model": "95 % interval", **intervals}] if intervals else rows


def _show_notices(notices: list[str]) -> None:
    """Print what a reader should know of how the data were read."""
    for notice in notices:
        print(f"note: {notice}")


def _show_certainty(certainty: dict[str, Any]) -> None:
    """Print the accuracy of the most certain rows, by probability and by Monte-Carlo dropout."""
    drawn = certainty["monte_carlo"]
    curves = {"by probability": certainty["probability"]}
    if drawn:
        curves[f"by Monte-Carlo dropout, {drawn['samples']} passes"] = drawn["shares"]
    rows = [
        {"certain": name, **{f"{one['share']:.0%}": f"{one['accuracy']:.3f}" for one in shares}}
        for name, shares in curves.items()
    ]
    print("\nAccuracy of the most certain share of the rows")
    _wide_console().print(_grid(rows))
    if not drawn:
        print("The network drops nothing, so that there is no Monte-Carlo dropout.")


def require_target(table: str, config: Path | None, told: dict[str, Any]) -> None:
    """Without a target, list the columns with a guess and end as wrong use.

    Labelled data have no target.

    Raises:
        DataError: If neither an option nor the configuration names the target.
    """
    if is_labelled(table, config, told):
        return
    names = ("target", "data.target")
    if any(name in told for name in names) or table in SAMPLES:
        return
    settings = read_settings(config) if config is not None else {}
    data = settings.get("data")
    if any(name in settings for name in names) or (isinstance(data, dict) and "target" in data):
        return
    keys = ("separator", "decimal", "time", "time_format")
    reading = {key: told[key] for key in keys if key in told}
    _console(stderr=True).print(_grid([c._asdict() for c in describe_columns(table, **reading)]))
    guess = guess_target(table, **reading)
    raise DataError(f"target must be given: pass --target, perhaps --target {guess!r}")


def _plan_values(plan: Plan) -> dict[str, Any]:
    return {
        **plan.problem.planned(plan.data, plan.prepared),
        "fits": f"{plan.fits}: {len(plan.rungs)} rungs, {plan.config.seeds} seeds, "
        f"{plan.workers} side by side",
        "limit": f"{plan.config.training.max_steps} steps a fit"
        if plan.config.training.max_steps
        else f"{plan.config.training.max_epochs} epochs a fit",
        "time": f"about {_duration(plan.typical_seconds)}, at most {_duration(plan.most_seconds)}",
        "advice": list(plan.advice) or "none",
    }


def _console(**options: Any) -> Console:
    # a column such as "T [degC]" is no markup
    return Console(markup=False, emoji=False, **options)


def _wide_console() -> Console:
    """Return one wide enough for every column, also where no terminal tells its width."""
    return _console(width=max(Console().width, 110))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _grid(rows: list[dict[str, Any]]) -> Grid:
    names = list(dict.fromkeys(name for row in rows for name in row))
    grid = Grid(box=None, pad_edge=False)
    for i, name in enumerate(names):
        grid.add_column(name, no_wrap=i == 0)
    for row in rows:
        grid.add_row(*(_text(row.get(name)) for name in names))
    return grid


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
