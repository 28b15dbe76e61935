"""Charts are drawn where their values are, from pieces that Plotly knows."""

from typing import Any

import plotly.graph_objects as go
import pytest

from lockgate.charts import curves
from lockgate.charts import figures as charts


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


def test_what_has_vanished_altogether_is_a_gap() -> None:
    figure = charts.reach([charts.Line("a", "rung", "model", 1, "solid", [1.0, 0.5, 0.0])])

    assert figure["data"][0]["y"] == [1.0, 0.5, None]


def test_a_reach_that_does_not_change_has_an_axis() -> None:
    figure = charts.reach([charts.Line("a", "rung", "model", 1, "solid", [1.0, 1.0])])
    low, high = figure["layout"]["yaxis"]["range"]

    assert low < 0 < high


def test_the_first_line_is_drawn_on_top_of_the_others() -> None:
    lines = [charts.Line(name, "rung", "model", 1, "solid", [1.0, 2.0]) for name in "ab"]
    traces = charts.line_traces(lines, [1, 2], "%{y:.1f}")

    assert [trace["name"] for trace in traces] == ["b", "a"]
    assert [trace["y"] for trace in traces] == [[1.0, 2.0]] * 2


def test_a_name_is_no_markup_and_no_placeholder_for_plotly() -> None:
    trace = charts.trace([1], [2.0], "ink", 1, "<b>%{y}</b>", "%{y:.1f}")

    assert trace["name"] == "&lt;b&gt;%{y}&lt;/b&gt;"
    assert trace["hovertemplate"] == "%{fullData.name} %{y:.1f}<extra></extra>"


def test_pieces_make_a_figure_that_plotly_accepts() -> None:
    figure: Any = charts.figure([], charts.counting_axis(5), {}, [charts.upright(2, "bad", "dash")])
    figure["layout"]["shapes"][0]["line"]["color"] = "#123456"

    assert len(go.Figure(figure).layout.shapes) == 1


@pytest.mark.parametrize("count", [1, 2, 3, 7, 24, 168])
def test_steps_and_epochs_are_ticked_at_whole_numbers(count: int) -> None:
    step = charts.counting_axis(count)["dtick"]

    assert isinstance(step, int)
    assert 1 <= step <= max(1, count / 2)
