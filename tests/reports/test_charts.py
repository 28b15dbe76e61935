"""Charts are valid Plotly figures that hold the numbers of the results."""

import json
from typing import Any

import plotly.graph_objects as go
import pytest

from lockgate.reports import charts, curves, pages

Results = dict[str, Any]


def painted(node: Any, key: str = "") -> Any:
    """The figure with a plain colour in place of each name of the palette."""
    if isinstance(node, dict):
        return {name: painted(child, name) for name, child in node.items()}
    if isinstance(node, list):
        return [painted(child) for child in node]
    return "#123456" if key.endswith("color") and str(node).startswith("@") else node


def named(figure: dict[str, Any], name: str) -> dict[str, Any]:
    return next(trace for trace in figure["data"] if trace.get("name") == name)


def test_every_chart_is_a_figure_plotly_accepts(odd: Results) -> None:
    figures = pages.figures(odd)

    assert figures
    for figure in figures.values():
        go.Figure(painted(figure))  # raises on any property or value Plotly does not know
        assert "@" not in json.dumps(painted(figure)["layout"])


def test_every_colour_is_in_the_palette_of_the_page(odd: Results, palette: set[str]) -> None:
    def colours(node: Any, key: str = "") -> set[str]:
        if isinstance(node, dict):
            return set().union(*(colours(child, name) for name, child in node.items()))
        if isinstance(node, list):
            return set().union(*map(colours, node))
        return {node[1:].split(" ")[0]} if key.endswith("color") else set()

    used = set().union(*map(colours, pages.figures(odd).values()))

    assert used <= palette
    assert {"ink", "part-test"} <= used


def test_the_series_is_drawn_with_its_gaps_and_its_split(results: Results) -> None:
    figure = charts.series(results["data"], 1)

    assert figure["data"][0]["y"] == results["data"]["series"]["y"]
    assert None in figure["data"][0]["y"]
    ends = [(shape["x0"], shape["x1"]) for shape in figure["layout"]["shapes"]]
    split = results["data"]["split"]
    assert ends == [(split[p]["start"], split[p]["end"]) for p in ("train", "validation", "test")]


def test_the_overfitting_mark_stands_at_its_epoch_or_not_at_all(results: Results) -> None:
    figures = pages.figures(results)

    for i, rung in enumerate(results["rungs"]):
        marks = [shape["x0"] for shape in figures[f"curve-{i}"]["layout"]["shapes"]]
        assert marks == ([] if rung["overfits_from"] is None else [rung["overfits_from"]])


def test_all_learning_curves_share_their_axes(results: Results) -> None:
    figures = pages.figures(results)
    layouts = [figures[f"curve-{i}"]["layout"] for i in range(len(results["rungs"]))]

    assert len({tuple(layout["yaxis"]["range"]) for layout in layouts}) == 1
    assert len({tuple(layout["xaxis"]["range"]) for layout in layouts}) == 1


def test_the_line_is_solid_only_while_all_seeds_run() -> None:
    drawn = curves.over_seeds([[3.0, 2.0, 1.0, 0.5], [3.0, 2.5]])
    frame = charts.Frame(4, 0.0, 3.0)
    figure = charts.learning_curve(drawn, drawn, None, frame)
    lines = [t for t in figure["data"] if t.get("name") == "training"]
    by_dash = {line["line"]["dash"]: line for line in lines}

    assert by_dash["solid"]["x"] == [1, 2]
    assert by_dash["dot"]["x"] == [1, 2, 3, 4]
    assert by_dash["dot"]["customdata"] == ["2 seeds", "2 seeds", "1 seed", "1 seed"]


def test_the_ribbon_lies_between_the_extreme_seeds() -> None:
    drawn = curves.over_seeds([[3.0, 2.0], [5.0, 1.0]])
    figure = charts.learning_curve(drawn, drawn, None, charts.Frame(2, 0.0, 5.0))
    low, high = figure["data"][0], figure["data"][1]

    assert (low["y"], high["y"], high["fill"]) == ([3.0, 1.0], [5.0, 2.0], "tonexty")
    assert "fill" not in low


def test_a_forecast_is_drawn_beside_its_truth_and_baseline(results: Results) -> None:
    one = results["forecasts"][2]
    figure = charts.forecast(one, 2)

    assert named(figure, "forecast")["y"] == one["future"]["forecast"]
    assert named(figure, "ridge")["y"] == one["future"]["baseline"]
    assert named(figure, "truth")["y"][1:] == one["future"]["y"]
    assert named(figure, "history")["y"] == one["history"]["y"]
    assert figure["layout"]["shapes"][0]["x0"] == one["origin"]


def test_errors_per_step_count_from_one(results: Results) -> None:
    lines = pages.page(results).lines
    figure = charts.per_step(lines, 2)

    assert named(figure, "both")["x"] == list(range(1, 25))
    assert named(figure, "both")["y"] == results["rungs"][3]["per_step"]
    assert figure["data"][-1]["name"] == "both"


def test_the_reach_counts_back_from_the_last_step_on_a_logarithmic_axis(results: Results) -> None:
    figure = pages.figures(results)["reach"]
    low, high = figure["layout"]["yaxis"]["range"]

    assert named(figure, "lstm")["x"] == list(range(48))
    assert named(figure, "lstm")["y"] == results["rungs"][0]["reach"]["shares"]
    assert figure["layout"]["yaxis"]["type"] == "log"
    assert -9.0 < low < -8.0  # 0.62 ** 47 lies further down
    assert 10**high > 1.12**47


def test_what_has_vanished_altogether_is_a_gap() -> None:
    figure = charts.reach([charts.Line("a", "rung", "model", 1, "solid", [1.0, 0.5, 0.0])])

    assert figure["data"][0]["y"] == [1.0, 0.5, None]


def test_a_reach_that_does_not_change_has_an_axis() -> None:
    figure = charts.reach([charts.Line("a", "rung", "model", 1, "solid", [1.0, 1.0])])
    low, high = figure["layout"]["yaxis"]["range"]

    assert low < 0 < high


@pytest.mark.parametrize("count", [1, 2, 3, 7, 24, 168])
def test_steps_and_epochs_are_ticked_at_whole_numbers(count: int) -> None:
    line = charts.Line("a", "rung", "model", 1, "solid", [1.0] * count)
    step = charts.per_step([line], 1)["layout"]["xaxis"]["dtick"]

    assert isinstance(step, int)
    assert 1 <= step <= max(1, count / 2)


def test_names_from_the_data_are_no_markup_for_plotly(attacked: Results, attack: str) -> None:
    text = json.dumps(pages.figures(attacked))

    assert attack not in text
    assert "&lt;/script&gt;&lt;script&gt;" in text
    for figure in pages.figures(attacked).values():
        for trace in figure["data"]:
            assert "<" not in trace.get("name", "")
            assert "T & " not in trace.get("hovertemplate", "")
