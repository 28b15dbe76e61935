"""What the page of a study shows, from its results: rows, axes, charts. Templates word it."""

from typing import Any, NamedTuple

from lockgate.charts import figures as charts
from lockgate.charts import formats
from lockgate.charts.figures import Figure, Line
from lockgate.charts.formats import SPACE, number
from lockgate.charts.strips import AxisRange, Mark, mark, scale_over
from lockgate.reports.curves import CurvePanel, curve_figures, curve_panels
from lockgate.reports.reach import reach_lines, reach_words
from lockgate.tasks import registry
from lockgate.tasks.base import Pages, ScoreColumns
from lockgate.tasks.results import (
    BaselineResult,
    Check,
    PairResult,
    Results,
    RungResult,
    reference_baseline,
    selected_rung,
)

KINDS = {
    "helps": "good",
    "beats": "good",
    "hurts": "bad",
    "loses": "bad",
    "no real difference": "same",
    "no verdict": "none",
}
SEVERITY = ("fail", "warn", "pass")


class PairRow(NamedTuple):
    """A declared pair, or the selected model against the reference baseline."""

    name: str
    against: str
    outcome: str
    kind: str
    numbers: str
    remark: str
    mark: Mark


class Axis(NamedTuple):
    """The axis under a column of strips: labels and marked places, in per cent of the width."""

    ticks: list[tuple[float, str]]
    line: float | None  # no effect, or the reference baseline
    band: tuple[float, float] | None  # left and width of what is too small to matter
    shown: bool  # whether any row has a point to draw
    intervals: bool  # whether any row has an interval


class ScoreRow(NamedTuple):
    """A rung's test score on the common axis."""

    rung: RungResult
    mark: Mark
    selected: bool


class Page(NamedTuple):
    """What the template needs of any study beside its results."""

    pairs: list[PairRow]
    baseline: PairRow | None
    effects: Axis
    scores: list[ScoreRow]
    score_axis: Axis
    selected: RungResult | None
    reference: BaselineResult | None
    seeds: int
    metric: str
    columns: ScoreColumns
    digits: dict[str, int]  # decimals of each score
    panels: list[CurvePanel]
    reach: list[Line]
    reach_words: str
    outcomes: dict[str, list[PairRow]]  # by rung
    checks: list[Check]


def page(results: Results) -> Page:
    """Everything the page shows of any study, in the order it shows it."""
    pairs, baseline, effects = _effects(results)
    selected, reference = selected_rung(results), reference_baseline(results)
    scores, score_axis = _scores(results, selected, reference)
    reach = reach_lines(results)
    return Page(
        pairs=pairs,
        baseline=baseline,
        effects=effects,
        scores=scores,
        score_axis=score_axis,
        selected=selected,
        reference=reference,
        seeds=max((len(rung["seeds"]) for rung in results["rungs"]), default=0),
        metric=formats.metric_name(results["metric"]),
        columns=task_pages(results).columns(results),
        digits=digits(results),
        panels=curve_panels(results["rungs"]),
        reach=reach,
        reach_words=reach_words(results) if reach else "",
        outcomes={row.name: [p for p in pairs if p.name == row.name] for row in pairs},
        checks=sorted(results["checks"], key=lambda check: SEVERITY.index(check["status"])),
    )


def task_pages(results: Results) -> Pages:
    """Give what the task of these results shows.

    Raises:
        DataError: If there is no such task.
    """
    return registry.task(results["task"]).pages


def own_values(results: Results) -> Any:
    """Everything that the task's own templates need."""
    return task_pages(results).values(results, digits(results))


def figures(results: Results) -> dict[str, Figure]:
    """Every chart of the page by the name under which a template places it."""
    drawn = curve_figures(results["rungs"])
    drawn |= task_pages(results).figures(results, digits(results))
    if reach := reach_lines(results):
        drawn["reach"] = charts.reach(reach)
    return drawn


