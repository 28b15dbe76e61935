"""What the page of a study shows, from its results: rows, axes, charts. The template words it."""

import math
from typing import Any, NamedTuple

from lockgate.reports import charts, curves, words
from lockgate.reports.charts import Figure, Line
from lockgate.reports.reach import reach_lines, reach_words
from lockgate.reports.strips import Mark, Scale, mark, scale_over

Results = dict[str, Any]

KINDS = {
    "helps": "good",
    "beats": "good",
    "hurts": "bad",
    "loses": "bad",
    "no real difference": "same",
    "no verdict": "none",
}
SEVERITY = ("fail", "warn", "pass")
WITHOUT = "_without_overlap"
SHARES = ("accuracy", "balanced_accuracy", "macro_f1")
SIDES = ("network", "reference")
OTHERS = 2  # rungs, and baselines, shown beside the selected and the reference one


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

    rung: Results
    mark: Mark
    selected: bool


class CurvePanel(NamedTuple):
    """The heading of a rung's learning curves, and the name of their chart if there is one."""

    name: str
    words: str
    overfits_from: int | None
    chart: str | None
    diverged: list[int]


class IntervalRow(NamedTuple):
    """A score with intervals: of the selected network, of the mean over seeds, of the reference."""

    name: str
    cells: list[tuple[str, str]]  # the score and its interval


class LabelRow(NamedTuple):
    """How one of several labels is told; None where there is nothing to take a share of."""

    name: str
    rows: int  # that have it
    missed: int  # rows that have it and are not said to
    wrongly: int  # rows that have it not and are said to
    precision: float | None
    recall: float | None
    f1: float | None


class Page(NamedTuple):
    """All that the template needs beside the results themselves."""

    pairs: list[PairRow]
    baseline: PairRow | None
    effects: Axis
    scores: list[ScoreRow]
    score_axis: Axis
    selected: Results | None
    reference: Results | None
    seeds: int
    metric: str
    scored: dict[str, str]  # the scores of the tables, with their names
    validated: dict[str, str]  # those of them that are shown of the validation part
    apart: str  # ends the keys of scores without rows that are in another part too, if there are
    digits: dict[str, int]  # decimals of each score
    panels: list[CurvePanel]
    lines: list[Line]
    reach: list[Line]
    reach_words: str
    outcomes: dict[str, list[PairRow]]  # by rung
    checks: list[dict[str, str]]
    certainty: list[Line]  # accuracy by share kept
    intervals: list[IntervalRow]
    each: list[LabelRow]  # of several labels


def page(results: Results) -> Page:
    """Everything the page shows, in the order it shows it."""
    pairs, baseline, effects = _effects(results)
    selected, reference = _selected(results), _reference(results)
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
        digits=_digits(results),
        metric=words.metric_name(results["metric"]),
        scored=_scored(results),
        validated=_validated(results),
        apart=_apart(results),
        panels=[_panel(i, rung) for i, rung in enumerate(results["rungs"])],
        lines=_lines(results) if results["task"] == "forecast" else [],
        reach=reach,
        reach_words=reach_words(results) if reach else "",
        outcomes={row.name: [p for p in pairs if p.name == row.name] for row in pairs},
        checks=sorted(results["checks"], key=lambda check: SEVERITY.index(check["status"])),
        certainty=_certainty(results),
        intervals=_intervals(results),
        each=_each(results),
    )


def figures(results: Results) -> dict[str, Figure]:
    """Every chart of the page by the name under which the template places it."""
    found = _curve_figures(results["rungs"])
    if results["task"] == "forecast":
        found |= _forecast_figures(results)
    if reach := reach_lines(results):
        found["reach"] = charts.reach(reach)
    if lines := _certainty(results):
        shares = [one["share"] for one in results["labels"]["certainty"]["probability"]]
        found["certainty"] = charts.certainty(lines, shares)
    return found


def _forecast_figures(results: Results) -> dict[str, Figure]:
    digits = _digits(results)[results["metric"]]
    y = results["data"]["series"]["y"]
    found = {}
    if any(value is not None for value in y):
        found["series"] = charts.series(results["data"], words.decimals_for(y))
    for i, one in enumerate(results["forecasts"]):
        found[f"forecast-{i}"] = charts.forecast(one, digits)
    if results["data"]["horizon"] > 1 and (lines := _lines(results)):
        found["steps"] = charts.per_step(lines, digits)
    return found


