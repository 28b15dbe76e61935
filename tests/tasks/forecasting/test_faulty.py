"""What looks like a fault lies far from all others; what a column often holds does not."""

import numpy as np
import polars as pl
import pytest

from lockgate.tasks.forecasting.faulty import Extremes, far_values

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


@pytest.mark.parametrize("rows", [1, 2, 7, 100])
def test_the_outermost_of_parts_are_those_of_the_whole(rows):
    values = np.random.default_rng(3).integers(0, 9, 60).astype(float)
    values[::11] = np.nan
    column = pl.Series("x", values).fill_nan(None)
    parts = [Extremes.of(column.slice(start, rows)) for start in range(0, 60, rows)]

    joined = parts[0]
    for part in parts[1:]:
        joined = joined.joined(part)

    kept, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    assert joined == Extremes.of(column)
    assert joined.values == counts.sum()
    assert joined.least == tuple(zip(kept[:2], counts[:2], strict=True))
    assert joined.greatest == tuple(zip(kept[:-3:-1], counts[:-3:-1], strict=True))
