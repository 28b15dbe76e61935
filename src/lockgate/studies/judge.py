"""What the rounds choose: the cell, the rung that a user should take; and how it compares."""

import math
from collections.abc import Sequence

from lockgate.errors import DataError
from lockgate.studies.chance import Chances
from lockgate.studies.gather import Judged, gather
from lockgate.studies.rule import PairVerdict
from lockgate.tasks.results import BaselineEffect

LEVEL = 0.05


def best_cell(choosing: Sequence[Judged], metric: str) -> str:
    """Return the rung of the best mean log score in the rounds that choose the cell.

    Raises:
        DataError: If no rung has a score in every round.
    """
    logs: dict[str, list[float]] = {}
    for one in choosing:
        for rung, prediction in one.predictions.items():
            score = one.stretch.scorer.scores(prediction)[metric]
            if score is not None and score > 0:
                logs.setdefault(rung, []).append(math.log(score))
    known = {rung: sum(own) for rung, own in logs.items() if len(own) == len(choosing)}
    if not known:
        raise DataError("every fit diverged: pass a smaller learning_rate")
    return min(known, key=lambda rung: known[rung])


def select(cell: str, verdicts: Sequence[PairVerdict]) -> str:
    """Return the rung that a user should take: the plain cell, or one that helps.

    Of several that help it is the one with the least error against the plain network, if that is
    less than the plain network's. None is taken that builds on what hurts.

    Args:
        cell: Name of the plain rung.
        verdicts: Those of all pairs.

    Example:
        >>> helps = PairVerdict("input", "gru", -5.0, -8.0, -2.0, "helps", None, None, None, 10, 10)
        >>> select("gru", [helps])
        'input'
    """
    of = {one.rung: one for one in verdicts}

    def against_cell(rung: str) -> float:
        """Add up the changes from the plain network on."""
        total = 0.0
        while rung != cell:
            one = of.get(rung)
            if one is None or one.percent is None:
                return math.inf
            total += math.log1p(one.percent / 100.0)
            rung = one.parent
        return total

    def is_sound(one: PairVerdict) -> bool:
        parent = of.get(one.parent)
        return one.outcome == "helps" and (parent is None or parent.outcome != "hurts")

    known = [one.rung for one in verdicts if is_sound(one)]
    return min((cell, *known), key=against_cell)


def against_baseline(
    rounds: Sequence[Judged], rung: str, name: str, *, folds: int, power: float, stay: bool
) -> BaselineEffect:
    """Compare single networks of a rung with a baseline, on the rows judged.

    By the rule of pairs, but one look at the level of 5 %: nothing was chosen by this comparison.
    It speaks of the rounds whose folds the baseline was fitted to.
    """
    told = [
        one._replace(predictions={rung: one.predictions[rung], name: found[0].judged})
        for one in rounds
        if rung in one.predictions and (found := [n for n in one.stretch.naive if n.name == name])
    ]
    whole = told[: len(told) // folds * folds]
    effect = None
    if whole:
        table = gather(whole, folds=folds, power=power, stay=stay).table()
        if table.why_not() is None:
            effect = Chances(table, len(table.logs)).of(0, 1)
    if effect is None:
        return BaselineEffect(
            name=name, percent=None, low=None, high=None, outcome="no verdict", better=[]
        )
    half = effect.half_width(LEVEL)
    outcome = "ties"
    if effect.is_below_zero(LEVEL):
        outcome = "beats"
    elif effect.is_above_zero(LEVEL):
        outcome = "loses"
    return {
        "name": name,
        "percent": 100.0 * math.expm1(effect.d),
        "low": 100.0 * math.expm1(effect.d - half),
        "high": 100.0 * math.expm1(effect.d + half),
        "outcome": outcome,
        "better": [],
    }
