"""The set of rungs that may be the best holds the best, and no rung that is clearly worse."""

import dataclasses

import numpy as np
import pytest
from simulated import CALM, RUNGS, Setting, draw

from lockgate.studies.best import best_set
from lockgate.studies.looks import LookPlan


def drawn(setting, truth, random_state=0):
    return draw(np.random.default_rng(random_state), setting, list(truth))[0]


def test_a_rung_that_is_clearly_worse_is_out():
    table = drawn(CALM, (-0.2, -0.1, -0.2, 0.1, 0.1, 0.1))

    assert best_set(table, CALM.plan) == ("input", "both")


@pytest.mark.parametrize("effect", [0.0, 0.01], ids=["all-alike", "one-better"])
def test_the_best_is_left_out_in_fewer_than_one_study_in_twenty(effect):
    """With all alike, the one that stands for the best is any of them."""
    setting = Setting(chosen=False, rows=0.05)
    plan = LookPlan.planned(5, 10)
    truth = (-effect, 0.0, 0.0, 0.0, 0.0, 0.0)

    out = sum("input" not in best_set(drawn(setting, truth, seed), plan) for seed in range(100))

    assert out < 5


def test_all_may_be_the_best_where_there_can_be_no_verdict():
    table = drawn(CALM, [0.2] * 6)
    none = dataclasses.replace(table, stretches=np.zeros(30, int))

    assert best_set(none, CALM.plan) == RUNGS


def test_a_rung_without_a_score_is_in_no_set():
    table = drawn(CALM, [0.0] * 6)
    logs, moves = table.logs.copy(), table.moves.copy()
    logs[:, :, 3], moves[:, :, 3] = np.nan, np.nan

    found = best_set(dataclasses.replace(table, logs=logs, moves=moves), CALM.plan)

    assert RUNGS[3] not in found
    assert len(found) == 8
