"""Shares left outside an interval follow the truths, each when it is known."""

import numpy as np
import pytest

from lockgate.scoring.adaptive import adapted

OUTSIDE, RATE = 0.1, 0.02


def by_hand(beyond: np.ndarray, times: np.ndarray, outside: float, rate: float) -> np.ndarray:
    """The recursion of the paper for each step by itself, every truth looked up by its time."""
    found = []
    for step in range(beyond.shape[1]):
        share = {-1: outside}  # after how many times
        instants = sorted({*times.tolist()})
        for number, now in enumerate(instants):
            then = max((k for k, t in enumerate(instants) if t + step + 1 <= now), default=-1)
            own = [
                p >= 1 - share[then]
                for p, t in zip(beyond[:, step], times, strict=True)
                if t == now and np.isfinite(p)
            ]
            move = rate / (step + 1) * (outside - np.mean(own)) if own else 0.0
            share[number] = share[number - 1] + move
        found.append([share[k] for k in range(-1, len(instants))])
    return np.array(found).T


def test_shares_are_those_of_the_recursion_step_by_step() -> None:
    rng = np.random.default_rng(0)
    beyond = rng.uniform(size=(57, 3))
    beyond[rng.uniform(size=beyond.shape) < 0.1] = np.nan
    # several forecasts of one time, and times between which none was made
    times = np.sort(rng.integers(0, 40, 57))

    found = adapted(np.stack([beyond, beyond[::-1]]), times, [OUTSIDE, 0.3], RATE)

    np.testing.assert_allclose(found[:, 0], by_hand(beyond, times, OUTSIDE, RATE), atol=1e-12)
    np.testing.assert_allclose(found[:, 1], by_hand(beyond[::-1], times, 0.3, RATE), atol=1e-12)


def test_the_truth_of_a_step_has_no_say_before_it_is_known() -> None:
    shares = adapted(np.full((1, 3, 2), 0.949), np.arange(3), [0.1], 0.06)[:, 0]

    # a step ahead: outside, then 1 - .046 leaves it inside, then 1 - .052 does not
    np.testing.assert_allclose(shares[:, 0], [0.1, 0.046, 0.052, -0.002], atol=1e-12)
    # two ahead, half as much each: the second does not know yet that the first was outside, the
    # third does, and is outside of 1 - .073 still
    np.testing.assert_allclose(shares[:, 1], [0.1, 0.073, 0.046, 0.019], atol=1e-12)


@pytest.mark.parametrize("rate", [0.005, 0.05])
def test_the_share_outside_is_the_one_asked_for_whatever_the_truths_are(rate: float) -> None:
    rng = np.random.default_rng(1)
    # errors whose size wanders over a factor of a hundred: they are far from even
    beyond = np.clip(rng.beta(1.0, np.exp(3 * np.sin(np.arange(2000) / 150.0)), 2000), 0.001, 0.999)
    shares = adapted(beyond[None, :, None], np.arange(2000), [OUTSIDE], rate)[:-1, 0, 0]
    missed = (beyond > 1.0 - shares).mean()

    assert abs(missed - OUTSIDE) <= (1.0 - OUTSIDE + rate) / (rate * 2000)
    assert abs((beyond > 1.0 - OUTSIDE).mean() - OUTSIDE) > 0.02  # as it would be without


def test_with_a_rate_of_zero_nothing_changes() -> None:
    shares = adapted(np.full((1, 5, 2), 0.99), np.arange(5), [OUTSIDE], 0.0)
    np.testing.assert_array_equal(shares, OUTSIDE)
