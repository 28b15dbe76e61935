"""The verdict follows its rule, and the rule errs less than once in twenty studies."""

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from scipy.signal import lfilter
from statsmodels.stats.multitest import multipletests

from lockgate.studies.verdict import (
    Evidence,
    between_seeds_variance,
    judge_baseline,
    judge_pairs,
    mean_variance,
    residual_variance,
)

CELLS = ("rnn", "lstm", "gru")
BUILT_ON_A_CELL = ("input", "recurrent", "both", "stacked", "bidirectional")
RUNGS = (*CELLS, *BUILT_ON_A_CELL, "stacked+both")


def flat(log_scores, windows=150, horizon=10, **changes):
    """Evidence in which every window of a fit loses the same, so that blocks tell nothing."""
    losses = {fit: np.full(windows, math.exp(score)) for fit, score in log_scores.items()}
    return dataclasses.replace(Evidence(losses, np.ones(windows), 1.0, horizon), **changes)


def table(effects, seeds=5, noise=0.01, random_state=0):
    """Log scores of rungs with given effects, with seeds in common and noise of each fit."""
    rng = np.random.default_rng(random_state)
    common = rng.normal(0, 0.05, seeds)
    return {
        (rung, seed): effect + common[seed] + noise * rng.normal()
        for rung, effect in effects.items()
        for seed in range(seeds)
    }


def log_interval(verdict):
    return [math.log1p(percent / 100) for percent in (verdict.low, verdict.high)]


# the seed variance


@pytest.mark.parametrize("missing", [(), (1, 7, 8, 13)], ids=["whole", "four-fits-missing"])
def test_residual_variance_is_that_of_a_regression_on_rung_and_seed(missing):
    scores = table({"a": 0.0, "b": 0.3, "c": -0.2, "d": 0.1}, seeds=5)
    for i in sorted(missing, reverse=True):
        del scores[list(scores)[i]]
    rungs, seeds = zip(*scores, strict=True)
    dummies = [np.array(rungs) == r for r in "abcd"] + [np.array(seeds) == s for s in range(1, 5)]

    judge = sm.OLS(np.array(list(scores.values())), np.column_stack(dummies).astype(float)).fit()

    variance = residual_variance(scores)
    assert variance.value == pytest.approx(judge.scale)
    assert variance.dof == judge.df_resid == len(scores) - 4 - 5 + 1


def test_residual_variance_of_a_whole_table_has_the_degrees_of_freedom_of_the_rule():
    assert residual_variance(table(dict.fromkeys(RUNGS, 0.0), seeds=5)).dof == (9 - 1) * (5 - 1)


def test_variance_between_seeds_is_pooled_over_rungs():
    scores = table({"a": 0.0, "b": 1.0, "c": 2.0}, seeds=6)

    expected = np.mean([np.var([scores[r, s] for s in range(6)], ddof=1) for r in "abc"])

    assert between_seeds_variance(scores).value == pytest.approx(expected)


def test_rungs_that_repeat_each_other_add_no_degrees_of_freedom():
    alike = {(rung, seed): float(seed**2) for rung in "abc" for seed in range(6)}
    opposed = {
        (rung, seed): (1 if rung == "a" else -1) * seed for rung in "ab" for seed in range(6)
    }

    assert between_seeds_variance(alike).dof == pytest.approx(6 - 1)
    assert between_seeds_variance(opposed).dof == pytest.approx(2 * (6 - 1))


def test_interval_is_twice_the_residual_variance_over_the_seeds():
    scores = table({"rung": -0.03, "parent": 0.0, "other": 0.4}, seeds=4)
    grid = np.array(list(scores.values())).reshape(3, 4)
    rest = grid - grid.mean(axis=0) - grid.mean(axis=1, keepdims=True) + grid.mean()
    d = (grid[0] - grid[1]).mean()
    half = stats.t.ppf(0.975, 6) * math.sqrt(2 * (rest**2).sum() / 6 / 4)

    [verdict] = judge_pairs(flat(scores), [("rung", "parent")])

    assert verdict.percent == pytest.approx(100 * (math.exp(d) - 1))
    assert log_interval(verdict) == pytest.approx([d - half, d + half])
    assert verdict.seeds == 4


# the block variance


def test_alternating_blocks_give_their_plain_variance():
    moves = np.array([1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 1.0, -1.0])

    variance = mean_variance(moves)

    assert variance.value == pytest.approx(np.var(moves, ddof=1) / 8)
    assert variance.dof == pytest.approx(2 / 3 * 7)


