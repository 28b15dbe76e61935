"""Looks spend what they were planned to spend, and a plan survives being written down."""

import json

import numpy as np
import pytest
from scipy import stats

from lockgate.studies.looks import LookPlan

RESUMED = LookPlan.planned(5, 10).resumed(20).resumed(25)


@pytest.mark.parametrize(
    "plan",
    [
        *(LookPlan.planned(5, 30), RESUMED, LookPlan.planned(3, 12)),
        *(LookPlan.planned(5, 30).closed(15), LookPlan.planned(5, 30).closed(10).resumed(30)),
    ],
    ids=["six-looks", "resumed-twice", "three-folds", "closed", "closed-and-resumed"],
)
def test_a_random_walk_leaves_the_levels_as_often_as_is_spent(plan):
    looks = np.array(plan.looks)
    steps = np.diff(looks, prepend=0)
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=(200_000, len(looks))) * np.sqrt(steps), axis=1)

    left = np.abs(walk) / np.sqrt(looks) > stats.norm.isf(np.array(plan.levels(1.0)) / 2)

    shares = np.maximum.accumulate(left, axis=1).mean(axis=0)
    assert shares == pytest.approx(plan.spent(1.0), abs=0.0015)


def test_what_is_spent_has_the_shape_of_o_brien_and_fleming():
    z = stats.norm.isf(0.04 / 6 / 2)

    spent = LookPlan.planned(5, 20).spent(1 / 6)

    expected = [2 * stats.norm.sf(z / np.sqrt(t)) for t in (0.25, 0.5, 0.75, 1.0)]
    assert spent == pytest.approx(expected)


def test_a_single_look_has_all_of_the_level():
    assert LookPlan.planned(5, 5).levels(0.25) == pytest.approx((0.01,))


def test_resumptions_spend_half_of_what_is_left_and_never_all():
    plan = LookPlan.planned(5, 10)
    for rounds in range(15, 120, 5):
        plan = plan.resumed(rounds)

    assert [stage.spends for stage in plan.stages[:4]] == pytest.approx(
        [0.04, 0.005, 0.0025, 0.00125]
    )
    assert plan.spent(1.0)[-1] < 0.05


def test_a_resumption_changes_no_look_before_it():
    plan = LookPlan.planned(5, 10)

    assert plan.resumed(20).levels(0.5)[:2] == plan.levels(0.5)  # to the bit


@pytest.mark.parametrize("rounds", [10, 14])
def test_a_resumption_adds_a_pass(rounds):
    with pytest.raises(ValueError, match=f"rounds must be at least 15, .* got {rounds}"):
        LookPlan.planned(5, 10).resumed(rounds)


@pytest.mark.parametrize(("rounds", "looks"), [(1, (5,)), (14, (5, 10)), (15, (5, 10, 15))])
def test_looks_stand_after_whole_passes(rounds, looks):
    assert LookPlan.planned(5, rounds).looks == looks


def test_a_plan_is_read_as_it_was_written():
    assert LookPlan.from_json(json.loads(json.dumps(RESUMED.as_json()))) == RESUMED


def test_a_stage_that_is_closed_spends_all_at_its_last_look_and_changes_none_before():
    plan = LookPlan.planned(10, 30)

    closed = plan.closed(20)

    assert closed.looks == (10, 20)
    assert closed.levels(0.5)[0] == plan.levels(0.5)[0]  # to the bit
    assert closed.spent(1.0)[-1] == pytest.approx(0.04)
    assert (closed.is_closed, plan.is_closed, plan.closed(30).is_closed) == (True, False, False)
    assert closed.resumed(40).looks == (10, 20, 30, 40)
    assert not closed.resumed(40).is_closed
