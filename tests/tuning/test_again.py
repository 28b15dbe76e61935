"""The best are fitted again on other seeds, beside the default, and judged as rungs are."""

import pytest

from lockgate.studies.looks import LookPlan
from lockgate.studies.rule import PairVerdict
from lockgate.tuning.again import Again, best_again


def pair(name, percent, outcome="open"):
    return PairVerdict(name, "default", percent, None, None, outcome)


def made(*verdicts):
    return Again((), (), (), {}, verdicts, (), LookPlan.planned(3, 3), 8, True, "rounds")


def test_the_best_again_has_the_least_error_whatever_its_verdict():
    best = best_again(made(pair("trial-1", -1.0, "helps"), pair("trial-2", -4.0)))

    assert best is not None
    assert best.rung == "trial-2"
    assert best_again(made(pair("trial-1", None))) is None


def test_rounds_share_no_seed_with_the_search(searched):
    seeds = {
        part: {int(path.name.split("-")[0]) for path in searched.folder.glob(f"**/rounds/{part}*")}
        for part in "0123456789"
    }
    all_of = set().union(*seeds.values())

    assert {1, 2, 3, 1000, 1001, 1002} == all_of
    again = {path.parent.name for path in searched.folder.glob("**/rounds/*/default")}
    assert len(again) == 6


def test_each_round_fits_the_default_and_the_best_three(searched):
    results = searched.results
    trials = [one for one in results["trials"] if one["state"] == "complete"]
    best = sorted(trials, key=lambda one: (one["percent"], one["number"]))[:3]

    names = [one["name"] for one in results["entrants"]]
    assert names == ["default", *(f"trial-{one['number']}" for one in best)]
    for name in names:
        folders = list(searched.folder.glob(f"**/rounds/[123]-*/{name}/fit.json"))
        assert len(folders) == 3


def test_the_verdicts_are_the_changes_of_the_rounds(searched):
    for told in searched.results["verdict"]["pairs"]:
        assert told["parent"] == "default"
        assert told["rounds"] == len(told["by_round"]) == 3
        changes = [one / 100 for one in told["by_round"].values()]
        mean = 1.0
        for change in changes:
            mean *= (1 + change) ** (1 / 3)
        assert told["percent"] == pytest.approx(100 * (mean - 1))
        assert told["low"] < told["percent"] < told["high"]
