"""What intervals cover, in words and rows."""

from typing import Any

from lockgate.tasks.forecasting.covered import covered_rows, interval_words

LEVEL = {"level": 80.0, "share": 0.7891, "low": 0.701, "high": 0.868, "width": 2.5}


def scored(*levels: dict[str, Any]) -> dict[str, Any]:
    return {"forecasts": 1204, "independent": 1050.2, "levels": list(levels)}


def test_words_tell_what_was_held_out_and_what_is_covered() -> None:
    alone = LEVEL | {"level": 95.0, "share": 0.9, "low": None, "high": None}

    assert interval_words(scored(LEVEL, alone), "these rows") == [
        "Intervals come from the errors of 1,204 forecasts of rows held out, of which about 1,050 "
        "do not overlap. On these rows the 80 % interval covers 78.9 % [70, 87] and the 95 % "
        "interval covers 90.0 %."
    ]


def test_words_say_that_there_are_too_few() -> None:
    [words] = interval_words(scored(), "the test part")

    assert words.endswith("do not overlap: too few for a level of 80 %.")


def test_rows_are_what_a_terminal_shows() -> None:
    assert [*covered_rows(scored(LEVEL))] == [
        {"interval": "80 %", "covers": "78.9 %", "95 % of blocks": "[70, 87]", "mean width": 2.5}
    ]
