"""A study end to end: what it writes, what chooses, and the one look at the test part."""

import datetime
import json
import math
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import lockgate
from lockgate import DataError, FittedForecaster
from lockgate.studies import study as study_module
from lockgate.tasks.forecasting import baselines
from lockgate.tasks.forecasting import task as forecasting_module
from lockgate.tasks.forecasting.windows import Windows
from lockgate.training.history import History

HORIZON = 3
VALIDATION_ENDS = 340  # 400 rows, 70 and 15 and 15 %
SCORES = {"mae", "rmse", "mase"}
FOLDS = {"pass-0-fold-0", "pass-0-fold-1", "pass-0-fold-2"}
# every key of results.json: a set of keys, or what the values of a list or a dictionary hold
CONTRACT = {
    "": {"format_version", "lockgate_version", "created", "command", "seconds", "config"}
    | {"environment", "data", "metric", "baselines", "cell", "rungs", "verdict", "checks"}
    | {"forecasts", "by_series", "importance", "clock", "residuals", "task", "delivered", "folds"},
    "config": {"data", "model", "training", "rungs", "rounds", "budget", "workers"}
    | {"ray", "gpus_per_fit", "track"}
    | {"members", "mix", "smallest_effect", "tuned"},
    "environment": {"lockgate", "python", "torch", "numpy", "platform", "cpu", "cores"}
    | {"workers", "device"},
    "data": {"source", "fingerprint", "rows_read", "rows", "start", "end", "frequency", "target"}
    | {"inputs", "channels", "dropped", "ignored", "notices", "missing_target", "seasons"}
    | {"lookback", "horizon", "split", "series", "zone", "calendar", "choices", "several"}
    | {"static", "categories", "known_future"},
    "data.split": {"train", "validation", "test"},
    "data.split.train": {"start", "end", "rows", "windows", "possible"},
    "data.series": {"ds", "y"},
    "data.dropped.0": {"column", "reason"},
    "data.ignored.0": {"column", "reason"},
    "folds.0": {"name", "train", "stopping", "judged", "begins", "ends"},
    "baselines.0": {"name", "setting", "judged", "by_fold", "test", "per_step", "reference"},
    "baselines.0.judged": SCORES,
    "baselines.0.by_fold": FOLDS,
    "baselines.0.test": SCORES,
    "cell": {"selected", "judged"},
    "rungs.0": {"name", "words", "parent", "cell", "model", "parameters", "judged", "by_fold"}
    | {"per_step", "seconds", "best_epoch", "overfits_from", "gap", "reach", "rounds"},
    "rungs.0.judged": SCORES,
    "rungs.0.by_fold": FOLDS,
    "rungs.0.rounds.0": {"round", "fold", "validation", "judged", "best_epoch", "epochs"}
    | {"stopped", "seconds", "history", "reach"},
    "rungs.0.reach": {"shares", "factor", "verdict"},
    "rungs.0.rounds.0.reach": {"norms", "factor", "verdict"},
    "rungs.0.rounds.0.judged": SCORES,
    "rungs.0.rounds.0.history": {"training", "validation", "gradient_norm", "seconds", "steps"}
    | {"per_epoch", "keeps"},
    "verdict": {"recommendation", "words", "pairs", "selected", "baseline", "may_be_best"}
    | {"smallest_effect", "rounds", "most_rounds", "round_seconds", "ended", "blocks"}
    | {"test_looks"},
    "verdict.pairs.0": {"rung", "parent", "percent", "low", "high", "outcome", "chance", "needed"}
    | {"limit", "rounds", "look", "excluded", "reason", "looks", "by_round"},
    "verdict.pairs.0.looks.0": {"rounds", "percent", "low", "high"},
    "verdict.baseline": {"name", "percent", "low", "high", "outcome", "better"},
    "delivered": {"members", "weight", "baseline", "why_not_mixed", "single", "networks"}
    | {"mixture", "refitted", "effect", "intervals", "words"},
    "checks.0": {"name", "status", "text"},
    "forecasts.0": {"which", "series", "error", "origin", "history", "future"},
    "forecasts.0.history": {"ds", "y"},
    "forecasts.0.future": {"ds", "y", "forecast", "baseline", "baseline_name", "intervals"},
}


def at(results, place):
    for key in filter(None, place.split(".")):
        results = results[int(key) if isinstance(results, list) else key]
    return results


