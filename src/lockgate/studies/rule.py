"""The rule of a study: which trick helps, after how many rounds, and when more rounds are useless.

As a user can follow it. Everything is computed on rows of the development part.

*Rounds.* A round fits every rung once and judges it on the rows of one fold, of which there are
five by default, of forecasts ten where there is time. A pass is as many rounds as there are folds,
and judges every row once. Of forecasts the folds are the same in each pass; of labels they are
drawn anew. The cell that the other rungs build on is chosen on rounds of its own, which no verdict
uses.

*Effect.* A rung and its parent are compared round by round: d is the mean over the rounds that both
have of log(score of the rung / score of the parent). Shown is 100 (exp(d) - 1), in per cent: below
0 the rung is better. A fit that diverged is left out by the number of its round.

*Chance* has three parts, and none is counted twice.

- *Fits.* Another fit would give another score. The log scores of a fold's rounds are taken as `rung
  + round + rest`; the variance of the rest is pooled over rungs and folds. A rung whose variance is
  above the rest's 90 % quantile by an F test has its own, with its own degrees of freedom; above
  the 99 % quantile it leaves the pool. The mean of R rounds has the variance (rung² + parent²) / R.
- *Folds.* A trick may help more in one fold than in another. The means of rung and fold, taken as
  `rung + fold + rest`, vary by fits, rows and folds; what is left when fits and rows are taken off
  is the folds', pooled over rungs. Folds share training rows, so that they are more alike than
  other data would be: with F folds their variance is multiplied by 1 + F / 4, the correction of
  Nadeau and Bengio (2003) for folds that are correlated by a fifth. What a fold has in common with
  the next, such as a season, is added: twice the covariance of neighbours, where that is positive.
- *Rows.* Other rows would give another score. The rows of a fold are cut into up to 6 equal blocks,
  each at least a horizon long, and no group is torn apart. By the delta method a block moves d by
  power (its part of the rung's losses - its part of the parent's), averaged over the rounds, where
  `power` is 1/2 for RMSE, the root of a mean, else 1. The moves' variance is added up, with twice
  the covariance of neighbours where that is positive.

Where folds are drawn anew, and in a single pass, fits cannot be told from folds. The rest of
`rung + round` over all rounds, less what the rows have in it, then counts as the fits'; in a single
pass half of it counts as the folds', and what neighbouring folds have in common is added. Where
fits diverged and no rungs are left to pool over, a pair is judged by what its own folds, or rounds,
differ in.

*Interval.* d ± t √(fits + folds + rows). t is Cochran and Cox's: the mean of the parts' quantiles
of t, weighted by their variance.

*Looks* stand after whole passes and are planned before round 1 (`lockgate.studies.looks`). All
looks together err in at most 4 % of studies, and resumptions beyond the plan in 1 % more. Of m
declared pairs each gets its m-th part of that. The part of a pair that helps or hurts passes on to
those still open (Holm 1979; with looks Maurer and Bretz 2013); the part of one that makes no
difference does not, and to say "no difference" or "no gain" a pair has its own part alone. A
decided verdict is final: it and its interval are those of the look that decided it.

*Outcome*, in this order. "no difference": the interval lies inside ±smallest effect, 2 % by
default. "helps": it lies below 0. "hurts": it lies above 0 by half a standard error, since the cell
was the best of several on these rows, if by other fits, and so looks better than it is. "no gain":
it excludes a gain of the smallest effect or more, whatever it says of harm. Else "open", with the
chance that the rung helps, from a prior by which effects vary around 0 by 2 % (one standard
deviation); with the further rounds that would decide it if the effect is as it looks, at 80 %
chance of the noise of fits; or with the limit "rows" where endless rounds would not decide it:
folds and rows stay as they are. "no verdict": fewer than 3 folds, 2 blocks a fold, 8 blocks, or 3
rounds with a score of both rungs.

*Rest.* A rung needs no more rounds once its verdict is decided and no open pair has it as parent.
The study stops when no verdict is open, or rows limit all that are.

docs/rule.md tells how often the rule errs, by simulation, and what it finds.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from lockgate.studies.chance import LEAST_ROUNDS, Chances, Effect
from lockgate.studies.evidence import Evidence, Table
from lockgate.studies.looks import LookPlan
from lockgate.studies.outlook import chance_it_helps, needed_rounds, rows_limit

SMALLEST_EFFECT = math.log(1.02)
CELL_CHOSEN = 0.5  # standard errors that the choice of the cell may add to what others lose by

Pair = tuple[str, str]  # rung and parent
Outcome = Literal["helps", "hurts", "no difference", "no gain", "open", "no verdict"]
DECIDED = ("helps", "hurts", "no difference", "no gain")


@dataclass(frozen=True)
class PairVerdict:
    """The verdict on a rung against its parent; effects in per cent, below 0 is better."""

    rung: str
    parent: str
    percent: float | None
    low: float | None
    high: float | None
    outcome: Outcome
    chance: float | None = None  # that it helps, of an open pair
    needed: tuple[int, int] | None = None  # further rounds that would decide an open pair
    limit: Literal["rows"] | None = None  # why rounds would never decide an open pair
    rounds: int = 0  # that both have
    look: int | None = None  # rounds of the study at the look that the interval is of
    excluded: tuple[int, ...] = ()  # numbers, from 0, of the rounds that either lacks
    reason: str | None = None  # of no verdict

    @property
    def decided(self) -> bool:
        """Whether the verdict is final."""
        return self.outcome in DECIDED


def judge(
    evidence: Evidence,
    pairs: Sequence[Pair],
    plan: LookPlan,
    smallest_effect: float = SMALLEST_EFFECT,
) -> tuple[PairVerdict, ...]:
    """Judge declared pairs by the rule of this module, replaying every look from the first.

    Args:
        evidence: What all rounds so far lost.
        pairs: Declared pairs `(rung, parent)`.
        plan: The looks, with every resumption so far.
        smallest_effect: The smallest effect that matters, as a log ratio.

    Returns:
        A verdict for each pair, in the order of `pairs`.

    Raises:
        ValueError: If the plan is of another number of folds, or a pair stands twice.

    Example:
        >>> from lockgate.studies.evidence import Round
        >>> rng = np.random.default_rng(0)
        >>> places = np.repeat(np.arange(5), 120)  # five folds of 120 rows
        >>> rows = rng.exponential(size=600)
        >>> def lost(rung, fold):
        ...     return {"plain": 1.0, "dropout": 0.9}[rung] * rng.normal(1, 0.01) * rows[fold]
        >>> rounds = [
        ...     Round(fold, where, {rung: lost(rung, where) for rung in ("plain", "dropout")})
        ...     for _ in range(2)
        ...     for fold, where in enumerate(np.split(np.arange(600), 5))
        ... ]
        >>> evidence = Evidence(rounds, 5, np.ones(600), power=1.0, places=places, horizon=10)
        >>> [verdict] = judge(evidence, [("dropout", "plain")], LookPlan.planned(5, 10))
        >>> verdict.outcome, round(verdict.percent), verdict.look
        ('helps', -11, 5)
    """
    return judge_table(evidence.table(), pairs, plan, smallest_effect)


def judge_table(
    table: Table,
    pairs: Sequence[Pair],
    plan: LookPlan,
    smallest_effect: float = SMALLEST_EFFECT,
) -> tuple[PairVerdict, ...]:
    """Judge declared pairs from the scores of whole passes; see `judge`."""
    if plan.folds != table.folds:
        raise ValueError(f"plan must be of {table.folds} folds, got {plan.folds}")
    if len(set(pairs)) < len(pairs):
        raise ValueError(f"pairs must be different ones, got {list(pairs)}")
    reason = table.why_not() or (None if len(table.logs) else "no pass over the folds is whole")
    if reason or not pairs:
        return tuple(_no_verdict(pair, reason) for pair in pairs)
    few = f"fewer than {LEAST_ROUNDS} rounds have a score of both"
    verdicts = {pair: _no_verdict(pair, few) for pair in pairs}
    effects: dict[Pair, Effect] = {}
    for k, look in enumerate(plan.looks[: len(table.logs)]):
        levels = {m: plan.levels(1.0 / m)[k] for m in range(1, len(pairs) + 1)}
        effects = _effects(table, k + 1, [pair for pair in pairs if not verdicts[pair].decided])
        for pair, effect in effects.items():
            shown = _shown(effect, levels[len(pairs)])
            verdicts[pair] = PairVerdict(*pair, *shown, "open", rounds=effect.rounds, look=look)
        passed = sum(verdict.outcome in ("helps", "hurts") for verdict in verdicts.values())
        for pair, outcome, level in _decisions(effects, levels, passed, smallest_effect):
            shown = _shown(effects[pair], level)
            rounds = effects[pair].rounds
            verdicts[pair] = PairVerdict(*pair, *shown, outcome, rounds=rounds, look=look)
    level = plan.levels(1.0 / len(pairs))[-1]
    for pair, effect in effects.items():
        if not verdicts[pair].decided:
            verdicts[pair] = _outlook(verdicts[pair], effect, level, smallest_effect)
    return tuple(
        replace(verdict, excluded=_excluded(table, verdict)) for verdict in verdicts.values()
    )


def resting(verdicts: Sequence[PairVerdict]) -> set[str]:
    """Return the rungs that need no more rounds.

    A rung rests once the verdicts on it are decided and no open pair has it as parent.
    """
    busy = {rung for one in verdicts if not one.decided for rung in (one.rung, one.parent)}
    return {rung for one in verdicts for rung in (one.rung, one.parent)} - busy


def stop(verdicts: Sequence[PairVerdict]) -> str | None:
    """Tell why more rounds are useless, None where they are not."""
    still_open = [verdict for verdict in verdicts if verdict.outcome == "open"]
    if not still_open:
        none = all(verdict.outcome == "no verdict" for verdict in verdicts)
        return "no verdict can be given" if none else "every verdict is decided"
    if all(verdict.limit == "rows" for verdict in still_open):
        return "rows limit the open verdicts, not rounds"
    return None


def _effects(table: Table, passes: int, pairs: Sequence[Pair]) -> dict[Pair, Effect]:
    """Return the effects of pairs that have one after some passes."""
    numbers = {rung: number for number, rung in enumerate(table.rungs)}
    known = [pair for pair in pairs if set(pair) <= numbers.keys()]
    if not known:
        return {}
    chances = Chances(table, passes)
    effects = {pair: chances.of(numbers[pair[0]], numbers[pair[1]]) for pair in known}
    return {pair: effect for pair, effect in effects.items() if effect is not None}


def _decisions(
    effects: Mapping[Pair, Effect], levels: Mapping[int, float], passed: int, smallest: float
) -> Iterator[tuple[Pair, Outcome, float]]:
    """Yield what a look decides, and at which level.

    Args:
        effects: Of the pairs that were open.
        levels: The level of each of m pairs at this look, for every m.
        passed: How many pairs have passed their part on.
        smallest: The smallest effect that matters.
    """
    count = max(levels)
    still_open = dict(effects)
    for pair, effect in effects.items():
        if effect.is_within(smallest, levels[count]):
            yield pair, "no difference", levels[count]
            del still_open[pair]
    going_on = True
    while going_on:
        going_on = False
        for pair, effect in list(still_open.items()):
            level = levels[count - passed]
            if effect.is_within(smallest, level):
                continue
            if effect.is_below_zero(level) or effect.is_above_zero(level, CELL_CHOSEN):
                yield pair, "helps" if effect.d < 0.0 else "hurts", level
                del still_open[pair]
                passed, going_on = passed + 1, True
    for pair, effect in still_open.items():
        if effect.gains_less(smallest, levels[count]):
            yield pair, "no gain", levels[count]


def _outlook(verdict: PairVerdict, effect: Effect, level: float, smallest: float) -> PairVerdict:
    """Complete an open verdict: the chance that the rung helps, and what would decide it."""
    needed = needed_rounds(effect, level, smallest)
    never = needed is None and rows_limit(effect, level, smallest)
    return replace(
        verdict,
        chance=chance_it_helps(effect),
        needed=needed,
        limit="rows" if never else None,
    )


def _no_verdict(pair: Pair, reason: str | None) -> PairVerdict:
    return PairVerdict(*pair, None, None, None, "no verdict", reason=reason)


def _shown(effect: Effect, level: float) -> tuple[float | None, float | None, float | None]:
    half = effect.half_width(level)
    return _percent(effect.d), _percent(effect.d - half), _percent(effect.d + half)


def _excluded(table: Table, verdict: PairVerdict) -> tuple[int, ...]:
    """Return the rounds until a verdict's look of which either rung has no score."""
    columns = [table.rungs.index(r) for r in (verdict.rung, verdict.parent) if r in table.rungs]
    complete = np.isfinite(table.logs[:, :, columns]).sum(axis=2) == 2
    until = math.inf if verdict.look is None else verdict.look
    return tuple(sorted(int(number) for number in table.numbers[~complete] if number < until))


def _percent(log_ratio: float) -> float | None:
    """Return a log ratio in per cent; None where it is beyond all numbers."""
    with np.errstate(over="ignore"):
        percent = 100.0 * float(np.expm1(log_ratio))
    return percent if math.isfinite(percent) else None
