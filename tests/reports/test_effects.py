"""Strips show what helps on the left, and say what qualifies each outcome."""

from typing import Any

import made
import pytest

from lockgate.reports.effects import effects, remark, scores
from lockgate.tasks.results import reference_baseline

Results = dict[str, Any]


def pair(outcome: str = "helps", **more: Any) -> Results:
    return made.make_pair("both", "lstm", (-4.0, -6.0, -2.0), outcome, **more)


def test_a_mark_lies_left_of_no_effect_where_the_error_fell(results: Results) -> None:
    rows, _, axis = effects(results)

    for row, one in zip(rows, results["verdict"]["pairs"], strict=True):
        assert row.mark.low < row.mark.point < row.mark.high
        assert (row.mark.point < axis.line) == (one["percent"] < 0)


def test_the_zone_of_no_difference_lies_around_no_effect(results: Results) -> None:
    _, _, wide = effects(results)
    results["verdict"]["smallest_effect"] = 1.0
    _, _, axis = effects(results)

    left, width = axis.band
    assert left + width / 2 == pytest.approx(axis.line, abs=0.01)
    assert width == pytest.approx(wide.band[1] / 2, rel=0.02)


def test_no_effect_is_always_on_the_axis(results: Results) -> None:
    for one in [*results["verdict"]["pairs"], results["verdict"]["baseline"]]:
        one |= {"percent": -8.0, "low": -9.0, "high": -7.0}
    _, _, axis = effects(results)

    assert 0 < axis.line < 100
    assert axis.band[0] + axis.band[1] <= 100
    assert axis.band[1] > 5


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        ("helps", "good"),
        ("hurts", "bad"),
        ("no difference", "same"),
        ("no gain", "same"),
        ("open", "open"),
        ("no verdict", "none"),
    ],
)
def test_each_outcome_has_its_look(results: Results, outcome: str, kind: str) -> None:
    results["verdict"]["pairs"][0]["outcome"] = outcome

    assert effects(results)[0][0].kind == kind


def test_other_baselines_that_did_better_are_named(results: Results) -> None:
    assert effects(results)[1].remark == ""
    results["verdict"]["baseline"]["better"] = ["drift", "ridge"]

    assert effects(results)[1].remark == "Better on these rows: drift and ridge."


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (pair(), ""),
        (
            pair("open"),
            "70 % likely to help; 5 to 10 more rounds would decide it if it is as it looks.",
        ),
        (
            pair("open", needed=[1, 1]),
            "70 % likely to help; 1 more round would decide it if it is as it looks.",
        ),
        (
            pair("open", needed=None, limit="rows"),
            "70 % likely to help; more rows would decide it, no number of rounds.",
        ),
        (pair("open", needed=None), "70 % likely to help."),
        (
            pair("no verdict", reason="2 folds, and a verdict needs 3"),
            "2 folds, and a verdict needs 3.",
        ),
        (pair(excluded=[1, 4]), "Rounds 1 and 4 diverged and are left out."),
    ],
    ids=["clear", "rounds", "one-round", "rows", "unknown", "no-verdict", "excluded"],
)
def test_a_remark_names_what_qualifies_the_outcome(one: Results, words: str) -> None:
    assert remark(one).replace("\xa0", " ") == words


def test_scores_stand_on_one_axis_with_the_reference_as_a_line(results: Results) -> None:
    rows, axis = scores(results, reference_baseline(results))

    points = {row.rung["name"]: row.mark.point for row in rows}
    assert points["recurrent-dropout"] < axis.line < points["stacked"]
    assert [row.rung["name"] for row in rows if row.selected] == ["recurrent-dropout"]
    assert [row.rung["name"] for row in rows if row.may_be_best] == ["recurrent-dropout", "both"]
    assert scores(results, None)[1].line is None


def test_a_baseline_far_off_does_not_press_the_pairs_together(results: Results) -> None:
    _, _, near = effects(results)
    results["verdict"]["baseline"] |= {"percent": 365.0, "low": 300.0, "high": 420.0}
    _, baseline, axis = effects(results)

    assert axis.band[1] > near.band[1] / 3
    assert baseline.mark.beyond
    assert baseline.mark.cut_high


def test_a_reference_far_off_does_not_press_the_scores_together(results: Results) -> None:
    reference = reference_baseline(results)
    reference["judged"]["mae"] = 0.1
    rows, axis = scores(results, reference)

    points = [row.mark.point for row in rows]
    assert axis.line is None
    assert max(points) - min(points) > 40
