"""Judge what helps: declared pairs of rungs, and the selected rung against a naive baseline.

The rule, as a user can follow it. Everything is computed on the test part, once.

*Effect.* A rung and its parent are compared seed by seed: d is the mean over the seeds that both
have of log(score of the rung / score of the parent). Shown is 100 (exp(d) - 1), in per cent: below
0 the rung is better. Fits that diverged, or whose forecasts are not finite, are left out by name.

*Seed variance.* Another seed would give another score. Rungs share initial weights and the order of
batches, so the log scores of all rungs and seeds are taken as `rung + seed + rest`; what is common
to a seed falls out of a difference. The variance of the rest, pooled over R rungs and S seeds, has
(R - 1)(S - 1) degrees of freedom (fewer where fits are missing: fits - rungs - seeds + 1). One
difference holds the rest of two fits, so `seed²`, the variance of one seed's difference, is twice
that variance, and the mean over the pair's S seeds has the variance seed² / S.

*Block variance.* Another test part would give another score too. The test windows are cut into 15
equal consecutive blocks, each at least a horizon long (fewer where 15 do not fit); where windows
come in groups, a block begins at the start of the group it would have torn apart. d is a log ratio
of means over all points; by the delta method a block with the summed losses L moves it by power
(L_rung / mean of L_rung - L_parent / mean of L_parent), where `power` is 1/2 for RMSE, the root of
a mean, else 1. Points that a block lacks lower both sums, which weights blocks by their points.
`block²` is the variance of the mean of these moves, averaged over seeds first: their variance, plus
twice the covariance of neighbouring blocks where that is positive, over the number of blocks.
Neighbours have something in common because windows reach over a block's border and because a spell
of weather may outlast a block. Estimating both leaves 2/3 of the blocks - 1 degrees of freedom.

*Interval.* d ± t √(seed² / S + block²), t with the smaller of the two degrees of freedom. The
declared pairs are one family, held at 5 % by Holm's steps: of m pairs the one with the smallest
p-value gets the level 5 % / m, the next 5 % / (m - 1), and so on. At the first pair whose interval
reaches 0 the steps end; it and all pairs after it get the level reached there, so that no interval
after it excludes 0. A pair without an interval counts in m.

*Outcome.* "helps" or "hurts": the interval excludes 0 and d is at least 1 %, which is
|d| >= log(1.01). "no real difference": the interval lies inside ±log(1.01). "undecided": neither;
`smallest_visible` is then the half width of the interval in per cent, the smallest effect that
could have been seen. "undecided (budget)": a time budget cut the rung or its parent short. "no
verdict": fewer than 3 seeds, fewer than 8 blocks, no degree of freedom, or a score of exactly 0,
which has no logarithm.

*Baseline.* The selected rung, averaged over its seeds, is compared with the reference baseline by
the same interval at the plain level of 5 %. A baseline has no seeds, so here `seed²` is the whole
variance of a rung's log score between seeds, pooled over rungs. Its R (S - 1) degrees of freedom
are divided by 1 + (R - 1) ρ², where ρ is the share of that variance that a seed has in common over
all rungs, since rungs that share it repeat each other. "beats": the interval excludes 0 on the good
side and no baseline has a better point score than the mean of the rung's seeds. "loses": it
excludes 0 on the bad side. Else "ties"; "no verdict" as above. The verdict speaks of the fits at
hand: the best of many rungs on validation may owe part of its lead to lucky seeds.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

from lockgate.scoring.arrays import FloatArray, IntArray

FitKey = tuple[str, int]  # rung and seed

SIGNIFICANCE = 0.05
SMALLEST_EFFECT = math.log(1.01)
MOST_BLOCKS = 15
LEAST_BLOCKS = 8
LEAST_SEEDS = 3

Outcome = Literal[
    "helps", "hurts", "no real difference", "undecided", "undecided (budget)", "no verdict"
]
BaselineOutcome = Literal["beats", "ties", "loses", "no verdict"]


@dataclass(frozen=True)
class Evidence:
    """What every fit lost on the windows of the test part.

    Args:
        losses: For each (rung, seed) the losses of each window, summed over its observed points,
            `(N,)`; absolute errors, or squared ones for RMSE. The windows are in time's order.
        counts: Observed points of each window, `(N,)`, the same for all fits.
        power: The score is the mean loss to this power: 1/2 for RMSE, else 1.
        horizon: Length of a window's forecast in windows; no block is shorter. Of groups, the
            length of the largest.
        diverged: Fits to leave out; they need no losses.
        groups: What no block may tear apart: the number of each window's group `(N,)`, those of a
            group side by side. Default: every window by itself.

    Raises:
        ValueError: If losses, counts and groups differ in length, no point is observed, or a group
            lies in two places.
    """

    losses: Mapping[FitKey, FloatArray]
    counts: FloatArray
    power: float
    horizon: int
    diverged: Collection[FitKey] = ()
    groups: IntArray | None = None

    def __post_init__(self) -> None:
        if not np.any(np.asarray(self.counts) > 0):
            raise ValueError("counts must hold an observed point, got none")
        for (rung, seed), losses in self.losses.items():
            if np.shape(losses) != np.shape(self.counts):
                raise ValueError(
                    f"losses of {rung}, seed {seed}, must have the shape of counts, "
                    f"{np.shape(self.counts)}, got {np.shape(losses)}"
                )
        if self.groups is None:
            return
        if np.shape(self.groups) != np.shape(self.counts):
            raise ValueError(
                f"groups must have the shape of counts, {np.shape(self.counts)}, got "
                f"{np.shape(self.groups)}"
            )
        if np.count_nonzero(np.diff(self.groups)) >= len(np.unique(self.groups)):
            raise ValueError("groups must lie side by side, got one in two places")

    @property
    def blocks(self) -> int:
        """Number of blocks that the windows with an observed point are cut into."""
        return len(self.starts)

    @property
    def starts(self) -> IntArray:
        """The first window of each block, counted among those with an observed point."""
        observed = np.asarray(self.counts) > 0
        seen = int(np.count_nonzero(observed))
        blocks = min(MOST_BLOCKS, seen // max(self.horizon, 1))
        starts = np.arange(blocks) * seen // max(blocks, 1)
        if self.groups is None:
            return starts
        begins = np.diff(np.asarray(self.groups)[observed], prepend=-1) != 0
        return np.unique(np.maximum.accumulate(np.where(begins, np.arange(seen), 0))[starts])


@dataclass(frozen=True)
class PairVerdict:
    """The verdict on a rung against its parent; effects in per cent, below 0 is better."""

    rung: str
    parent: str
    percent: float | None
    low: float | None
    high: float | None
    outcome: Outcome
    smallest_visible: float | None  # of an undecided pair
    seeds: int  # that both have
    excluded: tuple[int, ...]  # seeds of which either diverged


@dataclass(frozen=True)
class BaselineVerdict:
    """The verdict on the selected rung against the reference baseline, in per cent."""

    name: str
    percent: float | None
    low: float | None
    high: float | None
    outcome: BaselineOutcome
    better: tuple[str, ...]  # baselines of a better point score, the best first


class Variance(NamedTuple):
    """An estimated variance and its degrees of freedom."""

    value: float
    dof: float


class _Result(NamedTuple):
    """What one fit scored on the test part."""

    score: float
    log_score: float  # -inf where the score is 0
    moves: FloatArray  # (blocks,): power * loss of a block / mean loss of the blocks


class _Effect(NamedTuple):
    """A log ratio of scores; NaN where there is none, its error NaN where it has no interval."""

    d: float
    error: float
    dof: float

    @property
    def p(self) -> float:
        if self.error == 0.0:
            return 1.0 if self.d == 0.0 else 0.0
        return float(2.0 * stats.t.sf(abs(self.d) / self.error, self.dof)) if self.known else 1.0

    @property
    def known(self) -> bool:
        return math.isfinite(self.error)

    def half_width(self, level: float) -> float:
        return float(stats.t.isf(level / 2.0, self.dof)) * self.error if self.known else math.nan


def judge_pairs(
    evidence: Evidence, pairs: Sequence[tuple[str, str]], cut: Collection[str] = ()
) -> tuple[PairVerdict, ...]:
    """Judge declared pairs by the rule of this module.

    Args:
        evidence: The losses of all fits of the study: all of them tell the seed variance.
        pairs: Declared pairs `(rung, parent)`.
        cut: Rungs that a time budget ended before their early stop.

    Returns:
        A verdict for each pair, in the order of `pairs`.

    Raises:
        ValueError: If a pair names a rung that the evidence does not know.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> lost = {"plain": 1.0, "dropout": 0.9}
        >>> noise = {(rung, seed): rng.normal(1, 0.02) for rung in lost for seed in range(5)}
        >>> windows = rng.exponential(size=600)
        >>> losses = {fit: lost[fit[0]] * noise[fit] * windows for fit in noise}
        >>> evidence = Evidence(losses, np.ones(600), power=1.0, horizon=24)
        >>> [verdict] = judge_pairs(evidence, [("dropout", "plain")])
        >>> verdict.outcome, round(verdict.percent)
        ('helps', -10)
    """
    results = _results(evidence)
    variance = residual_variance(_finite_logs(results))
    seeds = [_shared(evidence, results, *pair) for pair in pairs]
    effects = [
        _effect(
            [results[rung, seed] for seed in shared],
            [results[parent, seed] for seed in shared],
            Variance(2.0 * variance.value, variance.dof),
        )
        for (rung, parent), shared in zip(pairs, seeds, strict=True)
    ]
    return tuple(
        _pair_verdict(
            pair, effect, level, bool({*pair} & {*cut}), shared, _lost(evidence, pair, shared)
        )
        for pair, effect, level, shared in zip(pairs, effects, _holm(effects), seeds, strict=True)
    )


def judge_baseline(
    evidence: Evidence, selected: str, baselines: Mapping[str, FloatArray], reference: str
) -> BaselineVerdict:
    """Judge the selected rung against the reference baseline by the rule of this module.

    Args:
        evidence: The losses of all fits of the study: all of them tell the seed variance.
        selected: The rung chosen on validation.
        baselines: For each baseline the losses of each window, as in `Evidence.losses`.
        reference: The baseline chosen on validation.

    Raises:
        ValueError: If `selected` or `reference` is unknown.
    """
    if reference not in baselines:
        raise ValueError(f"reference must be one of {sorted(baselines)}, got {reference!r}")
    results = _results(evidence)
    fits = [results[selected, seed] for seed in _shared(evidence, results, selected, selected)]
    naive = {name: _result(losses, evidence) for name, losses in baselines.items()}
    variance = between_seeds_variance(_finite_logs(results))
    effect = _effect(fits, [naive[reference]] * len(fits), variance)
    half = effect.half_width(SIGNIFICANCE)
    score = sum(fit.score for fit in fits) / len(fits) if fits else math.inf
    better = sorted((n for n in naive if naive[n].score < score), key=lambda n: naive[n].score)
    return BaselineVerdict(
        name=reference,
        percent=_percent(effect.d),
        low=_percent(effect.d - half),
        high=_percent(effect.d + half),
        outcome=_baseline_outcome(effect, half, bool(better)),
        better=tuple(better),
    )


def judge_delivered(
    evidence: Evidence, losses: FloatArray, baseline: FloatArray, name: str
) -> BaselineVerdict:
    """Judge one fitted model, whatever it was put together from, against a baseline.

    Both are as they are: other seeds have no part in it, and chance is that of the rows alone, by
    the blocks of this module.

    Args:
        evidence: Of the rows; it needs no fit.
        losses: The losses of each window of the model, as in `Evidence.losses`.
        baseline: Those of the baseline.
        name: What the baseline is called.
    """
    one, other = _result(losses, evidence), _result(baseline, evidence)
    d, moves = one.log_score - other.log_score, one.moves - other.moves
    effect = _Effect(d, math.nan, 0.0)
    if math.isfinite(d) and len(moves) >= LEAST_BLOCKS:
        blocks = mean_variance(moves)
        effect = _Effect(d, math.sqrt(blocks.value), blocks.dof)
    half = effect.half_width(SIGNIFICANCE)
    return BaselineVerdict(
        name=name,
        percent=_percent(d),
        low=_percent(d - half),
        high=_percent(d + half),
        outcome=_baseline_outcome(effect, half, any_better=False),
        better=(),
    )


def residual_variance(log_scores: Mapping[FitKey, float]) -> Variance:
    """Return the variance of what rung and seed leave over: the residual of `rung + seed`.

    By least squares, so that fits may be missing. The degrees of freedom are the fits less the rank
    of the table, `(R - 1)(S - 1)` when none is missing.
    """
    if not log_scores:
        return Variance(math.nan, 0.0)
    columns = sorted({("rung", rung) for rung, _ in log_scores}) + sorted(
        {("seed", seed) for _, seed in log_scores}
    )
    design = np.array(
        [[c in (("rung", rung), ("seed", seed)) for c in columns] for rung, seed in log_scores],
        dtype=np.float64,
    )
    y = np.array(list(log_scores.values()))
    solution, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    return _variance(y - design @ solution, len(y) - int(rank))


def between_seeds_variance(log_scores: Mapping[FitKey, float]) -> Variance:
    """Return the variance between seeds of one rung, pooled over rungs.

    Rungs of a seed have something in common, a share ρ of this variance, and so repeat each other
    in part: of the `R (S - 1)` degrees of freedom, 1 / (1 + (R - 1) ρ²) are left. That is the
    variance of a mean of R sample variances whose data are correlated by ρ.
    """
    rungs = sorted({rung for rung, _ in log_scores})
    by_rung = [np.array([log_scores[fit] for fit in log_scores if fit[0] == r]) for r in rungs]
    residuals = np.concatenate([scores - scores.mean() for scores in by_rung] or [np.zeros(0)])
    pooled = _variance(residuals, len(residuals) - len(rungs))
    rest = residual_variance(log_scores)
    common = max(0.0, 1.0 - rest.value / pooled.value) if pooled.value > 0 and rest.dof else 0.0
    return Variance(pooled.value, pooled.dof / (1.0 + (len(rungs) - 1) * common**2))


def mean_variance(moves: FloatArray) -> Variance:
    """Return the variance of the mean of consecutive blocks, which neighbours may share.

    With v the variance of a block and c the covariance of neighbours (the mean of the moves is
    known to be 0, which lowers c by v / B on average, and is put right) it is
    (v + 2 max(c, 0)) / B; the degrees of freedom are those of Bartlett's estimate with one
    neighbour, 2/3 of B - 1.

    Args:
        moves: By how much each of B blocks moves the effect, `(B,)`, of mean 0.
    """
    blocks = len(moves)
    variance = float(moves @ moves) / (blocks - 1)
    neighbours = float(moves[1:] @ moves[:-1]) / (blocks - 1) + variance / blocks
    return Variance((variance + 2.0 * max(neighbours, 0.0)) / blocks, 2.0 / 3.0 * (blocks - 1))


def _variance(residuals: FloatArray, dof: int) -> Variance:
    return Variance(float(residuals @ residuals) / dof if dof > 0 else math.nan, float(dof))


def _results(evidence: Evidence) -> dict[FitKey, _Result]:
    """Return the results of all fits that did not diverge and whose losses are finite."""
    kept = {fit: losses for fit, losses in evidence.losses.items() if fit not in evidence.diverged}
    results = {fit: _result(losses, evidence) for fit, losses in kept.items()}
    return {fit: result for fit, result in results.items() if math.isfinite(result.score)}


def _result(losses: FloatArray, evidence: Evidence) -> _Result:
    observed = np.asarray(evidence.counts) > 0
    seen = np.asarray(losses, dtype=np.float64)[observed]
    with np.errstate(over="ignore"):
        total = float(seen.sum())
    score = (total / float(evidence.counts.sum())) ** evidence.power
    if not 0.0 < total < math.inf:
        log_score = -math.inf if total == 0.0 else math.inf
        return _Result(score if total == 0.0 else math.inf, log_score, np.zeros(evidence.blocks))
    starts = evidence.starts
    blocks = np.add.reduceat(seen, starts) if len(starts) else np.zeros(0)
    return _Result(score, math.log(score), evidence.power * len(starts) * (blocks / total))


def _finite_logs(results: Mapping[FitKey, _Result]) -> dict[FitKey, float]:
    return {fit: r.log_score for fit, r in results.items() if math.isfinite(r.log_score)}


def _seeds(evidence: Evidence, rung: str) -> set[int]:
    """Return the seeds that the study gave to a rung."""
    seeds = {seed for name, seed in (*evidence.losses, *evidence.diverged) if name == rung}
    if not seeds:
        known = sorted({name for name, _ in (*evidence.losses, *evidence.diverged)})
        raise ValueError(f"rung must be one of {known}, got {rung!r}")
    return seeds


def _shared(
    evidence: Evidence, results: Mapping[FitKey, _Result], rung: str, parent: str
) -> list[int]:
    """Return the seeds of which both rungs have a result."""
    both = _seeds(evidence, rung) & _seeds(evidence, parent)
    return sorted(seed for seed in both if (rung, seed) in results and (parent, seed) in results)


def _lost(evidence: Evidence, pair: tuple[str, str], shared: Sequence[int]) -> tuple[int, ...]:
    """Return the seeds of a pair that were given and are not shared."""
    given = _seeds(evidence, pair[0]) | _seeds(evidence, pair[1])
    return tuple(sorted(given - {*shared}))


def _effect(fits: Sequence[_Result], others: Sequence[_Result], seed_variance: Variance) -> _Effect:
    """Return the mean log ratio of scores over seeds; `seed_variance` is that of one seed's."""
    ratios = [fit.log_score - other.log_score for fit, other in zip(fits, others, strict=True)]
    if not ratios or not all(math.isfinite(ratio) for ratio in ratios):
        return _Effect(math.nan, math.nan, 0.0)
    d = sum(ratios) / len(ratios)
    moves = np.mean([a.moves - b.moves for a, b in zip(fits, others, strict=True)], axis=0)
    if len(ratios) < LEAST_SEEDS or len(moves) < LEAST_BLOCKS or not seed_variance.dof > 0:
        return _Effect(d, math.nan, 0.0)
    blocks = mean_variance(moves)
    error = math.sqrt(seed_variance.value / len(ratios) + blocks.value)
    return _Effect(d, error, min(seed_variance.dof, blocks.dof))


