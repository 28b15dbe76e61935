"""A study end to end: what it writes, what chooses, and the one look at the test part."""

import datetime
import json
import math
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

import lockgate
from lockgate import DataError, FittedForecaster, load
from lockgate.studies import plan as plan_module
from lockgate.studies import study as study_module
from lockgate.tasks.forecasting import baselines
from lockgate.tasks.forecasting import task as forecasting_module
from lockgate.tasks.forecasting.windows import Windows
from lockgate.training.history import History

HORIZON = 3
VALIDATION_ENDS = 340  # 400 rows, 70 and 15 and 15 %
SCORES = {"mae", "rmse", "mase"}
INTERVAL = {"mean", "low", "high"}
# every key of results.json: a set of keys, or what the values of a list or a dictionary hold
CONTRACT = {
    "": {"format_version", "lockgate_version", "created", "command", "seconds", "config"}
    | {"environment", "data", "metric", "baselines", "cell", "rungs", "verdict", "checks"}
    | {"forecasts", "task", "delivered"},
    "config": {"data", "model", "training", "rungs", "seeds", "budget", "workers"}
    | {"members", "mix"},
    "environment": {"lockgate", "python", "torch", "numpy", "platform", "cpu", "cores"}
    | {"workers", "device"},
    "data": {"source", "fingerprint", "rows_read", "rows", "start", "end", "frequency", "target"}
    | {"inputs", "channels", "dropped", "ignored", "notices", "missing_target", "seasons"}
    | {"lookback", "horizon", "split", "series", "zone", "calendar", "choices"},
    "data.split": {"train", "validation", "test"},
    "data.split.train": {"start", "end", "rows", "windows"},
    "data.series": {"ds", "y"},
    "data.dropped.0": {"column", "reason"},
    "data.ignored.0": {"column", "reason"},
    "baselines.0": {"name", "setting", "validation", "test", "per_step", "reference"},
    "baselines.0.validation": SCORES,
    "baselines.0.test": SCORES,
    "cell": {"selected", "validation"},
    "rungs.0": {"name", "words", "parent", "cell", "model", "parameters", "validation", "test"}
    | {
        "test_scores",
        "test_intervals",
        "per_step",
        "seconds",
        "best_epoch",
        "overfits_from",
        "gap",
        "reach",
    }
    | {"seeds"},
    "rungs.0.validation": INTERVAL,
    "rungs.0.test": INTERVAL,
    "rungs.0.test_scores": SCORES,
    "rungs.0.seeds.0": {"seed", "validation", "test", "best_epoch", "epochs", "stopped"}
    | {"seconds", "history", "reach"},
    "rungs.0.reach": {"shares", "factor", "verdict"},
    "rungs.0.seeds.0.reach": {"norms", "factor", "verdict"},
    "rungs.0.seeds.0.test": SCORES,
    "rungs.0.seeds.0.history": {"training", "validation", "gradient_norm", "seconds", "steps"}
    | {"per_epoch", "keeps"},
    "verdict": {"words", "pairs", "selected", "baseline", "blocks", "test_looks"},
    "verdict.pairs.0": {"rung", "parent", "percent", "low", "high", "outcome"}
    | {"smallest_visible", "seeds", "excluded"},
    "verdict.selected": {"rung", "seed"},
    "verdict.baseline": {"name", "percent", "low", "high", "outcome", "better"},
    "checks.0": {"name", "status", "text"},
    "forecasts.0": {"which", "error", "origin", "history", "future"},
    "forecasts.0.history": {"ds", "y"},
    "forecasts.0.future": {"ds", "y", "forecast", "baseline", "baseline_name"},
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

    assert "The selected network" in report
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


def test_scores_are_those_of_the_kept_predictions(finished, table):
    y = table["sold"].to_numpy()
    origins = np.arange(VALIDATION_ENDS - 1, len(y) - HORIZON)
    truth = np.stack([y[origins + step] for step in (1, 2, 3)], axis=1)

    for found in finished.results["rungs"]:
        maes, steps = [], []
        for seed in found["seeds"]:
            path = finished.folder / "predictions" / f"{found['name']}-seed-{seed['seed']}.npy"
            errors = np.abs(np.load(path) - truth)
            assert seed["test"]["mae"] == pytest.approx(errors.mean(), rel=1e-5)
            assert seed["test"]["rmse"] == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-5)
            maes.append(seed["test"]["mae"])
            steps.append(errors.mean(axis=0))
        np.testing.assert_allclose(found["per_step"], np.mean(steps, axis=0), rtol=1e-5)
        low, high = stats.t.interval(0.95, 2, np.mean(maes), stats.sem(maes))
        expected = {"mean": np.mean(maes), "low": low, "high": high}
        assert found["test"] == pytest.approx(expected)
        assert found["test_scores"]["mae"] == pytest.approx(np.mean(maes))
        assert found["test_intervals"]["mae"] == pytest.approx(expected)


