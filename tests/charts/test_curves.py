"""A ribbon is the mean and the range over the fits still running."""

from statistics import fmean

from hypothesis import given
from hypothesis import strategies as st

from lockgate.charts import curves

histories = st.lists(st.lists(st.floats(0.01, 10), min_size=1, max_size=9), min_size=1, max_size=5)


@given(histories=histories)
def test_each_epoch_is_over_the_fits_still_running(histories: list[list[float]]) -> None:
    curve = curves.over_fits(histories)

    for i, epoch in enumerate(curve.epochs):
        seen = [history[epoch - 1] for history in histories if len(history) >= epoch]
        assert curve.running[i] == len(seen)
        assert abs(curve.mean[i] - fmean(seen)) <= 1e-4 * fmean(seen)
        assert abs(curve.low[i] - min(seen)) <= 1e-4 * min(seen)
        assert abs(curve.high[i] - max(seen)) <= 1e-4 * max(seen)
    assert curve.epochs == list(range(1, max(map(len, histories)) + 1))
    assert curve.last_full() == min(map(len, histories))


def test_long_curves_are_thinned_evenly_to_their_last_epoch() -> None:
    curve = curves.over_fits([[float(epoch) for epoch in range(1, 5002)]])

    assert len(curve.epochs) <= curves.MOST_EPOCHS
    assert curve.epochs[-1] == 5001
    assert len({b - a for a, b in zip(curve.epochs, curve.epochs[1:], strict=False)}) == 1
    assert curve.mean == [float(epoch) for epoch in curve.epochs]


def test_a_missing_loss_is_no_zero() -> None:
    curve = curves.over_fits([[2.0, None, 1.0], [4.0, 3.0]])

    assert curve.mean == [3.0, 3.0, 1.0]
    assert curve.running == [2, 1, 1]


def test_no_seeds_make_an_empty_curve() -> None:
    assert curves.over_fits([]).epochs == []
    assert curves.over_fits([[], []]).epochs == []


def test_the_loss_axis_shows_the_end_and_cuts_the_beginning() -> None:
    falling = curves.over_fits([[9.0, 3.0, *(0.3 - 0.001 * i for i in range(60))]])
    low, high = curves.loss_range([falling])

    assert low < 0.241
    assert 0.3 < high < 1.0


def test_the_loss_axis_holds_what_every_curve_ends_with() -> None:
    rising = curves.over_fits([[1.0, 0.4, *([0.3] * 30), 0.5, 0.8]])

    assert curves.loss_range([rising])[1] >= 0.8
    assert curves.loss_range([]) == (0.0, 1.0)
    low, high = curves.loss_range([curves.over_fits([[0.5]])])
    assert low < 0.5 < high
