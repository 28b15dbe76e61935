"""Small studies are held against rounds that they do not hold: where the truth is known, so is who
errs."""

import math
from itertools import chain
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import small_studies as small
from scipy import stats

from lockgate.studies.evidence import Table
from lockgate.studies.gather import Judged, gather
from lockgate.studies.looks import LookPlan
from lockgate.studies.rule import PairVerdict, judge

FOLDS, BLOCKS, PASSES = 5, 6, 12
PAIRS = [("trick", "plain"), ("other", "plain")]
NAMES = ("plain", "trick", "other")


def verdict(outcome: str, low: float, high: float) -> Any:
    return PairVerdict("trick", "plain", (low + high) / 2, low, high, outcome)


def truth(low: float, high: float) -> small.Truth:
    """A truth with its interval in per cent."""
    ends = [math.log1p(end / 100) for end in (low, high)]
    return small.Truth(sum(ends) / 2, *ends)


@pytest.mark.parametrize(
    ("told", "true", "expected"),
    [
        (verdict("helps", -6, -2), (-5, -3), "right"),
        (verdict("helps", -6, -2), (-1, -0.2), "right"),  # too large an effect, of the right sign
        (verdict("helps", -6, -2), (-0.5, 0.5), "wrong"),
        (verdict("helps", -6, -2), (0.0, 0.0), "wrong"),
        (verdict("helps", -6, -2), (1, 3), "wrong"),
        (verdict("helps", -6, -2), (-3, 1), "unclear"),
        (verdict("hurts", 2, 6), (3, 5), "right"),
        (verdict("hurts", 2, 6), (0.0, 0.0), "wrong"),
        (verdict("hurts", 2, 6), (-3, -1), "wrong"),
        (verdict("hurts", 2, 6), (-1, 3), "unclear"),
        (verdict("no difference", -1, 1), (-1, 1.5), "right"),
        (verdict("no difference", -1, 1), (2.1, 4), "wrong"),
        (verdict("no difference", -1, 1), (-4, -2.1), "wrong"),
        (verdict("no difference", -1, 1), (1, 3), "unclear"),
        (verdict("no gain", -1, 9), (-1.9, 20), "right"),
        (verdict("no gain", -1, 9), (-4, -2.1), "wrong"),
        (verdict("no gain", -1, 9), (-3, -1), "unclear"),
        (verdict("open", -9, 9), (4, 5), "undecided"),
        (PairVerdict("trick", "plain", None, None, None, "no verdict"), (4, 5), "undecided"),
    ],
)
def test_a_verdict_stands_by_what_is_true(told: Any, true: Any, expected: str) -> None:
    assert small.standing(told, truth(*true)) == expected


def test_the_interval_of_a_truth_is_that_of_students_t() -> None:
    ratios = np.random.default_rng(0).normal(-0.03, 0.01, 9)

    told = small.truth_of(np.append(ratios, np.nan))

    expected = stats.ttest_1samp(ratios, 0.0).confidence_interval()
    assert told == pytest.approx((ratios.mean(), expected.low, expected.high))


def test_two_values_tell_no_truth() -> None:
    assert small.truth_of(np.array([1.0, 2.0, np.nan])) is None


def test_studies_are_drawn_once_each_and_of_different_passes() -> None:
    few, many = small.drawn(12, 3, 50), small.drawn(12, 2, 200)

    assert len({tuple(sorted(one)) for one in few}) == 50
    assert len(many) == math.comb(12, 2)
    assert all(len(set(one)) == 2 for one in many)
    first = [one[0] for one in many]
    assert max(map(first.count, range(12))) < 11  # no pass is always the first


def table(effects: dict[str, float], seed: int = 0, rows: float = 0.0, fits: float = 0.004) -> Any:
    """Twelve passes whose rungs have known effects; `rows` moves the pairs of all passes alike."""
    rng = np.random.default_rng(seed)
    blocks = rows * rng.normal(size=(len(NAMES), FOLDS, BLOCKS))
    level = np.array([effects.get(name, 0.0) for name in NAMES])
    logs = rng.normal(0.0, 0.1, (PASSES, FOLDS, 1)) + level
    logs = logs + rng.normal(0.0, fits, (PASSES, FOLDS, len(NAMES)))
    logs += blocks.mean(axis=2).T
    moves = np.zeros((PASSES, FOLDS, len(NAMES), FOLDS, BLOCKS))
    for fold in range(FOLDS):
        own = blocks[:, fold] - blocks[:, fold].mean(axis=1, keepdims=True)
        moves[:, fold, :, fold] = own / BLOCKS
    numbers = np.arange(PASSES * FOLDS).reshape(PASSES, FOLDS)
    stretches = np.repeat(np.arange(FOLDS), BLOCKS)
    moves = moves.reshape(PASSES, FOLDS, len(NAMES), -1)
    return Table(NAMES, logs, moves, numbers, stretches, fixed=True)


