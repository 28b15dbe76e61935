"""The strips of a study: changes of all pairs on one axis, scores of all rungs on another."""

from typing import NamedTuple

from lockgate.charts import formats
from lockgate.charts.formats import SPACE, number
from lockgate.charts.strips import AxisRange, Mark, in_sight, mark, scale_over
from lockgate.tasks.results import BaselineResult, PairResult, Results, RungResult

KINDS = {
    "helps": "good",
    "beats": "good",
    "hurts": "bad",
    "loses": "bad",
    "no difference": "same",
    "no gain": "same",
    "no verdict": "none",
}


REACH = 10.0  # per cent: intervals are drawn as far, however small all changes are


class PairRow(NamedTuple):
    """A declared pair, or the selected network against the reference baseline."""

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
    """A rung's score on the rows judged, on the common axis."""

    rung: RungResult
    mark: Mark
    selected: bool
    may_be_best: bool


def kind_of(outcome: str) -> str:
    """Return the look of an outcome; what is undecided is open."""
    return KINDS.get(outcome, "open")


def effects(results: Results) -> tuple[list[PairRow], PairRow | None, Axis]:
    """The forest plot: all pairs and the reference baseline on one axis of per cent."""
    verdict = results["verdict"]
    against, zone = verdict["baseline"], verdict["smallest_effect"]
    points = [0.0, -zone, zone, *(pair["percent"] for pair in verdict["pairs"])]
    bounds = [(pair["low"], pair["high"]) for pair in verdict["pairs"]]
    if against is not None:
        among = points if verdict["pairs"] else []
        points.append(in_sight(against["percent"], among, REACH))
        bounds.append((against["low"], against["high"]))
    scale = scale_over(points, bounds, reach=REACH)
    pairs = [_pair_row(pair, scale) for pair in verdict["pairs"]]
    places, decimals = scale.ticks()
    ticks = [(scale.at(v), "+" * (v > 0) + number(v, decimals)) for v in places]
    band = (scale.at(-zone), round(scale.at(zone) - scale.at(-zone), 3))
    baseline = _baseline_row(results, scale)
    marks = [row.mark for row in (*pairs, baseline) if row]
    return pairs, baseline, Axis(ticks, scale.at(0.0), band, *_drawn(marks))


def _pair_row(pair: PairResult, scale: AxisRange) -> PairRow:
    return PairRow(
        pair["rung"],
        pair["parent"],
        pair["outcome"],
        kind_of(pair["outcome"]),
        formats.percent(pair["percent"], pair["low"], pair["high"]),
        remark(pair),
        mark(scale, pair["percent"], pair["low"], pair["high"]),
    )


def remark(pair: PairResult) -> str:
    """What a reader must know beside the outcome of a declared pair, as sentences."""
    remarks = []
    if (chance := pair["chance"]) is not None and pair["outcome"] == "open":
        share = f"{min(max(round(100 * chance), 1), 99)}{SPACE}%"
        remarks.append(f"{share} likely to help{_decides(pair)}.")
    if pair["outcome"] == "no verdict" and pair["reason"]:
        remarks.append(f"{pair['reason'][0].upper()}{pair['reason'][1:]}.")
    if excluded := pair["excluded"]:
        verb = "is" if len(excluded) == 1 else "are"
        remarks.append(f"{formats.numbered('Round', excluded)} diverged and {verb} left out.")
    return " ".join(remarks)


def _decides(pair: PairResult) -> str:
    """Tell what would decide an open pair."""
    if pair["limit"] == "rows":
        return "; more rows would decide it, no number of rounds"
    if not pair["needed"]:
        return ""
    low, high = pair["needed"]
    rounds = formats.plural(high, "more round")
    rounds = rounds if low == high else f"{low:,} to {rounds}"
    return f"; {rounds} would decide it if it is as it looks"


def _baseline_row(results: Results, scale: AxisRange) -> PairRow | None:
    one = results["verdict"]["baseline"]
    if one is None:
        return None
    better = one["better"]
    return PairRow(
        results["verdict"]["selected"],
        one["name"],
        one["outcome"],
        kind_of(one["outcome"]),
        formats.percent(one["percent"], one["low"], one["high"]),
        f"Better on these rows: {formats.enumerated(better)}." if better else "",
        mark(scale, one["percent"], one["low"], one["high"]),
    )


def scores(results: Results, reference: BaselineResult | None) -> tuple[list[ScoreRow], Axis]:
    """Scores of the rungs on one axis, the reference baseline as a line through all."""
    metric, verdict = results["metric"], results["verdict"]
    line = reference["judged"].get(metric) if reference else None
    judged = [rung["judged"].get(metric) for rung in results["rungs"]]
    sizes = [abs(point) for point in (*judged, line) if point is not None]
    reach = 0.05 * max(sizes, default=1.0)
    line = in_sight(line, judged, reach)
    scale = scale_over([*judged, line], [], reach=reach)
    rows = [
        ScoreRow(
            rung,
            mark(scale, score, None, None),
            rung["name"] == verdict["selected"],
            rung["name"] in verdict["may_be_best"],
        )
        for rung, score in zip(results["rungs"], judged, strict=True)
    ]
    places, decimals = scale.ticks(4)
    ticks = [(scale.at(value), number(value, decimals)) for value in places]
    at = None if line is None else scale.at(line)
    return rows, Axis(ticks, at, None, *_drawn([row.mark for row in rows]))


def _drawn(marks: list[Mark]) -> tuple[bool, bool]:
    """Whether any mark has a point, and whether any has an interval."""
    return any(m.point is not None for m in marks), any(m.low is not None for m in marks)
