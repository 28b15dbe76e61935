"""A card says what its model is worth beside baselines, whatever names a table holds."""

import json
from typing import Any

import yaml

from lockgate.tasks.card import About, card

ODD = "T | [°C] *now*\n`x` <b>"
ABOUT = About(
    f"A forecaster of {ODD}",
    "time-series-forecasting",
    "gru",
    {"forecasts": f"{ODD}, 24 steps"},
    ["lockgate predict FOLDER table.csv"],
    ["It knows nothing of tomorrow."],
)
METRICS: dict[str, Any] = {
    "metric": "mae",
    "test": {"mae": 1.5291, "rmse": 2.1486, "mase": None},
    "baselines": [
        {"name": "last value", "test": {"mae": 2.18, "rmse": 3.07}},
        {"name": "ridge", "test": {"mae": 1.82, "rmse": 2.4}},
    ],
    "test_looks": 3,
    "notices": ["1 gap from 2020"],
    "delivered": {
        "single": {"mae": 1.564, "rmse": 2.196, "mase": None},
        "words": ["It is ridge."],
        "intervals": {"words": ["The 80 % interval covers 85.7 % [81, 90]."]},
    },
}


def front(text: str) -> Any:
    """Read the front matter as Hugging Face does."""
    begin, matter, _ = text.split("---\n", 2)
    assert begin == ""
    return yaml.safe_load(matter)


def test_the_front_matter_holds_the_scores() -> None:
    told = front(card(ABOUT, METRICS))
    assert told["library_name"] == "lockgate"
    assert told["pipeline_tag"] == "time-series-forecasting"
    (model,) = told["model-index"]
    assert model["name"] == ABOUT.title
    scores = {one["type"]: one["value"] for one in model["results"][0]["metrics"]}
    assert scores == {"mae": 1.5291, "rmse": 2.1486}  # what is not known is left out


def test_the_model_stands_beside_the_baselines() -> None:
    text = card(ABOUT, METRICS)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert table == [
        "| | MAE | RMSE |",
        "|---|---|---|",
        "| this model | 1.53 | 2.15 |",
        "| one of its networks, on average | 1.56 | 2.20 |",
        "| last value | 2.18 | 3.07 |",
        "| ridge | 1.82 | 2.40 |",
    ]
    for sentence in ("It is ridge.", "covers 85.7 %", "looked at 3 times", "1 gap from 2020"):
        assert sentence in text


def test_a_name_stays_text_on_one_line() -> None:
    heading = next(line for line in card(ABOUT, METRICS).splitlines() if line.startswith("# "))
    assert heading == r"# A forecaster of T \| \[°C\] \*now\* \`x\` \<b\>"


def test_a_model_that_was_not_scored_has_a_card_without_scores() -> None:
    text = card(ABOUT, {})
    assert "model-index" not in front(text)
    assert "## Scores" not in text
    assert "looked at" not in text
    assert json.dumps("lockgate") in text