def _effects(results: Results) -> tuple[list[PairRow], PairRow | None, Axis]:
    """The forest plot: all pairs and the reference baseline on one axis of per cent."""
    verdict = results["verdict"]
    against = verdict["baseline"]
    compared = [*verdict["pairs"], *([against] if against else [])]
    points = [0.0, -1.0, 1.0, *(one["percent"] for one in compared)]
    scale = scale_over(points, [(one["low"], one["high"]) for one in compared], reach=10.0)
    pairs = [_pair_row(pair, scale) for pair in verdict["pairs"]]
    places, decimals = scale.ticks()
    ticks = [(scale.at(v), "+" * (v > 0) + number(v, decimals)) for v in places]
    band = (scale.at(-1.0), round(scale.at(1.0) - scale.at(-1.0), 3))
    baseline = _baseline_row(results, scale)
    marks = [row.mark for row in (*pairs, baseline) if row]
    return pairs, baseline, Axis(ticks, scale.at(0.0), band, *_drawn(marks))


def _pair_row(pair: PairResult, scale: AxisRange) -> PairRow:
    return PairRow(
        pair["rung"],
        pair["parent"],
        pair["outcome"],
        KINDS.get(pair["outcome"], "open"),
        formats.percent(pair["percent"], pair["low"], pair["high"]),
        remark(pair),
        mark(scale, pair["percent"], pair["low"], pair["high"]),
    )


def remark(pair: PairResult) -> str:
    """What a reader must know beside the outcome of a declared pair, as sentences."""
    remarks = []
    if pair["outcome"] == "undecided (budget)":
        remarks.append("The time budget cut training before its early stop.")
    if pair["outcome"].startswith("undecided") and pair["smallest_visible"] is not None:
        effect = f"{number(pair['smallest_visible'], 1)}{SPACE}%"
        remarks.append(f"An effect of less than {effect} could not have been seen.")
    if excluded := pair["excluded"]:
        verb = "is" if len(excluded) == 1 else "are"
        remarks.append(f"{formats.numbered('Seed', excluded)} diverged and {verb} left out.")
    return " ".join(remarks)


def _baseline_row(results: Results, scale: AxisRange) -> PairRow | None:
    one, selected = results["verdict"]["baseline"], results["verdict"]["selected"]
    if not one or not selected:
        return None
    better = one["better"]
    return PairRow(
        selected["rung"],
        one["name"],
        one["outcome"],
        KINDS.get(one["outcome"], "open"),
        formats.percent(one["percent"], one["low"], one["high"]),
        f"Better on the test part: {formats.enumerated(better)}." if better else "",
        mark(scale, one["percent"], one["low"], one["high"]),
    )


def _scores(
    results: Results, selected: RungResult | None, reference: BaselineResult | None
) -> tuple[list[ScoreRow], Axis]:
    """Test scores of the rungs on one axis, the reference baseline as a line through all."""
    tests = [rung["test"] for rung in results["rungs"]]
    line = reference["test"][results["metric"]] if reference else None
    points = [*(test["mean"] for test in tests), line]
    sizes = [abs(point) for point in points if point is not None]
    bounds = [(test["low"], test["high"]) for test in tests]
    scale = scale_over(points, bounds, reach=0.05 * max(sizes, default=1.0))
    rows = [
        ScoreRow(rung, mark(scale, *(rung["test"][key] for key in ("mean", "low", "high"))), same)
        for rung in results["rungs"]
        for same in [rung is selected]
    ]
    places, decimals = scale.ticks(4)
    ticks = [(scale.at(value), number(value, decimals)) for value in places]
    at = None if line is None else scale.at(line)
    return rows, Axis(ticks, at, None, *_drawn([row.mark for row in rows]))


def _drawn(marks: list[Mark]) -> tuple[bool, bool]:
    """Whether any mark has a point, and whether any has an interval."""
    return any(m.point is not None for m in marks), any(m.low is not None for m in marks)


def digits(results: Results) -> dict[str, int]:
    """Decimals per score, the same in every table, so that numbers can be compared by eye."""
    metric, names = results["metric"], task_pages(results).columns(results).names
    rows = [scores for b in results["baselines"] for scores in (b["validation"], b["test"])]
    rows += [rung["test_scores"] for rung in results["rungs"]]
    means = [one["mean"] for rung in results["rungs"] for one in (rung["validation"], rung["test"])]
    decimals = {key: formats.decimals_for(row.get(key) for row in rows) for key in names}
    return decimals | {metric: formats.decimals_for([*means, *(row[metric] for row in rows)])}
