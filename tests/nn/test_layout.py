"""The cells of a stack are numbered layer by layer, forward before reverse."""

import pytest

from lockgate.nn.layout import Layout

MIXED = Layout(3, (5, 7, 6), proj_size=0, both=(True, False, True), merge_mode="concat")


def test_cells_are_counted_by_the_directions_of_each_layer() -> None:
    assert MIXED.cells == 5
    assert [list(MIXED.cells_of(layer)) for layer in range(3)] == [[0, 1], [2], [3, 4]]
    assert [MIXED.place(index) for index in range(5)] == [
        (0, False),
        (0, True),
        (1, False),
        (2, False),
        (2, True),
    ]


def test_names_tell_layer_and_direction_as_in_torch() -> None:
    names = [MIXED.suffix(index) for index in range(5)]

    assert names == ["l0", "l0_reverse", "l1", "l2", "l2_reverse"]


@pytest.mark.parametrize(
    ("merge_mode", "proj_size", "entering", "output"),
    [
        ("concat", 0, [3, 3, 10, 7, 7], 12),
        ("none", 0, [3, 3, 10, 7, 7], 12),
        ("sum", 0, [3, 3, 5, 7, 7], 6),
        ("concat", 2, [3, 3, 4, 2, 2], 4),
    ],
)
def test_a_layer_reads_what_the_one_below_gives(
    merge_mode: str, proj_size: int, entering: list[int], output: int
) -> None:
    layout = MIXED._replace(merge_mode=merge_mode, proj_size=proj_size)

    assert [layout.input_size_of(index) for index in range(5)] == entering
    assert layout.output_size == output
    assert [layout.hidden_size(index) for index in range(5)] == [5, 5, 7, 6, 6]


@pytest.mark.parametrize(
    ("sizes", "both", "uniform"),
    [
        ((5, 5), (True, True), True),
        ((5, 5), (False, False), True),
        ((5, 5), (True, False), False),
        ((5, 4), (True, True), False),
    ],
)
def test_states_fit_together_where_sizes_and_directions_agree(
    sizes: tuple, both: tuple, uniform: bool
) -> None:
    assert MIXED._replace(hidden_sizes=sizes, both=both).uniform is uniform