def rung(results, name):
    return next(rung for rung in results["rungs"] if rung["name"] == name)


@pytest.fixture
def study(small_study, tmp_path):
    def run(source, name="study", **settings):
        return lockgate.study(source, out=tmp_path / "runs" / name, **{**small_study, **settings})

    return run


@pytest.mark.parametrize("place", CONTRACT)
def test_results_have_the_keys_of_the_contract(finished, place):
    assert set(at(finished.results, place)) == CONTRACT[place]


def test_results_json_holds_every_number_as_standard_json(finished, strict_json):
    text = (finished.folder / "results.json").read_text(encoding="utf-8")

    assert strict_json(text) == finished.results
    created = datetime.datetime.fromisoformat(finished.results["created"])
    assert created.utcoffset() == datetime.timedelta(0)


def test_a_study_leaves_a_report_a_model_and_its_configuration(finished):
    report = finished.report_path.read_text(encoding="utf-8")

    assert "lstm" in report
    assert (finished.folder / "config.yaml").exists()
    assert not list(finished.folder.rglob(".*")), "temporary files stay"


def test_what_is_told_of_the_data_is_true(finished, table):
    data = finished.results["data"]

    assert (data["rows"], data["rows_read"], data["frequency"]) == (400, 400, "1d")
    assert data["inputs"] == ["sold", "price"]
    assert data["channels"][:3] == ["sold", "price", "was missing: price"]
    assert [d["column"] for d in data["dropped"]] == ["tax"]
    assert data["ignored"] == [{"column": "shop", "reason": "holds text"}]
    assert data["seasons"] == [7]
    assert [part["rows"] for part in data["split"].values()] == [280, 60, 60]
    assert [part["windows"] for part in data["split"].values()] == [271, 58, 58]
    assert data["split"]["test"]["start"] == str(table["day"][VALIDATION_ENDS])
    assert data["series"]["y"] == table["sold"].to_list()


def test_scores_are_those_of_the_kept_predictions_on_the_rows_of_the_fold(finished, table):
    y = table["sold"].to_numpy()

    for found in finished.results["rungs"]:
        maes, steps = [], []
        for one in found["rounds"]:
            folder = finished.folder / "rounds" / f"{one['round']}-{one['fold']}"
            told = next(fold for fold in finished.results["folds"] if fold["name"] == one["fold"])
            stop = table["day"].to_list().index(datetime.datetime.fromisoformat(told["ends"])) + 1
            origins = np.arange(stop - told["judged"] - 1, stop - HORIZON)
            truth = np.stack([y[origins + step] for step in (1, 2, 3)], axis=1)
            errors = np.abs(np.load(folder / found["name"] / "judged.npy") - truth)
            assert one["judged"]["mae"] == pytest.approx(errors.mean(), rel=1e-5)
            assert one["judged"]["rmse"] == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-5)
            maes.append(one["judged"]["mae"])
            steps.append(errors.mean(axis=0))
        assert len(maes) == 6
        np.testing.assert_allclose(found["per_step"], np.mean(steps, axis=0), rtol=1e-5)
        assert found["judged"]["mae"] == pytest.approx(np.mean(maes))
        assert list(found["by_fold"].values()) == pytest.approx(
            np.reshape(maes, (2, 3)).mean(axis=0)
        )


def test_folds_lie_side_by_side_and_end_with_the_test_part(finished, table):
    folds, days = finished.results["folds"], table["day"].to_list()
    first, *_, last = (
        [days.index(datetime.datetime.fromisoformat(fold[key])) for key in ("begins", "ends")]
        for fold in folds
    )

    assert last[1] == VALIDATION_ENDS - 1
    assert last[1] - first[0] + 1 == sum(fold["judged"] for fold in folds) == 170
    assert [fold["train"] for fold in folds] == sorted(fold["train"] for fold in folds)


def test_the_change_of_a_pair_is_the_mean_over_rounds_of_log_ratios(finished):
    [pair] = finished.results["verdict"]["pairs"]
    own, parent = (
        {one["round"]: one["judged"]["mae"] for one in rung(finished.results, name)["rounds"]}
        for name in ("input-dropout", "lstm")
    )
    logs = [np.log(own[number] / parent[number]) for number in own]

    assert pair["percent"] == pytest.approx(100 * np.expm1(np.mean(logs)), rel=1e-4)
    changes = [100 * np.expm1(log) for log in logs]
    assert list(pair["by_round"].values()) == pytest.approx(changes, rel=1e-4)
    assert [look["rounds"] for look in pair["looks"]] == [3, 6]


