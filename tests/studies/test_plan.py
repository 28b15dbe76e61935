"""A plan says what will be fitted and how long it takes, and writes nothing."""

import math
import os

import pytest
import torch

from lockgate import DataError, api
from lockgate.studies import plan as plan_module
from lockgate.studies.plan import choosing_of


@pytest.fixture
def plan(table, small_study, monkeypatch):
    monkeypatch.setattr(plan_module, "time_network", lambda *_: (0.5, 0.0))

    def make(**settings):
        return api.plan_study(table, **{**small_study, **settings})

    return make


def test_a_plan_counts_fits_and_estimates_their_time(plan):
    planned = plan(max_epochs=40)

    assert (planned.choosing, planned.judged, planned.fits) == (0, 2, 12)
    assert planned.epoch_steps == 5  # 271 windows in batches of 64
    assert planned.typical_seconds == pytest.approx(12 * 15 * 5 * 0.5)
    assert planned.most_seconds == pytest.approx(12 * 40 * 5 * 0.5)
    assert plan(max_epochs=40, workers=2).most_seconds == pytest.approx(12 * 40 * 5 * 0.5 / 2)


def test_cells_are_chosen_by_fits_of_their_own(plan):
    planned = plan(rungs="rnn,gru,both,stacked", max_epochs=1)

    assert (planned.choosing, planned.judged, planned.fits) == (2 * 3, 3, 6 + 3 * 6)
    assert planned.most_seconds == pytest.approx((6 + 18) * 5 * 0.5)


@pytest.mark.parametrize(
    ("settings", "folds"),
    [
        ({}, 10),
        ({"budget": "1h"}, 10),
        ({"budget": "20m"}, 5),  # two passes over ten take 25 minutes
        ({"rounds": 19}, 5),
        ({"folds": 5}, 5),
        ({"horizon": 8}, 5),  # a tenth of half the rows holds no windows of three horizons
    ],
    ids=["endless", "budget", "too-slow", "few-rounds", "as-told", "few-rows"],
)
def test_there_are_ten_folds_where_there_is_time_and_rows_for_them(plan, settings, folds):
    planned = plan(**{"folds": None, "rounds": 30, "max_epochs": 15, **settings})

    assert len(planned.folds.folds) == folds
    assert planned.config.data.folds == settings.get("folds")


def test_a_cell_is_chosen_on_five_of_more_folds(plan):
    planned = plan(folds=None, rounds=20, rungs="rnn,gru,both")

    assert (planned.choosing, planned.judged) == (2 * 5, 2)
    assert [fold.number for fold in choosing_of(planned.folds.folds)] == [0, 2, 4, 6, 8]


def test_a_limit_of_steps_shortens_the_estimate(plan):
    assert plan(max_epochs=40, max_steps=10).most_seconds == pytest.approx(12 * 2 * 5 * 0.5)


def test_a_budget_is_told_in_seconds(plan):
    assert plan(budget="2m").budget == 120.0
    assert plan(budget="none").budget == math.inf


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget": "1mo"}, "budget must be a duration such as \"10m\", got '1mo'"),
        ({"budget": "soon"}, "budget must be a whole number followed by"),
        ({"budget": "0m"}, "budget must be at least 1m"),
        ({"rungs": "lstn"}, "rungs must be among the ladder's, got 'lstn'; did you mean 'lstm'"),
        ({"device": "abacus"}, "device must be one that is here"),
        ({"horizon": 0}, "horizon must be at least 1 step, got 0"),
        ({"horizon": "36h"}, "horizon must be a multiple of the frequency 1d, got '36h'"),
        ({"lookback": 300}, "horizon 3 and lookback 300 must fit the train part"),
        ({"rounds": 0}, "rounds must be greater than or equal to 1, got 0"),
        ({"smallest_effect": "0%"}, "smallest_effect must be greater than 0, got"),
    ],
    ids=lambda v: "-".join(f"{k}={x}" for k, x in v.items()) if isinstance(v, dict) else "",
)
def test_a_plan_that_cannot_be_carried_out_raises(plan, settings, message):
    with pytest.raises(DataError, match=message):
        plan(**settings)


def test_what_is_known_before_training_is_told(plan):
    assert plan().advice == ()
    assert plan(folds=2).advice == (
        "no verdict is possible: 2 folds where a verdict takes 3; pass folds=3 (--folds 3)",
    )
    assert "--resample" in plan(lookback=201).advice[-1]
    [hours] = plan(max_epochs=800).advice
    assert hours.startswith("the fits may take 7 hours: fewer rungs or rounds, or budget")
    assert plan(max_epochs=800, budget="10m").advice == ()


def test_the_longest_horizon_that_allows_a_verdict_is_told(plan):
    [advice] = plan(horizon=20).advice

    assert advice.startswith("no verdict is possible: 1 fold where a verdict takes 3; a fold is")
    assert "3 need a horizon of at most 14 steps" in advice
    assert plan(horizon=14).advice == ()


def test_the_plan_is_shown_before_anything_is_timed(table, small_study, monkeypatch):
    told = []
    monkeypatch.setattr(plan_module, "time_network", lambda *_: told.append("timed") or (0.5, 0.0))

    api.plan_study(
        table, **small_study, on_prepared=lambda plan: told.append((plan.fits, plan.epoch_seconds))
    )

    assert told == [(12, {}), "timed", "timed"]


def test_a_step_that_takes_long_is_timed_once(monkeypatch):
    hands = iter([0.0, 9.0, 9.0, 9.1])
    monkeypatch.setattr(plan_module.time, "perf_counter", lambda: next(hands))

    assert plan_module._seconds(lambda: None) == 9.0


def test_a_plan_writes_nothing(plan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    plan()

    assert os.listdir(tmp_path) == []


def test_the_steps_are_timed_for_every_rung(table, small_study):
    planned = api.plan_study(table, **small_study)

    assert set(planned.epoch_seconds) == {"lstm", "input-dropout"}
    assert min(planned.epoch_seconds.values()) > 0


@pytest.mark.parametrize(("name", "value"), [("cell", "gru"), ("bidirectional", True)])
def test_what_the_rungs_decide_cannot_be_set(plan, name, value):
    with pytest.raises(DataError, match=f"{name} must not be set in a study, got {value!r}"):
        plan(**{name: value})


def test_planning_draws_nothing_from_the_callers_random_numbers(table, small_study):
    torch.manual_seed(0)
    before = torch.random.get_rng_state()

    api.plan_study(table, **{**small_study, "rungs": "lstm,both"})

    assert torch.equal(torch.random.get_rng_state(), before)
