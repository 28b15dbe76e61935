"""A rung of a search has the settings that it found, and is judged against what it began with."""

import json

import made
import numpy as np
import pytest

import lockgate
from lockgate import DataError
from lockgate.settings import read_settings
from lockgate.studies.fits import load_prepared
from lockgate.studies.tuned import seen_words
from lockgate.tasks import registry
from lockgate.tasks.results import selected_rung
from lockgate.tuning.space import configured

SEEN = (
    "The search that found tuned saw the rows of these rounds, and chose among its best by their "
    "seeds: what its best owes to luck with them it keeps, so that its verdict is less sure than "
    "one on a trick that was named beforehand."
)


@pytest.fixture
def best(searched):
    """What the search found, by path."""
    verdict, entrants = searched.results["verdict"], searched.results["entrants"]
    return next(one for one in entrants if one["name"] == verdict["tuned"])["values"]


@pytest.fixture
def settings(small_study, searched, best):
    """A study of one plain network and of what the search found."""
    own = {"rungs": "lstm", "lookback": best["data.lookback"], "rounds": 3}
    return {**small_study, **own, "tuned": str(searched.folder)}


@pytest.fixture
def study(table, settings, tmp_path):
    return lockgate.study(table, out=tmp_path / "study", **settings)


def test_it_is_judged_against_what_the_search_began_with(study, searched, best):
    rungs = {one["name"]: one for one in study.results["rungs"]}
    pairs = {(one["rung"], one["parent"]) for one in study.results["verdict"]["pairs"]}

    assert list(rungs) == ["lstm", "default", "tuned"]
    assert pairs == {("default", "lstm"), ("tuned", "default")}
    began = searched.results["config"]["model"]
    assert rungs["default"]["model"] == began
    network = {path.partition(".")[2]: v for path, v in best.items() if path.startswith("model.")}
    assert network.keys() >= {"hidden_size", "cell"}
    assert rungs["tuned"]["model"] == {**began, **network}
    assert SEEN in study.results["verdict"]["words"]
    assert SEEN in [one["text"] for one in study.results["checks"]]


def test_its_fits_are_those_of_a_run_with_the_settings_found(study, searched, best):
    """Judge a fit of the study by one that is trained apart, with the settings of the search."""
    task = registry.suitable(None, ["target"], "forecast")
    config = {name: searched.results["config"][name] for name in task.run.model_fields}
    run = configured(task.run(**config), {**best, "training.device": "cpu"})
    folder = next((study.folder / "rounds").glob("1-*"))
    prepared = load_prepared(study.folder / "prepared" / folder.name.removeprefix("1-"), task)

    fitted, _ = task.train(prepared, run, seed=1, name="tuned")

    judged = np.load(folder / "tuned" / "judged.npy")
    assert judged == pytest.approx(task.predict(fitted, prepared, "test"), rel=1e-6)
    default = np.load(folder / "default" / "judged.npy")
    assert default != pytest.approx(judged, rel=1e-3)


def test_what_all_rungs_share_is_no_part_of_what_was_found(study, best):
    words = "\n".join(study.results["verdict"]["words"])

    assert f"the best of the search (hidden_size {best['model.hidden_size']}, " in words.lower()
    assert "lookback" not in words


def test_what_is_delivered_has_the_settings_found_where_they_help(study, best):
    run = study.best.config
    chosen = selected_rung(study.results)
    rate = {"tuned": best["training.learning_rate"]}.get(chosen["name"], 0.001)

    assert run.training.learning_rate == rate
    assert run.model.model_dump(mode="json") == chosen["model"]


def test_settings_and_command_hold_it_and_a_resumed_study_repeats_no_fit(
    study, table, settings, numbers
):
    asked = read_settings(study.folder / "config.yaml")
    assert asked["tuned"] == settings["tuned"]
    assert f"tuned={settings['tuned']!r}" in study.results["command"]
    before = {path: path.stat().st_mtime_ns for path in study.folder.rglob("fit.json")}
    assert len(before) == 10  # three rungs in three rounds, and the one delivered

    again = lockgate.study(
        table, out=study.folder, config=study.folder / "config.yaml", resume=True
    )

    assert {path: path.stat().st_mtime_ns for path in study.folder.rglob("fit.json")} == before
    assert numbers(again.results) == numbers(study.results)


def altered(searched, tmp_path, change):
    """Copy what a search left, its results changed."""
    folder = tmp_path / "search"
    folder.mkdir()
    results = json.loads((searched.folder / "results.json").read_text(encoding="utf-8"))
    change(results)
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    return str(folder)


def found(results, **values):
    """Change what the best of a search has."""
    name = results["verdict"]["tuned"]
    entrant = next(one for one in results["entrants"] if one["name"] == name)
    entrant["values"] = {**entrant["values"], **values}