def test_baselines_that_are_better_on_the_rows_judged_are_named(finished):
    verdict, metric = finished.results["verdict"], finished.results["metric"]
    own = rung(finished.results, verdict["selected"])["judged"][metric]
    scores = {b["name"]: b["judged"][metric] for b in finished.results["baselines"]}

    better = sorted((name for name in scores if scores[name] < own), key=scores.get)
    assert verdict["baseline"]["better"] == better != []


def test_what_is_delivered_is_saved_with_its_scores(finished):
    best, results = finished.best, finished.results

    assert best.metrics["rung"] == results["verdict"]["selected"] == "lstm"
    assert best.metrics["delivered"]["mixture"] == results["delivered"]["mixture"]
    assert best.metrics["test"] == results["delivered"]["mixture"]


def test_the_reach_is_the_median_over_rounds_of_what_is_left_of_the_gradient(finished):
    for found in finished.results["rungs"]:
        norms = np.array([one["reach"]["norms"] for one in found["rounds"]])

        assert norms.shape == (6, 7)
        shares = np.median(norms / norms[:, :1], axis=0)
        np.testing.assert_allclose(found["reach"]["shares"], shares)
        factors = [one["reach"]["factor"] for one in found["rounds"]]
        assert found["reach"]["factor"] == np.median(factors)


def test_forecasts_show_the_best_the_median_and_the_worst_window(finished, table):
    best, median, worst = finished.results["forecasts"]

    assert [w["which"] for w in (best, median, worst)] == ["best", "median", "worst"]
    assert best["error"] <= median["error"] <= worst["error"]
    for shown in (best, median, worst):
        future = shown["future"]
        error = np.abs(np.array(future["forecast"]) - np.array(future["y"])).mean()
        assert shown["error"] == pytest.approx(error)
        row = table["day"].cast(pl.String).to_list().index(future["ds"][0])
        assert future["y"] == table["sold"][row : row + HORIZON].to_list()
        assert shown["history"]["y"] == table["sold"][row - 7 : row].to_list()
        assert shown["origin"] == str(table["day"][row - 1])


def test_two_workers_find_the_same_numbers_as_one(study, table, finished, numbers):
    parallel = study(table, workers=2)

    assert numbers(parallel.results) == numbers(finished.results)
    assert parallel.results["environment"]["workers"] == 2


def test_a_frame_of_pandas_gives_the_numbers_of_one_of_polars(study, table, finished, numbers):
    assert numbers(study(table.to_pandas()).results) == numbers(finished.results)


@pytest.fixture
def looks(monkeypatch):
    """Record when targets and forecasts of test windows are asked for, and when all is chosen."""
    events = []

    def is_test(windows):
        return len(windows) and int(windows.origins[0]) >= VALIDATION_ENDS - 1

    def spy(owner, name, told):
        original = getattr(owner, name)

        def spied(self, *args):
            windows = self if isinstance(self, Windows) else args[0]
            if is_test(windows):
                events.append(told(self))
            return original(self, *args)

        monkeypatch.setattr(owner, name, spied)

    spy(Windows, "truth", lambda _: "truth")
    spy(FittedForecaster, "forecast", lambda fitted: f"{fitted.config.model.input_dropout}")
    for kind in (baselines.LastValue, baselines.SeasonalNaive, baselines.Drift):
        spy(kind, "forecast", lambda baseline: baseline.name)
    look = study_module.look

    def looked(*args):
        events.append("chosen")
        return look(*args)

    monkeypatch.setattr(study_module, "look", looked)
    return events


def test_the_test_part_is_looked_at_after_every_choice_and_by_no_other_rung(study, table, looks):
    study(table)

    assert looks[0] == "chosen"
    assert looks.count("chosen") == 1
    # what is delivered, each baseline, and the truth
    assert set(looks) == {"chosen", "truth", "0.0", "last value", "seasonal naive 7", "drift"}


