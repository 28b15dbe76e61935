"""What the rounds tell is drawn where it belongs: at its round, its fold, its size."""

import math
from typing import Any

import pytest

from lockgate.reports.rounds import (
    fold_figure,
    fold_lines,
    fold_rows,
    growth_figure,
    growth_lines,
    look_figures,
    look_panels,
)

Results = dict[str, Any]


def test_every_pair_has_its_panel_and_its_chart(odd: Results) -> None:
    panels = look_panels(odd)

    assert [panel.name for panel in panels] == [p["rung"] for p in odd["verdict"]["pairs"]]
    assert [panel.chart for panel in panels if panel.chart] == list(look_figures(odd))


def test_a_pair_without_a_round_has_no_chart(results: Results) -> None:
    results["verdict"]["pairs"][0] |= {"looks": [], "by_round": {"1": None}}

    assert look_panels(results)[0].chart is None
    assert next(iter(look_figures(results))) == "look-1"


def test_looks_stand_at_their_rounds(results: Results) -> None:
    dots, line = look_figures(results)["look-1"]["data"]
    pair = results["verdict"]["pairs"][1]

    assert line["x"] == [look["rounds"] for look in pair["looks"]]
    assert line["y"] == [look["percent"] for look in pair["looks"]]
    assert dict(zip(dots["x"], dots["y"], strict=True)) == {
        int(number): change for number, change in pair["by_round"].items()
    }


def test_all_pairs_share_their_axes(results: Results) -> None:
    layouts = [figure["layout"] for figure in look_figures(results).values()]

    assert len({tuple(layout["yaxis"]["range"]) for layout in layouts}) == 1
    assert len({tuple(layout["xaxis"]["range"]) for layout in layouts}) == 1


def test_scores_by_fold_have_a_row_for_every_rung_and_the_reference(results: Results) -> None:
    rows = {row.name: row for row in fold_rows(results)}

    assert list(rows) == [*(rung["name"] for rung in results["rungs"]), "ridge"]
    assert rows["both"].scores == list(results["rungs"][3]["by_fold"].values())
    assert [name for name, row in rows.items() if row.reference] == ["ridge"]
    assert [name for name, row in rows.items() if row.selected] == ["recurrent-dropout"]


def test_lines_by_fold_are_few_and_the_selected_its_parent_and_the_reference_among_them(
    results: Results,
) -> None:
    names = [line.name for line in fold_lines(results)]

    assert names[:3] == ["recurrent-dropout", "ridge", "lstm"]
    assert len(names) == 6
    assert "stacked" not in names  # the worst


def test_folds_with_dates_lie_on_an_axis_of_time(results: Results) -> None:
    figure = fold_figure(results, 2)

    assert figure["layout"]["xaxis"]["type"] == "date"
    line = next(one for one in figure["data"] if one["name"] == "lstm")
    assert line["x"][:2] == [results["folds"][0]["begins"], results["folds"][0]["ends"]]
    assert line["y"][0] == line["y"][1] == results["rungs"][0]["by_fold"]["fold 1"]


def test_folds_of_numbered_rows_lie_on_an_axis_of_numbers(results: Results) -> None:
    for i, fold in enumerate(results["folds"]):
        fold |= {"begins": str(100 * i), "ends": str(100 * i + 99)}

    assert fold_figure(results, 2)["data"][0]["x"][:2] == [0, 99]


def test_folds_without_dates_are_counted(results: Results) -> None:
    for fold in results["folds"]:
        fold |= {"begins": None, "ends": None}

    assert fold_figure(results, 2)["data"][0]["x"] == [1, 2, 3, 4, 5]


def test_one_fold_has_no_chart(results: Results) -> None:
    results["folds"] = results["folds"][:1]

    assert fold_figure(results, 2) is None
    assert growth_lines(results) == []


def mean_change(*percents: float) -> float:
    """As a verdict means changes: of log ratios."""
    return 100 * (math.prod(1 + p / 100 for p in percents) ** (1 / len(percents)) - 1)


def test_the_change_of_a_pair_is_set_against_the_size_of_the_training_part(
    results: Results,
) -> None:
    results["folds"].reverse()
    figure = growth_figure(results)
    line = next(one for one in figure["data"] if one["name"] == "stacked")
    changes = results["verdict"]["pairs"][3]["by_round"]

    assert line["x"] == [3000, 3640, 4280, 4920, 5560]
    # rounds 1 and 6 are of the fold with the fewest rows
    assert line["y"][0] == pytest.approx(mean_change(changes["1"], changes["6"]))
    assert line["y"][4] == pytest.approx(mean_change(changes["5"], changes["10"]))


def test_folds_of_one_size_tell_nothing_of_size(results: Results) -> None:
    for fold in results["folds"]:
        fold["train"] = 4000

    assert growth_figure(results) is None
