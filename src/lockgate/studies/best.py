"""Which rungs of a study may be the best."""

import numpy as np

from lockgate.studies.chance import Chances
from lockgate.studies.evidence import Table
from lockgate.studies.looks import LookPlan


def best_set(table: Table, plan: LookPlan) -> tuple[str, ...]:
    """Return the rungs that may be the best: a set that holds the best one in 95 % of studies.

    It is a model confidence set (Hansen, Lunde and Nason 2011) by Bonferroni's bound: a rung is
    out if any other is better by the interval of the rule, each of the others at its part of what
    the plan spends, on one side. The best of G rungs has G - 1 chances to be thrown out. A rung
    without a score is in no set.

    Args:
        table: The scores so far, of rungs that rest too.
        plan: The looks, with every resumption so far.

    Returns:
        The rungs, in the order of the table; all with a score where there can be no verdict.
    """
    passes = min(len(table.logs), len(plan.looks))
    scored = [n for n in range(len(table.rungs)) if passes and _has_score(table, n)]
    if len(scored) < 2 or table.why_not():
        return tuple(table.rungs[n] for n in scored)
    level = plan.levels(min(2.0 / (len(scored) - 1), 1.0))[passes - 1]
    chances = Chances(table, passes)

    def is_worse(rung: int, other: int) -> bool:
        effect = chances.of(rung, other)
        return effect is not None and effect.d > effect.half_width(level)

    return tuple(
        table.rungs[rung]
        for rung in scored
        if not any(is_worse(rung, other) for other in scored if other != rung)
    )


def _has_score(table: Table, number: int) -> bool:
    return bool(np.isfinite(table.logs[:, :, number]).any())