def test_clear_effects_are_found_and_right() -> None:
    cases = small.cases_within(table({"trick": -0.06}), PAIRS, of=2, most=20)

    tricks = [case for case in cases if case.verdict.rung == "trick"]
    assert len(tricks) == 20
    assert {(case.verdict.outcome, case.standing) for case in tricks} == {("helps", "right")}
    assert small.found(cases, 4.0, 1.0) == small.Share(20, 20, 20.0)
    assert small.wrong_verdicts(cases, 0.5).hits == 0
    assert small.wrong_studies(cases, 0.5) == small.Share(0, 20, 10.0)


def test_what_helped_in_one_study_by_luck_is_wrong() -> None:
    lucky = table({})
    trick, luck = NAMES.index("trick"), 0.05
    lucky.logs[0, :, trick] -= luck
    lucky.logs[1, :, trick] -= luck
    others = range(2, PASSES)

    rest = small.of_passes(lucky, list(others))
    truths = {pair: small.truth_of(small.by_pass(rest, pair)) for pair in PAIRS}
    cases = list(small.held(0, small.of_passes(lucky, [0, 1]), truths))

    assert cases[0].verdict.outcome == "helps"
    assert cases[0].standing == "wrong"
    assert small.wrong_studies(cases, 1.0).hits == 1


def test_the_truth_of_a_study_is_of_no_round_that_it_holds() -> None:
    given = table({})
    given.logs[:] = 0.0
    given.logs[:, :, 1] = np.arange(PASSES)[:, None]

    for case in small.cases_within(given, PAIRS[:1], of=3, most=30):
        held = small.drawn(PASSES, 3, 30)[case.study]
        assert case.truth.effect == pytest.approx(np.mean(sorted(set(range(PASSES)) - set(held))))


def test_rows_that_mislead_one_study_are_told_by_those_of_the_others() -> None:
    tables = [small.of_passes(table({"trick": -0.05}, seed), [0, 1]) for seed in range(9)]
    # the rows of one subset alone turn the trick around
    tables.append(small.of_passes(table({"trick": 0.05}, 9), [0, 1]))

    cases = small.cases_between(tables, PAIRS[:1])

    assert [case.verdict.outcome for case in cases] == ["helps"] * 9 + ["hurts"]
    assert cases[-1].standing == "wrong"
    assert cases[-1].truth.effect == pytest.approx(-0.05, abs=0.01)


def test_a_pass_without_a_fit_tells_nothing_of_its_pair() -> None:
    given = table({"trick": -0.06})
    given.logs[3, 2, 1] = np.nan

    ratios = small.by_pass(given, PAIRS[0])

    assert np.flatnonzero(np.isnan(ratios)).tolist() == [3]
    assert small.truth_of(ratios).effect == pytest.approx(-0.06, abs=0.01)


@pytest.mark.parametrize("stay", [True, False])
def test_a_study_cut_from_a_table_is_judged_as_if_it_had_run_alone(stay: bool) -> None:
    rng = np.random.default_rng(3)
    rounds = list(chain.from_iterable(made_pass(rng, number, stay=stay) for number in range(4)))
    many = gather(rounds, folds=3, power=1.0, stay=stay).table()
    alone = gather(rounds[6:9] + rounds[3:6], folds=3, power=1.0, stay=stay)
    plan = LookPlan.planned(3, 6)

    expected = judge(alone, PAIRS[:1], plan)

    assert small.judge_table(small.of_passes(many, [2, 1]), PAIRS[:1], plan) == expected
    assert expected[0].percent is not None


def made_pass(rng: Any, number: int, *, stay: bool) -> list[Judged]:
    """Play a pass of made-up predictions, which are their own losses."""
    order = np.arange(90) if stay else rng.permutation(90)
    rounds = []
    for fold, rows in enumerate(np.split(order, 3)):
        scorer = SimpleNamespace(
            losses=lambda prediction: prediction, counts=np.ones(30), horizon=1, groups=None
        )
        lost = {name: rng.exponential(size=30) for name in ("plain", "trick")}
        stretch: Any = SimpleNamespace(rows=rows, scorer=scorer)
        rounds.append(Judged(3 * number + fold + 1, fold, stretch, lost))
    return rounds


def test_the_interval_of_a_share_counts_studies_that_are_apart() -> None:
    whole, few = small.Share(1, 20, 20.0).interval(), small.Share(10, 200, 20.0).interval()

    expected = stats.binomtest(1, 20).proportion_ci(method="wilson")
    assert whole == pytest.approx((expected.low, expected.high))
    assert few == pytest.approx(whole)
    assert small.Share(0, 0, 0.0).interval() == (0.0, 1.0)


def test_twelve_passes_hold_six_studies_of_two_that_are_apart() -> None:
    assert small.apart(12, 2, 66) * 66 == pytest.approx(6.0)
    assert small.apart(12, 3, 2) == 1.0


def test_no_effect_seldom_gives_a_wrong_verdict() -> None:
    cases = []
    for seed in range(20):
        given = table({}, seed, fits=0.02)
        cases += small.cases_within(given, PAIRS, of=2, most=6)

    assert small.wrong_verdicts(cases, 1.0).hits <= 0.05 * len(cases)
