"""What the page of a study shows, from its results: rows, axes, charts. Templates word it."""

from typing import Any, NamedTuple

from lockgate.charts import figures as charts
from lockgate.charts import formats
from lockgate.charts.figures import Figure, Line
from lockgate.reports import rounds
from lockgate.reports.curves import CurvePanel, curve_figures, curve_panels, fall_below_0
from lockgate.reports.effects import Axis, PairRow, ScoreRow, effects, scores
from lockgate.reports.reach import reach_lines, reach_words
from lockgate.reports.rounds import FoldRow, LookPanel
from lockgate.tasks import registry
from lockgate.tasks.base import Pages, ScoreColumns
from lockgate.tasks.results import (
    BaselineResult,
    Check,
    DeliveredPart,
    Results,
    RungResult,
    delivered_parts,
    reference_baseline,
    selected_rung,
)

SEVERITY = ("fail", "warn", "pass")


class Page(NamedTuple):
    """What the template needs of any study beside its results."""

    headline: str  # what to do
    leads: list[str]  # how it is known, and what else to do
    pairs: list[PairRow]
    baseline: PairRow | None
    effects: Axis
    looks: list[LookPanel]
    scores: list[ScoreRow]
    score_axis: Axis
    selected: RungResult
    reference: BaselineResult | None
    delivered: list[DeliveredPart]
    metric: str
    columns: ScoreColumns
    digits: dict[str, int]  # decimals of each score
    panels: list[CurvePanel]
    less: bool  # losses are drawn less the lowest of their fit, not as multiples of it
    folds: list[FoldRow]
    fold_labels: dict[str, str]  # by their names
    fold_lines: list[Line]
    growth: list[Line]
    reach: list[Line]
    reach_words: str
    outcomes: dict[str, list[PairRow]]  # by rung
    evidence: list[str]  # the sentences after what to do
    checks: list[Check]


def page(results: Results) -> Page:
    """Everything the page shows of any study, in the order it shows it."""
    pairs, baseline, axis = effects(results)
    reference, verdict = reference_baseline(results), results["verdict"]
    rows, score_axis = scores(results, reference)
    reach = reach_lines(results)
    headline, leads = opening(verdict["recommendation"])
    return Page(
        headline=headline,
        leads=leads,
        pairs=pairs,
        baseline=baseline,
        effects=axis,
        looks=rounds.look_panels(results),
        scores=rows,
        score_axis=score_axis,
        selected=selected_rung(results),
        reference=reference,
        delivered=delivered_parts(results["delivered"]),
        metric=formats.metric_name(results["metric"]),
        columns=task_pages(results).columns(results),
        digits=digits(results),
        panels=curve_panels(results["rungs"]),
        less=fall_below_0(results["rungs"]),
        folds=rounds.fold_rows(results),
        fold_labels={one["name"]: f"fold {i}" for i, one in enumerate(results["folds"], start=1)},
        fold_lines=rounds.fold_lines(results),
        growth=rounds.growth_lines(results),
        reach=reach,
        reach_words=reach_words(results) if reach else "",
        outcomes={row.name: [p for p in pairs if p.name == row.name] for row in pairs},
        evidence=verdict["words"][len(verdict["recommendation"]) :],
        checks=sorted(results["checks"], key=lambda check: SEVERITY.index(check["status"])),
    )


def opening(recommendation: list[str]) -> tuple[str, list[str]]:
    """Part what to do, the headline, from how it is known and what else there is to do.

    Example:
        >>> opening(["Use a GRU: it is best.", "Leave out the rest."])
        ('Use a GRU', ['It is best.', 'Leave out the rest.'])
    """
    if not recommendation:
        return "No recommendation", []
    first, *rest = recommendation
    headline, _, why = first.partition(": ")
    return headline, [*([why[0].upper() + why[1:]] if why else []), *rest]


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
    decimals = digits(results)
    drawn = rounds.look_figures(results) | curve_figures(results["rungs"])
    if by_fold := rounds.fold_figure(results, decimals[results["metric"]]):
        drawn["folds"] = by_fold
    if growth := rounds.growth_figure(results):
        drawn["growth"] = growth
    drawn |= task_pages(results).figures(results, decimals)
    if reach := reach_lines(results):
        drawn["reach"] = charts.reach(reach)
    return drawn


def digits(results: Results) -> dict[str, int]:
    """Decimals per score, the same in every table, so that numbers can be compared by eye."""
    metric, names = results["metric"], task_pages(results).columns(results).names
    rows = [scores for b in results["baselines"] for scores in (b["judged"], b["test"])]
    rows += [rung["judged"] for rung in results["rungs"]]
    rows += [part.scores for part in delivered_parts(results["delivered"])]
    keys = dict.fromkeys([*names, metric])
    return {key: formats.decimals_for(row.get(key) for row in rows) for key in keys}