def test_what_neighbouring_blocks_have_in_common_is_added():
    moves = np.repeat([1.0, -1.0, 2.0, -2.0], 3)
    v = np.var(moves, ddof=1)
    c = sum(a * b for a, b in pairwise(moves)) / 11 + v / 12

    assert mean_variance(moves).value == pytest.approx((v + 2 * c) / 12)


def test_variance_of_a_mean_is_right_for_blocks_that_overlap():
    shocks = np.random.default_rng(0).normal(size=(10_000, 16))
    blocks = shocks[:, 1:] + 0.5 * shocks[:, :-1]
    moves = blocks - blocks.mean(axis=1, keepdims=True)

    estimate = np.mean([mean_variance(row).value for row in moves[:2_000]])
    plain = (moves[:2_000] ** 2).sum(axis=1).mean() / 14 / 15

    truth = blocks.mean(axis=1).var()
    assert estimate == pytest.approx(truth, rel=0.1)
    assert plain < 0.65 * truth


@pytest.mark.parametrize("power", [1.0, 0.5], ids=["mae", "rmse"])
def test_block_variance_agrees_with_the_jackknife(power):
    rng = np.random.default_rng(3)
    counts = rng.integers(1, 25, size=900).astype(float)
    weather = 1 + 0.3 * np.sin(np.arange(900) / 100)
    lost = {r: weather * counts * rng.gamma(5, size=900) for r in ("rung", "parent")}
    evidence = Evidence(
        {(rung, seed): lost[rung] for rung in lost for seed in range(3)}, counts, power, 24
    )
    blocks = np.arange(900) // 60
    left_out = np.array(
        [
            power * math.log(lost["rung"][blocks != b].sum() / lost["parent"][blocks != b].sum())
            for b in range(15)
        ]
    )
    # what remains over when a block is left out moves the other way, 14 times less
    judge = mean_variance(14 * (left_out.mean() - left_out))

    [verdict] = judge_pairs(evidence, [("rung", "parent")])

    low, high = log_interval(verdict)
    half = stats.t.ppf(0.975, min(2, judge.dof)) * math.sqrt(judge.value)
    assert (high - low) / 2 == pytest.approx(half, rel=0.02)


@pytest.mark.parametrize(
    ("others", "dof"), [("", 2), ("cdefghi", 2 / 3 * 14)], ids=["of-the-seeds", "of-the-blocks"]
)
def test_the_smaller_degrees_of_freedom_count(others, dof):
    rng = np.random.default_rng(0)
    losses = {(rung, seed): rng.gamma(9, size=150) for rung in "ab" for seed in range(3)}
    losses |= {(rung, seed): np.ones(150) for rung in others for seed in range(3)}
    logs = {fit: math.log(loss.mean()) for fit, loss in losses.items()}
    shares = {fit: loss.reshape(15, 10).mean(axis=1) / loss.mean() for fit, loss in losses.items()}
    moves = np.mean([shares["a", seed] - shares["b", seed] for seed in range(3)], axis=0)
    error = math.sqrt(2 * residual_variance(logs).value / 3 + mean_variance(moves).value)

    [verdict] = judge_pairs(Evidence(losses, np.ones(150), 1.0, 10), [("a", "b")])

    low, high = log_interval(verdict)
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, dof) * error)


def test_windows_without_an_observed_point_change_nothing():
    evidence = study(np.random.default_rng(0), windows=300)[0]
    holes = np.random.default_rng(1).random(300) < 0.3
    spread = np.zeros(700)
    at = np.sort(np.random.default_rng(2).choice(700, 300, replace=False))

    def with_holes(values):
        values, result = np.where(holes, 0.0, values), spread.copy()
        result[at] = values
        return result

    dense = Evidence(
        {fit: loss[~holes] for fit, loss in evidence.losses.items()},
        evidence.counts[~holes],
        1.0,
        9,
    )
    sparse = Evidence(
        {fit: with_holes(loss) for fit, loss in evidence.losses.items()},
        with_holes(evidence.counts),
        1.0,
        9,
    )

    pairs = [("input", "lstm"), ("stacked", "gru")]
    assert sparse.blocks == dense.blocks == 15
    for a, b in zip(judge_pairs(sparse, pairs), judge_pairs(dense, pairs), strict=True):
        assert dataclasses.astuple(a)[2:5] == pytest.approx(dataclasses.astuple(b)[2:5])