def test_a_search_that_went_on_and_found_something_else_is_not_resumed(
    study, table, settings, searched, tmp_path
):
    other = altered(
        searched, tmp_path, lambda results: found(results, **{"training.learning_rate": 0.5})
    )

    with pytest.raises(
        DataError,
        match=r"which holds another: tuned\.tuned\.training\.learning_rate is .* there and 0.5",
    ):
        lockgate.study(table, out=study.folder, resume=True, **{**settings, "tuned": other})


def test_a_search_that_was_moved_is_the_same(study, table, settings, searched, tmp_path):
    moved = altered(searched, tmp_path, lambda _: None)

    again = lockgate.study(table, out=study.folder, resume=True, **{**settings, "tuned": moved})

    assert again.results["verdict"]["pairs"] == study.results["verdict"]["pairs"]


def test_another_lookback_is_refused_with_what_makes_it_work(table, settings, best, tmp_path):
    own, here = best["data.lookback"], 21 - best["data.lookback"]

    with pytest.raises(
        DataError,
        match=rf"tuned must leave lookback as it is in this study, {here}, got {own} from .*: the "
        rf"folds of a study are prepared once for all its rungs; pass lookback={own} "
        rf"\(--lookback {own}\), and every rung has it",
    ):
        lockgate.study(table, out=tmp_path / "s", **{**settings, "lookback": here})
    assert not (tmp_path / "s").exists()


def test_a_lookback_that_the_data_choose_alike_is_none_other(table, settings, searched, tmp_path):
    data = lockgate.api.plan_study(
        table, **{k: v for k, v in settings.items() if k not in ("tuned", "lookback")}
    )
    chosen = data.prepared.preprocessing.lookback
    like = altered(searched, tmp_path, lambda results: found(results, **{"data.lookback": chosen}))
    settings = {**settings, "lookback": None, "tuned": like}

    plan = lockgate.api.plan_study(table, **settings)

    assert [rung.name for rung in plan.rungs] == ["lstm", "default", "tuned"]


def test_a_search_that_found_nothing_but_what_is_shared_is_refused(
    table, settings, searched, best, tmp_path
):
    def change(results):
        name = results["verdict"]["tuned"]
        entrant = next(one for one in results["entrants"] if one["name"] == name)
        entrant["values"] = {"data.lookback": best["data.lookback"]}

    folder = altered(searched, tmp_path, change)

    with pytest.raises(
        DataError, match="tuned must be a search that changed more than what all rungs of a study"
    ):
        lockgate.study(table, out=tmp_path / "s", **{**settings, "tuned": folder})


def test_a_search_of_other_data_is_refused(other_table, settings, tmp_path):
    with pytest.raises(
        DataError,
        match=r"tuned must be a search of the data of this study, got .*, which is of other data",
    ):
        lockgate.study(other_table, out=tmp_path / "s", **settings)


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"horizon": 2}, "data.horizon is 3 there and 2 here"),
        ({"max_epochs": 3}, "training.max_epochs is 2 there and 3 here"),
        ({"metric": "rmse"}, "training.metric is 'mae' there and 'rmse' here"),
    ],
)
def test_a_search_of_another_question_or_training_is_refused(
    table, settings, change, differs, tmp_path
):
    with pytest.raises(
        DataError,
        match=f"tuned must be a search with the data and the training of this study, got .*: "
        f"{differs}; give both the same",
    ):
        lockgate.study(table, out=tmp_path / "s", **{**settings, **change})


def test_of_folds_that_are_drawn_it_is_said_otherwise():
    results = made.make()
    assert seen_words(results) is None

    results["config"]["tuned"] = "runs/tune"
    stay = seen_words(results)
    for fold in results["folds"]:
        fold["begins"] = None

    assert stay == SEEN
    assert seen_words(results).startswith(
        "The search that found tuned saw these rows in other folds, and chose among its best by "
        "the folds and seeds of these rounds: what its best owes"
    )


def test_labels_have_the_rung_too(labelled, label_study, tmp_path):
    source, told = labelled("class")
    shared = {**label_study, **told}
    del shared["rungs"]
    search = lockgate.tune(
        source,
        trials=6,
        space={"hidden_size": [2, 6], "learning_rate": [1e-3, 1e-1, "log"]},
        out=tmp_path / "search",
        **shared,
    )

    study = lockgate.study(
        source, out=tmp_path / "study", rungs="gru", tuned=search.folder, **shared
    )

    assert [one["name"] for one in study.results["rungs"]] == ["gru", "default", "tuned"]
    assert any("saw these rows in other folds" in one for one in study.results["verdict"]["words"])
