"""A rung's curves are over the fits that did not diverge."""

from typing import Any

import pytest

from lockgate.reports.curves import curve, curve_figures, curve_panels, fall_below_0

Results = dict[str, Any]


def test_a_diverged_fit_is_not_in_the_curve(results: Results) -> None:
    rung = results["rungs"][0]
    rung["rounds"][1]["stopped"] = "diverged"
    rung["rounds"][1]["history"]["training"] = [1e30, None]

    assert max(curve(rung, "training").high) < 10
    assert curve(rung, "training").running[0] == 9
    assert curve_panels([rung])[0].diverged == [2]


def test_every_chart_has_its_panel(odd: Results) -> None:
    charts = [panel.chart for panel in curve_panels(odd["rungs"]) if panel.chart]

    assert charts == list(curve_figures(odd["rungs"]))


def test_folds_of_other_levels_are_drawn_together(results: Results) -> None:
    rung = results["rungs"][0]
    before = curve(rung, "training"), curve(rung, "validation")
    for which in ("training", "validation"):
        values = rung["rounds"][0]["history"][which]
        rung["rounds"][0]["history"][which] = [1000 * value for value in values]

    for kept, drawn in zip(
        before, (curve(rung, "training"), curve(rung, "validation")), strict=True
    ):
        assert drawn.high == pytest.approx(kept.high, rel=1e-4)
    assert min(before[1].low) == 1.0


def test_a_loss_of_0_is_no_measure(results: Results) -> None:
    rung = results["rungs"][0]
    rung["rounds"] = rung["rounds"][:1]
    rung["rounds"][0]["history"] |= {"training": [2.0, 1.0], "validation": [1.0, 0.0]}

    assert curve(rung, "training").mean == [2.0, 1.0]


def test_losses_that_fall_below_0_are_drawn_less_the_lowest_of_their_fit(results: Results) -> None:
    rungs = results["rungs"][:2]
    assert not fall_below_0(rungs)
    rungs[0]["rounds"] = rungs[0]["rounds"][:2]
    for one, shift in zip(rungs[0]["rounds"], (0.0, 7.0), strict=True):
        one["history"] |= {
            "training": [shift + 1.0, shift - 0.5],
            "validation": [shift + 2.0, shift - 1.0],
        }

    assert fall_below_0(rungs)
    assert curve(rungs[0], "training", less=True).mean == [2.0, 0.5]
    assert curve(rungs[0], "validation", less=True).high == [3.0, 0.0]
    assert min(curve(rungs[1], "validation", less=True).low) == 0.0