def test_looks_at_a_test_part_are_counted(study, table, other_table, tmp_path):
    def look(source, name, **settings):
        told = {"rungs": "lstm", "rounds": 3, "max_epochs": 1, **settings}
        return study(source, name, **told).results["verdict"]["test_looks"]

    assert look(table, "first") == 1
    assert look(table, "second", hidden_size=5) == 2
    assert look(table, "first", resume=True) == 2
    assert look(table, "third", hidden_size=6) == 3
    assert look(other_table, "another part") == 1
    assert look(table, "../elsewhere/first") == 1


def chosen_before_the_test_part(results):
    verdict = results["verdict"]
    return {
        "cell": results["cell"],
        "selected": verdict["selected"],
        "pairs": verdict["pairs"],
        "reference": [b["name"] for b in results["baselines"] if b["reference"]],
        "settings": [b["setting"] for b in results["baselines"]],
        "baselines": [b["judged"] for b in results["baselines"]],
        "judged": [r["judged"] for r in results["rungs"]],
        "curves": [s["history"]["validation"] for r in results["rungs"] for s in r["rounds"]],
        "seasons": results["data"]["seasons"],
        "channels": results["data"]["channels"],
        "weight": results["delivered"]["weight"],
    }


def test_rows_of_the_test_part_change_nothing_that_is_chosen(study, table, finished):
    rng = np.random.default_rng(5)
    noise = pl.Series(rng.normal(0, 40, len(table)))
    later = pl.int_range(pl.len()) >= VALIDATION_ENDS
    planted = table.with_columns(
        pl.when(later).then(noise).otherwise(pl.col(column)).alias(column)
        for column in ("sold", "price", "tax")
    )

    result = study(planted)

    assert chosen_before_the_test_part(result.results) == chosen_before_the_test_part(
        finished.results
    )
    now, before = (one.results["delivered"]["mixture"]["mae"] for one in (result, finished))
    assert now > 2 * before


def test_a_budget_ends_the_rounds_and_cuts_no_fit(study, table, monkeypatch):
    monkeypatch.setattr("lockgate.studies.clock.Clock.of_this_run", 1.0)  # all that there is

    result = study(table, budget="1s")

    verdict = result.results["verdict"]
    # the first pass is always played
    assert (verdict["rounds"], verdict["most_rounds"]) == (3, 6)
    seeds = [one for r in result.results["rungs"] for one in r["rounds"]]
    assert {one["stopped"] for one in seeds} == {"max_epochs"}


def test_a_budget_that_runs_out_early_ends_the_study_after_a_pass(study, table, monkeypatch):
    monkeypatch.setattr("lockgate.studies.plan.Plan.budget", 0.01)
    monkeypatch.setattr("lockgate.studies.rounds.stop", lambda _: None)

    verdict = study(table).results["verdict"]

    assert (verdict["rounds"], verdict["most_rounds"], verdict["ended"]) == (3, 6, "budget")


def diverge(monkeypatch, which):
    original = forecasting_module.train

    def train(prepared, config, *, seed, name, **rest):
        fitted, history = original(prepared, config, seed=seed, name=name, **rest)
        if (name, seed) in which:
            history = History(
                training=[math.inf],
                validation=[math.nan],
                gradient_norm=[math.nan],
                seconds=[0.1],
                stopped="diverged",
            )
        return fitted, history

    monkeypatch.setattr(forecasting_module, "train", train)


def test_a_diverged_fit_is_left_out_by_name(study, table, monkeypatch, strict_json):
    diverge(monkeypatch, {("input-dropout", 2)})

    first = study(table)
    again = study(table, resume=True)

    for result in (first, again):
        found = rung(result.results, "input-dropout")
        assert found["rounds"][1]["judged"] is None
        assert found["rounds"][1]["validation"] is None
        assert result.results["verdict"]["pairs"][0]["excluded"] == [2]
        [check] = [c for c in result.results["checks"] if c["name"] == "Diverged fits"]
        assert check["status"] == "fail"
        assert "input-dropout" in check["text"]
    assert strict_json((first.folder / "results.json").read_text(encoding="utf-8"))


def test_a_rung_that_always_diverged_is_shown_without_scores(study, table, monkeypatch):
    diverge(monkeypatch, {("input-dropout", number) for number in range(7)})

    result = study(table)

    assert rung(result.results, "input-dropout")["judged"] == {}
    assert result.results["verdict"]["selected"] == "lstm"
    assert result.results["verdict"]["pairs"][0]["outcome"] == "no verdict"
    assert result.report_path.exists()


