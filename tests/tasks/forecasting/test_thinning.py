"""What is drawn of many windows is drawn at every hour alike."""

import numpy as np
import pytest

from lockgate.tasks.forecasting.thinning import drawn_evenly


@pytest.mark.parametrize("times", [1.2, 1.5, 1.96, 7.3])
def test_every_hour_is_drawn_alike(times: float) -> None:
    most, seeds = 5_000, 20
    count = int(times * most)
    of_hour = np.bincount(np.arange(count) % 24)

    for seed in range(seeds):
        drawn = np.bincount(drawn_evenly(count, most, seed) % 24, minlength=24)
        share = most / count
        noise = np.sqrt(of_hour * share * (1.0 - share))
        assert (np.abs(drawn - of_hour * share) < 5.0 * noise).all()


def test_every_place_is_drawn_with_the_same_probability() -> None:
    seeds = 20_000
    counts = sum(np.bincount(drawn_evenly(12, 5, seed), minlength=12) for seed in range(seeds))

    noise = np.sqrt(seeds * (5 / 12) * (7 / 12))
    assert (np.abs(counts - seeds * 5 / 12) < 5.0 * noise).all()


@pytest.mark.parametrize(("count", "most"), [(10, 10), (11, 10), (19, 10), (1_003, 100), (7, 1)])
def test_no_place_is_drawn_twice_and_all_lie_in_order(count: int, most: int) -> None:
    drawn = drawn_evenly(count, most)

    assert len(drawn) == most
    assert (np.diff(drawn) > 0).all()
    assert 0 <= drawn[0] <= drawn[-1] < count
    # one of each stretch: none is farther from the next than two of the longest
    assert np.diff(drawn).max(initial=0) < 2 * -(-count // most)
