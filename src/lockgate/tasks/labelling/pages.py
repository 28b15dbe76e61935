"""Labelling's part of the report: what the parts hold, intervals, certainty, mistakes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict, cast

from lockgate.charts.figures import Figure, Line, figure, line_traces
from lockgate.charts.formats import interval, number
from lockgate.tasks.base import ScoreColumns
from lockgate.tasks.results import Results, Scores

WITHOUT = "_without_overlap"
BESIDE = "accuracy"
SHARE_SCORES = ("accuracy", "balanced_accuracy", "macro_f1")


class KeptResult(TypedDict):
    """The accuracy over the most certain rows."""

    share: float
    rows: int
    accuracy: float


class MonteCarloResult(TypedDict):
    """The same by passes with dropout, with the scores of their mean."""

    samples: int
    scores: Scores
    shares: list[KeptResult]


class CertaintyResult(TypedDict):
    """The accuracy by share kept, by two ways to say how certain a row is."""

    probability: list[KeptResult]
    monte_carlo: MonteCarloResult | None


class SideResult(TypedDict):
    """A score with its interval over rows."""

    score: float | None
    low: float | None
    high: float | None


class ScoreResult(TypedDict):
    """A score of what is delivered and of the reference baseline."""

    name: str
    network: SideResult
    reference: SideResult


class LabelsShown(TypedDict):
    """What `labels_shown` gives."""

    reference: str
    scores: list[ScoreResult]
    confusion: list[Any] | None  # of several labels a table for each
    certainty: CertaintyResult | None
    mistakes: list[dict[str, Any]]


class LabelResults(Results):
    """The results of a study of labels."""

    labels: LabelsShown | None


class IntervalRow(NamedTuple):
    """A score with intervals: of what is delivered, of the reference baseline."""

    name: str
    cells: list[tuple[str, str]]  # the score and its interval


class LabelRow(NamedTuple):
    """How one of several labels is decided; None where there is nothing to take a share of."""

    name: str
    rows: int  # that have it
    missed: int  # rows that have it and are not said to
    wrongly: int  # rows that have it not and are said to
    precision: float | None
    recall: float | None
    f1: float | None


class LabelValues(NamedTuple):
    """What the templates need beside the results."""

    certainty: list[Line]  # accuracy by share kept
    intervals: list[IntervalRow]
    each: list[LabelRow]  # of several labels


class LabelPages:
    """What the report of a study shows of labels."""

    @property
    def package(self) -> str:
        """Name of the package whose `templates` hold its own."""
        return "lockgate.tasks.labelling"

    def columns(self, results: Results) -> ScoreColumns:
        """Give the scores that the tables show: of the rows judged the one that decides."""
        names = score_names(results)
        keys = results["baselines"][0]["test"] if results["baselines"] else ()
        return ScoreColumns(
            names,
            validated=tuple(key for key in names if key == results["metric"]),
            beside=(BESIDE,) if BESIDE in names else (),
            apart=WITHOUT if any(key.endswith(WITHOUT) for key in keys) else "",
            parameters=False,
        )

    def values(self, results: Results, digits: Mapping[str, int]) -> LabelValues:
        """Give the lines of accuracy, the intervals, and how each of several labels is decided."""
        return LabelValues(
            certainty=certainty_lines(results),
            intervals=interval_rows(results, digits),
            each=label_rows(results),
        )

    def figures(self, results: Results, digits: Mapping[str, int]) -> dict[str, Figure]:  # noqa: ARG002
        """Draw the accuracy by share kept, where there is one."""
        certainty = _certainty(results)
        if certainty is None:
            return {}
        shares = [one["share"] for one in certainty["probability"]]
        return {"certainty": draw_certainty(certainty_lines(results), shares)}


def score_names(results: Results) -> dict[str, str]:
    """Name the scores as a table does: `log loss`, `macro F1`, `MAE`."""
    keys = results["baselines"][0]["judged"] if results["baselines"] else ()
    names = {key: key.replace("_", " ") if len(key) > 4 else key.upper() for key in keys}
    return {key: name.replace(" f1", " F1") for key, name in names.items()}


def _labels(results: Results) -> LabelsShown | None:
    return cast(LabelResults, results).get("labels")


def _certainty(results: Results) -> CertaintyResult | None:
    labels = _labels(results)
    return labels["certainty"] if labels else None


def certainty_lines(results: Results) -> list[Line]:
    """The accuracy of the most certain rows, by probability and by Monte-Carlo dropout."""
    certainty = _certainty(results)
    if certainty is None:
        return []
    curves = {"by probability": ("model", "solid", certainty["probability"])}
    if drawn := certainty["monte_carlo"]:
        curves["by Monte-Carlo dropout"] = ("other-1", "dash", drawn["shares"])
    return [
        Line(name, "rung", colour, 2, dash, [one["accuracy"] for one in shares])
        for name, (colour, dash, shares) in curves.items()
    ]


def draw_certainty(lines: Sequence[Line], shares: Sequence[float]) -> Figure:
    """The accuracy of each of `lines` over the most certain `shares` of the rows."""
    traces = line_traces(lines, [100.0 * share for share in shares], "%{y:.3f}")
    # all rows on the left: to the right ever fewer are left
    return figure(traces, {"range": [102.0, 8.0], "ticksuffix": " %"}, {}, [])


def interval_rows(results: Results, digits: Mapping[str, int]) -> list[IntervalRow]:
    """Each score that has an interval over rows."""
    labels = _labels(results)
    if not labels:
        return []
    names = score_names(results)
    rows = []
    for one in labels["scores"]:
        key = one["name"]
        decimals = 3 if key in SHARE_SCORES else max(3, digits[key])
        cells = [
            (number(side["score"], decimals), interval(side["low"], side["high"], decimals))
            for side in (one["network"], one["reference"])
        ]
        rows.append(IntervalRow(names[key], cells))
    return rows


def label_rows(results: Results) -> list[LabelRow]:
    """How each of several labels is decided, from its table of truth (down) and what is said."""
    labels, data = _labels(results), results["data"]
    if data["task"] != "classes" or labels is None:
        return []
    tables: list[list[list[int]]] = labels["confusion"] or []
    return [_label_row(*pair) for pair in zip(data["classes"], tables, strict=True)]


def _label_row(name: str, table: Sequence[Sequence[int]]) -> LabelRow:
    (_, wrongly), (missed, right) = table
    said, count = right + wrongly, right + missed
    return LabelRow(
        name,
        count,
        missed,
        wrongly,
        right / said if said else None,
        right / count if count else None,
        2 * right / (said + count) if said + count else None,
    )


PAGES = LabelPages()
