"""What a finished search found is read from its folder, or refused with what is there instead."""

import json
from pathlib import Path

import pytest

from lockgate import DataError
from lockgate.settings import resolve
from lockgate.studies.config import study_config
from lockgate.tasks import registry
from lockgate.tuning.space import value_of
from lockgate.tuning.tuned import read_tuned


@pytest.fixture
def task():
    return registry.suitable(None, ["target"], "forecast")


@pytest.fixture
def config(task, small):
    return resolve(study_config(task.run, ("lstm",)), small, {"folds": 3})


@pytest.fixture
def copy(searched, tmp_path):
    """Write results of a search, changed, as another search left them."""

    def write(change):
        results = json.loads((searched.folder / "results.json").read_text(encoding="utf-8"))
        change(results)
        (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
        return str(tmp_path)

    return write


def test_what_it_keeps_the_default_over_is_what_was_best_once_fitted_again(copy, task, config):
    def change(results):
        results["verdict"].update(selected="default", tuned=results["entrants"][-1]["name"])

    folder = copy(change)
    found = read_tuned(folder, task, config)

    results = json.loads(Path(folder, "results.json").read_text(encoding="utf-8"))
    values = results["entrants"][-1]["values"]
    assert {path: value_of(found.best, path) for path in values} == values
    assert value_of(found.default, "model.hidden_size") == 4
    assert found.fingerprint == results["data"]["fingerprint"]


def test_what_it_recommends_comes_first(copy, task, config, searched):
    first, second = (one["name"] for one in searched.results["entrants"][1:3])
    folder = copy(lambda results: results["verdict"].update(selected=second, tuned=first))

    found = read_tuned(folder, task, config)

    values = next(one for one in searched.results["entrants"] if one["name"] == second)["values"]
    assert {path: value_of(found.best, path) for path in values} == values
    assert f"learning_rate {values['training.learning_rate']:.3g}" in found.words
    assert "lookback" not in found.words


def test_a_folder_without_a_search_that_has_ended_is_refused(tmp_path, task, config):
    with pytest.raises(
        DataError,
        match=r"tuned must be the folder of a search that has ended \(lockgate tune\), got .*, "
        r"which holds no results\.json",
    ):
        read_tuned(str(tmp_path), task, config)


def test_a_folder_of_a_study_is_refused(finished, task, config):
    with pytest.raises(DataError, match="must be those of a search"):
        read_tuned(str(finished.folder), task, config)


def test_a_search_of_another_task_is_refused(copy, task, config):
    folder = copy(lambda results: results.update(task="labels"))

    with pytest.raises(
        DataError,
        match=r"tuned must be a search of this task, forecast, got .*, which is of 'labels'",
    ):
        read_tuned(folder, task, config)


def test_a_search_that_judged_no_trial_is_refused(copy, task, config):
    folder = copy(lambda results: results["verdict"].update(selected="default", tuned=None))

    with pytest.raises(
        DataError,
        match=r"tuned must be a search that found settings, got .*, none of whose trials was",
    ):
        read_tuned(folder, task, config)


def test_only_what_it_changed_is_told(copy, task, config):
    def change(results):
        name = results["verdict"]["tuned"]
        entrant = next(one for one in results["entrants"] if one["name"] == name)
        entrant["values"] |= {"model.hidden_size": 4, "model.cell": "gru"}

    words = read_tuned(copy(change), task, config).words

    assert "cell gru" in words
    assert "hidden_size" not in words
