"""Numbers of the summary: intervals over seeds, and values that JSON can hold."""

import math

import numpy as np
import pytest
from scipy import stats

from lockgate.studies.summary import _interval, _plain


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
