"""Everything that a search found is in its results, as numbers that follow from each other."""

import math

import pytest

KEYS = {
    "": {"format_version", "kind", "task", "lockgate_version", "created", "command", "seconds"}
    | {"config", "environment", "data", "metric", "folds", "space", "search", "trials"}
    | {"entrants", "verdict", "settings", "baselines", "delivered"},
    "space.0": {"path", "name", "low", "high", "log", "choices", "default", "importance"},
    "trials.0": {"number", "batch", "state", "values", "percent", "by_fold", "seconds"}
    | {"parameters", "reason"},
    "entrants.0": {"name", "trial", "words", "values", "parameters", "judged", "by_fold"}
    | {"seconds", "best_epoch", "searched"},
    "verdict": {"recommendation", "words", "pairs", "tuned", "selected", "baseline"}
    | {"smallest_effect", "rounds", "most_rounds", "ended", "blocks", "test_looks"},
    "search": {"asked", "done", "complete", "ended", "batch", "seconds"},
    "baselines.0": {"name", "judged", "test"},
    "folds.0": {"name", "train", "stopping", "judged", "begins", "ends"},
}


@pytest.mark.parametrize("place", KEYS)
def test_results_have_these_keys(searched, place):
    value = searched.results
    for key in filter(None, place.split(".")):
        value = value[int(key) if isinstance(value, list) else key]

    assert set(value) == KEYS[place]


def test_a_trial_is_the_mean_of_its_folds(searched):
    for one in searched.results["trials"]:
        logs = [math.log1p(percent / 100) for percent in one["by_fold"].values()]
        assert one["percent"] == pytest.approx(100 * math.expm1(sum(logs) / len(logs)))
        assert len(logs) == (3 if one["state"] == "complete" else 1)


def test_what_was_searched_stands_beside_what_came_again(searched):
    trials = {one["number"]: one for one in searched.results["trials"]}
    default, *others = searched.results["entrants"]

    assert (default["name"], default["trial"], default["searched"]) == ("default", None, None)
    assert default["values"]["model.hidden_size"] == 4
    for one in others:
        assert one["values"] == trials[one["trial"]]["values"]
        assert one["searched"] == trials[one["trial"]]["percent"]
        assert set(one["by_fold"]) == {fold["name"] for fold in searched.results["folds"]}


def test_what_is_told_of_the_search_is_counted(searched):
    search, trials = searched.results["search"], searched.results["trials"]

    assert (search["asked"], search["done"], search["ended"]) == (8, 8, "trials")
    assert search["complete"] == sum(one["state"] == "complete" for one in trials) == 3
    assert search["seconds"] == pytest.approx(sum(one["seconds"] for one in trials))
    tuned = min(searched.results["verdict"]["pairs"], key=lambda pair: pair["percent"])
    assert searched.results["verdict"]["tuned"] == tuned["rung"]


def test_the_baseline_is_the_best_on_the_rows_judged(searched):
    baselines = {one["name"]: one["judged"]["mae"] for one in searched.results["baselines"]}

    assert searched.results["verdict"]["baseline"]["name"] == min(baselines, key=baselines.get)
