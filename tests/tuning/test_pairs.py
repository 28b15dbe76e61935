"""Pairs are compared on the rows that both judge and of which both see as much."""

import math

import numpy as np
import pytest
from made_search import made_stretch

from lockgate.tuning.pairs import Rows, in_common, log_ratio, losses_of, on_common_rows, score_of


def test_rows_in_common_are_those_of_all_with_equal_counts():
    first = made_stretch(0, [1, 2, 3, 5, 8], [1, 2, 3, 4, 5])
    second = made_stretch(0, [8, 3, 2, 9], [5, 3, 1, 1])

    assert in_common([first, second]).tolist() == [3, 8]
    assert in_common([first]).tolist() == [1, 2, 3, 5, 8]
    assert in_common([second, first]).tolist() == [3, 8]


def test_steps_of_a_sequence_are_one_row():
    stretch = made_stretch(0, [4, 4, 2], [1, 1, 1])

    assert Rows.of(stretch).rows.tolist() == [2, 4]
    assert Rows.of(stretch).counts.tolist() == [1, 2]
    assert losses_of(stretch, np.array([3.0, 4.0, 5.0]), np.array([4])).tolist() == [7.0]


def test_the_ratio_is_that_of_scores_on_common_rows_alone():
    own, default = made_stretch(0, [3, 2]), made_stretch(0, [1, 2, 3])

    ratio = log_ratio((own, np.array([8.0, 2.0])), (default, np.array([1e9, 4.0, 1.0])), power=1.0)
    root = log_ratio((own, np.array([8.0, 2.0])), (default, np.array([1e9, 4.0, 1.0])), 0.5)

    assert ratio == pytest.approx(math.log(10 / 5))
    assert root == pytest.approx(0.5 * math.log(10 / 5))


@pytest.mark.parametrize(
    ("rows", "losses"), [([7], [1.0]), ([1], [0.0]), ([1], [np.inf]), ([1], [np.nan])]
)
def test_there_is_no_ratio_without_a_row_or_a_score(rows, losses):
    own, default = made_stretch(0, rows), made_stretch(0, [1])

    assert log_ratio((own, np.array(losses)), (default, np.array([1.0])), 1.0) is None


def test_a_round_of_several_preparations_is_one_on_common_rows():
    stretches = {
        "default": made_stretch(1, [2, 4, 6], [1, 2, 1], groups=[5, 5, 9]),
        "trial-1": made_stretch(1, [6, 4, 8], [1, 2, 1], groups=[0, 1, 2]),
        "trial-2": made_stretch(1, [4, 6], [2, 1], groups=[0, 1]),
    }
    predictions = {"default": np.array([9.0, 3.0, 1.0]), "trial-1": np.array([5.0, 2.0, 9.0])}

    one = on_common_rows(4, 1, stretches, predictions, 1.0, "mae")

    assert (one.round, one.fold) == (4, 1)
    assert one.stretch.rows.tolist() == [4, 6]
    assert one.stretch.scorer.counts.tolist() == [2, 1]
    assert one.stretch.scorer.groups.tolist() == [5, 9]
    assert one.predictions["default"].tolist() == [3.0, 1.0]
    assert one.predictions["trial-1"].tolist() == [2.0, 5.0]
    assert set(one.predictions) == {"default", "trial-1"}
    scorer = one.stretch.scorer
    assert scorer.scores(one.predictions["trial-1"]) == {"mae": pytest.approx(7 / 3)}
    assert scorer.losses(one.predictions["trial-1"]).tolist() == [2.0, 5.0]
    assert scorer.per_step(one.predictions["trial-1"]) == ()


def test_a_score_of_nothing_is_none():
    assert score_of(np.zeros(0), np.zeros(0), 1.0) is None
    assert score_of(np.array([4.0, 4.0]), np.array([1.0, 1.0]), 0.5) == 2.0