def test_the_best_model_is_the_selected_rung_s_best_seed_with_its_own_scores(finished, table):
    selected = finished.results["verdict"]["selected"]
    means = {r["name"]: r["validation"]["mean"] for r in finished.results["rungs"]}
    seeds = {s["seed"]: s["validation"] for s in rung(finished.results, selected["rung"])["seeds"]}

    assert selected == {"rung": min(means, key=means.get), "seed": min(seeds, key=seeds.get)}
    best = finished.best
    assert (best.metrics["rung"], best.metrics["seed"]) == tuple(selected.values())
    metric = finished.results["metric"]
    assert best.metrics["validation"][metric] == pytest.approx(seeds[selected["seed"]], rel=1e-4)
    own = finished.folder / "fits" / selected["rung"] / f"seed-{selected['seed']}"
    for name, weight in load(own).model.state_dict().items():
        assert weight.equal(best.model.state_dict()[name])


def test_validation_scores_are_in_the_unit_of_the_target(finished, table):
    best, selected = finished.best, finished.results["verdict"]["selected"]
    y = table["sold"].to_numpy()
    from lockgate.tasks.forecasting.prepare import prepare, read

    prepared = prepare(read(table, best.config.data), best.config.data)
    windows = prepared.windows("validation")
    origins = windows.origins.numpy()
    truth = np.stack([y[origins + step] for step in (1, 2, 3)], axis=1)

    mae = np.abs(best.forecast(windows) - truth).mean()

    seed = rung(finished.results, selected["rung"])["seeds"][selected["seed"]]
    assert seed["validation"] == pytest.approx(mae, rel=1e-5)


def test_the_reach_is_the_median_over_seeds_of_what_is_left_of_the_gradient(finished):
    for found in finished.results["rungs"]:
        norms = np.array([seed["reach"]["norms"] for seed in found["seeds"]])

        assert norms.shape == (3, 7)
        shares = np.median(norms / norms[:, :1], axis=0)
        np.testing.assert_allclose(found["reach"]["shares"], shares)
        factors = [seed["reach"]["factor"] for seed in found["seeds"]]
        assert found["reach"]["factor"] == np.median(factors)


def test_fits_that_are_older_than_the_reach_are_resumed_without_it(study, table, numbers):
    first = study(table)
    for path in first.folder.glob("fits/*/*/fit.json"):
        kept = json.loads(path.read_text(encoding="utf-8"))
        del kept["reach"]
        path.write_text(json.dumps(kept), encoding="utf-8")

    again = study(table, resume=True)

    report = again.report_path.read_text(encoding="utf-8")
    assert "This study did not measure it." in report
    for old, new in zip(first.results["rungs"], again.results["rungs"], strict=True):
        assert new["reach"] is None
        assert [seed["reach"] for seed in new["seeds"]] == [None] * 3
        assert new["test"] == old["test"]


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
    choose = study_module.choose

    def chosen(*args):
        choices = choose(*args)
        events.append("chosen")
        return choices

    monkeypatch.setattr(study_module, "choose", chosen)
    return events


