"""How far the effect of a pair may be off: by its fits, its folds and the rows they judged.

`Chances` reads the first passes of a table, and `Chances.of` tells a pair's effect with the parts
of its chance; `lockgate.studies.rule` says what these are.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy import special

from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.studies.evidence import Table
from lockgate.studies.variances import (
    NOTHING,
    UNKNOWN,
    Part,
    covariance_beside,
    interaction,
    of_blocks,
    residuals,
    within_columns,
)

LEAST_ROUNDS = 3
OWN = 0.9  # quantile of F above which a rung's variance is its own
LEAVES = 0.99  # and above which it leaves the pool
OF_FOLDS = 0.5  # the part of a single pass's noise that is taken to be the folds'
SHARED = 0.2  # correlation of two folds by the training rows that they share


@dataclass(frozen=True)
class Effect:
    """The mean log ratio of a pair's scores over `rounds` rounds, and the parts of its chance."""

    d: float
    rounds: int
    fits: tuple[Part, ...]  # they fall as rounds are added
    folds: Part
    rows: Part

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts that there are."""
        return tuple(part for part in (*self.fits, self.folds, self.rows) if part.variance > 0.0)

    @property
    def variance(self) -> float:
        """The variance of `d`."""
        return sum(part.variance for part in self.parts)

    def half_width(self, level: float) -> float:
        """Return half the interval's width: the quantile times the standard error.

        The quantile is Cochran and Cox's: the mean of the quantiles of t that the parts would have
        by themselves, weighted by their variance.
        """
        if not self.parts:
            return 0.0
        quantiles = (-float(special.stdtrit(part.dof, level / 2.0)) for part in self.parts)
        weighted = (t * part.variance for t, part in zip(quantiles, self.parts, strict=True))
        return sum(weighted) / math.sqrt(self.variance)

    def is_within(self, smallest: float, level: float) -> bool:
        """Tell whether the interval of a level lies inside ±`smallest`."""
        return abs(self.d) + self.half_width(level) < smallest

    def is_below_zero(self, level: float) -> bool:
        """Tell whether the interval of a level lies below 0."""
        return self.d < -self.half_width(level)

    def is_above_zero(self, level: float, further: float = 0.0) -> bool:
        """Tell whether the interval of a level lies above 0, by `further` standard errors."""
        return self.d > self.half_width(level) + further * math.sqrt(self.variance)

    def gains_less(self, smallest: float, level: float) -> bool:
        """Tell whether the interval of a level excludes a gain of `smallest` or more."""
        return self.d - self.half_width(level) > -smallest

    def after(self, rounds: float, noise: float = 1.0) -> Self:
        """Return what the effect would be after other rounds, if its fits vary `noise` as much."""
        factor = noise * self.rounds / rounds
        fits = tuple(Part(part.variance * factor, part.dof) for part in self.fits)
        return replace(self, fits=fits)


class Chances:
    """What the first `passes` of a table tell of chance.

    Args:
        table: The scores.
        passes: How many passes to read.
    """

    def __init__(self, table: Table, passes: int) -> None:
        self.fixed = table.fixed
        self.stretches = table.stretches
        self.folds = table.folds
        self.logs = table.logs[:passes]
        self.moves = table.moves[:passes]
        self.pool, self.passes = self._complete()
        self.apart = self.fixed and self.passes > 1  # fits are seen apart from folds and rows
        logs = self.logs[: self.passes]
        # (tables, rounds, G): fits vary within a table
        self.rounds = logs.swapaxes(0, 1) if self.apart else logs.reshape(1, -1, logs.shape[2])
        self.shared = shared_rows(self.folds)
        self.own = self._own()
        self.pooled = self._pooled()
        self.of_folds = self._of_folds()

    def of(self, rung: int, parent: int) -> Effect | None:
        """Return the effect of a pair of rungs, None where its rounds tell no variance."""
        ratios = self.logs[:, :, rung] - self.logs[:, :, parent]
        both = np.isfinite(ratios)
        rounds = int(both.sum())
        if rounds < LEAST_ROUNDS:
            return None
        moves = self.moves[:, :, rung][both] - self.moves[:, :, parent][both]
        rows = of_blocks(moves.mean(axis=0)[None], self.stretches)
        fits = [self._fit(number) for number in (rung, parent)]
        if not all(part.dof > 0 for part in fits):
            fits = [self._pair_alone(ratios, rows)]
        if not fits[0].dof > 0:
            return None
        factor = 1.0 if len(self.logs) > 1 else 1.0 + OF_FOLDS * (self.shared - 1.0)
        parts = tuple(Part(factor * part.variance / rounds, part.dof) for part in fits)
        d = float(ratios[both].mean())
        if self.fixed and not self.apart:  # more rounds may show that it was fits after all
            return Effect(d, rounds, (*parts, self.of_folds), NOTHING, rows)
        return Effect(d, rounds, parts, self.of_folds, rows)

    def _complete(self) -> tuple[IntArray, int]:
        """Return the rungs to pool over, and the leading passes of which they have all rounds.

        The most passes that leave at least half of the rungs of the first pass: the others rest.
        """
        fitted = np.logical_and.accumulate(np.isfinite(self.logs).all(axis=1), axis=0)
        enough = fitted.sum(axis=1) >= (fitted[0].sum() + 1) / 2.0
        passes = int(np.flatnonzero(enough)[-1]) + 1 if enough.any() else 1
        return np.flatnonzero(fitted[passes - 1]), passes

    def _own(self) -> set[int]:
        """Find the rungs that are clearly noisier; take the worst of them out of the pool.

        One after the other, the noisiest first, so that one does not hide another; half of the
        rungs stay.
        """
        own: set[int] = set()
        least = max(2, (len(self.pool) + 1) // 2)
        while len(self.pool) > least:
            quantiles = noisiness(self.rounds[:, :, self.pool])
            own |= {int(rung) for rung in self.pool[quantiles > OWN]}
            if not quantiles.max() > LEAVES:
                break
            self.pool = np.delete(self.pool, int(quantiles.argmax()))
        return own

    def _rows(self, rungs: IntArray) -> float:
        """Return what the rows add to the variance of one rung's score, pooled over rungs."""
        moves = self.moves[: self.passes][:, :, rungs].mean(axis=(0, 1))
        return of_blocks(moves - moves.mean(axis=0), self.stretches).variance / (len(rungs) - 1)

    def _pooled(self) -> Part:
        """Return the variance of the fits of one round, pooled over rungs."""
        if len(self.pool) < 2:
            return UNKNOWN
        whole = interaction(self.rounds[:, :, self.pool])
        if self.apart:
            return whole
        return Part(max(whole.variance - self.folds * self._rows(self.pool), 0.0), whole.dof)

    def _of_folds(self) -> Part:
        """Return what the folds add to the variance of a pair, beyond its fits and its rows.

        In a single pass that is what neighbours have in common: the rest cannot be told from fits.
        """
        if len(self.pool) < 2 or not self.fixed:
            return NOTHING
        means = self.logs[: self.passes][:, :, self.pool].mean(axis=0)
        whole = interaction(means[None])
        # fits and rows of two folds have nothing in common
        beside = max(covariance_beside(means), 0.0)
        variance = 2.0 * (self.folds - 1.0) / self.folds**2 * beside
        if self.apart:
            fits = self.pooled.variance / (self.passes * self.folds)
            rest = whole.variance / self.folds - self._rows(self.pool) - fits
            variance += self.shared * max(rest, 0.0)
        return Part(2.0 * variance, whole.dof)

    def _pair_alone(self, ratios: FloatArray, rows: Part) -> Part:
        """Return what fits add to a pair in one round where no rungs share all rounds of a pass.

        By what its folds differ in, over its passes; of folds drawn anew each round is one.
        """
        finite = np.isfinite(ratios)
        filled = np.where(finite, ratios, 0.0)
        seen = finite.any(axis=0)
        means = filled.sum(axis=0)[seen] / finite.sum(axis=0)[seen]
        if not self.fixed:
            means = ratios[finite]
        whole = within_columns(means[:, None])
        own = whole.variance / len(means) - rows.variance * (self.folds / len(means))
        return Part(max(own, 0.0) * int(finite.sum()), whole.dof)

    def _fit(self, rung: int) -> Part:
        """Return the variance of a rung's fits in one round: pooled, or its own if clearly more.

        Its own is that of its distance from the mean of the pool's others.
        """
        others = self.pool[self.pool != rung]
        if len(others) < 2 or (rung in self.pool and rung not in self.own):
            return self.pooled
        distance = self.rounds[:, :, rung] - self.rounds[:, :, others].mean(axis=2)
        whole = within_columns(distance.T)
        if not whole.dof:
            return self.pooled
        variance = whole.variance - interaction(self.rounds[:, :, others]).variance / len(others)
        if not self.apart:
            moves = self.moves[: self.passes]
            moves = moves[:, :, rung] - moves[:, :, others].mean(axis=2)
            moves = moves[np.isfinite(moves).all(axis=-1)].mean(axis=0)
            rows = of_blocks(moves[None], self.stretches).variance
            variance -= self.folds * max(rows - self._rows(others) / len(others), 0.0)
        return self.pooled if variance <= self.pooled.variance else Part(variance, whole.dof)


def shared_rows(folds: int) -> float:
    """Return by what the variance of folds is multiplied, for they share training rows.

    As Nadeau and Bengio (2003) do for five folds, whose share of the rows is `SHARED`; of more
    folds the rows that they learn from are no less alike.
    """
    return 1.0 + folds * SHARED / (1.0 - SHARED)


def noisiness(tables: FloatArray) -> FloatArray:
    """Return how clearly each column of tables is noisier than the others: a quantile of F.

    A column's distance from the mean of the others is compared with what these would have; with G
    columns both follow from the residuals of `row + column` without fitting the others anew.

    Args:
        tables: `(n, R, G)`, G at least 3.
    """
    count, rows, columns = tables.shape
    squares = (residuals(tables) ** 2).sum(axis=(0, 1))
    own = squares * columns / (columns - 1.0)
    others = squares.sum() - own
    dof = count * (rows - 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = (columns - 2.0) * own / others
    return np.where(own > 0.0, special.fdtr(dof, dof * (columns - 2.0), ratios), 0.0)
