"""Results of another format are refused with the remedy; what was selected is found in them."""

from typing import Any

import pytest

from lockgate.errors import DataError
from lockgate.tasks.results import (
    checked_results,
    delivered_parts,
    reference_baseline,
    selected_rung,
)


def make(selected: str = "lstm", reference: str = "") -> Any:
    return {
        "format_version": 2,
        "rungs": [{"name": "lstm"}, {"name": "both"}],
        "baselines": [{"name": n, "reference": n == reference} for n in ("drift", "ridge")],
        "verdict": {"selected": selected},
    }


def test_results_of_this_format_are_taken_as_they_are() -> None:
    results = make()

    assert checked_results(results) is results


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "r.json must be an object with format_version 2, got a list"),
        ({}, "r.json must have format_version 2, got none. Use the lockgate that wrote it."),
        (
            {"format_version": 3, "lockgate_version": "3.0", "command": "lockgate study a.csv"},
            "r.json must have format_version 2, got 3. Use the lockgate that wrote it (3.0), or "
            "repeat the study: lockgate study a.csv",
        ),
        (
            {"format_version": 1, "command": "lockgate study a.csv"},
            "r.json must have format_version 2, got 1. Use the lockgate that wrote it, or "
            "repeat the study: lockgate study a.csv",
        ),
        ({"format_version": "2", "command": 3}, "got '2'. Use the lockgate that wrote it."),
    ],
    ids=["no-object", "none", "later", "earlier", "text"],
)
def test_another_format_is_refused_with_the_remedy(content: Any, message: str) -> None:
    with pytest.raises(DataError) as error:
        checked_results(content, "r.json")

    assert str(error.value).endswith(message)


def test_the_selected_rung_and_the_reference_are_found_by_their_marks() -> None:
    results = make("both", "ridge")

    assert selected_rung(results) == {"name": "both"}
    assert reference_baseline(results) == {"name": "ridge", "reference": True}


def test_where_no_baseline_has_a_score_there_is_no_reference() -> None:
    assert reference_baseline(make()) is None


DELIVERED: Any = {
    "members": 5,
    "baseline": "ridge",
    "single": {"mae": 4.0},
    "networks": {"mae": 3.0},
    "mixture": {"mae": 1.0},
    "refitted": {"mae": 2.0},
}
ALONE = {"baseline": None, "refitted": None}


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({}, ["one network", "mean of 5", "*mixed with ridge", "ridge in it"]),
        (ALONE, ["one network", "*mean of 5"]),
        ({"members": 1}, ["one network", "*mixed with ridge", "ridge in it"]),
        ({"members": 1, **ALONE}, ["*one network"]),
    ],
    ids=["all", "unmixed", "one", "one-unmixed"],
)
def test_one_of_the_parts_delivered_is_the_whole(more: Any, names: list[str]) -> None:
    parts = delivered_parts({**DELIVERED, **more})

    assert [f"{'*' * part.whole}{part.name}" for part in parts] == names
    of = {"one": 4.0, "mean": 3.0, "mixed": 1.0, "ridge": 2.0}
    assert [part.scores["mae"] for part in parts] == [of[part.name.split()[0]] for part in parts]