@pytest.mark.parametrize(
    ("windows", "horizon", "blocks"),
    [(1300, 24, 15), (360, 24, 15), (359, 24, 14), (191, 24, 7), (14, 1, 14), (3, 24, 0)],
)
def test_blocks_are_at_most_15_and_at_least_a_horizon_long(windows, horizon, blocks):
    assert flat({("a", 0): 0.0}, windows, horizon).blocks == blocks


def test_rmse_is_the_root_of_a_mean():
    evidence = study(np.random.default_rng(0), windows=300)[0]
    pairs = [("input", "lstm"), ("both", "rnn")]

    squared = judge_pairs(dataclasses.replace(evidence, power=0.5), pairs)

    for half, whole in zip(squared, judge_pairs(evidence, pairs), strict=True):
        assert log_interval(half) == pytest.approx([x / 2 for x in log_interval(whole)])


# the family of pairs


@pytest.mark.parametrize("random_state", range(20))
def test_an_interval_excludes_0_where_holm_rejects(random_state):
    effects = dict(zip("abcdefg", [0.0, 0.012, 0.02, 0.025, -0.015, 0.002, -0.03], strict=True))
    scores = table(effects, noise=0.012, random_state=random_state)
    pairs = [(rung, "a") for rung in "bcdef"] + [("g", "f")]
    rest = residual_variance(scores)
    d = [np.mean([scores[r, s] - scores[q, s] for s in range(5)]) for r, q in pairs]
    p = 2 * stats.t.sf(np.abs(d) / math.sqrt(2 * rest.value / 5), 28 / 3)

    verdicts = judge_pairs(flat(scores), pairs)

    excludes = [verdict.low > 0 or verdict.high < 0 for verdict in verdicts]
    assert excludes == multipletests(p, 0.05, method="holm")[0].tolist()


def test_intervals_have_the_level_of_their_step():
    scores = table({"a": 0.0, "b": 0.5, "c": 0.01, "d": 0.0}, noise=0.01)
    error = math.sqrt(2 * residual_variance(scores).value / 5)

    verdicts = judge_pairs(flat(scores), [("d", "a"), ("b", "a"), ("c", "a")])

    halves = [(high - low) / 2 / error for low, high in map(log_interval, verdicts)]
    # b is rejected at 5 % / 3; the steps end at the second pair, whose level the third takes over
    assert halves == pytest.approx([stats.t.isf(0.05 / steps / 2, 28 / 3) for steps in (2, 3, 2)])


def test_a_pair_without_an_interval_still_counts_in_the_family():
    scores = table({"a": 0.0, "b": -0.1, "c": 0.1}, noise=0.01)
    gone = [("c", seed) for seed in range(3)]

    [alone] = judge_pairs(flat(scores, diverged=gone), [("b", "a")])
    [beside, lost] = judge_pairs(flat(scores, diverged=gone), [("b", "a"), ("c", "a")])

    assert lost.outcome == "no verdict"
    assert beside.high - beside.low > alone.high - alone.low


# outcomes


@pytest.mark.parametrize(
    ("effect", "noise", "outcome"),
    [
        (-0.05, 0.001, "helps"),
        (0.05, 0.001, "hurts"),
        (0.0, 0.001, "no real difference"),
        (0.006, 0.0005, "no real difference"),
        (0.0085, 0.0015, "undecided"),
        (-0.02, 0.05, "undecided"),
    ],
    ids=["helps", "hurts", "nothing", "sure-but-small", "sure-but-near-1-percent", "noisy"],
)
def test_outcomes(effect, noise, outcome):
    # the noise of a whole table: its mean over seeds is exactly 0
    rest = noise * np.array([1.0, -1.0, 1.0, -1.0, 0.0])
    scores = {("b", s): effect + rest[s] for s in range(5)} | {("a", s): -rest[s] for s in range(5)}

    [verdict] = judge_pairs(flat(scores), [("b", "a")])

    assert verdict.outcome == outcome
    assert verdict.percent == pytest.approx(100 * math.expm1(effect))
    half = (log_interval(verdict)[1] - log_interval(verdict)[0]) / 2
    visible = pytest.approx(100 * math.expm1(half)) if outcome == "undecided" else None
    assert verdict.smallest_visible == visible


