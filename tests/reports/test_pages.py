"""The page shows the right rows: what was selected, compared, left out."""

import json
from typing import Any

import plotly.graph_objects as go
import pytest

from lockgate import DataError
from lockgate.reports import pages

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


def test_every_declared_pair_has_a_row_in_order(odd: Results) -> None:
    rows = pages.page(odd).pairs

    assert [(r.name, r.against, r.outcome) for r in rows] == [
        (p["rung"], p["parent"], p["outcome"]) for p in odd["verdict"]["pairs"]
    ]


def test_the_selected_network_is_set_against_the_reference(results: Results) -> None:
    row = pages.page(results).baseline

    assert (row.name, row.against, row.outcome) == ("recurrent-dropout", "ridge", "beats")


def test_what_to_do_stands_apart_from_how_it_is_known(results: Results) -> None:
    page = pages.page(results)

    assert page.headline == "Use an LSTM with recurrent dropout 0.25"
    assert page.leads[0].startswith("It lowers a single network's error by 4.0 %")
    assert page.leads[1:] == results["verdict"]["recommendation"][1:]
    assert pages.opening([]) == ("No recommendation", [])
    assert pages.opening(["Use a GRU"]) == ("Use a GRU", [])


def test_the_evidence_is_all_that_is_not_said_first(results: Results) -> None:
    verdict = results["verdict"]

    assert verdict["recommendation"] + pages.page(results).evidence == verdict["words"]


def test_failures_are_the_first_checks(results: Results) -> None:
    statuses = [check["status"] for check in pages.page(results).checks]

    assert statuses == ["fail", "warn", "pass", "pass", "pass"]


def test_a_rung_of_diverged_fits_has_no_chart_and_names_them(odd: Results) -> None:
    page = pages.page(odd)
    figures = pages.figures(odd)

    for panel, rung in zip(page.panels, odd["rungs"], strict=True):
        gone = [one["round"] for one in rung["rounds"] if one["stopped"] == "diverged"]
        assert panel.diverged == gone
        assert (panel.chart is None) == (len(gone) == len(rung["rounds"]))
        assert panel.chart is None or panel.chart in figures


def test_scores_share_their_decimals(results: Results) -> None:
    assert pages.page(results).digits == {"mae": 2, "rmse": 2, "mase": 3}


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


def test_the_reach_counts_back_from_the_last_step_on_a_logarithmic_axis(results: Results) -> None:
    figure = pages.figures(results)["reach"]
    low, high = figure["layout"]["yaxis"]["range"]

    assert named(figure, "lstm")["x"] == list(range(48))
    assert named(figure, "lstm")["y"] == results["rungs"][0]["reach"]["shares"]
    assert figure["layout"]["yaxis"]["type"] == "log"
    assert -9.0 < low < -8.0  # 0.62 ** 47 lies further down
    assert 10**high > 1.12**47


def test_names_from_the_data_are_no_markup_for_plotly(attacked: Results, attack: str) -> None:
    text = json.dumps(pages.figures(attacked))

    assert attack not in text
    assert "&lt;/script&gt;&lt;script&gt;" in text
    for figure in pages.figures(attacked).values():
        for trace in figure["data"]:
            assert "<" not in trace.get("name", "")
            assert "T & " not in trace.get("hovertemplate", "")


def test_an_unknown_task_is_refused(results: Results) -> None:
    results["task"] = "ranking"

    with pytest.raises(DataError, match=r"task must be one of .* got 'ranking'"):
        pages.page(results)
