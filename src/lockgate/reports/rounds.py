"""What the rounds of a study tell: how intervals narrowed, scores by fold, effects by size."""

import math
from typing import Any, NamedTuple

from lockgate.charts import figures as charts
from lockgate.charts.figures import Estimate, Figure, Line, RoundFrame
from lockgate.charts.strips import scale_over
from lockgate.reports.effects import kind_of
from lockgate.reports.lines import styles
from lockgate.tasks.results import (
    FoldResult,
    PairResult,
    Results,
    changes_by_fold,
    reference_baseline,
)

COLOURS = {"good": "good", "bad": "bad", "same": "soft", "none": "muted", "open": "warn"}
GROWN = 1.1  # the largest training part is larger by as much, or size has nothing to tell
FEW_LINES = 5


class LookPanel(NamedTuple):
    """The heading of a pair's chart, and its name if there is one."""

    name: str
    against: str
    outcome: str
    kind: str
    chart: str | None


class FoldRow(NamedTuple):
    """The scores of a rung or a baseline by fold."""

    name: str
    reference: bool
    selected: bool
    scores: list[float | None]


def look_panels(results: Results) -> list[LookPanel]:
    """Give what stands over the chart of each pair."""
    return [
        LookPanel(
            pair["rung"],
            pair["parent"],
            pair["outcome"],
            kind_of(pair["outcome"]),
            f"look-{i}" if _changes(pair) or pair["looks"] else None,
        )
        for i, pair in enumerate(results["verdict"]["pairs"])
    ]


def look_figures(results: Results) -> dict[str, Figure]:
    """Draw how the interval of each pair moved from look to look."""
    verdict = results["verdict"]
    pairs, zone = verdict["pairs"], verdict["smallest_effect"]
    points = [one["percent"] for pair in pairs for one in pair["looks"]]
    points += [change for pair in pairs for change in _changes(pair).values()]
    bounds = [(one["low"], one["high"]) for pair in pairs for one in pair["looks"]]
    scale = scale_over([0.0, -zone, zone, *points], bounds, reach=10.0)
    last = max([verdict["rounds"], *(number for pair in pairs for number in _changes(pair))])
    frame = RoundFrame(max(last, 1), scale.low, scale.high)
    drawn = {}
    for panel, pair in zip(look_panels(results), pairs, strict=True):
        if panel.chart:
            looks = [
                Estimate(one["rounds"], one["percent"], one["low"], one["high"])
                for one in pair["looks"]
            ]
            colour = COLOURS[panel.kind]
            drawn[panel.chart] = charts.narrowing(looks, _changes(pair), colour, zone, frame)
    return drawn


def _changes(pair: PairResult) -> dict[int, float]:
    """Return the change in each round that both had, in per cent."""
    return {int(number): one for number, one in pair["by_round"].items() if one is not None}


def fold_rows(results: Results) -> list[FoldRow]:
    """Give the scores by fold of every rung and of the reference baseline."""
    names = [fold["name"] for fold in results["folds"]]
    reference, selected = reference_baseline(results), results["verdict"]["selected"]
    rows = [
        FoldRow(
            rung["name"],
            reference=False,
            selected=rung["name"] == selected,
            scores=[rung["by_fold"].get(name) for name in names],
        )
        for rung in results["rungs"]
    ]
    if reference is not None:
        scores = [reference["by_fold"].get(name) for name in names]
        rows.append(FoldRow(reference["name"], reference=True, selected=False, scores=scores))
    return rows


def fold_lines(results: Results) -> list[Line]:
    """Give the lines of scores by fold: the selected rung, its parent, the reference, the best.

    More than a few lines cannot be told apart.
    """
    known = {rung["name"]: rung for rung in results["rungs"] if rung["by_fold"]}
    selected = results["verdict"]["selected"]
    first = [name for name in (selected, _parent(results)) if name in known]
    score = {name: rung["judged"].get(results["metric"]) for name, rung in known.items()}
    others = sorted((n for n in known if n not in first), key=lambda name: score[name] or math.inf)
    names = [*first, *others][:FEW_LINES]
    rows = {row.name: row for row in fold_rows(results) if not row.reference}
    looks = styles(results)
    lines = [Line(name, "rung", *looks[name], rows[name].scores) for name in names]
    base = [row for row in fold_rows(results) if row.reference]
    lines[1:1] = [Line(row.name, "baseline", "base", 2.0, "dash", row.scores) for row in base]
    return [line for line in lines if any(value is not None for value in line.values)]


def _parent(results: Results) -> str | None:
    selected = results["verdict"]["selected"]
    return next(rung["parent"] for rung in results["rungs"] if rung["name"] == selected)


def fold_figure(results: Results, decimals: int) -> Figure | None:
    """Draw the scores by fold: over time where folds have a place there, else side by side."""
    lines, folds = fold_lines(results), results["folds"]
    if len(folds) < 2 or not lines:
        return None
    ends = [_ends(fold) for fold in folds]
    text = f"%{{y:,.{decimals}f}}"
    dated = [one for one in ends if one is not None]
    if len(dated) == len(folds):
        return charts.stretches(lines, dated, text)
    numbers = list(range(1, len(folds) + 1))
    x = charts.counting_axis(len(folds)) | {"range": [0.7, len(folds) + 0.3]}
    return charts.dotted(lines, numbers, text, (x, {}))


def _ends(fold: FoldResult) -> tuple[Any, Any] | None:
    """Return where a fold begins and ends: times, or numbers of rows."""
    begins, ends = fold["begins"], fold["ends"]
    if begins is None or ends is None:
        return None
    by_row = begins.isdecimal() and ends.isdecimal()
    return (int(begins), int(ends)) if by_row else (begins, ends)


def growth_lines(results: Results) -> list[Line]:
    """Give the change of each pair in the folds, in the order of what they are trained on.

    None where every fold has about the same size.
    """
    sizes = [fold["train"] for fold in results["folds"]]
    if len(sizes) < 2 or max(sizes) < GROWN * max(min(sizes), 1):
        return []
    pairs = {pair["rung"]: pair for pair in results["verdict"]["pairs"]}
    folds = sorted(results["folds"], key=lambda fold: fold["train"])
    looks = styles(results)
    changes = {name: changes_by_fold(pair, results) for name, pair in pairs.items()}
    drawn = [
        Line(name, "rung", *looks[name], [own.get(fold["name"]) for fold in folds])
        for name, own in changes.items()
    ]
    return [line for line in drawn if any(value is not None for value in line.values)]


def growth_figure(results: Results) -> Figure | None:
    """Draw the change of each pair against the rows of the training part."""
    lines = growth_lines(results)
    if not lines:
        return None
    sizes: list[Any] = sorted(fold["train"] for fold in results["folds"])
    drawn = charts.dotted(lines, sizes, "%{y:+.1f} %", ({"tickformat": ",d"}, {"ticksuffix": " %"}))
    drawn["layout"]["shapes"] = charts.no_difference(results["verdict"]["smallest_effect"])
    return drawn