@pytest.mark.parametrize(
    ("share", "outcome"), [(1.001, "hurts"), (0.999, "no real difference")], ids=["above", "below"]
)
def test_one_percent_is_the_smallest_effect_that_counts(share, outcome):
    scores = {("a", s): 0.0 for s in range(3)} | {
        ("b", s): share * math.log(1.01) for s in range(3)
    }

    assert judge_pairs(flat(scores), [("b", "a")])[0].outcome == outcome


def test_a_rung_cut_by_the_budget_is_undecided_on_either_side():
    scores = table({"a": 0.0, "b": -0.2, "c": -0.4}, noise=0.001)
    pairs = [("b", "a"), ("c", "b"), ("c", "a")]

    verdicts = judge_pairs(flat(scores), pairs, cut=["b"])

    assert [v.outcome for v in verdicts] == ["undecided (budget)", "undecided (budget)", "helps"]
    assert all(v.low is not None and v.smallest_visible is None for v in verdicts)


@pytest.mark.parametrize(
    ("seeds", "windows", "outcome"),
    [(3, 80, "helps"), (2, 80, "no verdict"), (3, 79, "no verdict"), (1, 200, "no verdict")],
    ids=["just-enough", "two-seeds", "seven-blocks", "one-seed"],
)
def test_too_few_seeds_or_blocks_give_no_verdict(seeds, windows, outcome):
    scores = {("a", s): 0.0 for s in range(seeds)} | {("b", s): -0.5 for s in range(seeds)}

    [verdict] = judge_pairs(flat(scores, windows=windows), [("b", "a")])

    assert verdict.outcome == outcome
    assert verdict.percent == pytest.approx(100 * math.expm1(-0.5))
    assert (verdict.low is None) == (outcome == "no verdict")


@pytest.mark.parametrize("how", ["declared", "nan", "infinite", "no-losses"])
def test_a_fit_that_diverged_is_left_out_and_named(how):
    scores = table({"a": 0.0, "b": -0.1, "c": 0.1})
    evidence = flat(scores)
    losses = dict(evidence.losses)
    clean = {fit: loss for fit, loss in losses.items() if fit != ("b", 3)}
    if how == "no-losses":
        del losses["b", 3]
    elif how != "declared":
        losses["b", 3] = np.where(np.arange(150) == 7, np.nan if how == "nan" else np.inf, 1.0)
    diverged = [("b", 3)] if how in ("declared", "no-losses") else []

    [verdict] = judge_pairs(
        dataclasses.replace(evidence, losses=losses, diverged=diverged), [("b", "a")]
    )

    [expected] = judge_pairs(dataclasses.replace(evidence, losses=clean), [("b", "a")])
    assert verdict.excluded == (3,)
    assert verdict.seeds == 4
    assert (verdict.low, verdict.high) == (expected.low, expected.high)


def test_a_rung_of_which_every_seed_diverged_has_no_verdict():
    scores = table({"a": 0.0, "b": -0.1, "c": 0.1})
    gone = [("b", seed) for seed in range(5)]

    [verdict] = judge_pairs(flat(scores, diverged=gone), [("b", "a")])

    assert verdict.outcome == "no verdict"
    assert verdict.percent is verdict.low is verdict.high is None
    assert verdict.excluded == (0, 1, 2, 3, 4)


# degenerate input


def test_identical_fits_make_no_real_difference():
    same = np.random.default_rng(0).gamma(2, size=150)
    evidence = Evidence({(r, s): same for r in "ab" for s in range(5)}, np.ones(150), 1.0, 10)

    [verdict] = judge_pairs(evidence, [("a", "b")])

    assert verdict.outcome == "no real difference"
    assert (verdict.percent, verdict.low, verdict.high) == pytest.approx((0.0, 0.0, 0.0))


def test_a_difference_without_any_variance_is_certain():
    scores = {(r, s): e for r, e in {"a": 0.0, "b": -0.2}.items() for s in range(5)}

    [verdict] = judge_pairs(flat(scores), [("b", "a")])

    assert verdict.outcome == "helps"
    assert verdict.low == pytest.approx(verdict.high)


