"""A ribbon is the mean and the range over the seeds still running."""

from statistics import fmean
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lockgate.reports import curves

Results = dict[str, Any]
histories = st.lists(st.lists(st.floats(0.01, 10), min_size=1, max_size=9), min_size=1, max_size=5)


@given(histories=histories)
def test_each_epoch_is_over_the_seeds_still_running(histories: list[list[float]]) -> None:
    found = curves.over_seeds(histories)

    for i, epoch in enumerate(found.epochs):
        seen = [history[epoch - 1] for history in histories if len(history) >= epoch]
        assert found.running[i] == len(seen)
        assert abs(found.mean[i] - fmean(seen)) <= 1e-4 * fmean(seen)
        assert abs(found.low[i] - min(seen)) <= 1e-4 * min(seen)
        assert abs(found.high[i] - max(seen)) <= 1e-4 * max(seen)
    assert found.epochs == list(range(1, max(map(len, histories)) + 1))
    assert found.last_full() == min(map(len, histories))


def test_long_curves_are_thinned_evenly_to_their_last_epoch() -> None:
    found = curves.over_seeds([[float(epoch) for epoch in range(1, 5002)]])

    assert len(found.epochs) <= curves.MOST_POINTS
    assert found.epochs[-1] == 5001
    assert len({b - a for a, b in zip(found.epochs, found.epochs[1:], strict=False)}) == 1
    assert found.mean == [float(epoch) for epoch in found.epochs]


def test_a_missing_loss_is_no_zero() -> None:
    found = curves.over_seeds([[2.0, None, 1.0], [4.0, 3.0]])

    assert found.mean == [3.0, 3.0, 1.0]
    assert found.running == [2, 1, 1]


def test_a_diverged_seed_is_not_in_the_curve(results: Results) -> None:
    rung = results["rungs"][0]
    rung["seeds"][1]["stopped"] = "diverged"
    rung["seeds"][1]["history"]["training"] = [1e30, None]

    assert max(curves.curve(rung, "training").high) < 10
    assert curves.curve(rung, "training").running[0] == 4


def test_no_seeds_make_an_empty_curve() -> None:
    assert curves.over_seeds([]).epochs == []
    assert curves.over_seeds([[], []]).epochs == []


def test_the_loss_axis_shows_the_end_and_cuts_the_beginning() -> None:
    falling = curves.over_seeds([[9.0, 3.0, *(0.3 - 0.001 * i for i in range(60))]])
    low, high = curves.loss_range([falling])

    assert low < 0.241
    assert 0.3 < high < 1.0


def test_the_loss_axis_holds_what_every_curve_ends_with() -> None:
    rising = curves.over_seeds([[1.0, 0.4, *([0.3] * 30), 0.5, 0.8]])

    assert curves.loss_range([rising])[1] >= 0.8
    assert curves.loss_range([]) == (0.0, 1.0)
    low, high = curves.loss_range([curves.over_seeds([[0.5]])])
    assert low < 0.5 < high