def test_a_study_of_which_every_fit_diverged_tells_what_to_do(study, table):
    with pytest.raises(DataError, match="diverged in its first epoch: pass a smaller learning_ra"):
        study(table, learning_rate=1e38, metric="rmse", rungs="lstm")
    with pytest.raises(DataError, match="every fit diverged: pass a smaller learning_rate"):
        study(table, "cells", learning_rate=1e38, metric="rmse", rungs="lstm,gru")


def test_a_metric_that_is_not_defined_is_null_and_breaks_nothing(study, strict_json):
    days = pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2020, 12, 31), "1d", eager=True)
    week = pl.Series(np.arange(len(days)) % 7, dtype=pl.Float64)
    exact = pl.DataFrame({"day": days, "sold": week})

    result = study(exact, metric="mase", lookback=7)

    found = result.results["rungs"][0]
    assert found["judged"]["mase"] is None
    assert found["judged"]["mae"] > 0
    assert strict_json((result.folder / "results.json").read_text(encoding="utf-8"))


def test_two_folds_give_scores_and_no_verdict(study, table):
    result = study(table, folds=2)

    [pair] = result.results["verdict"]["pairs"]
    assert (pair["outcome"], pair["low"]) == ("no verdict", None)
    assert "fold" in pair["reason"]
    assert rung(result.results, "lstm")["judged"]["mae"] > 0


def test_the_cell_of_the_later_rungs_is_the_best_of_rounds_of_its_own(study, table):
    result = study(table, rungs="rnn,gru,stacked,bidirectional", max_epochs=1, rounds=3)

    cells = result.results["cell"]["judged"]
    best = min(cells, key=cells.get)
    assert set(cells) == {"rnn", "gru"}
    assert result.results["cell"]["selected"] == best
    other = "gru" if best == "rnn" else "rnn"
    assert {one["round"] for one in rung(result.results, other)["rounds"]} == {0}
    assert {one["round"] for one in rung(result.results, best)["rounds"]} == {1, 2, 3}
    for name in ("stacked", "bidirectional"):
        found = rung(result.results, name)
        assert (found["cell"], found["parent"]) == (best, best)
        assert found["model"]["cell"] == best


def test_a_ledger_of_looks_that_cannot_be_read_is_told(study, table, finished, tmp_path):
    runs = tmp_path / "runs"
    runs.mkdir()
    shutil.copytree(finished.folder, runs / "study")
    (runs / "test_looks.json").write_text("{")

    with pytest.raises(DataError, match=r"test_looks.json must list the looks"):
        study(table, resume=True)


def test_a_study_in_the_working_directory_keeps_its_ledger_outside(
    small_study, table, tmp_path, monkeypatch
):
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)

    result = lockgate.study(
        table, out=Path("s"), **{**small_study, "rungs": "lstm", "rounds": 3, "max_epochs": 1}
    )

    assert result.report_path.exists()
    assert json.loads((place / "test_looks.json").read_text())


def test_a_study_delivers_several_fits_mixed_with_a_baseline_and_shows_it(study, table):
    result = study(table, members=2, mix=True, rungs="lstm")

    delivered = result.results["delivered"]
    assert (delivered["members"], delivered["baseline"]) == (2, "ridge")
    assert 0.0 <= delivered["weight"] <= 1.0
    for scores in ("single", "networks", "mixture", "refitted"):
        assert set(delivered[scores]) == SCORES
    assert set(delivered["effect"]) == CONTRACT["verdict.baseline"]
    assert delivered["words"][0] in result.results["verdict"]["words"]
    assert len(result.best.models) == 2
    assert result.best.metrics["delivered"]["mixture"] == delivered["mixture"]
    assert result.best.metrics["rung"] == "lstm"
    kept = {path.parent.name for path in result.folder.glob("delivered/lstm/*/fit.json")}
    assert {name.split("-")[0] for name in kept} == {"development"}
    page = result.report_path.read_text(encoding="utf-8")
    assert 'id="delivered"' in page
    assert "mixed with ridge" in page
    again = study(table, members=2, mix=True, rungs="lstm", resume=True)
    assert again.results["delivered"] == delivered
