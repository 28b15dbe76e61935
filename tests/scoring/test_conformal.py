"""Split conformal quantiles cover what they say, with the exact rank, step by step."""

import math

import numpy as np
import pytest

from lockgate.scoring.conformal import (
    errors_needed,
    levels_as_quantiles,
    offsets,
    ranks_of,
)


def by_hand(errors: list[float], share: float) -> float:
    """Return the smallest error that a share of n + 1 are not above, by counting."""
    known = sorted(error for error in errors if not math.isnan(error))
    for error in known:
        if sum(one <= error for one in known) >= share * (len(known) + 1) - 1e-9:
            return error
    return math.inf


@pytest.mark.parametrize("rows", [1, 4, 9, 19, 38, 39, 101])
def test_an_offset_is_the_error_of_its_rank(rows: int) -> None:
    errors = np.random.default_rng(rows).normal(size=(rows, 3))
    errors[rows // 2, 1] = np.nan
    quantiles = (0.025, 0.1, 0.3, 0.75, 0.9, 0.975)

    sides = offsets(errors, quantiles, sides=True)
    symmetric = offsets(errors, quantiles, sides=False)

    for step in range(3):
        own = errors[:, step].tolist()
        size = np.abs(errors[:, step]).tolist()
        for place, quantile in enumerate(quantiles):
            if quantile > 0.5:
                one, wide = by_hand(own, quantile), by_hand(size, 2 * quantile - 1)
            else:
                one = -by_hand([-error for error in own], 1 - quantile)
                wide = -by_hand(size, 1 - 2 * quantile)
            assert sides[place, step] == one
            assert symmetric[place, step] == wide


@pytest.mark.parametrize("sides", [True, False])
@pytest.mark.parametrize("quantile", [0.025, 0.1, 0.4, 0.9, 0.975, 0.995])
def test_a_quantile_is_known_from_the_errors_needed_on(quantile: float, *, sides: bool) -> None:
    needed = errors_needed(quantile, sides=sides)
    errors = np.random.default_rng(0).normal(size=(needed, 1))

    assert np.isfinite(offsets(errors, [quantile], sides=sides)).all()
    assert np.isinf(offsets(errors[:-1], [quantile], sides=sides)).all()


def test_levels_are_the_quantiles_at_their_ends() -> None:
    assert levels_as_quantiles([90]) == (0.05, 0.95)
    assert levels_as_quantiles([99.9]) == (0.0005, 0.9995)


def test_the_middle_is_the_median_or_the_forecast() -> None:
    errors = np.array([[1.0], [2.0], [9.0], [np.nan]])

    assert offsets(errors, [0.5], sides=True) == [[2.0]]
    assert offsets(errors, [0.5], sides=False) == [[0.0]]


@pytest.mark.parametrize("sides", [True, False])
def test_intervals_of_exchangeable_errors_cover_their_level(*, sides: bool) -> None:
    # skewed errors, whose size grows with the step
    rng, level, covered = np.random.default_rng(1), 80, []
    for _ in range(1500):
        errors = (rng.exponential(size=(60, 2)) - 1.0) * [1.0, 5.0]
        low, high = offsets(errors[:59], levels_as_quantiles([level]), sides=sides)
        covered.append((errors[59] >= low) & (errors[59] <= high))

    # the exact coverage is ceil(60 * .9) / 60 at each end, or ceil(60 * .8) / 60
    exact = 1.0 - 2.0 * 6.0 / 60.0 if sides else 48.0 / 60.0
    noise = 4.0 * math.sqrt(exact * (1.0 - exact) / 1500)
    assert np.mean(covered, axis=0) == pytest.approx([exact, exact], abs=noise)


def autoregressive(rng: np.random.Generator, rows: int, weight: float) -> np.ndarray:
    noise, values = rng.normal(size=rows), np.zeros(rows)
    values[0] = noise[0] / math.sqrt(1.0 - weight**2)
    for row in range(1, rows):
        values[row] = weight * values[row - 1] + noise[row]
    return values


def test_errors_that_hang_on_each_other_cover_a_little_less() -> None:
    # origins follow each other, the forecast is the best there is: errors of step h are MA(h - 1)
    rng, horizon, weight, covered = np.random.default_rng(2), 6, 0.9, []
    for _ in range(400):
        values = autoregressive(rng, 260, weight)
        origins = np.arange(250)
        steps = np.arange(1, horizon + 1)
        forecast = values[origins][:, None] * weight**steps
        errors = values[origins[:, None] + steps] - forecast
        low, high = offsets(errors[:180], levels_as_quantiles([90]), sides=True)
        inside = (errors[200:] >= low) & (errors[200:] <= high)
        covered.append(inside.mean(axis=0))

    share = np.mean(covered, axis=0)
    assert (share > 0.87).all()
    assert (share < 0.91).all()


def test_noise_that_doubles_half_way_is_covered_too_little() -> None:
    # what the docs say of a change: the errors before it do not tell of what comes after
    rng = np.random.default_rng(3)
    before, after = rng.normal(size=(2000, 1)), 2.0 * rng.normal(size=(2000, 1))
    low, high = offsets(before, levels_as_quantiles([90]), sides=True)

    assert ((after >= low) & (after <= high)).mean() == pytest.approx(0.59, abs=0.03)


def test_pooled_steps_would_miss_what_steps_by_themselves_cover() -> None:
    rng = np.random.default_rng(4)
    errors = rng.normal(size=(4000, 2)) * [1.0, 4.0]
    quantiles = levels_as_quantiles([90])

    low, high = offsets(errors[:2000], quantiles, sides=True)
    pooled = offsets(errors[:2000].reshape(-1, 1), quantiles, sides=True)

    def covered(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return ((errors[2000:] >= low) & (errors[2000:] <= high)).mean(axis=0)

    assert covered(low, high) == pytest.approx([0.9, 0.9], abs=0.03)
    assert abs(covered(*pooled) - 0.9).min() > 0.05


def test_truths_of_the_same_kind_are_placed_evenly() -> None:
    rng = np.random.default_rng(5)
    errors, truths = rng.normal(size=(999, 2)), rng.normal(size=(4001, 2))
    truths[0, 0] = np.nan

    placed = ranks_of(truths, errors)

    assert np.isnan(placed[0, 0])
    assert np.isnan(placed).sum() == 1
    counts, _ = np.histogram(placed[np.isfinite(placed)], 10, (0.0, 1.0))
    assert counts / counts.sum() == pytest.approx(np.full(10, 0.1), abs=0.02)


def test_a_tie_is_placed_in_its_middle() -> None:
    assert ranks_of(np.array([[0.0]]), np.zeros((9, 1))) == pytest.approx(np.array([[0.5]]))
