"""Points, intervals and ticks are where their values say."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.charts.strips import AxisRange, mark, nice_step, scale_over

values = st.floats(-1e6, 1e6).map(lambda v: round(v, 4))


@given(rough=st.floats(1e-9, 1e9))
def test_a_nice_step_is_round_and_little_larger(rough: float) -> None:
    step = nice_step(rough)

    assert rough * (1 - 1e-6) <= step <= 2.5 * rough * (1 + 1e-6)
    assert f"{step:e}"[0] in "125"


def test_a_position_is_linear_and_held_at_the_ends() -> None:
    scale = AxisRange(-4.0, 12.0)

    assert [scale.at(v) for v in (-4.0, 0.0, 12.0, -99.0, 99.0)] == [0, 25, 100, 0, 100]


@given(low=values, width=st.floats(1e-3, 1e6))
def test_ticks_lie_on_the_axis_evenly_and_can_be_told_apart(low: float, width: float) -> None:
    scale = AxisRange(low, low + width)
    ticks, decimals = scale.ticks()

    assert 2 <= len(ticks) <= 6
    assert all(scale.low - 1e-6 <= tick <= scale.high + 1e-6 for tick in ticks)
    assert len({f"{tick:.{decimals}f}" for tick in ticks}) == len(ticks)
    steps = {round(b - a, 9) for a, b in pairwise(ticks)}
    assert max(steps) - min(steps) <= 1e-6


@given(points=st.lists(values, min_size=1, max_size=7), half=st.floats(0, 1e7))
def test_every_point_is_in_sight(points: list[float], half: float) -> None:
    scale = scale_over(points, [(p - half, p + half) for p in points], reach=1.0)

    assert all(scale.low <= point <= scale.high for point in points)
    assert scale.high - scale.low >= 0.019


def test_an_interval_far_out_of_sight_is_cut_and_says_so() -> None:
    scale = scale_over([0.0, -4.0, 3.0], [(-6.0, -2.0), (-500.0, 800.0)], reach=10.0)
    inside, cut = mark(scale, -4.0, -6.0, -2.0), mark(scale, 3.0, -500.0, 800.0)

    assert scale.high < 25
    assert (inside.cut_low, inside.cut_high) == (False, False)
    assert (cut.low, cut.high, cut.cut_low, cut.cut_high) == (0.0, 100.0, True, True)


@pytest.mark.parametrize("ends", [(None, None), (1.0, None), (None, 1.0)], ids=str)
def test_half_an_interval_is_none(ends: tuple[float | None, float | None]) -> None:
    drawn = mark(AxisRange(0.0, 2.0), 1.0, *ends)

    assert (drawn.point, drawn.low, drawn.high) == (50.0, None, None)


def test_no_point_is_no_mark() -> None:
    assert mark(AxisRange(0.0, 2.0), None, 0.0, 1.0).point is None
    assert scale_over([None], [(None, None)], reach=1.0).high > 0
    assert scale_over([0.0, 0.0], [(0.0, 0.0)], reach=0.0).high > 0
