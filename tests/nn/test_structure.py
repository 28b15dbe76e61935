"""The description of a layer counts what its weights and its state have."""

import pytest

from lockgate.nn.layout import Layout
from lockgate.nn.structure import Structure
from lockgate.ops import gru, lstm

LAYOUT = Layout(3, (5, 7), proj_size=2, both=(True, True), merge_mode="concat")


def describe(cell) -> Structure:
    return Structure(LAYOUT, cell.GATES, cell.State, (), False, False)


@pytest.mark.parametrize(("cell", "rows"), [(lstm, [20, 20, 28, 28]), (gru, [15, 15, 21, 21])])
def test_rows_are_those_of_all_gates_at_the_size_of_the_layer(cell, rows: list[int]) -> None:
    assert [describe(cell).rows(index) for index in range(LAYOUT.cells)] == rows


def test_projection_narrows_h_and_leaves_c_as_wide_as_the_layer() -> None:
    assert describe(lstm).state_sizes(2) == [2, 7]


def test_only_a_cell_with_c_has_it() -> None:
    assert describe(lstm).has_c
    assert not describe(gru).has_c
    assert describe(gru).state_sizes(0) == [2]