def test_the_test_part_is_looked_at_once_and_after_every_choice(study, table, looks):
    study(table)

    assert looks[0] == "chosen"
    assert looks.count("chosen") == 1
    # three seeds of each rung, each baseline, and the truth: once each
    assert {what: looks.count(what) for what in looks} == {
        "chosen": 1,
        "truth": 1,
        "0.0": 3,
        "0.25": 3,
        "last value": 1,
        "seasonal naive 7": 1,
        "drift": 1,
    }


def test_looks_at_a_test_part_are_counted(study, table, other_table, tmp_path):
    def look(source, name, **settings):
        told = {"rungs": "lstm", "seeds": 1, "max_epochs": 1, **settings}
        return study(source, name, **told).results["verdict"]["test_looks"]

    assert look(table, "first") == 1
    assert look(table, "second", hidden_size=5) == 2
    assert look(table, "first", resume=True) == 2
    assert look(table, "third", hidden_size=6) == 3
    assert look(other_table, "another part") == 1
    assert look(table, "../elsewhere/first") == 1


def chosen_on_validation(results):
    cells = dict(results["cell"])
    return {
        "cell": cells,
        "selected": results["verdict"]["selected"],
        "reference": [b["name"] for b in results["baselines"] if b["reference"]],
        "settings": [b["setting"] for b in results["baselines"]],
        "baselines": [b["validation"] for b in results["baselines"]],
        "validation": [r["validation"] for r in results["rungs"]],
        "curves": [s["history"]["validation"] for r in results["rungs"] for s in r["seeds"]],
        "seasons": results["data"]["seasons"],
        "channels": results["data"]["channels"],
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

    assert chosen_on_validation(result.results) == chosen_on_validation(finished.results)
    for a, b in zip(result.results["rungs"], finished.results["rungs"], strict=True):
        assert a["test"]["mean"] > 2 * b["test"]["mean"]


@pytest.fixture
def slow_steps(monkeypatch):
    """Every training step takes as long as told, and evaluation no time."""

    def takes(seconds):
        monkeypatch.setattr(plan_module, "_time_network", lambda *_: (seconds, 0.0))

    return takes


def test_a_budget_becomes_one_limit_of_steps_for_all_fits(study, table, slow_steps):
    slow_steps(0.5)

    result = study(table, budget="30s", max_epochs=50)

    # 80 % of 30 s over 2 rungs of 3 seeds, of half a second a step
    steps = int(0.8 * 30 / 6 / 0.5)
    assert result.results["config"]["training"]["max_steps"] == steps == 8
    seeds = [seed for r in result.results["rungs"] for seed in r["seeds"]]
    assert {seed["stopped"] for seed in seeds} == {"max_steps"}
    assert {seed["epochs"] for seed in seeds} == {math.ceil(steps / math.ceil(271 / 64))}
    [pair] = result.results["verdict"]["pairs"]
    assert pair["outcome"] == "undecided (budget)"
    assert "because a limit of steps cut fits short" in result.verdict
    [ended] = [c for c in result.results["checks"] if c["name"] == "Trained to the end"]
    assert ended["status"] == "warn"

    slow_steps(0.01)
    again = study(table, budget="30s", max_epochs=50, resume=True)

    assert again.results["config"]["training"]["max_steps"] == steps
    assert again.results["rungs"] == result.results["rungs"]


def diverge(monkeypatch, doomed):
    original = forecasting_module.train

    def train(prepared, config, *, seed, name, on_epoch, **parts):
        fitted, history = original(
            prepared, config, seed=seed, name=name, on_epoch=on_epoch, **parts
        )
        if (name, seed) in doomed:
            history = History()
            history.add(math.nan, math.nan, math.inf, 1.0, 1)
            history.stopped = "diverged"
        return fitted, history

    monkeypatch.setattr(forecasting_module, "train", train)


def test_a_diverged_fit_is_left_out_by_name_and_read_again(study, table, monkeypatch, strict_json):
    diverge(monkeypatch, {("input-dropout", 1)})

    first = study(table)
    again = study(table, resume=True)

    for result in (first, again):
        found = rung(result.results, "input-dropout")
        assert found["seeds"][1]["test"] is None
        assert found["seeds"][1]["validation"] is None
        assert result.results["verdict"]["pairs"][0]["excluded"] == [1]
        assert result.results["verdict"]["pairs"][0]["outcome"] == "no verdict"
        [check] = [c for c in result.results["checks"] if c["name"] == "Diverged fits"]
        assert check["status"] == "fail"
        assert "input-dropout seed 1" in check["text"]
    assert strict_json((first.folder / "results.json").read_text(encoding="utf-8"))


def test_a_rung_that_always_diverged_is_shown_without_scores(study, table, monkeypatch):
    diverge(monkeypatch, {("input-dropout", seed) for seed in range(3)})

    result = study(table)

    found = rung(result.results, "input-dropout")
    assert found["test"] == {"mean": None, "low": None, "high": None}
    assert result.results["verdict"]["selected"]["rung"] == "lstm"
    assert result.report_path.exists()


def test_a_study_of_which_every_fit_diverged_tells_what_to_do(study, table):
    with pytest.raises(DataError, match="every fit diverged: pass a smaller learning_rate"):
        study(table, learning_rate=1e38, metric="rmse", rungs="lstm", seeds=1)


def test_a_metric_that_is_not_defined_is_null_and_breaks_nothing(study, strict_json):
    days = pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2020, 12, 31), "1d", eager=True)
    week = pl.Series(np.arange(len(days)) % 7, dtype=pl.Float64)
    exact = pl.DataFrame({"day": days, "sold": week})

    result = study(exact, metric="mase", lookback=7)

    found = result.results["rungs"][0]
    assert found["test"] == {"mean": None, "low": None, "high": None}
    assert found["test_scores"]["mae"] > 0
    assert strict_json((result.folder / "results.json").read_text(encoding="utf-8"))