@pytest.mark.parametrize("zero", [("a",), ("b",), ("a", "b")])
def test_a_score_of_0_has_no_logarithm(zero):
    evidence = flat(table({"a": 0.0, "b": 0.1, "c": 0.2}))
    losses = {f: loss * (f[0] not in zero) for f, loss in evidence.losses.items()}

    [verdict] = judge_pairs(dataclasses.replace(evidence, losses=losses), [("b", "a")])

    assert verdict.outcome == "no verdict"
    assert verdict.percent is verdict.low is verdict.high is None


def test_an_effect_beyond_all_numbers_is_no_number():
    scores = {("a", s): -700.0 for s in range(3)} | {("b", s): 700.0 for s in range(3)}

    [verdict] = judge_pairs(flat(scores), [("b", "a")])

    assert verdict.percent is None
    assert verdict.outcome == "hurts"


def test_no_pairs_no_verdicts():
    assert judge_pairs(flat(table({"a": 0.0})), []) == ()


def test_unknown_names_are_refused():
    evidence = flat(table({"a": 0.0, "b": 0.1}))

    with pytest.raises(ValueError, match=r"rung must be one of \['a', 'b'\], got 'c'"):
        judge_pairs(evidence, [("c", "a")])
    with pytest.raises(ValueError, match=r"rung must be one of \['a', 'b'\], got 'c'"):
        judge_baseline(evidence, "c", {"ridge": np.ones(150)}, "ridge")
    with pytest.raises(ValueError, match=r"reference must be one of \['ridge'\], got 'drift'"):
        judge_baseline(evidence, "a", {"ridge": np.ones(150)}, "drift")


def test_evidence_that_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match=r"losses of a, seed 1, .* \(3,\), got \(2,\)"):
        Evidence({("a", 1): np.ones(2)}, np.ones(3), 1.0, 1)
    with pytest.raises(ValueError, match="counts must hold an observed point, got none"):
        Evidence({("a", 1): np.zeros(3)}, np.zeros(3), 1.0, 1)
    with pytest.raises(ValueError, match=r"groups must have the shape of counts, \(3,\), got \(2"):
        Evidence({("a", 1): np.ones(3)}, np.ones(3), 1.0, 1, groups=np.zeros(2))
    with pytest.raises(ValueError, match="groups must lie side by side, got one in two places"):
        Evidence({("a", 1): np.ones(3)}, np.ones(3), 1.0, 1, groups=np.array([0, 1, 0]))


