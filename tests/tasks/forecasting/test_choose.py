"""What is left to the data is chosen once, for every network of a run, and kept by its name."""

import json
from dataclasses import replace
from typing import get_args

import numpy as np
import polars as pl
import pytest

import lockgate
from lockgate import DataError
from lockgate.settings import resolve
from lockgate.tasks.forecasting import choose as module
from lockgate.tasks.forecasting.choices import Choices
from lockgate.tasks.forecasting.choose import choose
from lockgate.tasks.forecasting.config import ForecastConfig, Level
from lockgate.tasks.forecasting.prepare import Prepared, prepare, read
from lockgate.tasks.forecasting.task import TASK


@pytest.fixture(autouse=True)
def _briefly(monkeypatch):
    monkeypatch.setattr(module, "TRIAL_STEPS", 20)


def prepared_of(table, **settings) -> tuple[Prepared, ForecastConfig]:
    told = {"target": "sold", "horizon": 3, "lookback": 7, **settings}
    config = resolve(ForecastConfig, told)
    return prepare(read(table, config.data), config.data), config


def weeks(weeks=250):
    """The same week again and again, at another level and of another height every few weeks."""
    rng = np.random.default_rng(0)
    week = rng.normal(size=7)
    level, height = rng.normal(size=weeks // 10), rng.choice([0.3, 1.0, 3.0], weeks // 10)
    sold = np.repeat(5 * level, 70) + np.repeat(height, 70) * np.tile(week, weeks)
    day = np.datetime64("2020-01-01", "us") + np.arange(len(sold)) * np.timedelta64(1, "D")
    return pl.DataFrame({"day": day, "sold": sold})


def test_a_spread_is_chosen_where_windows_differ_in_it_alone(monkeypatch):
    monkeypatch.setattr(module, "TRIAL_STEPS", 300)
    prepared, config = prepared_of(weeks(), normalise="auto", lookback=14, learning_rate=0.003)

    choices = choose(prepared, config).choices

    scores, spread = choices.level_scores, ("last_std", "mean_std", "median_mad")
    assert choices.normalise in spread
    best, flat = min(scores[name] for name in spread), min(scores[n] for n in {*scores} - {*spread})
    assert best < 0.9 * flat
    assert list(choices.level_scores.values()) == sorted(choices.level_scores.values())
    assert set(choices.level_scores) == set(get_args(Level))
    assert choices.words["normalise"].startswith(
        f"{choices.normalise}, by the validation score of a small"
    )


def test_the_default_stays_where_no_other_is_clearly_better(table, monkeypatch):
    scores = {"mean_std": 0.99, "last_std": 1.0, "none": 1.2}
    monkeypatch.setattr(module, "level_scores", lambda *_: scores)

    assert choose(*prepared_of(table, normalise="auto")).choices.normalise == "last_std"
    scores["mean_std"] = 0.97
    assert choose(*prepared_of(table, normalise="auto")).choices.normalise == "mean_std"


def test_nothing_is_chosen_where_all_is_named(table):
    prepared, config = prepared_of(table, normalise="mean")

    assert choose(prepared, config) is prepared
    assert prepared.choices.words == {}
    assert prepared.choices.settle(config.model) == config.model


def test_what_is_chosen_already_stays(table):
    prepared, config = prepared_of(table, normalise="auto")
    chosen = replace(prepared, choices=Choices(normalise="median_mad"))

    assert choose(chosen, config) is chosen
    assert chosen.choices.settle(config.model).normalise == "median_mad"


def test_later_rows_change_nothing_that_is_chosen(table):
    later = table.with_columns(
        pl.when(pl.int_range(pl.len()) > 345).then(pl.col("sold") * 9).otherwise("sold")
    )

    scores = [
        choose(*prepared_of(each, normalise="auto")).choices.level_scores for each in (table, later)
    ]

    assert scores[0] == scores[1]


def test_a_study_chooses_in_each_fold_for_all_its_rungs_and_tells_the_choice_of_the_whole(
    table, small_study, tmp_path, monkeypatch
):
    names = ["none", "last_std", "mean", "mean_std"]
    chosen = iter(names)  # a fifth choice would end it
    monkeypatch.setattr(module, "level_scores", lambda *_: {next(chosen): 0.1, "last_std": 1.0})
    study = {**small_study, "rungs": "lstm,both", "rounds": 3, "max_epochs": 1}

    result = lockgate.study(table, **study, normalise="auto", out=tmp_path / "study")

    choices = result.results["data"]["choices"]
    kept = [
        json.loads(path.read_text())["model"]["normalise"]
        for path in tmp_path.glob("study/delivered/*/*/config.json")
    ]
    assert kept == [choices["normalise"]] == [names[0]]  # the whole is prepared first
    folds = sorted(tmp_path.glob("study/prepared/pass-0-fold-*"))
    assert [TASK.load(fold).choices.normalise for fold in folds] == names[1:]
    assert result.best.config.model.normalise == choices["normalise"]


@pytest.mark.parametrize(("value", "got"), [(2.5, "2.5"), (-3.0, "-3")])
def test_a_head_of_counts_refuses_what_is_no_count(value, got):
    table = weeks(20).with_columns(sold=pl.int_range(pl.len()).cast(pl.Float64) % 9)
    prepared, config = prepared_of(table, head="poisson", at_least=0)
    assert choose(prepared, config) is prepared
    odd = table.with_columns(
        sold=pl.when(pl.int_range(pl.len()) == 77).then(value).otherwise("sold")
    )
    other, _ = prepared_of(odd)

    with pytest.raises(
        DataError,
        match=rf"^target must hold whole numbers from 0 on with head=poisson, got {got}; pass "
        r"head=quantiles or normal \(--set head=quantiles\)$",
    ):
        choose(other, config)


def test_counts_of_any_size_are_whole_though_they_are_scaled_in_float32():
    rng = np.random.default_rng(0)
    sold = rng.integers(0, 2_000_000, 400).astype(float)
    day = np.datetime64("2020-01-01", "us") + np.arange(400) * np.timedelta64(1, "D")
    table = pl.DataFrame({"day": day, "sold": sold})
    prepared, config = prepared_of(table, head="negative_binomial", at_least=0)

    assert choose(prepared, config) is prepared


def test_what_is_chosen_is_chosen_by_points_whatever_the_head():
    plain, config = prepared_of(weeks(), normalise="auto", lookback=14)
    with_spread = prepared_of(weeks(), normalise="auto", lookback=14, head="normal")[1]

    assert choose(plain, with_spread).choices == choose(plain, config).choices
