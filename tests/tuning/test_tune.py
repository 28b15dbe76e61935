"""A search goes on where it stopped, judges without the test part, and tells what came of it."""

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import lockgate
from lockgate import DataError
from lockgate.tuning import halving, sampler
from lockgate.tuning import tune as tune_module
from lockgate.tuning.storage import JOURNAL, TrialStorage

FITS = 1 + 6 + 2 + 2 * (1 + 2 + 1) + 3 * 4 + 1
TIMES = ("seconds", "created", "command", "environment", "words")


def numbers(value):
    """Leave out what may differ between two runs: times, and where it ran."""
    if isinstance(value, dict):
        return {key: numbers(inner) for key, inner in value.items() if key not in TIMES}
    return [numbers(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture
def tune(small_tune, space, table, tmp_path):
    def run(source=table, name="search", space=space, **settings):
        out = tmp_path / "runs" / name
        return lockgate.tune(source, out=out, space=space, **{**small_tune, **settings})

    return run


SLOW = [pytest.param(after, marks=pytest.mark.slow) for after in (0, 1, 6, 11, 17, 29)]


@pytest.mark.parametrize("after", [3, 8, 20, *SLOW])
def test_a_search_that_is_broken_off_ends_as_one_that_is_not(tune, searched, break_off, after):
    done = break_off(after)
    with pytest.raises(KeyboardInterrupt):
        tune()

    break_off(None)
    resumed = tune(resume=True)

    assert numbers(resumed.results) == numbers(searched.results)
    assert len(done) == len(set(done)) == FITS


def test_it_may_break_off_again_and_again_and_while_trials_are_written(
    tune, break_off, monkeypatch, tmp_path
):
    """Also where the second batch learns from the first, and one of its two trials is written."""
    monkeypatch.setattr(sampler, "AT_RANDOM", 2)
    whole, finish, left = tune(name="whole"), TrialStorage.finish, [7]

    def break_while_writing(self, trial):
        if not left[0]:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        finish(self, trial)

    done = break_off(4)
    before = len(done)
    with pytest.raises(KeyboardInterrupt):
        tune()
    break_off(None)
    monkeypatch.setattr(TrialStorage, "finish", break_while_writing)
    with pytest.raises(OSError, match="No space"):
        tune(resume=True)
    monkeypatch.setattr(TrialStorage, "finish", finish)
    journal = tmp_path / "runs" / "search" / JOURNAL
    journal.write_bytes(journal.read_bytes() + b'{"op_code":4,"worker_')
    break_off(5)
    with pytest.raises(KeyboardInterrupt):
        tune(resume=True)
    break_off(None)

    resumed = tune(resume=True)

    for part in ("trials", "entrants", "settings", "delivered"):
        assert numbers(resumed.results[part]) == numbers(whole.results[part])
    assert resumed.results["verdict"]["pairs"] == whole.results["verdict"]["pairs"]
    assert len(done) - before == len(set(done[before:]))


@pytest.mark.slow
def test_processes_side_by_side_change_no_number(tune, searched):
    assert numbers(tune(workers=2).results["trials"]) == numbers(searched.results["trials"])


def test_a_finished_search_repeats_nothing_and_looks_at_the_test_part_once(
    tune, break_off, tmp_path
):
    first, done = tune(), break_off(None)

    again = tune(resume=True)

    assert len(done) == FITS
    assert numbers(again.results) == numbers(first.results)
    [looks] = json.loads((tmp_path / "runs" / "test_looks.json").read_text()).values()
    assert len(looks) == 1
    assert again.results["verdict"]["test_looks"] == 1


@pytest.mark.slow
def test_more_rounds_judge_the_same_trials_further(tune, searched, break_off):
    tune()
    more = tune(resume=True, rounds=6)

    assert numbers(more.results["trials"]) == numbers(searched.results["trials"])
    assert more.results["verdict"]["rounds"] in (3, 6)  # 3 where all were decided
    names = [one["name"] for one in more.results["entrants"]]
    assert names == [one["name"] for one in searched.results["entrants"]]


def test_the_test_part_has_no_share_in_the_search(tune, table, searched, monkeypatch):
    poisoned = table.with_columns(
        pl.when(pl.int_range(pl.len()) >= 340)
        .then(pl.col("sold") * -7 + 1000)
        .otherwise("sold")
        .alias("sold")
    )
    look, search, fit_again, order = (
        *(tune_module.look, tune_module.search, tune_module.fit_again),
        [],
    )

    def told(name, original):
        def call(*args):
            order.append(name)
            return original(*args)

        return call

    for name, original in (("look", look), ("search", search), ("fit_again", fit_again)):
        monkeypatch.setattr(tune_module, name, told(name, original))

    results = tune(poisoned).results

    assert order == ["search", "fit_again", "look"]
    for part in ("trials", "entrants", "settings", "space"):
        assert numbers(results[part]) == numbers(searched.results[part])
    assert results["verdict"]["pairs"] == searched.results["verdict"]["pairs"]
    assert results["verdict"]["baseline"] == searched.results["verdict"]["baseline"]
    assert results["delivered"]["mixture"] != searched.results["delivered"]["mixture"]


def test_an_optimum_that_is_planted_is_found_and_helps(tune):
    """Of all rates only those above 1e-3 learn anything in two epochs."""
    space = {"learning_rate": [1e-7, 1e-1, "log"]}
    result = tune(space=space, learning_rate=1e-6, rounds=6, max_epochs=3, trials=18)

    rate = result.settings["training.learning_rate"]
    pair = next(
        one
        for one in result.results["verdict"]["pairs"]
        if one["rung"] == result.results["verdict"]["selected"]
    )
    assert rate > 1e-3
    assert pair["outcome"] == "helps"
    assert pair["high"] < 0
    assert result.recommendation.splitlines()[-1].startswith("Use the settings of trial")
    assert result.best.config.training.learning_rate == rate
    assert result.best.metrics["settings"] == result.settings


def test_where_tuning_makes_no_difference_the_default_is_kept_and_delivered(tune):
    result = tune(space={"output_dropout": [0.25, 0.25001]}, smallest_effect=2.0, rounds=6)

    verdict = result.results["verdict"]
    assert {pair["outcome"] for pair in verdict["pairs"]} == {"no difference"}
    assert verdict["selected"] == "default"
    assert result.settings == {}
    assert any(
        line.startswith("Keep the default settings: tuning makes no diff")
        for line in verdict["recommendation"]
    )
    assert result.best.config.model.output_dropout == 0.25


@pytest.mark.parametrize("kind", ["texts", pytest.param("class", marks=pytest.mark.slow)])
def test_labels_are_searched_too(labelled, label_study, tmp_path, kind):
    source, told = labelled(kind)
    study = {key: value for key, value in label_study.items() if key != "rungs"}

    result = lockgate.tune(source, out=tmp_path / "runs" / "x", trials=3, **study, **told)

    assert result.results["task"] == "labels"
    paths = {one["path"] for one in result.results["space"]}
    assert ("model.embedding_dropout" in paths) == (kind == "texts")
    searched = {fold for one in result.results["trials"] for fold in one["by_fold"]}
    judged = {fold for one in result.results["entrants"] for fold in one["by_fold"]}
    assert searched
    assert searched.isdisjoint(judged), "folds that are drawn are drawn anew"


def test_a_language_model_is_searched_too(tmp_path):
    words = np.random.default_rng(0).choice(["a", "b", "c", "d"], 3000)
    (tmp_path / "book.txt").write_text(" ".join(words))

    result = lockgate.tune(
        str(tmp_path / "book.txt"),
        task="language",
        out=tmp_path / "runs" / "x",
        trials=2,
        rounds=3,
        folds=3,
        workers=1,
        hidden_size=4,
        max_epochs=1,
        budget="none",
        space={"learning_rate": [1e-3, 1e-2, "log"], "embedding_size": [2, 4]},
    )

    assert result.results["metric"] == "log_loss"
    assert result.best.task == "language"


def test_settings_that_go_together_with_nothing_are_left_out_and_told(tune):
    """Two layers are refused by three sizes; alone each value is taken."""
    space = {"hidden_size": {"choices": [4, "4,4,4"]}, "num_layers": {"choices": [1, 2]}}
    result = tune(space=space, trials=8, rounds=3)

    refused = [one for one in result.results["trials"] if one["state"] == "refused"]
    assert refused
    for one in refused:
        assert one["values"] == {"model.hidden_size": "4,4,4", "model.num_layers": 2}
        assert "hidden_size must have one value for each of" in one["reason"]


def test_a_default_that_diverges_is_an_error_that_says_what_to_do(tune, monkeypatch):
    original = halving.Bench.fit

    def diverged(self, wanted):
        found = original(self, wanted)
        return {
            key: one._replace(judged=None) if key[0] == "default" else one
            for key, one in found.items()
        }

    monkeypatch.setattr(halving.Bench, "fit", diverged)

    with pytest.raises(DataError, match=r"default settings diverged in fold 1, .* learning_rate"):
        tune()


def test_another_search_in_the_same_folder_is_refused(tune, break_off):
    break_off(0)
    with pytest.raises(KeyboardInterrupt):
        tune()

    with pytest.raises(DataError, match=r"out must be a new folder, .* which holds a tune"):
        tune()
    with pytest.raises(DataError, match=r"trials is 8 there and 9 here; pass another out"):
        tune(resume=True, trials=9)


def test_what_is_told_of_luck_is_the_difference_of_the_numbers(searched):
    results = searched.results
    best = min(
        (one for one in results["trials"] if one["state"] == "complete"),
        key=lambda one: (one["percent"], one["number"]),
    )
    pair = next(
        one for one in results["verdict"]["pairs"] if one["rung"] == f"trial-{best['number']}"
    )
    told = next(line for line in results["verdict"]["words"] if line.startswith("In the search"))

    assert f"trial {best['number']} looked best, {best['percent']:+.1f} %".replace("-", "−") in (
        told
    )
    assert f"it has {pair['percent']:+.1f} %".replace("-", "−") in told
    assert math.isfinite(pair["percent"])


def test_the_report_and_the_settings_are_written(searched):
    folder: Path = searched.folder

    assert "Search over settings" in searched.report_path.read_text(encoding="utf-8")
    assert (folder / "config.yaml").exists()
    assert not list(folder.rglob(".*")), "temporary files stay"


def test_columns_that_are_known_ahead_are_found_to_help(tune):
    """Half of the days have a promotion, which nothing before tells."""
    rng = np.random.default_rng(0)
    promo = rng.integers(0, 2, 420)
    sold = 10.0 + 8.0 * promo + rng.normal(size=420)
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2021, 2, 23), eager=True)
    table = pl.DataFrame({"day": days, "sold": sold, "promo": promo})
    space = {"known_future": ["", "promo"]}

    learns = {"hidden_size": 8, "learning_rate": 0.02, "max_epochs": 15}

    result = tune(table, space=space, trials=4, folds=5, rounds=5, **learns)

    verdict = result.results["verdict"]
    [pair] = verdict["pairs"]
    assert pair["outcome"] == "helps"
    assert pair["percent"] < -30
    fitted = lockgate.load(result.folder)
    assert fitted.config.data.known_future == ("promo",)
    assert "known_future promo" in " ".join(verdict["words"])
