"""The weight of a mixture is the best of a fine grid, and an end where one is best alone."""

import numpy as np
import pytest

from lockgate.scoring.mixture import cross_fitted, mixing_weight

RNG = np.random.default_rng(0)
TRUTH = RNG.normal(size=(500, 3))


def absolute(prediction: np.ndarray) -> np.ndarray:
    return np.abs(prediction - TRUTH).sum(axis=1)


def squared(prediction: np.ndarray) -> np.ndarray:
    return np.square(prediction - TRUTH).sum(axis=1)


@pytest.mark.parametrize("losses", [absolute, squared])
@pytest.mark.parametrize("noise", [(0.5, 0.5), (0.3, 0.6), (0.9, 0.4)])
def test_the_weight_is_that_of_a_grid(losses, noise: tuple[float, float]) -> None:
    one, other = (TRUTH + scale * RNG.normal(size=TRUTH.shape) for scale in noise)
    grid = np.linspace(0.0, 1.0, 2001)
    judge = grid[np.argmin([losses(w * one + (1 - w) * other).mean() for w in grid])]

    assert mixing_weight(losses, one, other) == pytest.approx(judge, abs=0.005)


def test_of_equal_noise_each_gets_half() -> None:
    one, other = (TRUTH + RNG.normal(size=TRUTH.shape) for _ in range(2))

    assert mixing_weight(squared, one, other) == pytest.approx(0.5, abs=0.05)


def test_what_is_only_worse_gets_nothing() -> None:
    good = TRUTH + 0.1 * RNG.normal(size=TRUTH.shape)
    bad = TRUTH + 3.0 + 0.1 * RNG.normal(size=TRUTH.shape)

    assert mixing_weight(absolute, good, bad) == pytest.approx(1.0, abs=0.01)
    assert mixing_weight(absolute, bad, good) == pytest.approx(0.0, abs=0.01)


def test_two_that_are_the_same_are_not_mixed() -> None:
    assert mixing_weight(absolute, TRUTH + 1.0, TRUTH + 1.0) in (0.0, 1.0)


def test_each_part_is_mixed_by_the_weight_of_the_others() -> None:
    one, other = (TRUTH + scale * RNG.normal(size=TRUTH.shape) for scale in (0.4, 0.7))
    parts = np.arange(500) // 170

    mixed = cross_fitted(squared, one, other, parts)

    for part in range(3):
        own = parts == part
        rest = ~own
        weight = mixing_weight(
            lambda p, rest=rest: np.square(p - TRUTH[rest]).sum(axis=1), one[rest], other[rest]
        )
        assert mixed[own] == pytest.approx(weight * one[own] + (1 - weight) * other[own])


def test_what_a_part_loses_does_not_move_its_own_weight() -> None:
    one, other = (TRUTH + scale * RNG.normal(size=TRUTH.shape) for scale in (0.4, 0.7))
    parts, worse = np.arange(500) // 170, one.copy()
    worse[parts == 1] += 50.0

    before, after = (cross_fitted(squared, each, other, parts) for each in (one, worse))

    weights = [
        (m - other)[parts == 1] / (e - other)[parts == 1]
        for m, e in ((before, one), (after, worse))
    ]
    assert np.median(weights[0]) == pytest.approx(np.median(weights[1]), abs=1e-6)
