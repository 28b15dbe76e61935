"""The baseline to beat is the one of the lowest finite score on validation."""

import math

import pytest

from lockgate.scoring.baselines import Grid, reference, search
from lockgate.scoring.metrics import PointScores


def test_the_reference_is_the_baseline_of_the_lowest_finite_score():
    scores = {
        "last value": PointScores(3.0, 1.0, None),
        "drift": PointScores(math.inf, math.inf, None),
        "ridge": PointScores(2.0, 5.0, None),
        "window mean": PointScores(2.0, 5.0, None),
    }

    assert reference({n: s._asdict() for n, s in scores.items()}, "mae") == "ridge"
    assert reference({n: s._asdict() for n, s in scores.items()}, "mase") == "ridge"
    assert reference({n: s._asdict() for n, s in scores.items()}, "rmse") == "last value"


def test_without_a_finite_score_there_is_no_reference():
    with pytest.raises(ValueError, match="validation must hold a finite rmse, got"):
        reference({"drift": {"rmse": math.inf}}, "rmse")


def test_of_equal_baselines_the_earlier_one_is_the_reference():
    scores = {"drift": {"mae": 1.0}, "ridge": {"mae": 1.0}}

    assert reference(scores, "mae") == "drift"
    assert reference(dict(reversed(scores.items())), "mae") == "ridge"


def test_a_score_that_is_not_defined_is_no_reason_to_be_the_reference():
    scores = {"a": {"log_loss": None}, "b": {"log_loss": math.nan}, "c": {"log_loss": 9.0}}

    assert reference(scores, "log_loss") == "c"


GRID = Grid((0.01, 0.1, 1.0, 10.0, 100.0), 2, 3)


@pytest.mark.parametrize("best", [0.01, 0.1, 1.0, 10.0, 100.0])
def test_a_grid_is_searched_beyond_its_edges_and_its_last_edge_is_told(best):
    tried = []

    def attempt(values):
        tried.extend(values)
        return [(value, abs(math.log(value / best))) for value in values]

    assert search(GRID, attempt) == best
    # no value is tried twice, and none beyond the first that is worse
    assert len(tried) == len(set(tried)) <= 4
    at_edge = ", at the edge of those tried (0.01 to 100)" if best in (0.01, 100.0) else ""
    assert GRID.told(best) == f"chosen on validation{at_edge}"


def test_a_gain_that_is_asked_for_holds_the_search_at_the_first_values():
    def attempt(values):
        return [(value, 1.0 / value) for value in values]

    # from 1 to 10 the loss falls by 0.9, from 10 to 100 by 0.09
    assert search(GRID, attempt) == 100.0
    assert search(GRID, attempt, gain=0.5) == 10.0
    assert search(GRID, attempt, gain=0.95) == 1.0
