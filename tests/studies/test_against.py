"""What is delivered is judged by the rows of the test part, whose neighbours are alike."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats

from lockgate.studies.against import Rows, block_starts, judge_against, mean_variance


def log_interval(effect: Any) -> tuple[float, float]:
    low, high = (math.log1p(effect[key] / 100.0) for key in ("low", "high"))
    return low, high


def test_alternating_blocks_give_their_plain_variance() -> None:
    moves = np.array([1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 1.0, -1.0])

    variance = mean_variance(moves)

    assert variance.value == pytest.approx(np.var(moves, ddof=1) / 8)
    assert variance.dof == pytest.approx(2 / 3 * 7)


def test_what_neighbouring_blocks_have_in_common_is_added() -> None:
    moves = np.repeat([1.0, -1.0, 2.0, -2.0], 3)
    v = np.var(moves, ddof=1)
    c = sum(a * b for a, b in pairwise(moves)) / 11 + v / 12

    assert mean_variance(moves).value == pytest.approx((v + 2 * c) / 12)


def test_variance_of_a_mean_is_right_for_blocks_that_overlap() -> None:
    shocks = np.random.default_rng(0).normal(size=(10_000, 16))
    blocks = shocks[:, 1:] + 0.5 * shocks[:, :-1]
    moves = blocks - blocks.mean(axis=1, keepdims=True)

    estimate = np.mean([mean_variance(row).value for row in moves[:2_000]])
    plain = (moves[:2_000] ** 2).sum(axis=1).mean() / 14 / 15

    truth = blocks.mean(axis=1).var()
    assert estimate == pytest.approx(truth, rel=0.1)
    assert plain < 0.65 * truth


@pytest.mark.parametrize("power", [1.0, 0.5], ids=["mae", "rmse"])
def test_the_interval_agrees_with_the_jackknife(power: float) -> None:
    rng = np.random.default_rng(3)
    counts = rng.integers(1, 25, size=900).astype(float)
    weather = 1 + 0.3 * np.sin(np.arange(900) / 100)
    model, baseline = (weather * counts * rng.gamma(5, size=900) for _ in range(2))
    blocks = np.arange(900) // 60
    left_out = np.array(
        [
            power * math.log(model[blocks != b].sum() / baseline[blocks != b].sum())
            for b in range(15)
        ]
    )
    # what remains over when a block is left out moves the other way, 14 times less
    judge = mean_variance(14 * (left_out.mean() - left_out))

    effect = judge_against(Rows(counts, power, 24), model, baseline, "ridge")

    low, high = log_interval(effect)
    half = stats.t.ppf(0.975, judge.dof) * math.sqrt(judge.value)
    assert (high - low) / 2 == pytest.approx(half, rel=0.02)
    assert (high + low) / 2 == pytest.approx(power * math.log(model.sum() / baseline.sum()))


def test_rows_without_an_observed_point_change_nothing() -> None:
    rng = np.random.default_rng(0)
    model, baseline = rng.gamma(5, size=(2, 300))
    spread = np.sort(rng.choice(700, 300, replace=False))
    wide = [np.zeros(700) for _ in range(3)]
    for row, values in zip(wide, (np.ones(300), model, baseline), strict=True):
        row[spread] = values

    dense = judge_against(Rows(np.ones(300), 1.0, 9), model, baseline, "ridge")

    assert judge_against(Rows(wide[0], 1.0, 9), wide[1], wide[2], "ridge") == dense


@pytest.mark.parametrize(
    ("rows", "horizon", "blocks"),
    [(1300, 24, 15), (360, 24, 15), (359, 24, 14), (191, 24, 7), (14, 1, 14), (3, 24, 0)],
)
def test_blocks_are_at_most_15_and_at_least_a_horizon_long(
    rows: int, horizon: int, blocks: int
) -> None:
    assert len(block_starts(Rows(np.ones(rows), 1.0, horizon))) == blocks


@pytest.mark.parametrize("seed", range(20))
def test_no_block_ends_inside_a_group(seed: int) -> None:
    sizes = np.random.default_rng(seed).integers(1, 12, 40)
    groups = np.repeat(np.arange(40), sizes)
    counts = np.ones(len(groups))
    counts[::7] = 0.0

    starts = block_starts(Rows(counts, 1.0, int(sizes.max()), groups))

    seen = groups[counts > 0]
    assert all(start == 0 or seen[start] != seen[start - 1] for start in starts)
    assert len(starts) == min(15, len(seen) // sizes.max()) >= 8


@pytest.mark.parametrize(("share", "outcome"), [(0.9, "beats"), (1.0, "ties"), (1.1, "loses")])
def test_outcomes(share: float, outcome: str) -> None:
    rng = np.random.default_rng(5)
    lost = rng.gamma(5, size=1200)
    own = share * lost * rng.uniform(0.8, 1.2, size=1200)

    effect = judge_against(Rows(np.ones(1200), 1.0, 24), own, lost, "ridge")

    assert (effect["name"], effect["outcome"]) == ("ridge", outcome)
    assert effect["percent"] == pytest.approx(100 * (share - 1), abs=1.5)


def test_few_rows_give_the_change_without_a_verdict() -> None:
    effect = judge_against(Rows(np.ones(180), 1.0, 24), np.ones(180), 2 * np.ones(180), "ridge")

    assert effect["percent"] == pytest.approx(-50.0)
    assert (effect["low"], effect["high"], effect["outcome"]) == (None, None, "no verdict")


@pytest.mark.parametrize("zero", [("model",), ("baseline",), ("model", "baseline")])
def test_a_score_of_0_or_beyond_all_numbers_has_no_logarithm(zero: Any) -> None:
    lost = {"model": np.ones(400), "baseline": np.ones(400)}
    for value in (0.0, np.inf):
        changed = {name: values * (value if name in zero else 1) for name, values in lost.items()}

        effect = judge_against(Rows(np.ones(400), 0.5, 9), *changed.values(), "ridge")

        assert (effect["percent"], effect["outcome"]) == (None, "no verdict")


def test_equal_models_tie() -> None:
    lost = np.random.default_rng(0).gamma(5, size=400)

    effect = judge_against(Rows(np.ones(400), 1.0, 9), lost, lost, "ridge")

    assert (effect["percent"], effect["low"], effect["outcome"]) == (0.0, 0.0, "ties")
