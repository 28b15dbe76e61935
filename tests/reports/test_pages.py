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


def pair(**more: Any) -> dict[str, Any]:
    return {"outcome": "helps", "smallest_visible": 2.1, "excluded": []} | more


def test_every_declared_pair_has_a_row_in_order(odd: Results) -> None:
    rows = pages.page(odd).pairs

    assert [(r.name, r.against, r.outcome) for r in rows] == [
        (p["rung"], p["parent"], p["outcome"]) for p in odd["verdict"]["pairs"]
    ]


def test_a_mark_lies_left_of_no_effect_where_the_error_fell(results: Results) -> None:
    page = pages.page(results)

    for row, pair in zip(page.pairs, results["verdict"]["pairs"], strict=True):
        assert row.mark.low < row.mark.point < row.mark.high
        assert (row.mark.point < page.effects.line) == (pair["percent"] < 0)
    left, width = page.effects.band
    assert left + width / 2 == pytest.approx(page.effects.line, abs=0.01)


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        ("helps", "good"),
        ("hurts", "bad"),
        ("no real difference", "same"),
        ("undecided", "open"),
        ("undecided (budget)", "open"),
        ("no verdict", "none"),
    ],
)
def test_each_outcome_has_its_look(results: Results, outcome: str, kind: str) -> None:
    results["verdict"]["pairs"][0]["outcome"] = outcome

    assert pages.page(results).pairs[0].kind == kind


def test_the_selected_model_is_set_against_the_reference(results: Results) -> None:
    row = pages.page(results).baseline

    assert (row.name, row.against, row.outcome) == ("both", "ridge", "ties")
    assert row.remark == "Better on the test part: ridge."


def test_failures_are_the_first_checks(results: Results) -> None:
    statuses = [check["status"] for check in pages.page(results).checks]

    assert statuses == ["fail", "warn", "pass", "pass", "pass"]


def test_a_rung_of_diverged_seeds_has_no_chart_and_names_them(odd: Results) -> None:
    page = pages.page(odd)
    figures = pages.figures(odd)

    for panel, rung in zip(page.panels, odd["rungs"], strict=True):
        gone = [s["seed"] for s in rung["seeds"] if s["stopped"] == "diverged"]
        assert panel.diverged == gone
        assert (panel.chart is None) == (len(gone) == len(rung["seeds"]))
        assert panel.chart is None or panel.chart in figures


def test_scores_share_their_decimals(results: Results) -> None:
    assert pages.page(results).digits == {"mae": 2, "rmse": 2, "mase": 3}


def test_no_effect_is_always_on_the_axis(results: Results) -> None:
    for pair in [*results["verdict"]["pairs"], results["verdict"]["baseline"]]:
        pair |= {"percent": -8.0, "low": -9.0, "high": -7.0}
    effects = pages.page(results).effects

    assert 0 < effects.line < 100
    assert effects.band[0] + effects.band[1] <= 100
    assert effects.band[1] > 5


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


def test_a_remark_names_what_qualifies_the_outcome() -> None:
    assert pages.remark(pair()) == ""
    assert "less than 2.1\xa0% could not" in pages.remark(pair(outcome="undecided"))
    assert pages.remark(pair(outcome="undecided", smallest_visible=None)) == ""
    cut = pages.remark(pair(outcome="undecided (budget)", excluded=[1, 4]))
    assert cut.startswith("The time budget cut training")
    assert cut.endswith("Seeds 1 and 4 diverged and are left out.")


def test_an_unknown_task_is_refused(results: Results) -> None:
    results["task"] = "ranking"

    with pytest.raises(DataError, match=r"task must be one of .* got 'ranking'"):
        pages.page(results)
