"""What the commands print."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from lockgate.errors import MOST_LISTED, count_of
from lockgate.studies.comparison import Comparison
from lockgate.studies.finished import Finished
from lockgate.studies.plan import Plan
from lockgate.studies.words import delivered_words
from lockgate.tasks.base import Fitted, Told

# scores that stand beside the metric
SHOWN_BESIDE = ("accuracy", "macro_f1", "perplexity")


def show_prepared(plan: Plan, *, stderr: bool = False) -> None:
    """Print what a study will learn from and fit, before it is timed."""
    show_values(_prepared_values(plan), stderr=stderr)


def show_plan(plan: Plan, *, as_json: bool = False, stderr: bool = False) -> None:
    """Print, below `show_prepared`, how long a study takes; as JSON all of its plan."""
    if as_json:
        values = {**_prepared_values(plan), **_plan_values(plan)}
        print(json.dumps(values, indent=1, ensure_ascii=False))
        return
    show_values(_plan_values(plan), stderr=stderr)


def show_values(values: Mapping[str, Any], *, stderr: bool) -> None:
    """Print values by their names, those of several lines below each other."""
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(min_width=8)  # as wide as "channels": two grids stand below each other
    for name, value in values.items():
        for i, line in enumerate(first_of(value) if isinstance(value, list) else [value]):
            grid.add_row("" if i else name, str(line))
    _console(stderr=stderr).print(grid)


def show_result(result: Finished, *, as_json: bool = False) -> None:
    """Print what to do, what it rests on, the scores and where the report is."""
    if as_json:
        print(json.dumps(result.results, ensure_ascii=False))
        return
    verdict = result.results["verdict"]
    first = len(verdict["recommendation"])
    print(*verdict["words"][:first], sep="\n", end="\n\n")
    print(*(f"- {part}" for part in verdict["words"][first:]), sep="\n", end="\n\n")
    # beside intervals and outcomes there is no room for what a rung costs
    table = result.table().drop("parameters", "seconds", strict=False)
    wide_console().print(grid_of(table.to_dicts()))
    print(f"report: {result.report_path}")


def show_comparison(comparison: Comparison, *, as_json: bool = False) -> None:
    """Print what differs between two studies."""
    if as_json:
        print(json.dumps(comparison.to_dict(), ensure_ascii=False))
        return
    for title, rows in (
        ("settings that differ", comparison.settings),
        ("rungs, on the rows judged", comparison.rungs),
        ("pairs", comparison.pairs),
        ("on the test part", comparison.delivered),
    ):
        print(title if rows else f"{title}: none")
        if rows:
            wide_console().print(grid_of(rows))
        print()
    print(*comparison.notes, sep="\n")


def show_fitted(fitted: Fitted, folder: Path, *, as_json: bool = False) -> None:
    """Print how a trained model scores beside the baselines, and where it is."""
    if as_json:
        print(json.dumps({"folder": str(folder), **fitted.metrics}, ensure_ascii=False))
        return
    metrics = fitted.metrics
    if (stopped := metrics["history"]["stopped"]) in ("interrupted", "diverged"):
        print(f"{stopped.capitalize()}: the best weights so far are kept.")
    rows = [*_delivered_rows(fitted), *metrics["baselines"]]
    metric = metrics["metric"]
    shown = dict.fromkeys([metric, *(name for name in SHOWN_BESIDE if name in metrics["test"])])
    wide_console().print(
        grid_of(
            [
                {
                    "model": row["name"],
                    f"validation {metric}": row.get("validation", {}).get(metric),
                    **{f"test {name}": row["test"][name] for name in shown},
                }
                for row in rows
            ]
        )
    )
    if delivered := metrics.get("delivered"):
        print(delivered_words(delivered, fitted.config.model.cell.upper()))
        for line in (delivered.get("intervals") or {}).get("words", ()):
            print(line)
    if (apart := metrics["test"].get("accuracy_without_overlap")) is not None:
        print(f"Without the test rows that are in another part too: accuracy {apart:.4g}.")
    _show_notices(metrics["notices"])
    if metrics["test_looks"] > 1:
        print(f"The test part has been looked at {metrics['test_looks']} times.")
    print(f"model: {folder}")


def _delivered_rows(fitted: Fitted) -> list[dict[str, Any]]:
    """Give the scores of what was trained: of a single network, or of several apart."""
    metrics, cell = fitted.metrics, fitted.config.model.cell.upper()
    if (delivered := metrics.get("delivered")) is None:
        return [{"name": fitted.config.model.cell, **metrics}]
    rows = [
        {"name": f"one {cell}", "test": delivered["single"]},
        {
            "name": f"mean of {delivered['members']}",
            "validation": metrics["validation"],
            "test": delivered["networks"],
        },
    ]
    if delivered["baseline"]:
        name = delivered["baseline"]
        rows.append({"name": f"mixed with {name}", "test": delivered["mixture"]})
        rows.append({"name": f"{name} in it", "test": delivered["refitted"]})
    return rows


def show_told(told: Told, *, as_json: bool = False) -> None:
    """Print what a command has found: sentences and tables."""
    if as_json:
        print(json.dumps(told.to_dict(), ensure_ascii=False))
        return
    for section in told.sections():
        print(*first_of(section.lines), sep="\n")
        if section.rows:
            wide_console().print(grid_of(section.rows))


def _show_notices(notices: list[str]) -> None:
    """Print what a reader should know of how the data were read."""
    for notice in first_of(notices):
        print(f"note: {notice}")


def show_choices(rows: Sequence[Mapping[str, object]]) -> None:
    """Print on standard error what there is to choose from."""
    console = _console(stderr=True)
    console.print(grid_of(rows[:MOST_LISTED]))
    if more := rows[MOST_LISTED:]:
        console.print(f"and {len(more):,} more")


def first_of(lines: Sequence[object]) -> list[str]:
    """Return the first lines of many, and how many more there are."""
    more = len(lines) - MOST_LISTED
    first = [str(line) for line in lines[:MOST_LISTED]]
    return [*first, f"and {more:,} more"] if more > 0 else first


def _prepared_values(plan: Plan) -> dict[str, Any]:
    beside = plan.config.model.beside
    return {
        **plan.task.planned(plan.data, plan.prepared),
        **({"all networks": ", ".join(beside)} if beside else {}),
        "fits": f"at most {plan.fits}: {count_of(plan.judged, 'network')} a round"
        + (f", {plan.choosing} to choose the cell" if plan.choosing else "")
        + f"; {plan.workers} side by side",
    }


def _plan_values(plan: Plan) -> dict[str, Any]:
    return {
        "rounds": f"at most {plan.config.rounds} over {count_of(len(plan.folds.folds), 'fold')}",
        "limit": f"{plan.config.training.max_steps} steps a fit"
        if plan.config.training.max_steps
        else f"{plan.config.training.max_epochs} epochs a fit",
        "time": f"about {_duration(min(plan.typical_seconds, plan.budget))}, at most "
        f"{_duration(min(plan.most_seconds, plan.budget))}",
        "advice": list(plan.advice) or "none",
    }


def _console(**options: Any) -> Console:
    # a column such as "T [degC]" is no markup
    return Console(markup=False, emoji=False, **options)


def wide_console() -> Console:
    """Return one wide enough for every column, also where no terminal tells its width."""
    return _console(width=max(Console().width, 110))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def grid_of(rows: Iterable[Mapping[str, Any]]) -> Grid:
    """Lay out rows by their names as a table without lines."""
    rows = list(rows)
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
