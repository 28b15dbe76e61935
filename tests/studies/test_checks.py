"""The checks of a study: what passes, what warns, what fails."""

from typing import Any

import made
import pytest

from lockgate.studies.checks import checks

Results = dict[str, Any]


@pytest.fixture
def results() -> Results:
    """A study that has no fault."""
    results = made.make()
    for rung in results["rungs"]:
        rung["overfits_from"] = None
    for pair in results["verdict"]["pairs"]:
        pair["outcome"] = "no difference"
    return results


def one(results: Results, name: str) -> tuple[str, str]:
    [found] = [check for check in checks(results, []) if check["name"] == name]
    return found["status"], found["text"]


def test_a_clean_study_passes_and_keeps_the_checks_of_its_data(results: Results) -> None:
    of_data = [{"name": "Padding", "status": "warn", "text": "Much."}]

    *found, last = checks(results, of_data)

    assert last == of_data[0]
    assert {check["status"] for check in found} == {"pass"}


@pytest.mark.parametrize(
    ("outcome", "status", "verb"),
    [
        ("beats", "pass", "beats ridge alone"),
        ("ties", "warn", "does not clearly beat ridge alone"),
        ("loses", "fail", "is worse than ridge alone"),
        ("no verdict", "warn", "cannot be compared, for want of test rows, with ridge alone"),
    ],
)
def test_what_is_delivered_is_set_against_the_baseline_in_it(
    results: Results, outcome: str, status: str, verb: str
) -> None:
    results["delivered"]["effect"]["outcome"] = outcome

    assert one(results, "Naive baselines") == (
        status,
        f"The model delivered {verb} on the test part.",
    )


def test_a_baseline_that_is_ahead_on_the_test_part_warns(results: Results) -> None:
    results["baselines"][0]["test"]["mae"] = 2.0

    status, text = one(results, "Naive baselines")

    assert status == "warn"
    assert text.endswith(" Better on the test part: last value.")
    results["delivered"]["effect"] = None
    assert one(results, "Naive baselines")[0] == "warn"
    results["baselines"][0]["test"]["mae"] = 3.0
    assert one(results, "Naive baselines")[0] == "pass"


def test_without_baselines_nothing_is_said_to_be_beaten(results: Results) -> None:
    results["baselines"], results["verdict"]["baseline"] = [], None

    assert one(results, "Naive baselines")[0] == "warn"
    assert one(results, "A single network")[0] == "warn"


@pytest.mark.parametrize(
    ("outcome", "status", "verb"),
    [
        ("beats", "pass", "beats"),
        ("ties", "warn", "does not clearly beat"),
        ("loses", "fail", "is worse than"),
        ("no verdict", "warn", "has no verdict against"),
    ],
)
def test_a_single_network_is_set_against_the_reference(
    results: Results, outcome: str, status: str, verb: str
) -> None:
    results["verdict"]["baseline"]["outcome"] = outcome

    assert one(results, "A single network") == (
        status,
        f"recurrent-dropout {verb} ridge on the rows judged.",
    )


def test_open_comparisons_are_told_with_what_would_decide_them(results: Results) -> None:
    pairs = results["verdict"]["pairs"]
    pairs[0] |= {"outcome": "open", "limit": None}
    pairs[1] |= {"outcome": "open", "limit": "rows"}
    pairs[2] |= {"outcome": "no verdict", "reason": "the rung or its parent has no score"}

    assert one(results, "Enough evidence") == (
        "warn",
        "Open: input-dropout. More rounds may tell (--resume --rounds). Open for want of rows: "
        "recurrent-dropout. No number of rounds would tell. No verdict: both (the rung or its "
        "parent has no score).",
    )
    results["verdict"]["pairs"] = []
    assert one(results, "Enough evidence")[0] == "warn"


def test_overfitting_of_the_plain_network_warns_with_its_epoch(results: Results) -> None:
    results["rungs"][0]["overfits_from"] = 17

    status, text = one(results, "Overfitting of the plain network")

    assert status == "warn"
    assert text.startswith("lstm overfits from epoch 17;")


def test_one_round_cannot_tell_overfitting(results: Results) -> None:
    for number in range(2, 11):
        made.diverge(results["rungs"][0], number)

    assert one(results, "Overfitting of the plain network") == (
        "warn",
        "It takes two rounds to tell.",
    )


@pytest.mark.parametrize("stopped", ["max_epochs", "max_steps"])
def test_fits_cut_by_a_limit_warn(results: Results, stopped: str) -> None:
    for number in (2, 5):
        results["rungs"][1]["rounds"][number]["stopped"] = stopped

    assert one(results, "Trained to the end") == (
        "warn",
        "Cut by a limit of steps or epochs before the early stop: input-dropout (2 fits).",
    )


def test_diverged_fits_are_named_by_rung_and_round(results: Results) -> None:
    made.diverge(results["rungs"][0], 3)
    made.diverge(results["rungs"][2], 1)
    made.diverge(results["rungs"][2], 7)

    assert one(results, "Diverged fits") == (
        "fail",
        "Left out of every comparison: lstm round 3; recurrent-dropout rounds 1 and 7.",
    )


@pytest.mark.parametrize(("looks", "status"), [(1, "pass"), (2, "warn")])
def test_a_second_look_at_the_test_part_warns(results: Results, looks: int, status: str) -> None:
    results["verdict"]["test_looks"] = looks

    assert one(results, "Looks at the test part")[0] == status


def turn_in_the_latest(results: Results, change: float) -> None:
    """Let recurrent dropout help over all, and change the score so in the latest fold."""
    pair = results["verdict"]["pairs"][1]
    pair |= {"outcome": "helps", "by_round": {"4": -9.0, "5": change, "10": change}}


@pytest.mark.parametrize(
    ("change", "status"), [(6.0, "warn"), (1.0, "pass"), (-6.0, "pass")], ids=str
)
def test_a_latest_fold_that_disagrees_with_the_mean_warns(
    results: Results, change: float, status: str
) -> None:
    turn_in_the_latest(results, change)

    found = one(results, "The latest stretch")

    assert found[0] == status
    if status == "warn":
        assert found[1] == (
            "The fold from 2020-09-17 disagrees with the mean: recurrent-dropout helps over all, "
            "there +6.0 %."
        )


def test_a_baseline_that_turns_in_the_latest_fold_warns(results: Results) -> None:
    results["rungs"][2]["by_fold"]["fold 5"] = 1.1 * results["baselines"][4]["by_fold"]["fold 5"]

    assert one(results, "The latest stretch")[1].endswith(
        "a single network beats ridge over all, there +10.0 %."
    )


def test_folds_without_dates_have_no_latest(results: Results) -> None:
    turn_in_the_latest(results, 6.0)
    for fold in results["folds"]:
        fold["begins"] = None

    assert "The latest stretch" not in {check["name"] for check in checks(results, [])}
