"""A layout finds the rows of every series at steps of one axis."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.tasks.forecasting import layout as module
from lockgate.tasks.forecasting.layout import Layout

SERIES = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 8)), min_size=1, max_size=4)


def make_layout(series: list[tuple[int, int]]) -> Layout:
    """Lay out series by the step at which each begins and its length."""
    lengths = np.array([length for _, length in series])
    steps = [np.arange(first, first + length) for first, length in series]
    starts = np.cumsum([0, *lengths[:-1]])
    return Layout(starts, np.concatenate(steps), pl.Series(range(100, 120)))


@given(series=SERIES, start=st.integers(-2, 16), length=st.integers(0, 12), data=st.data())
def test_rows_with_enough_of_their_series_around_are_those_of_a_loop(
    series: list[tuple[int, int]], start: int, length: int, data: st.DataObject
) -> None:
    before, after = data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    expected, row = [], 0
    for first, rows in series:
        for place in range(rows):
            inside = start <= first + place < start + length
            if inside and place >= before and place + after < rows:
                expected.append(row + place)
        row += rows

    found = make_layout(series).within(range(start, start + length), before, after)

    assert found.tolist() == expected


@given(series=SERIES, start=st.integers(0, 12), length=st.integers(1, 12))
def test_a_stretch_keeps_the_series_that_have_rows_in_it(
    series: list[tuple[int, int]], start: int, length: int
) -> None:
    layout = make_layout(series)

    own, rows = layout.between(start, start + length)

    kept = layout.of_rows[rows]
    assert own.of_rows.tolist() == np.unique(kept, return_inverse=True)[1].tolist()
    assert (own.steps + start).tolist() == layout.steps[rows].tolist()
    assert own.axis.to_list() == layout.axis.to_list()[start : start + length]


def test_one_series_is_its_own_axis() -> None:
    layout = Layout.of_one(pl.Series([3, 5, 9]))

    assert layout.steps.tolist() == [0, 1, 2]
    assert layout.lengths.tolist() == [3]
    assert layout.axis.to_list() == [3, 5, 9]


@pytest.mark.parametrize("rows", [1, 5, 8, 100])
def test_blocks_hold_whole_series_and_all_of_them(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_ROWS", rows)
    lengths = [3, 8, 1, 4, 2]
    layout = make_layout([(number, length) for number, length in enumerate(lengths)])

    blocks = layout.blocks()

    assert [row for block in blocks for row in range(block.start, block.stop)] == list(range(18))
    found = []
    for block in blocks:
        own, series = layout.of_block(block)
        assert own.lengths.tolist() == lengths[series]
        assert own.steps.tolist() == layout.steps[block].tolist()
        found += lengths[series]
        # one that goes on is no longer than its last series makes it
        assert block.stop - block.start < rows + own.lengths[-1]
    assert found == lengths
