"""Numbers of the summary: changes, medians, and values that JSON can hold."""

import math

import numpy as np
import pytest

from lockgate.nn import Reach
from lockgate.studies.summary import _change, _reach_over_rounds, plain


def test_values_become_those_of_json():
    value = {
        "array": np.array([1.0, np.nan, -np.inf]),
        "pair": (np.float32(0.5), np.int64(3), np.bool_(True)),
        "deep": [{"x": math.nan}],
        "text": "nan",
    }

    assert plain(value) == {
        "array": [1.0, None, None],
        "pair": [0.5, 3, True],
        "deep": [{"x": None}],
        "text": "nan",
    }


def test_the_reach_over_rounds_is_the_median_of_shares():
    reaches = [
        Reach((2.0, 1.0, 0.5), 0.5),
        Reach((1.0, 0.1, 0.01), 0.1),
        Reach((1.0, 0.2, 0.3), 0.4),
    ]

    found = _reach_over_rounds(reaches)

    assert found["shares"] == pytest.approx([1.0, 0.2, 0.25])
    assert (found["factor"], found["verdict"]) == (0.4, "holds")


def test_the_verdict_on_the_reach_is_that_of_the_median_factor():
    falls, holds = Reach((1.0,) * 21, 0.5), Reach((1.0,) * 21, 1.0)

    assert _reach_over_rounds([falls, falls, holds])["verdict"] == "vanishes"
    assert _reach_over_rounds([falls, holds, holds])["verdict"] == "holds"


@pytest.mark.parametrize(
    "reaches",
    [[], [Reach((0.0, 0.0), 0.0)], [Reach((1.0, math.inf), math.inf)]],
    ids=["none", "no gradient", "beyond all numbers"],
)
def test_no_reach_where_there_is_none(reaches):
    assert _reach_over_rounds(reaches) is None


@pytest.mark.parametrize(
    ("score", "other", "change"),
    [(0.9, 1.0, -10.0), (1.0, 0.8, 25.0), (0.0, 1.0, None), (1.0, None, None)],
)
def test_a_change_is_in_per_cent_of_what_it_is_compared_with(score, other, change):
    assert _change(score, other) == (None if change is None else pytest.approx(change))
