"""Bootstrap intervals are as wide as chance, and cover as often as they say."""

import numpy as np
import pytest

from lockgate.scoring.bootstrap import bootstrap_interval


def test_the_bootstrap_of_a_mean_is_as_wide_as_its_standard_error():
    values = np.random.default_rng(0).normal(3.0, 2.0, 1_000)

    low, high = bootstrap_interval(values)

    margin = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - margin, abs=0.01)
    assert high == pytest.approx(values.mean() + margin, abs=0.01)
    assert (low, high) == bootstrap_interval(values)
    assert (low, high) != bootstrap_interval(values, seed=1)
    wider = bootstrap_interval(values, level=0.99)
    assert wider[0] < low < high < wider[1]


def test_rows_of_one_group_are_drawn_together():
    rng = np.random.default_rng(0)
    by_group = rng.normal(size=200)
    groups = np.repeat(np.arange(200), 25).astype(str)
    shuffled = rng.permutation(len(groups))
    values = np.repeat(by_group, 25)

    low, high = bootstrap_interval(values[shuffled], groups=groups[shuffled])

    # the rows of a group are one another's copies: as though there were 200 rows
    assert high - low == pytest.approx(2 * 1.96 * by_group.std() / np.sqrt(200), rel=0.06)
    assert high - low > 4 * np.diff(bootstrap_interval(values))[0]


def test_groups_of_unequal_size_keep_the_mean_over_rows():
    values = np.array([1.0] * 30 + [0.0, 0.0])
    groups = np.array([0] * 30 + [1, 2])

    low, high = bootstrap_interval(values, groups=groups, level=0.2)

    # a mean over groups would lie about 1/3
    assert 0.9 < low <= high < 1.0


def test_large_parts_are_drawn_in_pieces():
    values = np.random.default_rng(0).random(30_000)

    low, high = bootstrap_interval(values, repeats=200)

    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(30_000), rel=0.2)


def test_a_single_row_or_group_tells_no_interval():
    assert np.isnan(bootstrap_interval(np.array([1.0]))).all()
    assert np.isnan(bootstrap_interval(np.ones(5), groups=np.zeros(5))).all()


def test_the_bootstrap_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = [
        low <= 0.8 <= high
        for low, high in (
            bootstrap_interval(rng.random(200) < 0.8, repeats=400) for _ in range(400)
        )
    ]

    assert 0.91 < np.mean(inside) < 0.98


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"level must be in \(0, 1\), got 95"):
        bootstrap_interval(np.ones(3), level=95)
    with pytest.raises(ValueError, match="repeats must be at least 1, got 0"):
        bootstrap_interval(np.ones(3), repeats=0)
    with pytest.raises(ValueError, match=r"groups must have shape \(3,\), got \(2,\)"):
        bootstrap_interval(np.ones(3), groups=np.ones(2))
    with pytest.raises(ValueError, match="values_per_row must have shape"):
        bootstrap_interval(np.ones(0))