def _holm(effects: Sequence[_Effect]) -> list[float]:
    """Return the level of each effect's interval by Holm's steps."""
    levels = [SIGNIFICANCE] * len(effects)
    level, going_on = SIGNIFICANCE, True
    for rank, i in enumerate(sorted(range(len(effects)), key=lambda i: effects[i].p)):
        if going_on:
            level = SIGNIFICANCE / (len(effects) - rank)
        going_on = going_on and effects[i].p <= level
        levels[i] = level
    return levels


def _pair_verdict(
    pair: tuple[str, str],
    effect: _Effect,
    level: float,
    cut: bool,
    shared: Sequence[int],
    excluded: tuple[int, ...],
) -> PairVerdict:
    half = effect.half_width(level)
    outcome = _outcome(effect, half)
    if cut and outcome != "no verdict":
        outcome = "undecided (budget)"
    return PairVerdict(
        rung=pair[0],
        parent=pair[1],
        percent=_percent(effect.d),
        low=_percent(effect.d - half),
        high=_percent(effect.d + half),
        outcome=outcome,
        smallest_visible=_percent(half) if outcome == "undecided" else None,
        seeds=len(shared),
        excluded=excluded,
    )


def _outcome(effect: _Effect, half: float) -> Outcome:
    if not effect.known:
        return "no verdict"
    if abs(effect.d) > half and abs(effect.d) >= SMALLEST_EFFECT:
        return "helps" if effect.d < 0 else "hurts"
    if abs(effect.d) + half < SMALLEST_EFFECT:
        return "no real difference"
    return "undecided"


def _baseline_outcome(effect: _Effect, half: float, any_better: bool) -> BaselineOutcome:
    if not effect.known:
        return "no verdict"
    if effect.d > half:
        return "loses"
    return "beats" if effect.d < -half and not any_better else "ties"


def _percent(log_ratio: float) -> float | None:
    """Return a log ratio in per cent; None where there is none, or it is beyond all numbers."""
    with np.errstate(over="ignore"):
        percent = 100.0 * float(np.expm1(log_ratio))
    return percent if math.isfinite(percent) else None
