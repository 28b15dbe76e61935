"""The suggestion is where the loss falls fastest, and none where it falls nowhere."""

import math

import numpy as np
import pytest

from lockgate.tuning.steepest import lines, suggest

GRID = [10.0 ** (-5 + i / 40) for i in range(201)]


def bent(at, noise=0.0, seed=0):
    """A loss that falls by a logistic curve whose steepest point is known, and then explodes."""
    rng = np.random.default_rng(seed)
    x = np.log10(GRID)
    fall = 1.0 - 0.6 / (1.0 + np.exp(-3.0 * (x - math.log10(at))))
    up = np.where(x > -0.5, 40.0 * (x + 0.5) ** 2, 0.0)
    return (fall + up + noise * rng.normal(size=len(x))).tolist()


@pytest.mark.parametrize("at", [2e-4, 1e-3, 1e-2])
def test_the_steepest_point_of_a_curve_is_found(at):
    found = suggest(GRID, lines(GRID, bent(at)))

    assert found.rate == pytest.approx(at, rel=0.07)
    # its slope is half the steepest where the logistic is 0.146 or 0.854, 0.588 decades away; the
    # lines, over a decade, see it a little wider
    low, high = (abs(math.log10(one / at)) for one in (found.low, found.high))
    assert low == pytest.approx(high, abs=0.06)
    assert 0.58 < low < 0.75


@pytest.mark.parametrize("seed", range(5))
def test_noise_of_batches_moves_it_by_less_than_a_third_of_a_decade(seed):
    found = suggest(GRID, lines(GRID, bent(1e-3, noise=0.05, seed=seed)))

    assert abs(math.log10(found.rate / 1e-3)) < 1 / 3
    assert found.low < found.rate < found.high


def test_of_descent_on_a_quadratic_it_is_where_theory_has_it():
    """Scalars judge: w shrinks by exp(-a · sum of rates), and the sum is rate / log(factor)."""
    curvature, factor, w, losses = 4.0, GRID[1] / GRID[0], 1.0, []
    for rate in GRID:
        losses.append(0.5 * curvature * w * w)
        w -= rate * curvature * w
    ended = next(i for i, rate in enumerate(GRID) if rate > 2 / curvature)

    found = suggest(GRID[:ended], lines(GRID[:ended], losses[:ended]))

    # exp(-c · rate) falls fastest by the logarithm of the rate at 1 / c
    steepest = math.log(factor) / (2 * curvature)
    assert found.rate == pytest.approx(steepest, rel=0.25)
    assert found.high < 2 / curvature


@pytest.mark.parametrize("seed", range(10))
def test_noise_alone_suggests_nothing(seed):
    losses = 1.0 + 0.1 * np.random.default_rng(seed).normal(size=len(GRID))

    found = suggest(GRID, lines(GRID, losses.tolist()))

    assert found is None


def test_a_loss_that_only_rises_suggests_nothing():
    assert suggest(GRID, lines(GRID, [1.0 + rate for rate in GRID])) is None


def test_a_fall_behind_the_lowest_loss_is_not_taken():
    x = np.log10(GRID)
    losses = bent(1e-4)
    losses = [
        loss + (30.0 if -2.0 < at < -1.0 else 0.0) for loss, at in zip(losses, x, strict=True)
    ]

    assert suggest(GRID, lines(GRID, losses)).rate == pytest.approx(1e-4, rel=0.5)


def test_lines_are_those_of_least_squares():
    rng = np.random.default_rng(0)
    losses = rng.normal(size=len(GRID))
    fitted = lines(GRID, losses.tolist())

    for i in (0, 60, 200):
        near = slice(max(0, i - 20), i + 21)
        x = np.log10(GRID[near]) - math.log10(GRID[i])
        coefficients, covariance = np.polyfit(x, losses[near], 1, cov=True)
        assert (fitted.slopes[i], fitted.values[i]) == pytest.approx(tuple(coefficients))
        assert fitted.errors[i] == pytest.approx(math.sqrt(covariance[0, 0]))
    assert fitted.whole.tolist() == [0.0] * 20 + [1.0] * 161 + [0.0] * 20