def _effects(results: Results) -> tuple[list[PairRow], PairRow | None, Axis]:
    """The forest plot: all pairs and the reference baseline on one axis of per cent."""
    verdict = results["verdict"]
    against = verdict["baseline"]
    compared = [*verdict["pairs"], *([against] if against else [])]
    points = [0.0, -1.0, 1.0, *(one["percent"] for one in compared)]
    scale = scale_over(points, [(one["low"], one["high"]) for one in compared], reach=10.0)
    pairs = [_pair_row(pair, scale) for pair in verdict["pairs"]]
    places, decimals = scale.ticks()
    ticks = [(scale.at(v), "+" * (v > 0) + words.number(v, decimals)) for v in places]
    band = (scale.at(-1.0), round(scale.at(1.0) - scale.at(-1.0), 3))
    baseline = _baseline_row(results, scale)
    marks = [row.mark for row in (*pairs, baseline) if row]
    return pairs, baseline, Axis(ticks, scale.at(0.0), band, *_drawn(marks))


def _pair_row(pair: Results, scale: Scale) -> PairRow:
    return PairRow(
        pair["rung"],
        pair["parent"],
        pair["outcome"],
        KINDS.get(pair["outcome"], "open"),
        words.percent(pair["percent"], pair["low"], pair["high"]),
        words.remark(pair),
        mark(scale, pair["percent"], pair["low"], pair["high"]),
    )


def _baseline_row(results: Results, scale: Scale) -> PairRow | None:
    one, chosen = results["verdict"]["baseline"], results["verdict"]["selected"]
    if not one or not chosen:
        return None
    better = one["better"]
    return PairRow(
        chosen["rung"],
        one["name"],
        one["outcome"],
        KINDS.get(one["outcome"], "open"),
        words.percent(one["percent"], one["low"], one["high"]),
        f"Better on the test part: {words.listed(better)}." if better else "",
        mark(scale, one["percent"], one["low"], one["high"]),
    )


def _scores(
    results: Results, selected: Results | None, reference: Results | None
) -> tuple[list[ScoreRow], Axis]:
    """Test scores of the rungs on one axis, the reference baseline as a line through all."""
    tests = [rung["test"] for rung in results["rungs"]]
    line = reference["test"][results["metric"]] if reference else None
    points = [*(test["mean"] for test in tests), line]
    known = [abs(point) for point in points if point is not None]
    bounds = [(test["low"], test["high"]) for test in tests]
    scale = scale_over(points, bounds, reach=0.05 * max(known, default=1.0))
    rows = [
        ScoreRow(rung, mark(scale, *(rung["test"][key] for key in ("mean", "low", "high"))), same)
        for rung in results["rungs"]
        for same in [rung is selected]
    ]
    places, decimals = scale.ticks(4)
    ticks = [(scale.at(value), words.number(value, decimals)) for value in places]
    at = None if line is None else scale.at(line)
    return rows, Axis(ticks, at, None, *_drawn([row.mark for row in rows]))


def _drawn(marks: list[Mark]) -> tuple[bool, bool]:
    """Whether any mark has a point, and whether any has an interval."""
    return any(m.point is not None for m in marks), any(m.low is not None for m in marks)


def _digits(results: Results) -> dict[str, int]:
    """Decimals per score, the same in every table, so that numbers can be compared by eye."""
    metric = results["metric"]
    rows = [scores for b in results["baselines"] for scores in (b["validation"], b["test"])]
    rows += [rung["test_scores"] for rung in results["rungs"]]
    own = [rung[part]["mean"] for rung in results["rungs"] for part in ("validation", "test")]
    found = {key: words.decimals_for(row.get(key) for row in rows) for key in _scored(results)}
    return found | {metric: words.decimals_for([*own, *(row[metric] for row in rows)])}


def _scored(results: Results) -> dict[str, str]:
    """Name the scores that the tables show."""
    if results["task"] == "forecast":
        return {"mae": "MAE", "rmse": "RMSE", "mase": "MASE"}
    found = [*results["baselines"][0]["validation"]] if results["baselines"] else []
    names = {key: key.replace("_", " ") if len(key) > 4 else key.upper() for key in found}
    return {key: name.replace(" f1", " F1") for key, name in names.items()}


def _validated(results: Results) -> dict[str, str]:
    """Name the scores of the validation part: of labels the one that chooses, of few known more."""
    scored = _scored(results)
    if results["task"] == "forecast":
        return scored
    return {key: name for key, name in scored.items() if key == results["metric"]}


def _apart(results: Results) -> str:
    keys = results["baselines"][0]["test"] if results["baselines"] else ()
    return WITHOUT if any(key.endswith(WITHOUT) for key in keys) else ""


def _selected(results: Results) -> Results | None:
    chosen = results["verdict"]["selected"]
    name = chosen["rung"] if chosen else None
    return next((rung for rung in results["rungs"] if rung["name"] == name), None)


