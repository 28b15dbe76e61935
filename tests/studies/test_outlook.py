"""What is told of an open pair follows from its effect."""

import math

import pytest
from scipy import stats

from lockgate.studies.chance import Effect
from lockgate.studies.outlook import PRIOR, chance_it_helps, needed_rounds, rows_limit
from lockgate.studies.variances import NOTHING, Part

SMALLEST = math.log(1.02)


def effect(d, fits=0.01, rows=0.002, rounds=10, dof=40.0):
    """An effect with standard errors of its fits and its rows."""
    return Effect(d, rounds, (Part(fits**2, dof),), NOTHING, Part(rows**2, 17.0))


def test_the_chance_is_that_of_the_posterior():
    seen = effect(-0.01, fits=0.01, rows=0.0)
    weight = PRIOR**2 / (PRIOR**2 + 0.01**2)

    posterior = stats.norm(-0.01 * weight, math.sqrt(weight) * 0.01)

    assert chance_it_helps(seen) == pytest.approx(posterior.cdf(0.0))


def test_what_helps_and_what_hurts_mirror_each_other():
    assert chance_it_helps(effect(0.0)) == 0.5
    assert chance_it_helps(effect(0.01)) == pytest.approx(1 - chance_it_helps(effect(-0.01)))
    assert chance_it_helps(effect(-0.01, 0.0, 0.0)) == 1.0


@pytest.mark.parametrize("d", [-0.02, 0.001, 0.0], ids=["helps", "no-gain", "no-difference"])
def test_the_rounds_needed_decide_a_pair_whose_effect_is_as_it_looks(d):
    seen = effect(d)

    low, high = needed_rounds(seen, 0.01, SMALLEST)

    def decided(rounds):
        later = seen.after(rounds)
        return later.is_below_zero(0.01) or later.gains_less(SMALLEST, 0.01)

    assert 1 <= low <= high
    assert not decided(seen.rounds + low - 1)
    assert decided(seen.rounds + high)


def test_where_rows_are_too_noisy_no_rounds_are_told():
    noisy = effect(0.001, fits=0.002, rows=0.02)

    assert needed_rounds(noisy, 0.01, SMALLEST) is None
    assert rows_limit(noisy, 0.01, SMALLEST)


def test_rows_are_no_limit_while_fits_might_move_the_effect():
    loud = effect(0.001, fits=0.1, rows=0.02)

    assert needed_rounds(loud, 0.01, SMALLEST) is None
    assert not rows_limit(loud, 0.01, SMALLEST)


def test_rows_are_no_limit_of_what_rounds_decide():
    assert not rows_limit(effect(-0.02), 0.01, SMALLEST)
