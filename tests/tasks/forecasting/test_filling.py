"""Holes are filled from the past of their own series, over as many rows as may be."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lockgate.tasks.forecasting.filling import ALWAYS, fill_forward, one_of_each_series
from lockgate.tasks.forecasting.layout import Layout


def loop_fill(column: list[float], max_gap: int) -> list[float]:
    filled, since, last = [], 0, float("nan")
    for value in column:
        if np.isnan(value):
            since += 1
        else:
            since, last = 0, value
        filled.append(last if since <= max_gap else float("nan"))
    return filled


HOLED = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 20), st.integers(1, 3)),
    elements=st.sampled_from([np.nan, np.nan, 1.0, 2.0, 3.0]),
)

GAPS = st.sampled_from([0, 1, 2, 3, 5, ALWAYS])


@settings(deadline=None)
@given(values=HOLED, data=st.data())
def test_filling_agrees_with_a_loop(values: np.ndarray, data: st.DataObject) -> None:
    gaps = data.draw(st.lists(GAPS, min_size=values.shape[1], max_size=values.shape[1]))
    second = data.draw(st.integers(0, len(values)))  # first row of a second series
    starts = np.unique([0, second % len(values)])
    layout = Layout(starts, np.arange(len(values)), pl.Series(range(len(values))))
    parts = np.split(values, starts[1:])
    expected = np.concatenate(
        [
            np.transpose([loop_fill(list(c), gap) for c, gap in zip(part.T, gaps, strict=True)])
            for part in parts
        ]
    )

    np.testing.assert_array_equal(fill_forward(values, np.array(gaps), layout), expected)
    one = fill_forward(values, gaps[0], layout)[:, 0]
    np.testing.assert_array_equal(one, expected[:, 0])


def test_a_series_has_the_value_that_stands_in_any_of_its_rows() -> None:
    column = np.array([np.nan, 5.0, np.nan, np.nan, np.nan, 7.0])
    layout = Layout(np.array([0, 3, 5]), np.array([0, 1, 2, 0, 1, 0]), pl.Series(range(3)))

    np.testing.assert_array_equal(one_of_each_series(column, layout), [5.0, np.nan, 7.0])
