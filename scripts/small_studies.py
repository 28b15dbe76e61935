"""How often small studies are wrong, by the rounds of many that they do not hold.

A small study holds a few passes of a table of many. It is judged by the rule of a study, with its
looks. What is true of a pair is told by the other passes, whose fits have seeds of their own: the
mean of their log ratios, with the interval of t.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

from lockgate.scoring.arrays import FloatArray
from lockgate.studies.evidence import Table
from lockgate.studies.looks import LookPlan
from lockgate.studies.rule import SMALLEST_EFFECT, Pair, PairVerdict, judge_table

LEVEL = 0.05
LEAST = 3  # values that a truth is told by
Standing = Literal["right", "wrong", "unclear", "undecided"]


class Truth(NamedTuple):
    """What is known of a pair, as log ratios: its effect with the 95 % interval."""

    effect: float
    low: float
    high: float


class Case(NamedTuple):
    """A verdict of a small study, and what its other rounds tell of the pair."""

    study: int
    verdict: PairVerdict
    truth: Truth

    @property
    def standing(self) -> Standing:
        """Whether the truth bears the verdict out."""
        return standing(self.verdict, self.truth)


class Share(NamedTuple):
    """How many of some there are, and as good as how many apart from each other these are."""

    hits: int
    of: int
    apart: float

    def interval(self) -> tuple[float, float]:
        """Return Wilson's 95 % interval of the share; all that there is where there is nothing."""
        if not self.of or not self.apart:
            return 0.0, 1.0
        z = float(stats.norm.isf(LEVEL / 2.0))
        share, n = self.hits / self.of, self.apart
        middle = (share + z**2 / (2.0 * n)) / (1.0 + z**2 / n)
        half = z * math.sqrt(share * (1.0 - share) / n + (z / (2.0 * n)) ** 2) / (1.0 + z**2 / n)
        return max(middle - half, 0.0), min(middle + half, 1.0)


def truth_of(ratios: FloatArray) -> Truth | None:
    """Return what independent log ratios tell; None where fewer than three are finite."""
    known = ratios[np.isfinite(ratios)]
    if len(known) < LEAST:
        return None
    effect = float(known.mean())
    half = float(stats.t.isf(LEVEL / 2.0, len(known) - 1) * known.std(ddof=1))
    half /= math.sqrt(len(known))
    return Truth(effect, effect - half, effect + half)


def standing(verdict: PairVerdict, truth: Truth) -> Standing:
    """Hold a verdict against the truth.

    "helps" is right where the truth's interval lies below 0. It is wrong where that interval
    reaches 0 or lies beyond, and leaves out every effect that the study's own interval allows.
    "no difference" is right where the truth's interval lies inside ±2 %, wrong where it lies
    outside. "no gain" is right where it lies above -2 %, wrong where below. Else it is unclear:
    there are too few other rounds to tell.
    """
    if not verdict.decided:
        return "undecided"
    if verdict.outcome == "no difference":
        if truth.low > -SMALLEST_EFFECT and truth.high < SMALLEST_EFFECT:
            return "right"
        outside = truth.low > SMALLEST_EFFECT or truth.high < -SMALLEST_EFFECT
        return "wrong" if outside else "unclear"
    if verdict.outcome == "no gain":
        gains = truth.high < -SMALLEST_EFFECT
        return "right" if truth.low > -SMALLEST_EFFECT else "wrong" if gains else "unclear"
    assert verdict.low is not None
    assert verdict.high is not None
    low, high, nearest = truth.low, truth.high, verdict.high
    if verdict.outcome == "hurts":  # turned around, it is a trick that helps
        low, high, nearest = -truth.high, -truth.low, -verdict.low
    if high < 0.0:
        return "right"
    return "wrong" if low > math.log1p(nearest / 100.0) else "unclear"


def drawn(passes: int, of: int, most: int) -> list[tuple[int, ...]]:
    """Draw `most` different studies of `of` passes each; all of them where there are no more."""
    rng = np.random.default_rng(0)
    every = list(combinations(range(passes), of))
    if len(every) > most:
        every = [every[one] for one in rng.choice(len(every), most, replace=False)]
    return [tuple(rng.permutation(one).tolist()) for one in every]


def apart(passes: int, of: int, studies: int) -> float:
    """Return as good as which share of the studies hold no pass that another holds."""
    return min(passes // of / studies, 1.0)


def of_passes(table: Table, chosen: Sequence[int]) -> Table:
    """Return the table of some passes, whose rounds are numbered anew."""
    numbers = np.arange(len(chosen) * table.folds).reshape(len(chosen), table.folds)
    rows = list(chosen)
    return dataclasses.replace(
        table, logs=table.logs[rows], moves=table.moves[rows], numbers=numbers
    )


def cases_within(table: Table, pairs: Sequence[Pair], of: int, most: int) -> list[Case]:
    """Draw small studies of `of` passes from a table, and hold each against its other passes."""
    cases: list[Case] = []
    for number, chosen in enumerate(drawn(len(table.logs), of, most)):
        others = np.delete(np.arange(len(table.logs)), chosen)
        rest = of_passes(table, others.tolist())
        truths = {pair: truth_of(by_pass(rest, pair)) for pair in pairs}
        cases += held(number, of_passes(table, chosen), truths)
    return cases


def cases_between(tables: Sequence[Table], pairs: Sequence[Pair]) -> list[Case]:
    """Take each table for a small study of other rows, and hold it against the other tables."""
    effects = {pair: np.array([_mean(by_pass(table, pair)) for table in tables]) for pair in pairs}
    cases: list[Case] = []
    for number, table in enumerate(tables):
        truths = {pair: truth_of(np.delete(own, number)) for pair, own in effects.items()}
        cases += held(number, table, truths)
    return cases


def by_pass(table: Table, pair: Pair) -> FloatArray:
    """Return a pair's mean log ratio in each pass, `(passes,)`; NaN where a fit is missing."""
    rung, parent = (table.rungs.index(name) for name in pair)
    ratios: FloatArray = (table.logs[:, :, rung] - table.logs[:, :, parent]).mean(axis=1)
    return ratios


def decided(cases: Iterable[Case]) -> list[Case]:
    """Return the cases whose verdict is decided."""
    return [case for case in cases if case.verdict.decided]


def wrong_verdicts(cases: Sequence[Case], share: float) -> Share:
    """Count wrong verdicts among those that are decided."""
    known = decided(cases)
    return _count((case.standing == "wrong" for case in known), share)


def wrong_studies(cases: Sequence[Case], share: float) -> Share:
    """Count studies with a wrong verdict."""
    wrong = {case.study for case in cases if case.standing == "wrong"}
    return _count((study in wrong for study in {case.study for case in cases}), share)


def found(cases: Sequence[Case], least: float, share: float) -> Share:
    """Count verdicts that are decided and right among pairs of a true effect of `least` per cent.

    Smaller or larger by so much: an effect of -4 % is one of 4 %.
    """
    known = [case for case in cases if abs(100.0 * math.expm1(case.truth.effect)) >= least]
    return _count((case.standing == "right" for case in known), share)


def held(number: int, study: Table, truths: dict[Pair, Truth | None]) -> Iterator[Case]:
    """Judge a small study, and yield a case for each pair of which the truth is known."""
    plan = LookPlan.planned(study.folds, study.folds * len(study.logs))
    for verdict in judge_table(study, list(truths), plan):
        truth = truths[verdict.rung, verdict.parent]
        if truth is not None:
            yield Case(number, verdict, truth)


def _count(hits: Iterable[bool], share: float) -> Share:
    known = list(hits)
    return Share(sum(known), len(known), share * len(known))


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan
