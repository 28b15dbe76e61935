"""Numbers of the summary: intervals over seeds, and values that JSON can hold."""

import math

import numpy as np
import pytest
from scipy import stats

from lockgate.nn import Reach
from lockgate.studies.summary import _interval, _plain, _reach_over_seeds


def test_the_interval_over_seeds_is_that_of_student():
    values = [1.0, 1.2, 0.9, 1.4]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))

    assert _interval(values) == pytest.approx({"mean": np.mean(values), "low": low, "high": high})


@pytest.mark.parametrize(
    ("values", "mean"),
    [([], None), ([2.0], 2.0), ([None, None], None), ([2.0, math.inf], math.inf)],
    ids=["none", "one", "undefined", "infinite"],
)
def test_no_interval_where_there_is_none(values, mean):
    assert _interval(values) == {"mean": mean, "low": None, "high": None}


def test_values_become_those_of_json():
    value = {
        "array": np.array([1.0, np.nan, -np.inf]),
        "pair": (np.float32(0.5), np.int64(3), np.bool_(True)),
        "deep": [{"x": math.nan}],
        "text": "nan",
    }

    assert _plain(value) == {
        "array": [1.0, None, None],
        "pair": [0.5, 3, True],
        "deep": [{"x": None}],
        "text": "nan",
    }


def test_the_reach_over_seeds_is_the_median_of_shares():
    reaches = [
        Reach((2.0, 1.0, 0.5), 0.5),
        Reach((1.0, 0.1, 0.01), 0.1),
        Reach((1.0, 0.2, 0.3), 0.4),
    ]

    found = _reach_over_seeds(reaches)

    assert found["shares"] == pytest.approx([1.0, 0.2, 0.25])
    assert (found["factor"], found["verdict"]) == (0.4, "holds")


def test_the_verdict_on_the_reach_is_that_of_the_median_factor():
    falls, holds = Reach((1.0,) * 21, 0.5), Reach((1.0,) * 21, 1.0)

    assert _reach_over_seeds([falls, falls, holds])["verdict"] == "vanishes"
    assert _reach_over_seeds([falls, holds, holds])["verdict"] == "holds"


@pytest.mark.parametrize(
    "reaches",
    [[], [Reach((0.0, 0.0), 0.0)], [Reach((1.0, math.inf), math.inf)]],
    ids=["none", "no gradient", "beyond all numbers"],
)
def test_no_reach_where_there_is_none(reaches):
    assert _reach_over_seeds(reaches) is None
