"""Scores and the parts of blocks are those of the rows; what does not fit together is refused."""

import dataclasses

import numpy as np
import pytest

from lockgate.studies.evidence import Evidence, Round, Table

ROWS = 300
PLACES = np.repeat(np.arange(3), ROWS // 3)


def evidence(passes=2, order=(0, 1, 2), power=1.0, rungs=("a", "b"), random_state=0, **changes):
    """Evidence of three folds of 100 rows."""
    rng = np.random.default_rng(random_state)
    rounds = [
        Round(fold, rows, {rung: rng.gamma(2.0, size=len(rows)) for rung in rungs})
        for _ in range(passes)
        for fold in order
        for rows in [np.flatnonzero(fold == PLACES)]
    ]
    counts = rng.integers(1, 5, ROWS).astype(float)
    whole = Evidence(rounds, 3, counts, power, places=PLACES, horizon=5)
    return dataclasses.replace(whole, **changes)


@pytest.mark.parametrize("power", [1.0, 0.5], ids=["mae", "rmse"])
def test_log_scores_are_those_of_the_rows_judged(power):
    seen = evidence(power=power)
    one = seen.rounds[4]

    table = seen.table()

    mean = one.losses["b"].sum() / seen.counts[one.rows].sum()
    assert table.logs[1, 1, table.rungs.index("b")] == pytest.approx(np.log(mean**power))


@pytest.mark.parametrize("power", [1.0, 0.5], ids=["mae", "rmse"])
def test_a_block_moves_the_log_score_by_its_part(power):
    seen = evidence(passes=1, power=power)
    block, _ = seen.blocks()
    table = seen.table()
    more = []
    for one in seen.rounds:
        scale = 1 + 1e-6 * (block[one.rows] == 8)
        losses = {rung: lost * scale for rung, lost in one.losses.items()}
        more.append(dataclasses.replace(one, losses=losses))

    moved = (dataclasses.replace(seen, rounds=more).table().logs - table.logs) / 1e-6

    assert moved == pytest.approx(table.moves[..., 8], abs=1e-6)
    assert table.moves.sum(axis=-1) == pytest.approx(power)


def test_blocks_stay_in_their_fold_and_are_a_horizon_long():
    block, stretches = evidence(horizon=30).blocks()

    assert stretches.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert all(len(set(PLACES[block == b])) == 1 for b in range(9))
    assert np.bincount(block).min() >= 30


def test_rows_without_a_point_are_in_no_block():
    counts = np.ones(ROWS)
    counts[40:90] = 0.0

    block, _ = evidence(counts=counts).blocks()

    assert set(block[40:90]) == {-1}
    assert np.bincount(block[block >= 0])[:6].tolist() == [8, 8, 9, 8, 8, 9]


@pytest.mark.parametrize("random_state", range(5))
def test_no_group_is_torn_apart_wherever_its_rows_lie(random_state):
    groups = np.random.default_rng(random_state).integers(0, 60, ROWS)

    block, _ = evidence(places=None, groups=groups).blocks()

    assert all(len(set(block[groups == group])) == 1 for group in set(groups))
    assert len(set(block)) >= 12


def test_folds_drawn_anew_share_blocks_of_all_rows():
    _, stretches = evidence(places=None).blocks()

    assert stretches.tolist() == [0] * 18


def test_rounds_may_come_in_any_order_and_keep_their_numbers():
    table = evidence(order=(2, 0, 1)).table()

    assert table.numbers.tolist() == [[1, 2, 0], [4, 5, 3]]
    # a fold's moves lie in the blocks of its stretch
    assert np.all((table.moves[0, 1, 0] > 0) == (table.stretches == 1))


def test_a_pass_that_is_not_whole_is_not_read():
    seen = evidence(passes=3)

    table = dataclasses.replace(seen, rounds=seen.rounds[:8]).table()

    assert table.logs.shape == (2, 3, 2)
    np.testing.assert_array_equal(table.logs, seen.table().logs[:2])


def test_a_fit_without_a_finite_score_has_none():
    seen = evidence(passes=1)
    odd = {"a": np.zeros(100), "b": np.full(100, np.inf)}
    rounds = [dataclasses.replace(seen.rounds[0], losses=odd), *seen.rounds[1:]]

    logs = dataclasses.replace(seen, rounds=rounds).table().logs

    assert not np.isfinite(logs[0, 0]).any()
    assert np.isfinite(logs[0, 1:]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"places": np.zeros(3)}, r"places must have the shape of counts, \(300,\), got \(3,\)"),
        ({"groups": np.zeros(3)}, r"groups must have the shape of counts"),
        ({"folds": 2}, r"fold must be in 0..1, got 2"),
        ({"places": PLACES[::-1]}, r"rows of round 0 must lie in its fold, 0, got \[2\]"),
        (
            {"rounds": [Round(0, np.arange(4), {"a": np.ones(3)})]},
            r"losses of a, round 0, must have the shape of rows, \(4,\), got \(3,\)",
        ),
        (
            {"rounds": [Round(fold, np.arange(1), {}) for fold in (0, 1, 1)], "places": None},
            r"a pass must judge each of 3 folds once, got \[0, 1, 1\]",
        ),
    ],
    ids=["places", "groups", "fold", "rows", "losses", "pass"],
)
def test_evidence_that_does_not_fit_together_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        evidence(**changes)


@pytest.mark.parametrize(
    ("folds", "blocks", "fixed", "reason"),
    [
        (2, 6, True, "2 folds, and a verdict needs 3"),
        (5, 1, True, "fewer than 2 blocks of rows in a fold"),
        (3, 2, True, "6 blocks of rows, and a verdict needs 8"),
        (3, 3, True, None),
        (5, 1, False, "fewer than 2 blocks of rows in a fold"),
        (5, 2, False, None),
    ],
)
def test_evidence_that_carries_no_verdict_says_why(folds, blocks, fixed, reason):
    stretches = np.repeat(np.arange(folds), blocks) if fixed else np.zeros(folds * blocks, int)
    logs = np.zeros((1, folds, 2))

    table = Table(("a", "b"), logs, np.zeros((*logs.shape, len(stretches))), logs, stretches, fixed)

    assert table.why_not() == reason
