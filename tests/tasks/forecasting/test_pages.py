"""The report of forecasts: the series with its split, the forecasts, errors by steps ahead."""

from pathlib import Path
from typing import Any

import made
import pytest

from lockgate.charts.figures import Line
from lockgate.reports import write_report
from lockgate.tasks.forecasting.pages import (
    PAGES,
    draw_errors,
    draw_forecast,
    draw_series,
    error_lines,
)

Results = dict[str, Any]
DIGITS = {"mae": 2, "rmse": 2, "mase": 3}


@pytest.fixture
def results() -> Results:
    """Seven rungs, and five baselines of which one is the reference."""
    return made.make(horizon=3)


def named(figure: dict[str, Any], name: str) -> dict[str, Any]:
    return next(trace for trace in figure["data"] if trace["name"] == name)


def make_rung(name: str, score: float | None) -> Results:
    return {"name": name, "judged": {"mae": score}, "per_step": [1.0, 2.0]}


def make_baseline(name: str, score: float, *, reference: bool = False) -> Results:
    scores = {"mae": score}
    return {"name": name, "judged": scores, "per_step": [1.0, 2.0], "reference": reference}


def ladder() -> Results:
    """Four rungs and four baselines whose scores on the rows judged are their order."""
    return {
        "metric": "mae",
        "verdict": {"selected": "d"},
        "rungs": [make_rung(*one) for one in (("a", None), ("b", 2.0), ("c", 1.0), ("d", 9.0))],
        "baselines": [
            make_baseline("last value", 3.0),
            make_baseline("ridge", 1.0, reference=True),
            make_baseline("drift", 4.0),
            make_baseline("seasonal naive", 2.0),
        ],
    }


def test_the_series_is_drawn_with_its_gaps_and_its_split(results: Results) -> None:
    data = results["data"]
    data["series"]["y"][3] = None

    figure = draw_series(data, 1)

    assert figure["data"][0]["y"] == data["series"]["y"]
    ends = [(shape["x0"], shape["x1"]) for shape in figure["layout"]["shapes"]]
    parts = [data["split"][part] for part in ("train", "validation", "test")]
    assert ends == [(part["start"], part["end"]) for part in parts]


def test_a_forecast_is_drawn_beside_its_truth_and_baseline(results: Results) -> None:
    stretch = results["forecasts"][2]
    future = stretch["future"]

    figure = draw_forecast(stretch, 2)

    assert named(figure, "forecast")["y"] == future["forecast"]
    assert named(figure, future["baseline_name"])["y"] == future["baseline"]
    assert named(figure, "truth")["y"][1:] == future["y"]
    assert named(figure, "history")["y"] == stretch["history"]["y"]
    assert figure["layout"]["shapes"][0]["x0"] == stretch["origin"]


def test_numbers_of_rows_are_no_dates(results: Results) -> None:
    data, stretch = results["data"], results["forecasts"][0]
    assert draw_series(data, 1)["layout"]["xaxis"] == {"type": "date"}

    data["series"]["ds"] = list(range(len(data["series"]["y"])))
    stretch["future"]["ds"] = list(range(len(stretch["future"]["y"])))

    assert draw_series(data, 1)["layout"]["xaxis"] == {"type": "linear"}
    assert draw_forecast(stretch, 2)["layout"]["xaxis"] == {"type": "linear"}


def test_errors_count_from_one_step_ahead(results: Results) -> None:
    selected = results["verdict"]["selected"]
    lines = error_lines(results)

    figure = draw_errors(lines, 2)

    rung = next(rung for rung in results["rungs"] if rung["name"] == selected)
    assert named(figure, selected)["x"] == [1, 2, 3]
    assert named(figure, selected)["y"] == rung["per_step"]
    assert figure["data"][-1]["name"] == selected


@pytest.mark.parametrize(("steps", "mode"), [(12, "lines+markers"), (13, "lines")])
def test_few_steps_have_a_dot_each(steps: int, mode: str) -> None:
    figure = draw_errors([Line("a", "rung", "model", 1, "solid", [1.0] * steps)], 1)

    assert figure["data"][0]["mode"] == mode


def test_lines_are_the_selected_the_reference_and_the_best_others_on_the_rows_judged() -> None:
    names = [line.name for line in error_lines(ladder())]

    assert names == ["d", "ridge", "c", "b", "seasonal naive", "last value"]


def test_lines_differ_in_colour_or_dash() -> None:
    lines = error_lines(ladder())

    assert len({line.colour for line in lines}) == len(lines)
    assert {line.dash for line in lines if line.kind == "baseline"} == {"dash"}


def test_what_has_no_errors_has_no_line() -> None:
    results = ladder()
    results["rungs"][2]["per_step"] = []
    results["baselines"][1]["per_step"] = [None, None]

    assert [line.name for line in error_lines(results)] == [
        "d",
        "b",
        "seasonal naive",
        "last value",
    ]


def test_every_chart_has_its_name(results: Results) -> None:
    figures = PAGES.figures(results, DIGITS)

    assert list(figures) == [
        "series",
        "forecast-0",
        "forecast-1",
        "forecast-2",
        "steps",
        "steps-baselines",
    ]


def test_errors_of_networks_and_of_baselines_are_of_other_rows_and_stand_apart(
    results: Results,
) -> None:
    figures = PAGES.figures(results, DIGITS)
    drawn = {name: {one["name"] for one in figures[name]["data"]} for name in list(figures)[4:]}

    assert drawn["steps-baselines"] == {"ridge", "seasonal naive (24)", "last value"}
    assert drawn["steps"] == {"recurrent-dropout", "both", "stacked-both"}


def test_there_is_no_chart_of_nothing(results: Results) -> None:
    results["data"]["series"]["y"] = [None] * 3
    results["data"]["horizon"] = 1
    results["forecasts"] = []

    assert PAGES.figures(results, DIGITS) == {}


def test_every_score_is_shown_of_both_parts(results: Results) -> None:
    columns = PAGES.columns(results)

    assert list(columns.names) == list(columns.validated) == ["mae", "rmse", "mase"]
    assert columns.names["mase"] == "MASE"
    assert columns.names.keys() == results["baselines"][0]["test"].keys()


@pytest.mark.parametrize("sampled", [False, True])
def test_the_page_tells_by_how_many_windows_of_a_sample_a_series_is_judged(
    results: Results, sampled: bool, tmp_path: Path
) -> None:
    results["by_series"] = {"better": 3, "of": 4, "naive": "last value"}
    if sampled:
        results["by_series"]["windows"] = [2, 9]

    page = write_report(results, tmp_path).read_text(encoding="utf-8")

    assert "in 3 of 4 series (75 %)." in page
    assert ("A sample of the windows is judged, 2 to 9 of each series" in page) is sampled
