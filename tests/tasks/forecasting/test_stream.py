"""What is kept of later errors tells how far out a quantile is to be taken."""

import numpy as np
import pytest

from lockgate.scoring.adaptive import adapted
from lockgate.scoring.conformal import offsets
from lockgate.tasks.forecasting.stream import ABOVE, BELOW, IN_SIZE, Stream, beyond_of, when


def stream(adapt: float, beyond: np.ndarray) -> Stream:
    rows = beyond.shape[1]
    return Stream(("7",), 100, adapt, np.arange(1 - rows, 1), beyond)


@pytest.mark.parametrize("rows", [39, 40, 57])
@pytest.mark.parametrize("quantile", [0.05, 0.1, 0.8, 0.975])
def test_an_error_beyond_the_share_of_a_quantile_lies_outside_it(
    rows: int, quantile: float
) -> None:
    rng = np.random.default_rng(rows)
    known, later = rng.normal(size=(rows, 2)).round(1), rng.normal(size=(200, 2)).round(1)  # ties

    beyond = beyond_of(later, known)

    share = max(quantile, 1.0 - quantile)
    end = offsets(known, [quantile], sides=True)[0]
    outside = later > end if quantile > 0.5 else later < end
    which = ABOVE if quantile > 0.5 else BELOW
    np.testing.assert_array_equal(beyond[which] >= np.float32(share), outside)
    inner = 2.0 * share - 1.0
    wide = offsets(known, [max(quantile, 1.0 - quantile)], sides=False)[0]
    np.testing.assert_array_equal(beyond[IN_SIZE] >= np.float32(inner), np.abs(later) > wide)


def test_missing_errors_stay_missing_and_count_for_nothing() -> None:
    known = np.array([[1.0, np.nan], [2.0, 3.0], [np.nan, 4.0]])
    beyond = beyond_of(np.array([[1.5, np.nan]]), known)
    np.testing.assert_allclose(beyond[:, 0, 0], [1 / 3, 1 / 3, 1 / 3], rtol=1e-6)
    assert np.isnan(beyond[:, 0, 1]).all()


def test_each_end_follows_the_truths_that_lay_beyond_it() -> None:
    beyond = np.zeros((3, 20, 1), np.float32)
    beyond[ABOVE] = beyond[IN_SIZE] = 0.99  # all above
    one = stream(0.01, beyond)

    low, high = one.shares([0.1, 0.9], sides=True)

    assert high == pytest.approx(1 - adapted(beyond[[ABOVE]], one.steps, [0.1], 0.01)[-1, 0])
    assert high > 0.95
    assert low == pytest.approx(1 - (0.1 + 20 * 0.01 * 0.1))
    wide = one.shares([0.1, 0.9], sides=False)
    np.testing.assert_array_equal(wide[0], wide[1])
    assert wide[0] == pytest.approx(1 - adapted(beyond[[IN_SIZE]], one.steps, [0.2], 0.01)[-1, 0])


def test_without_a_rate_nothing_adapts() -> None:
    assert stream(0.0, np.full((3, 5, 1), 0.99, np.float32)).shares([0.9], sides=True) is None


def test_the_last_of_all_series_is_the_latest() -> None:
    assert Stream(("9", None, "10"), 1, 0.0, np.zeros(1), np.zeros((3, 1, 1))).last == "10"
    east, west = "2024-01-01 10:00:00+02:00", "2024-01-01 09:00:00+00:00"
    assert Stream((east, west), 1, 0.0, np.zeros(1), np.zeros((3, 1, 1))).last == west
    assert when(east) < when(west)
