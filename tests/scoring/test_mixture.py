"""The weight of a mixture is the best of a fine grid, and an end where one is best alone."""

import numpy as np
import pytest

from lockgate.scoring.mixture import mixing_weight

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
