"""Forecasting's part of the report: the series and its split, forecasts, errors by steps ahead."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NotRequired, TypedDict, TypeVar, cast

from lockgate.charts.figures import (
    Figure,
    Line,
    counting_axis,
    figure,
    line_traces,
    trace,
    upright,
)
from lockgate.charts.formats import decimals_for
from lockgate.tasks.base import PARTS, Part, ScoreColumns
from lockgate.tasks.forecasting.error_charts import draw_clock, draw_importance
from lockgate.tasks.forecasting.interval_charts import bands, interval_figures
from lockgate.tasks.results import (
    BaselineResult,
    Check,
    Results,
    RungResult,
    reference_baseline,
    selected_rung,
)

SCORES = {"mae": "MAE", "rmse": "RMSE", "mase": "MASE"}
OTHERS = 2  # rungs, and baselines, shown beside the selected and the reference one
FEW_STEPS = 12  # up to which each has a dot

T = TypeVar("T")


class Series(TypedDict):
    """Values by time, or by the number of the row."""

    ds: list[str] | list[int]
    y: list[float | None]


class PartOfSeries(TypedDict):
    """One part of the split."""

    start: str
    end: str
    rows: int
    windows: int
    possible: int  # windows, if there were no holes


class SeveralSeries(TypedDict):
    """Of a table of several series: how many, how long, and which is drawn."""

    count: int
    shortest: int
    longest: int
    drawn: str


class SeriesCompared(TypedDict):
    """In how many series what is delivered is better than a naive forecast of the same series."""

    better: int
    of: int
    naive: str
    windows: NotRequired[list[int]]  # of a sample: the fewest and the most of a series


class TableDescription(TypedDict):
    """What the charts need of `data` in the results; `Forecasting.describe` gives more."""

    target: str
    horizon: int
    split: dict[Part, PartOfSeries]
    several: SeveralSeries | None
    series: Series


class Band(TypedDict):
    """The interval of a forecast, step by step."""

    level: float
    low: list[float | None]
    high: list[float | None]


class Future(TypedDict):
    """What came after a forecast was made, and what was forecast."""

    ds: list[str] | list[int]
    y: list[float | None]
    forecast: list[float | None]
    baseline: list[float | None]
    baseline_name: str
    intervals: list[Band]  # none where nothing tells them


class Stretch(TypedDict):
    """One window of the test part with its forecasts."""

    which: str  # best, median or worst
    series: str | None  # of several
    error: float
    origin: str
    history: Series
    future: Future


class ForecastResults(Results):
    """The results of a study of forecasts."""

    forecasts: list[Stretch]
    by_series: SeriesCompared | None
    importance: list[dict[str, Any]]
    clock: dict[str, Any] | None
    residuals: list[Check]


class ForecastValues(NamedTuple):
    """What the templates need beside the results."""

    lines: list[Line]  # errors by steps ahead


class ForecastPages:
    """What the report of a study shows of forecasts."""

    @property
    def package(self) -> str:
        """Name of the package whose `templates` hold its own."""
        return "lockgate.tasks.forecasting"

    def columns(self, results: Results) -> ScoreColumns:  # noqa: ARG002 - the same of every study
        """Give the scores that the tables show, of both parts."""
        return ScoreColumns(SCORES, validated=tuple(SCORES))

    def values(self, results: Results, digits: Mapping[str, int]) -> ForecastValues:  # noqa: ARG002
        """Give the lines of errors."""
        return ForecastValues(error_lines(results))

    def figures(self, results: Results, digits: Mapping[str, int]) -> dict[str, Figure]:
        """Draw the series, each kept forecast, and the errors of several steps ahead."""
        study, decimals = cast(ForecastResults, results), digits[results["metric"]]
        data = cast(TableDescription, results["data"])
        y = data["series"]["y"]
        figures = {}
        if any(value is not None for value in y):
            figures["series"] = draw_series(data, decimals_for(y))
        if intervals := results["delivered"].get("intervals"):
            figures |= interval_figures(intervals, decimals)
        for name in ("column", "stretch"):
            if parts := [one for one in study.get("importance", []) if one["kind"] == name]:
                figures[f"importance-{name}"] = draw_importance(parts)
        if clock := study.get("clock"):
            figures["clock"] = draw_clock(clock, decimals)
        for i, stretch in enumerate(study["forecasts"]):
            figures[f"forecast-{i}"] = draw_forecast(stretch, decimals)
        if data["horizon"] > 1 and (lines := error_lines(results)):
            for name, kind in (("steps", "rung"), ("steps-baselines", "baseline")):
                if of_kind := [line for line in lines if line.kind == kind]:
                    figures[name] = draw_errors(of_kind, decimals)
        return figures


def error_lines(results: Results) -> list[Line]:
    """The selected rung, the reference baseline, and the best others on the rows judged.

    Errors of rungs are those on the rows judged, errors of baselines those on the test part.
    """
    metric = results["metric"]
    selected, reference = selected_rung(results), reference_baseline(results)
    rungs = [
        (rung["judged"].get(metric), rung) for rung in results["rungs"] if rung is not selected
    ]
    naive = [(b["judged"].get(metric), b) for b in results["baselines"] if b is not reference]
    lines = [_line(selected, "rung", "model", 3, "solid"), _line(reference, "baseline", "base", 2)]
    lines += [_line(one, "rung", f"other-{i}", 1.5, "solid") for i, one in _best(rungs)]
    lines += [_line(one, "baseline", f"other-{i + OTHERS}", 1.5) for i, one in _best(naive)]
    return [line for line in lines if line and any(v is not None for v in line.values)]


def _best(scored: Sequence[tuple[float | None, T]]) -> list[tuple[int, T]]:
    known = [(score, one) for score, one in scored if score is not None]
    ranked = sorted(known, key=lambda pair: pair[0])
    return [(i, one) for i, (_, one) in enumerate(ranked[:OTHERS], start=1)]


def _line(
    one: RungResult | BaselineResult | None,
    kind: str,
    colour: str,
    width: float,
    dash: str = "dash",
) -> Line | None:
    if one is None:
        return None
    return Line(one["name"], kind, colour, width, dash, one["per_step"] or [])


def draw_series(data: TableDescription, decimals: int) -> Figure:
    """The target over time, with the three parts of the split shaded."""
    ds, y = data["series"]["ds"], data["series"]["y"]
    line = trace(ds, y, "ink", 1, data["target"], f"%{{y:,.{decimals}f}}")
    bands = [_band(data["split"][part], f"@part-{part} 0.28") for part in PARTS]
    return figure([line], _axis(ds), {}, bands)


def _axis(ds: Sequence[str | int]) -> Figure:
    return {"type": "date" if isinstance(ds[0], str) else "linear"}


def _band(part: PartOfSeries, colour: str) -> Figure:
    ends = {"x0": part["start"], "x1": part["end"], "y0": 0, "y1": 1, "yref": "paper"}
    return {"type": "rect", "layer": "below", "fillcolor": colour, "line": {"width": 0}, **ends}


def draw_forecast(stretch: Stretch, decimals: int) -> Figure:
    """One stretch: what the model saw, what came, what it and the reference baseline said."""
    past, future = stretch["history"], stretch["future"]
    text = f"%{{y:,.{decimals}f}}"
    # the truth goes on from the last value seen; the forecasts do not claim to have met it
    joint = [*past["ds"][-1:], *future["ds"]], [*past["y"][-1:], *future["y"]]
    name = future["baseline_name"]
    traces = [
        *bands(future, text),
        trace(past["ds"], past["y"], "muted", 1.25, "history", text),
        trace(*joint, "ink", 2, "truth", text),
        trace(future["ds"], future["baseline"], "base", 1.75, name, text, "dash"),
        trace(future["ds"], future["forecast"], "model", 2.25, "forecast", text),
    ]
    return figure(traces, _axis(future["ds"]), {}, [upright(stretch["origin"], "muted", "dot")])


def draw_errors(lines: Sequence[Line], decimals: int) -> Figure:
    """The error of each of `lines` by the steps ahead."""
    steps = max(len(line.values) for line in lines)
    traces = line_traces(lines, list(range(1, steps + 1)), f"%{{y:,.{decimals}f}}")
    for one in traces:
        one["mode"] = "lines+markers" if steps <= FEW_STEPS else "lines"
        one["marker"] = {"size": 5}
    x = counting_axis(steps) | {"range": [1 - 0.02 * steps, steps * 1.02]}
    return figure(traces, x, {"rangemode": "tozero"}, [])


PAGES = ForecastPages()
