"""When a study looks at its verdicts, and how much chance of error each look may spend.

Looks are planned before round 1. They stand after whole passes over the folds, and what they spend
by the time `t`, the share of the stage's rounds, is 2 (1 - Φ(z / √t)) with z the quantile of what
the stage spends in all (Lan and DeMets 1983, in O'Brien and Fleming's shape): next to nothing
early, most at the end. The plan spends 4 % by its last look, wherever that comes: a study whose
time ends before all planned rounds are played closes the stage at that look, which then has all
that is left of it. Time is no evidence, so that this errs no more often. 1 % is kept: each
resumption beyond the last look is a stage of its own and spends half of what is left of it.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Self

import numpy as np
from scipy import special

from lockgate.scoring.arrays import FloatArray

PLANNED = 0.04
KEPT = 0.01
NODES, WEIGHTS = np.polynomial.legendre.leggauss(80)
TINY = 1e-9  # what is less is spent as a level: the looks before it are as good as none


class Stage(NamedTuple):
    """Looks that are planned together."""

    rounds: int
    """Of the study at the last look that was planned."""
    spends: float
    """The chance of error that it spends."""
    until: int
    """Rounds at its last look, fewer where it was closed before."""


@dataclass(frozen=True)
class LookPlan:
    """The looks of a study.

    Args:
        folds: Rounds of one pass; a look stands after each pass.
        stages: The plan, and then each resumption.

    Example:
        >>> plan = LookPlan.planned(folds=5, rounds=12)
        >>> plan.looks
        (5, 10)
        >>> resumed = plan.resumed(20)
        >>> resumed.looks, resumed.stages[1]
        ((5, 10, 15, 20), Stage(rounds=20, spends=0.005, until=20))
        >>> [round(level, 4) for level in resumed.levels(1.0)]
        [0.0037, 0.0385, 0.0009, 0.0098]
        >>> closed = LookPlan.planned(folds=5, rounds=30).closed(10)
        >>> [round(level, 4) for level in closed.levels(1.0)]
        [0.0, 0.04]
    """

    folds: int
    stages: tuple[Stage, ...]

    @classmethod
    def planned(cls, folds: int, rounds: int) -> Self:
        """Plan looks after each pass of at most `rounds` rounds, one pass at least."""
        last = _whole(rounds, folds)
        return cls(folds, (Stage(last, PLANNED, last),))

    def resumed(self, rounds: int) -> Self:
        """Return the plan that goes on to `rounds` rounds, on half of what is left of the 1 %.

        Raises:
            ValueError: If no whole pass is added.
        """
        before, last = self.looks[-1], _whole(rounds, self.folds)
        if last <= before:
            raise ValueError(
                f"rounds must be at least {before + self.folds}, a pass of {self.folds} more than "
                f"the last look, got {rounds}"
            )
        left = KEPT - sum(stage.spends for stage in self.stages[1:])
        return type(self)(self.folds, (*self.stages, Stage(last, left / 2.0, last)))

    def closed(self, rounds: int) -> Self:
        """Return the plan whose last stage ends with the look after so many rounds."""
        assert rounds in self.looks
        *before, stage = self.stages
        return type(self)(self.folds, (*before, stage._replace(until=rounds)))

    @property
    def is_closed(self) -> bool:
        """Whether its last stage ended before all planned rounds were played."""
        return self.stages[-1].until < self.planned_rounds

    @property
    def planned_rounds(self) -> int:
        """Rounds of the study if there is time for all."""
        return self.stages[-1].rounds

    @property
    def looks(self) -> tuple[int, ...]:
        """The number of rounds at each look."""
        return tuple(range(self.folds, self.stages[-1].until + 1, self.folds))

    def spent(self, share: float) -> tuple[float, ...]:
        """Return what has been spent by each look by what gets a `share` of all that is spent."""
        spent, before, start = [], 0.0, 0
        for rounds, spends, until in self.stages:
            z = special.ndtri(1.0 - share * spends / 2.0)
            for look in range(start + self.folds, until, self.folds):
                t = (look - start) / (rounds - start)
                spent.append(before + 2.0 * float(special.ndtr(-z / math.sqrt(t))))
            before, start = before + share * spends, until
            spent.append(before)
        return tuple(spent)

    def levels(self, share: float) -> tuple[float, ...]:
        """Return the level of each look's interval for what gets a `share` of all that is spent.

        The estimates of two looks are correlated by the root of the ratio of their rounds at least,
        for the later look has all rounds of the earlier; noise of the rows, which stays, correlates
        them more, and then less is spent than planned.
        """
        return _levels(self.looks, self.spent(share))

    def as_json(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return {"folds": self.folds, "stages": [list(stage) for stage in self.stages]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Read the plan from what `as_json` returned."""
        return cls(values["folds"], tuple(Stage(*stage) for stage in values["stages"]))


def _whole(rounds: int, folds: int) -> int:
    return max(rounds // folds, 1) * folds


@lru_cache(maxsize=256)
def _levels(looks: tuple[int, ...], spent: tuple[float, ...]) -> tuple[float, ...]:
    """Return two-sided levels at which a random walk first leaves as often as is spent.

    By recursive integration (Armitage, McPherson and Rowe 1969) over the part of the walk that has
    not left.
    """
    levels: list[float] = []
    nodes, mass = np.zeros(1), np.ones(1)
    for k, now in enumerate(looks):
        step = math.sqrt(now - (looks[k - 1] if k else 0))
        to_spend = spent[k] - (spent[k - 1] if k else 0.0)
        level = to_spend
        if to_spend > TINY:
            # what comes after has no part in it: a study that goes on tells its looks again
            low, high = to_spend, spent[k]
            for _ in range(50):
                level = math.sqrt(low * high)
                leaves = _leaves(nodes, mass, _border(level, now), step)
                low, high = (level, high) if leaves < to_spend else (low, level)
        border = _border(level, now)
        levels.append(level)
        moves = (border * NODES[:, None] - nodes) / step
        density = np.exp(-0.5 * moves**2) / (step * math.sqrt(2.0 * math.pi))
        nodes, mass = border * NODES, (density @ mass) * border * WEIGHTS
    return tuple(levels)


def _border(level: float, rounds: int) -> float:
    return float(-special.ndtri(level / 2.0)) * math.sqrt(rounds)


def _leaves(nodes: FloatArray, mass: FloatArray, border: float, step: float) -> float:
    """Return the chance that a step from `nodes` ends outside of ±`border`."""
    out = special.ndtr((-border - nodes) / step) + special.ndtr((nodes - border) / step)
    return float(out @ mass)