def _reference(results: Results) -> Results | None:
    return next((one for one in results["baselines"] if one["reference"]), None)


def _panel(index: int, rung: Results) -> CurvePanel:
    diverged = [seed["seed"] for seed in rung["seeds"] if seed["stopped"] == "diverged"]
    drawn = curves.curve(rung, "validation").epochs or curves.curve(rung, "training").epochs
    chart = f"curve-{index}" if drawn else None
    return CurvePanel(rung["name"], rung["words"], rung["overfits_from"], chart, diverged)


def _curve_figures(rungs: list[Results]) -> dict[str, Figure]:
    both = [(curves.curve(rung, "training"), curves.curve(rung, "validation")) for rung in rungs]
    low, high = curves.loss_range([one for pair in both for one in pair])
    last = max((one.epochs[-1] for pair in both for one in pair if one.epochs), default=1)
    frame = charts.Frame(last, low, high)
    return {
        f"curve-{i}": charts.learning_curve(training, validation, rung["overfits_from"], frame)
        for i, (rung, (training, validation)) in enumerate(zip(rungs, both, strict=True))
        if training.epochs or validation.epochs
    }


def _lines(results: Results) -> list[Line]:
    """The selected rung, the reference baseline, and the best others by validation."""
    metric, chosen, reference = results["metric"], _selected(results), _reference(results)
    rungs = [(rung["validation"]["mean"], rung) for rung in results["rungs"] if rung is not chosen]
    naive = [(b["validation"][metric], b) for b in results["baselines"] if b is not reference]
    lines = [_line(chosen, "rung", "model", 3, "solid"), _line(reference, "baseline", "base", 2)]
    lines += [_line(one, "rung", f"other-{i}", 1.5, "solid") for i, one in _best(rungs)]
    lines += [_line(one, "baseline", f"other-{i + OTHERS}", 1.5) for i, one in _best(naive)]
    return [line for line in lines if line and any(v is not None for v in line.values)]


def _certainty(results: Results) -> list[Line]:
    """The accuracy of the most certain rows, by probability and by Monte-Carlo dropout."""
    told = (results.get("labels") or {}).get("certainty")
    if not told:
        return []
    curves = {"by probability": ("model", "solid", told["probability"])}
    if drawn := told["monte_carlo"]:
        curves["by Monte-Carlo dropout"] = ("other-1", "dash", drawn["shares"])
    return [
        Line(name, "rung", colour, 2, dash, [one["accuracy"] for one in shares])
        for name, (colour, dash, shares) in curves.items()
    ]


def _intervals(results: Results) -> list[IntervalRow]:
    selected, told = _selected(results), results.get("labels")
    if not told or not selected:
        return []
    rows = []
    for one in told["scores"]:
        key, spread = one["name"], selected["test_intervals"][one["name"]]
        digits = 3 if key in SHARES else max(3, _digits(results)[key])
        of_seeds = spread["mean"], spread["low"], spread["high"]
        if spread["low"] is not None:
            # an interval over few seeds reaches beyond what a score can be
            most = 1.0 if key in SHARES else math.inf
            of_seeds = spread["mean"], max(0.0, spread["low"]), min(most, spread["high"])
        sides = [[one[side][end] for end in ("score", "low", "high")] for side in SIDES]
        cells = [
            (words.number(score, digits), words.interval(low, high, digits))
            for score, low, high in (sides[0], of_seeds, sides[1])
        ]
        rows.append(IntervalRow(_scored(results)[key], cells))
    return rows


def _each(results: Results) -> list[LabelRow]:
    """How each of several labels is told, from its table of truth (down) and what is said."""
    if results["task"] == "forecast" or results["data"]["task"] != "classes":
        return []
    rows = []
    tables = results["labels"]["confusion"]
    for name, ((_, wrongly), (missed, right)) in zip(
        results["data"]["classes"], tables, strict=True
    ):
        said, count = right + wrongly, right + missed
        rows.append(
            LabelRow(
                name,
                count,
                missed,
                wrongly,
                right / said if said else None,
                right / count if count else None,
                2 * right / (said + count) if said + count else None,
            )
        )
    return rows


def _best(scored: list[tuple[float | None, Results]]) -> list[tuple[int, Results]]:
    known = [(score, one) for score, one in scored if score is not None]
    ranked = sorted(known, key=lambda pair: pair[0])
    return [(i, one) for i, (_, one) in enumerate(ranked[:OTHERS], start=1)]


def _line(
    one: Results | None, kind: str, colour: str, width: float, dash: str = "dash"
) -> Line | None:
    if one is None:
        return None
    return Line(one["name"], kind, colour, width, dash, one["per_step"] or [])
