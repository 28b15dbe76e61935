"""Charts of intervals: coverage and width by step, places of truths, and the fan."""

from typing import Any

from lockgate.tasks.forecasting.interval_charts import bands, interval_figures

LEVELS = [
    {"level": 80.0, "per_step": [0.81, None, 0.7], "width_per_step": [1.0, 2.0, 3.0]},
    {"level": 95.0, "per_step": [0.95, 0.9, 0.99], "width_per_step": [2.0, 3.0, 4.0]},
]


def made(**changed: Any) -> dict[str, Any]:
    return {"levels": LEVELS, "placed": [0.05, 0.15] * 5, **changed}


def test_what_is_covered_stands_beside_what_was_meant() -> None:
    figure = interval_figures(made(), 2)["covered"]

    drawn = {one["name"]: one["y"] for one in figure["data"]}
    assert drawn == {"80 %": [81.0, None, 70.0], "95 %": [95.0, 90.0, 99.0]}
    assert [shape["y0"] for shape in figure["layout"]["shapes"]] == [80.0, 95.0]


def test_truths_are_counted_in_tenths_beside_an_even_share() -> None:
    figure = interval_figures(made(), 2)["placed"]

    assert figure["data"][0]["y"] == [5.0, 15.0] * 5
    assert figure["layout"]["shapes"][0]["y0"] == 10.0


def test_one_step_or_no_level_has_no_chart_by_steps() -> None:
    one = [LEVELS[0] | {"per_step": [0.8], "width_per_step": [1.0]}]

    assert [*interval_figures(made(levels=one), 2)] == ["placed"]
    assert [*interval_figures(made(levels=[]), 2)] == ["placed"]


def test_the_widest_band_of_a_fan_lies_below() -> None:
    own = [
        {"level": 80.0, "low": [1.0, 1.0], "high": [2.0, 2.0]},
        {"level": 95.0, "low": [0.0, 0.0], "high": [3.0, 3.0]},
    ]

    traces = bands({"ds": ["a", "b"], "intervals": own}, "%{y}")

    assert [one["y"] for one in traces] == [[0.0] * 2, [3.0] * 2, [1.0] * 2, [2.0] * 2]
    assert [one.get("fill") for one in traces] == [None, "tonexty", None, "tonexty"]
    assert traces[1]["fillcolor"] == "@model 0.16"
    assert traces[3]["fillcolor"] == "@model 0.3"


def test_a_forecast_of_an_earlier_study_has_no_fan() -> None:
    assert bands({"ds": ["a"]}, "%{y}") == []
