"""Charts are drawn where their values are, from pieces that Plotly knows."""

from typing import Any

import plotly.graph_objects as go
import pytest

from lockgate.charts import curves
from lockgate.charts import figures as charts


def test_the_line_is_solid_only_while_all_fits_run() -> None:
    drawn = curves.over_fits([[3.0, 2.0, 1.0, 0.5], [3.0, 2.5]])
    frame = charts.Frame(4, 0.0, 3.0)
    figure = charts.learning_curve(drawn, drawn, None, frame)
    lines = [t for t in figure["data"] if t.get("name") == "training"]
    by_dash = {line["line"]["dash"]: line for line in lines}

    assert by_dash["solid"]["x"] == [1, 2]
    assert by_dash["dot"]["x"] == [1, 2, 3, 4]
    assert by_dash["dot"]["customdata"] == ["2 fits", "2 fits", "1 fit", "1 fit"]


def test_the_ribbon_lies_between_the_extreme_fits() -> None:
    drawn = curves.over_fits([[3.0, 2.0], [5.0, 1.0]])
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


def narrowed() -> Any:
    looks = [charts.Estimate(5, -4.0, -9.0, 1.0), charts.Estimate(10, -3.0, -5.0, -2.0)]
    frame = charts.RoundFrame(10, -10.0, 4.0)
    return charts.narrowing(looks, {1: -4.5, 2: -3.5}, "good", 2.0, frame)


def test_an_interval_stands_at_each_look_and_a_dot_at_each_round() -> None:
    dots, line = narrowed()["data"]

    assert (line["x"], line["y"]) == ([5, 10], [-4.0, -3.0])
    assert (line["error_y"]["arrayminus"], line["error_y"]["array"]) == ([5.0, 2.0], [5.0, 1.0])
    assert (dots["x"], dots["y"]) == ([1, 2], [-4.5, -3.5])


def test_what_makes_no_difference_is_a_band_around_0() -> None:
    band, line = narrowed()["layout"]["shapes"]

    assert (band["y0"], band["y1"], line["y0"], line["y1"]) == (-2.0, 2.0, 0, 0)


def test_a_stretch_is_level_from_its_begin_to_its_end() -> None:
    line = charts.Line("a", "rung", "model", 1, "solid", [2.0, None])
    figure = charts.stretches(
        [line], [("2020-01-01", "2020-01-09"), ("2020-01-10", "2020-02-01")], ""
    )

    assert figure["data"][0]["x"][:3] == ["2020-01-01", "2020-01-09", None]
    assert figure["data"][0]["y"] == [2.0, 2.0, None, None, None, None]
    assert figure["layout"]["xaxis"]["type"] == "date"
    assert charts.stretches([line], [(1, 9), (10, 30)], "")["layout"]["xaxis"]["type"] == "linear"


def test_few_points_have_a_dot_each() -> None:
    line = charts.Line("a", "rung", "model", 1, "solid", [2.0, 3.0])

    assert charts.dotted([line], [1, 2], "", ({}, {}))["data"][0]["mode"] == "lines+markers"


def test_pieces_make_a_figure_that_plotly_accepts() -> None:
    figure: Any = charts.figure([], charts.counting_axis(5), {}, [charts.upright(2, "bad", "dash")])
    figure["layout"]["shapes"][0]["line"]["color"] = "#123456"

    assert len(go.Figure(figure).layout.shapes) == 1


@pytest.mark.parametrize("count", [1, 2, 3, 7, 24, 168])
def test_steps_and_epochs_are_ticked_at_whole_numbers(count: int) -> None:
    step = charts.counting_axis(count)["dtick"]

    assert isinstance(step, int)
    assert 1 <= step <= max(1, count / 2)