@pytest.mark.parametrize("seed", range(20))
def test_no_block_ends_inside_a_group(seed):
    sizes = np.random.default_rng(seed).integers(1, 12, 40)
    groups = np.repeat(np.arange(40), sizes)
    counts = np.ones(len(groups))
    counts[::7] = 0.0

    evidence = Evidence({}, counts, 1.0, int(sizes.max()), groups=groups)

    seen = groups[counts > 0]
    assert all(start == 0 or seen[start] != seen[start - 1] for start in evidence.starts)
    assert evidence.blocks == min(15, len(seen) // sizes.max()) >= 8


# baselines


@pytest.mark.parametrize(
    ("baselines", "outcome", "better"),
    [
        ({"ridge": 0.1, "drift": 0.5}, "beats", ()),
        ({"ridge": 0.1, "drift": -0.001}, "ties", ("drift",)),
        ({"ridge": 0.001, "drift": 0.5}, "ties", ()),
        ({"ridge": -0.001, "drift": 0.5}, "ties", ("ridge",)),
        ({"ridge": -0.1, "drift": -0.2}, "loses", ("drift", "ridge")),
    ],
    ids=["beats", "another-is-better", "within-noise", "reference-a-little-better", "loses"],
)
def test_outcomes_against_baselines(baselines, outcome, better):
    rest = {("net", s): 0.01 * (-1) ** s for s in range(4)}
    losses = {name: np.full(150, math.exp(score)) for name, score in baselines.items()}

    verdict = judge_baseline(flat(rest), "net", losses, "ridge")

    half = stats.t.ppf(0.975, 3) * math.sqrt(np.var(list(rest.values()), ddof=1) / 4)
    d = -baselines["ridge"]
    assert (verdict.name, verdict.outcome, verdict.better) == ("ridge", outcome, better)
    assert verdict.percent == pytest.approx(100 * math.expm1(d))
    assert log_interval(verdict) == pytest.approx([d - half, d + half])


def test_the_point_score_is_the_mean_over_seeds():
    # means of 1.25 and of log 0: only the mean score is above the baseline's
    scores = {("net", s): math.log(2.0) * (-1) ** s for s in range(4)}

    verdict = judge_baseline(flat(scores), "net", {"ridge": np.full(150, 1.1)}, "ridge")

    assert verdict.percent < 0
    assert verdict.better == ("ridge",)


def test_blocks_count_against_a_baseline_too():
    rng = np.random.default_rng(0)
    noisy, calm = rng.gamma(2, size=600), np.full(600, 2.0)
    scores = {("net", s): math.log(1.9) for s in range(5)}

    verdicts = [
        judge_baseline(flat(scores, windows=600), "net", {"ridge": loss}, "ridge")
        for loss in (noisy * 2 / noisy.mean(), calm)
    ]

    assert [verdict.outcome for verdict in verdicts] == ["ties", "beats"]


@pytest.mark.parametrize("case", ["two-seeds", "seven-blocks", "all-diverged", "perfect-baseline"])
def test_no_verdict_against_a_baseline(case):
    seeds = 2 if case == "two-seeds" else 4
    evidence = flat(table({"net": 0.0}, seeds), windows=75 if case == "seven-blocks" else 150)
    if case == "all-diverged":
        evidence = dataclasses.replace(evidence, diverged=list(evidence.losses))
    loss = np.full(len(evidence.counts), 0.0 if case == "perfect-baseline" else 9.0)

    verdict = judge_baseline(evidence, "net", {"ridge": loss}, "ridge")

    assert verdict.outcome == "no verdict"
    assert verdict.low is verdict.high is None
    assert (verdict.better == ("ridge",)) == (case in ("all-diverged", "perfect-baseline"))


# how often the rule errs


def ar(rng, *shape, memory):
    """Noise of variance 1 that forgets `1 - memory` of itself at each row."""
    white = rng.normal(size=(*shape[:-1], shape[-1] + 100))
    return lfilter([math.sqrt(1 - memory**2)], [1, -memory], white)[..., 100:]


def study(rng, windows, seed_noise=0.02, row_noise=0.1, helps=(), memory=0.8, horizon=24, seeds=5):
    """A study of nine rungs: its evidence and its declared pairs.

    Rungs differ by noise that lasts for some rows; seeds by what a seed has in common and by noise
    of each fit. As in a real study the cell that the others build on is chosen on validation, by
    scores that share the noise of the fits.
    """
    rows = windows + horizon - 1
    fits = seed_noise * rng.normal(size=(9, seeds)) + 0.01 * rng.normal(size=seeds)
    fits += np.array([math.log(0.95) if rung in helps else 0.0 for rung in RUNGS])[:, None]
    weather = 0.5 * ar(rng, rows, memory=memory)
    lost = np.exp(weather + row_noise * ar(rng, 9, rows, memory=memory))
    summed = np.lib.stride_tricks.sliding_window_view(lost, horizon, axis=1).sum(axis=2)
    losses = {
        (rung, seed): summed[r] * math.exp(fits[r, seed])
        for r, rung in enumerate(RUNGS)
        for seed in range(seeds)
    }
    cell = CELLS[int(np.argmin(fits[:3].mean(axis=1)))]
    pairs = [(rung, cell) for rung in BUILT_ON_A_CELL] + [("stacked+both", "stacked")]
    return Evidence(losses, np.full(windows, float(horizon)), 1.0, horizon), pairs


@pytest.mark.parametrize(
    ("seed_noise", "row_noise"),
    [(0.03, 0.0), (0.002, 0.15), (0.02, 0.1)],
    ids=["seed-noise", "block-noise", "both"],
)
def test_fewer_than_one_study_in_twenty_finds_an_effect_where_there_is_none(seed_noise, row_noise):
    """A test part of 1,300 windows of 24 steps, and errors that last for some steps."""
    rng = np.random.default_rng(7)

    wrong = sum(
        any(
            verdict.outcome in ("helps", "hurts")
            for verdict in judge_pairs(*study(rng, 1300, seed_noise, row_noise))
        )
        for _ in range(600)
    )

    assert wrong / 600 < 0.05


def test_an_effect_of_5_percent_is_mostly_found():
    """Five seeds with noise of 1.5 %, a test part of 1,300 windows of 24 steps."""
    rng = np.random.default_rng(7)

    found = sum(
        judge_pairs(*study(rng, 1300, 0.015, 0.03, helps=("recurrent",)))[1].outcome == "helps"
        for _ in range(100)
    )

    assert found >= 80
