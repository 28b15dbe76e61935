"""Charts of a search place every trial where its numbers say."""

import pytest

from lockgate.charts.trials import Dot, Scale, across, shares, trial_history, trial_slice

SIZE = Scale("model.hidden_size", "hidden_size", 4, 64, True, None, 16)
RATE = Scale("model.dropout", "dropout", 0.0, 0.5, False, None, 0.25)
CELL = Scale("model.cell", "cell", None, None, False, ["lstm", "<b>"], "lstm")


def dot(number, percent, complete=True, size=16, cell="lstm"):
    values = {"model.hidden_size": size, "model.dropout": 0.25, "model.cell": cell}
    return Dot(number, percent, complete, values)


DOTS = [dot(0, -2.0), dot(1, 5.0, False, 4), dot(2, -6.0, size=64, cell="<b>"), dot(3, 900.0)]


def points(figure):
    return {
        (told[0], told[1]): (x, y)
        for trace in figure["data"]
        for x, y, told in zip(trace["x"], trace["y"], trace.get("customdata", ()), strict=False)
    }


def test_the_history_has_every_trial_and_the_best_so_far():
    figure = trial_history(DOTS, 2, 2.0)

    drawn = points(figure)
    assert drawn[0, -2.0] == (0, -2.0)
    assert drawn[1, 5.0] == (1, 5.0)
    assert drawn[3, 900.0] == (3, 30.0)  # at the edge
    line = figure["data"][0]
    assert (line["x"], line["y"]) == ([0, 2, 3], [-2.0, -6.0, -6.0])
    low, high = figure["layout"]["yaxis"]["range"]
    assert low < -6.0
    assert 30.0 < high < 60.0
    symbols = [s for trace in figure["data"][1:] for s in trace["marker"]["symbol"]]
    assert symbols.count("triangle-up") == 1


def test_the_best_stands_out():
    figure = trial_history(DOTS, 2, 2.0)

    [best] = [one for one in figure["data"] if one.get("marker", {}).get("color") == "@model"]
    assert best["customdata"] == [[2, -6.0]]


def test_a_slice_has_the_axis_of_its_setting():
    by_size, by_cell = (trial_slice(DOTS, scale, 2, 2.0) for scale in (SIZE, CELL))

    assert by_size["layout"]["xaxis"]["type"] == "log"
    assert points(by_size)[1, 5.0] == (4, 5.0)
    assert by_cell["layout"]["xaxis"]["categoryarray"] == ["lstm", "&lt;b&gt;"]
    assert points(by_cell)[2, -6.0] == ("&lt;b&gt;", -6.0)


def test_values_lie_on_their_axis():
    assert [SIZE.at(value) for value in (4, 16, 64)] == pytest.approx([0.0, 0.5, 1.0])
    assert RATE.at(0.125) == pytest.approx(0.25)
    assert [CELL.at(value) for value in ("lstm", "<b>")] == [0.0, 1.0]
    assert (SIZE.ends, CELL.ends) == (("4", "64"), ("lstm", "<b>"))


def test_across_has_a_line_for_each_complete_trial_the_best_on_top():
    figure = across(DOTS, [SIZE, RATE, CELL], 2)

    assert [trace["name"] for trace in figure["data"]] == ["trial 3", "trial 0", "trial 2"]
    best = figure["data"][-1]
    assert best["x"] == ["hidden_size", "dropout", "cell"]
    assert best["y"] == [1.0, 0.5, 1.0]
    assert best["line"]["width"] == 3
    texts = {one["text"] for one in figure["layout"]["annotations"]}
    assert "&lt;b&gt;" in texts
    assert "<b>" not in texts


def test_shares_are_bars_with_the_largest_on_top():
    [bar] = shares(["a", "<i>"], [0.25, 0.75])["data"]

    assert (bar["x"], bar["y"]) == ([25.0, 75.0], ["a", "&lt;i&gt;"])