def test_one_seed_gives_scores_without_intervals_and_no_verdict(study, table):
    result = study(table, seeds=1)

    assert result.results["rungs"][0]["test"]["low"] is None
    assert result.results["verdict"]["pairs"][0]["outcome"] == "no verdict"
    assert "no verdict" in result.verdict


def test_the_cell_of_the_later_rungs_is_the_best_on_validation(study, table):
    result = study(table, rungs="rnn,gru,stacked,bidirectional", seeds=1, max_epochs=1)

    cells = result.results["cell"]["validation"]
    best = min(cells, key=cells.get)
    assert set(cells) == {"rnn", "gru"}
    assert result.results["cell"]["selected"] == best
    for name in ("stacked", "bidirectional"):
        found = rung(result.results, name)
        assert (found["cell"], found["parent"]) == (best, best)
        folder = result.folder / "fits" / name / "seed-0"
        assert load(folder).config.model.cell == best


def test_rmse_chooses_by_the_metric_that_is_shown(study, table):
    result = study(table, metric="rmse")

    means = {r["name"]: r["validation"]["mean"] for r in result.results["rungs"]}
    assert result.results["verdict"]["selected"]["rung"] == min(means, key=means.get)
    assert result.results["metric"] == "rmse"


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
        table, out=Path("s"), **{**small_study, "rungs": "lstm", "seeds": 1, "max_epochs": 1}
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
    assert result.results["verdict"]["words"][1] == delivered["words"][0]
    assert len(result.best.models) == 2
    assert result.best.metrics["delivered"]["mixture"] == delivered["mixture"]
    assert result.best.metrics["rung"] == "lstm"
    kept = {path.parent.parent.name for path in result.folder.glob("delivered/*/*/fit.json")}
    assert kept == {"train", "development"}
    page = result.report_path.read_text(encoding="utf-8")
    assert 'id="delivered"' in page
    assert "mixed with ridge" in page
    again = study(table, members=2, mix=True, rungs="lstm", resume=True)
    assert again.results["delivered"] == delivered
