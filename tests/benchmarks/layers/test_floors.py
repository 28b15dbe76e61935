"""Floors are by layer and size."""

import pytest

from benchmarks.layers import floors
from benchmarks.layers.floors import Goal


def test_goal_bounds_from_below_or_above():
    assert Goal(1.3, 2.0).missed(1.29)
    assert not Goal(1.3, 2.0).missed(1.3)
    assert Goal(0.03, 0.01, most=True).missed(0.031)
    assert str(Goal(0.03, 0.01, most=True)) == "≤ 0.03 (0.01)"


@pytest.mark.parametrize(
    ("cell", "H", "floor", "aim"),
    [
        ("lstm", 128, 1.3, 2.0),
        ("lstm", 256, 1.0, 1.15),
        ("gru", 128, 2.5, 4.0),
        ("gru", 256, 2.5, 2.8),
        ("gru", 512, 2.2, 2.8),
        ("gru", 650, 2.0, 2.8),
    ],
)
def test_floor_of_a_train_step(cell, H, floor, aim):
    assert floors.train(cell, H) == Goal(floor, aim)
