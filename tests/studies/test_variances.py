"""Variances are those of a regression, of plain columns, and of sums of dependent blocks."""

import numpy as np
import pytest
import statsmodels.api as sm

from lockgate.studies.variances import covariance_beside, interaction, of_blocks, within_columns


def test_interaction_is_what_a_regression_on_table_row_and_column_leaves():
    tables = np.random.default_rng(0).normal(size=(3, 4, 5))
    table, row, column = np.indices(tables.shape).reshape(3, -1)
    dummies = [(table == t) & (row == r) for t in range(3) for r in range(4)]
    dummies += [(table == t) & (column == c) for t in range(3) for c in range(1, 5)]

    judge = sm.OLS(tables.ravel(), np.column_stack(dummies).astype(float)).fit()

    part = interaction(tables)
    assert part.variance == pytest.approx(judge.scale)
    assert part.dof == judge.df_resid == 3 * 3 * 4


def test_variance_within_columns_leaves_out_what_is_missing():
    columns = np.array([[1.0, 5.0, np.nan], [2.0, np.nan, np.nan], [6.0, 9.0, 4.0]])

    part = within_columns(columns)

    assert part.dof == 2 + 1 + 0
    assert part.variance == pytest.approx((2 * np.var([1, 2, 6], ddof=1) + 8.0) / 3)


@pytest.mark.parametrize("memory", [0.0, 0.5, -0.5])
def test_rows_that_follow_each_other_are_told_to_have_in_common_what_they_have(memory):
    shocks = np.random.default_rng(0).normal(size=(4_000, 61, 5))
    tables = shocks[:, 1:] + memory * shocks[:, :-1] + np.arange(5)  # columns differ anyway

    found = [covariance_beside(table) for table in tables]

    error = np.std(found) / np.sqrt(len(found))
    # a mean over 60 rows is not the truth: it shifts the product by 2 memory / 60 at most
    assert np.mean(found) == pytest.approx(memory, abs=4 * error + abs(memory) / 30)


@pytest.mark.parametrize(
    ("memory", "least"), [(0.0, 1.0), (0.5, 0.73)], ids=["independent", "overlapping"]
)
def test_what_blocks_add_is_right_for_the_sum_of_stretches(memory, least):
    """What blocks of a whole stretch have in common shows between stretches, and not here."""
    rng = np.random.default_rng(1)
    stretches = np.repeat(np.arange(5), 6)
    shocks = rng.normal(size=(6_000, 5, 7))
    blocks = shocks[..., 1:] + memory * shocks[..., :-1]
    moves = (blocks - blocks.mean(axis=2, keepdims=True)).reshape(len(shocks), -1)

    estimates = [of_blocks(row[None], stretches).variance for row in moves[:2_000]]

    truth = blocks.sum(axis=(1, 2)).var()
    # a covariance below 0 counts as 0, which overstates a little where there is none
    assert least * truth < np.mean(estimates) < 1.2 * truth


def test_neighbours_in_two_stretches_have_nothing_in_common():
    moves = np.array([[1.0, -1.0, -1.0, 1.0, 1.0, -1.0]])

    parts = of_blocks(moves, np.array([0, 0, 1, 1, 2, 2]))

    assert parts.variance == pytest.approx(2 * 6.0)
    assert parts.dof == pytest.approx(2 / 3 * (6 - 3))


def test_effects_are_added_up():
    rng = np.random.default_rng(2)
    base = rng.normal(size=(1, 8)).repeat(2, axis=0)
    stretches = np.zeros(8, dtype=np.int64)

    assert of_blocks(base, stretches).variance == pytest.approx(
        2 * of_blocks(base[:1], stretches).variance
    )
