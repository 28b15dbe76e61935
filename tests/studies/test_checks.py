"""The checks of a study: what passes, what warns, what fails."""

import copy

import pytest

from lockgate.studies.checks import checks
from lockgate.tasks.forecasting.task import Forecasting


@pytest.fixture
def results(finished):
    results = copy.deepcopy(finished.results)
    for rung in results["rungs"]:
        rung["overfits_from"] = None
        for seed in rung["seeds"]:
            seed["stopped"] = "early"
    results["verdict"]["baseline"] |= {"name": "ridge", "outcome": "beats"}
    results["verdict"]["pairs"][0]["outcome"] = "helps"
    return results


def all_checks(results):
    return checks(results, Forecasting().checks(results["data"]))


def one(results, name):
    [found] = [check for check in all_checks(results) if check["name"] == name]
    return found["status"], found["text"]


def test_a_clean_study_passes_all_but_the_number_of_test_periods(results):
    statuses = {check["name"]: check["status"] for check in all_checks(results)}

    assert statuses.pop("Test periods") == "warn"
    assert set(statuses.values()) == {"pass"}


@pytest.mark.parametrize(
    ("outcome", "status", "text"),
    [
        ("beats", "pass", "beats ridge."),
        ("ties", "warn", "does not clearly beat ridge."),
        ("loses", "fail", "is worse than ridge."),
        (
            "no verdict",
            "warn",
            "cannot be compared with ridge: the test part gives 7 blocks where a verdict takes 8.",
        ),
    ],
)
def test_the_check_against_the_baseline(results, outcome, status, text):
    results["verdict"]["baseline"]["outcome"] = outcome
    results["verdict"]["blocks"] = 7

    found = one(results, "Naive baselines")

    selected = results["verdict"]["selected"]["rung"]
    assert found == (status, f"The selected network, {selected}, {text}")


@pytest.mark.parametrize("outcome", ["undecided", "no verdict"])
def test_open_comparisons_warn(results, outcome):
    results["verdict"]["pairs"][0]["outcome"] = outcome

    assert one(results, "Enough evidence")[0] == "warn"
    assert "Undecided: input-dropout." in one(results, "Enough evidence")[1]
    results["verdict"]["pairs"] = []
    assert one(results, "Enough evidence")[0] == "warn"


def test_comparisons_cut_by_a_limit_ask_for_a_larger_one(results):
    results["verdict"]["pairs"][0]["outcome"] = "undecided (budget)"

    assert one(results, "Enough evidence") == (
        "warn",
        "Cut short: input-dropout, or what they build on. A larger limit would tell.",
    )


def test_one_seed_cannot_tell_overfitting(results):
    del results["rungs"][0]["seeds"][1:]

    assert one(results, "Overfitting of the plain network") == (
        "warn",
        "It takes two seeds to tell.",
    )


def test_few_whole_windows_warn(results):
    assert one(results, "Whole windows")[0] == "pass"

    results["data"]["split"]["train"]["windows"] //= 2

    assert one(results, "Whole windows")[0] == "warn"


def test_overfitting_of_the_plain_network_warns_with_its_epoch(results):
    results["rungs"][0]["overfits_from"] = 17

    status, text = one(results, "Overfitting of the plain network")

    assert status == "warn"
    assert text.startswith("lstm overfits from epoch 17;")


@pytest.mark.parametrize("stopped", ["max_epochs", "max_steps"])
def test_fits_cut_by_a_limit_warn(results, stopped):
    results["rungs"][1]["seeds"][2]["stopped"] = stopped

    status, text = one(results, "Trained to the end")

    assert (status, text) == (
        "warn",
        "Cut by a limit of steps or epochs before the early stop: input-dropout.",
    )


@pytest.mark.parametrize(("missing", "status"), [(20, "pass"), (21, "warn")])
def test_more_than_a_twentieth_of_missing_targets_warns(results, missing, status):
    results["data"]["missing_target"] = missing

    assert one(results, "Missing targets")[0] == status
    assert one(results, "Missing targets")[1].startswith(f"{missing} of 400 rows lack the target")


@pytest.mark.parametrize(("looks", "status"), [(1, "pass"), (2, "warn")])
def test_a_second_look_at_the_test_part_warns(results, looks, status):
    results["verdict"]["test_looks"] = looks

    assert one(results, "Looks at the test part")[0] == status
