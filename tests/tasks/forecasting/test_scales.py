"""A series is scaled by its own values; one that tells too little by what is usual, too."""

import numpy as np
import pytest

from lockgate.tasks.forecasting.scales import Observed, Usual, relative_spread, series_scale


def test_series_without_a_size_have_the_usual_spread() -> None:
    usual = Usual(5.0, 0.0)

    assert series_scale(np.array([3.0]), usual, short=True)[1] == pytest.approx(5 / np.sqrt(2))
    assert series_scale(np.array([np.nan]), usual, short=True) == (0.0, 5.0)


def test_a_long_series_has_its_own_scale_unless_it_is_still() -> None:
    y = np.array([1.0, np.nan, 5.0])

    assert series_scale(y, Usual(9.0, 0.5)) == (3.0, 2.0)
    assert Observed.of(y) == (2, 3.0, 2.0)
    assert series_scale(np.full(4, 7.0), Usual(9.0, 0.5)) == (7.0, 0.09)


def test_the_relative_spread_is_the_median_of_those_with_a_mean() -> None:
    assert relative_spread([(2.0, 1.0), (0.0, 9.0), (-4.0, 1.0), (1.0, 3.0)]) == 0.5
    assert relative_spread([(0.0, 1.0)]) == 0.0
