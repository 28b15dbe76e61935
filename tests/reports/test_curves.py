"""A rung's curves are over the seeds that did not diverge."""

from typing import Any

from lockgate.reports.curves import curve, curve_figures, curve_panels

Results = dict[str, Any]


def test_a_diverged_seed_is_not_in_the_curve(results: Results) -> None:
    rung = results["rungs"][0]
    rung["seeds"][1]["stopped"] = "diverged"
    rung["seeds"][1]["history"]["training"] = [1e30, None]

    assert max(curve(rung, "training").high) < 10
    assert curve(rung, "training").running[0] == 4
    assert curve_panels([rung])[0].diverged == [1]


def test_every_chart_has_its_panel(odd: Results) -> None:
    charts = [panel.chart for panel in curve_panels(odd["rungs"]) if panel.chart]

    assert charts == list(curve_figures(odd["rungs"]))
