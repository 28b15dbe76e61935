"""What looks like a fault lies far from all others; what a column often holds does not."""

import numpy as np
import polars as pl
import pytest

from lockgate.tasks.forecasting.faulty import far_values

RNG = np.random.default_rng(1)


@pytest.mark.parametrize(
    "values",
    [
        RNG.exponential(1, 5_000),
        RNG.poisson(3, 5_000).astype(float),
        np.where(RNG.random(5_000) < 0.05, 100.0, 0.0),
        np.where(RNG.random(5_000) < 0.1, RNG.exponential(1, 5_000), 0.0),  # rain
        np.full(50, 3.0),
        np.array([]),
    ],
    ids=["skewed", "counts", "two values", "rain", "constant", "none"],
)
def test_what_a_column_often_holds_is_not_called_faulty(values):
    assert far_values([pl.Series("x", values, pl.Float64)]) == ()


def test_faults_at_both_ends_are_found_and_whether_they_are_ones_everywhere():
    kelvin = pl.Series("kelvin", [None, 0.0, *np.linspace(240, 310, 500), 9_999.0])
    rain = pl.Series("rain", [0.0, 1.5] * 251 + [None])

    # the farther end comes first: the other is found once that is missing
    assert [far.value for far in far_values([kelvin, rain])] == [9_999.0]
    low, high = kelvin.head(502), kelvin.tail(501)
    assert far_values([low, rain.head(502)]) == (("kelvin", 0.0, 1, 240.0, 310.0, False),)
    assert far_values([high, rain.head(501)]) == (("kelvin", 9_999.0, 1, 240.0, 310.0, True),)


def test_one_number_for_missing_values_is_a_fault_in_every_column():
    one = pl.Series("one", [*np.linspace(0, 1, 200), -9_999.0])
    other = pl.Series("other", [-9_999.0, *np.linspace(5, 9, 200)])

    assert [(far.column, far.value, far.everywhere) for far in far_values([one, other])] == [
        ("one", -9_999.0, True),
        ("other", -9_999.0, True),
    ]
