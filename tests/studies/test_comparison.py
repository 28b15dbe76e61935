"""Two studies are compared where they can be, and what differs between them is all told."""

from pathlib import Path
from typing import Any

import made
import pytest

from lockgate.errors import DataError
from lockgate.studies.comparison import Comparison, compare_studies
from lockgate.studies.result import StudyResult

Results = dict[str, Any]


@pytest.fixture
def other() -> Results:
    """A second study of the same data, to be changed at will."""
    return made.make()


def compared(other: Results) -> Comparison:
    return compare_studies(
        StudyResult(made.make(), Path("first")), StudyResult(other, Path("second"))
    )


def test_a_study_does_not_differ_from_itself(other: Results) -> None:
    found = compared(other)

    assert found.settings == []
    assert {row["change %"] for row in (*found.rungs, *found.delivered)} == {0.0}
    assert len(found.notes) == 2


def test_settings_that_differ_are_named_by_their_path(other: Results) -> None:
    other["config"]["training"]["patience"] = 20
    other["config"]["rungs"] = ["lstm", "both"]
    del other["config"]["budget"]
    other["config"]["folds"] = 5

    rows = {row["setting"]: (row["first"], row["second"]) for row in compared(other).settings}

    assert rows.pop("rungs")[1] == "lstm,both"
    assert rows == {"training.patience": ("8", "20"), "folds": ("none", "5")}


def test_rungs_of_either_study_have_a_row(other: Results) -> None:
    other["rungs"][0]["name"] = "gru"
    other["rungs"][3]["judged"]["mae"] = 0.5 * made.make()["rungs"][3]["judged"]["mae"]

    rows = {row["rung"]: row for row in compared(other).rungs}

    assert rows["lstm"]["second"] is rows["gru"]["first"] is rows["gru"]["change %"] is None
    assert rows["both"]["change %"] == pytest.approx(-50.0)


def test_effects_stand_side_by_side_with_their_outcomes(other: Results) -> None:
    other["verdict"]["pairs"][1] |= {"percent": -1.0, "outcome": "open"}
    del other["verdict"]["pairs"][2]

    rows = {row["rung"]: row for row in compared(other).pairs}

    assert rows["recurrent-dropout"] == {
        "rung": "recurrent-dropout",
        "against": "lstm",
        "change % 1": -4.0,
        "low 1": -6.1,
        "high 1": -2.0,
        "outcome 1": "helps",
        "change % 2": -1.0,
        "low 2": -6.1,
        "high 2": -2.0,
        "outcome 2": "open",
    }
    assert rows["both"]["outcome 2"] is None


def test_what_is_delivered_comes_before_the_baselines(other: Results) -> None:
    other["delivered"]["mixture"]["mae"] = 2.0

    first, *baselines = compared(other).delivered

    assert (first["model"], first["first"], first["second"]) == ("delivered", 2.198, 2.0)
    assert [row["model"] for row in baselines] == [one["name"] for one in other["baselines"]]


def test_other_folds_and_parts_are_noted(other: Results) -> None:
    other["folds"] = other["folds"][1:]
    other["data"]["split"]["test"]["rows"] = 7
    other["verdict"] |= {"selected": "both", "rounds": 20}

    notes = compared(other).notes

    assert notes[0] == "Selected: recurrent-dropout (LSTM) after 10 rounds, both (LSTM) after 20."
    assert notes[1].startswith("Their folds differ")
    assert notes[2].startswith("Their parts differ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(task="labels"), "same task .* got 'forecast' and 'labels'"),
        (lambda r: r.update(metric="rmse"), "same metric .* got 'mae' and 'rmse'"),
        (lambda r: r["data"].update(fingerprint="x", source="b.csv"), "same data .* 'b.csv'"),
        (lambda r: r["data"].update(target="p"), r"same target .* got 'T \(degC\)' and 'p'"),
        (lambda r: r["data"].update(horizon=1), "same horizon .* got 24 and 1: repeat one"),
    ],
    ids=["task", "metric", "data", "target", "horizon"],
)
def test_studies_of_another_question_are_refused(other: Results, change: Any, message: str) -> None:
    change(other)

    with pytest.raises(DataError, match=message):
        compared(other)
