"""The page shows the right rows: what was selected, compared, left out."""

from typing import Any

import pytest

from lockgate.reports import pages

Results = dict[str, Any]


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


def test_lines_per_step_are_the_best_by_validation(results: Results) -> None:
    results["rungs"][0]["validation"]["mean"] = 0.1
    names = [line.name for line in pages.page(results).lines]

    assert names == [
        "both",
        "ridge",
        "lstm",
        "recurrent-dropout",
        "seasonal naive (24)",
        "last value",
    ]


def test_lines_per_step_differ_in_colour_or_dash(results: Results) -> None:
    lines = pages.page(results).lines

    assert len({line.colour for line in lines}) == len(lines)
    assert {line.dash for line in lines if line.kind == "baseline"} == {"dash"}


def test_a_rung_of_diverged_seeds_has_no_chart_and_names_them(odd: Results) -> None:
    page = pages.page(odd)
    figures = pages.figures(odd)

    for panel, rung in zip(page.panels, odd["rungs"], strict=True):
        gone = [s["seed"] for s in rung["seeds"] if s["stopped"] == "diverged"]
        assert panel.diverged == gone
        assert (panel.chart is None) == (len(gone) == len(rung["seeds"]))
        assert panel.chart is None or panel.chart in figures


def test_one_step_ahead_has_no_chart_per_step(odd: Results) -> None:
    assert ("steps" in pages.figures(odd)) == (
        odd["data"]["horizon"] > 1 and bool(pages.page(odd).lines)
    )


def test_scores_share_their_decimals(results: Results) -> None:
    assert pages.page(results).digits == {"mae": 2, "rmse": 2, "mase": 3}


def test_no_effect_is_always_on_the_axis(results: Results) -> None:
    for pair in [*results["verdict"]["pairs"], results["verdict"]["baseline"]]:
        pair |= {"percent": -8.0, "low": -9.0, "high": -7.0}
    effects = pages.page(results).effects

    assert 0 < effects.line < 100
    assert effects.band[0] + effects.band[1] <= 100
    assert effects.band[1] > 5
