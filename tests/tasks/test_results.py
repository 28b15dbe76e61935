"""Results of another format are refused with the remedy; what was selected is found in them."""

from typing import Any

import pytest

from lockgate.errors import DataError
from lockgate.tasks.results import checked_results, reference_baseline, selected_rung


def make(selected: str = "lstm", reference: str = "") -> Any:
    return {
        "format_version": 2,
        "rungs": [{"name": "lstm"}, {"name": "both"}],
        "baselines": [{"name": n, "reference": n == reference} for n in ("drift", "ridge")],
        "verdict": {"selected": selected},
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "r.json must be an object with format_version 2, got a list"),
        ({}, "r.json must have format_version 2, got none. Use the lockgate that wrote it."),
        (
            {"format_version": 1, "lockgate_version": "3.0", "command": "lockgate study a.csv"},
            "r.json must have format_version 2, got 1. Use the lockgate that wrote it (3.0), or "
            "repeat the study: lockgate study a.csv",
        ),
        ({"format_version": "1", "command": 3}, "got '1'. Use the lockgate that wrote it."),
    ],
    ids=["no-object", "none", "earlier", "text"],
)
def test_another_format_is_refused_with_the_remedy(content: Any, message: str) -> None:
    with pytest.raises(DataError) as error:
        checked_results(content, "r.json")

    assert str(error.value).endswith(message)


def test_the_selected_rung_and_the_reference_are_found_by_their_marks() -> None:
    results = make("both", "ridge")

    assert selected_rung(results) == {"name": "both"}
    assert reference_baseline(results) == {"name": "ridge", "reference": True}


def test_there_may_be_no_reference() -> None:
    assert reference_baseline(make()) is None
