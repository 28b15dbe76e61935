"""Fit the best trials again in rounds of their own, and judge them by the rule of a study."""

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from lockgate.errors import DataError
from lockgate.scoring.arrays import FloatArray
from lockgate.studies.finished import RESULTS
from lockgate.studies.fits import Fit
from lockgate.studies.folder import keep_looks, planned_looks
from lockgate.studies.gather import Judged, gather
from lockgate.studies.looks import LookPlan
from lockgate.studies.rounds import Ended
from lockgate.studies.rule import PairVerdict, judge, resting, stop
from lockgate.tuning.bench import DEFAULT, Entrant, Fitted, Place
from lockgate.tuning.pairs import on_common_rows
from lockgate.tuning.search import Searching, seconds_of, to_deliver
from lockgate.tuning.space import configured
from lockgate.tuning.trial import Trial


class Again(NamedTuple):
    """What came of the rounds."""

    entrants: tuple[Entrant, ...]  # the default first
    fits: tuple[Fit, ...]
    rounds: tuple[Judged, ...]  # on the rows that all judge
    own: dict[str, tuple[Judged, ...]]  # of each entrant, on all rows that it judges
    verdicts: tuple[PairVerdict, ...]
    at_looks: tuple[tuple[PairVerdict, ...], ...]
    looks: LookPlan
    blocks: int
    stay: bool  # whether every pass is over the same folds
    ended: Ended


def fit_again(with_: Searching, candidates: Sequence[Trial]) -> Again:
    """Play rounds of the default and the best trials, until nothing is left to decide.

    Neither seeds nor drawn folds are those of the search. Looks at the verdicts are planned before
    the first round, as those of a study are, and what is decided rests.
    """
    plan, config = with_.plan, with_.plan.config
    entrants = [with_.default, *_entrants(with_, candidates)]
    pairs = [(one.name, DEFAULT) for one in entrants[1:]]
    seconds = seconds_of(with_, candidates)
    folds = len(plan.folds.folds)
    deliver = to_deliver(plan, max(seconds.values()))
    ended_before = (with_.out / RESULTS).exists()
    looks = planned_looks(with_.out, folds, config.rounds, ended=ended_before)
    smallest = math.log1p(config.smallest_effect / 100.0)
    stay = _stay(with_)
    rounds: list[Judged] = []
    own: dict[str, list[Judged]] = {one.name: [] for one in entrants}
    at_looks: list[tuple[PairVerdict, ...]] = []
    rest: Collection[str] = ()
    ended: Ended
    while True:
        began, number = with_.clock.of_this_run, len(at_looks)
        playing = [one for one in entrants if one.name not in rest]
        for judged, of_entrants in _pass(with_, number, entrants, playing):
            rounds.append(judged)
            for name, one in of_entrants.items():
                own[name].append(one)
        of_pass = with_.clock.of_this_run - began
        over = with_.clock.of_this_run + of_pass + deliver > plan.budget
        if over and len(rounds) < looks.looks[-1]:
            looks = keep_looks(with_.out, looks.closed(len(rounds)))
        evidence = gather(rounds, folds=folds, power=with_.bench.power, stay=stay)
        at_looks.append(judge(evidence, pairs, looks, smallest))
        rest = resting(at_looks[-1])
        if stop(at_looks[-1]) is not None:
            ended = "rows" if any(one.outcome == "open" for one in at_looks[-1]) else "decided"
            break
        if len(rounds) >= looks.looks[-1]:
            ended = "budget" if looks.is_closed else "rounds"
            break
    fits = [fit for one in entrants for fit in with_.bench.fits_of(one.name, 1, config.rounds)]
    return Again(
        entrants=tuple(entrants),
        fits=tuple(fits),
        rounds=tuple(rounds),
        own={name: tuple(several) for name, several in own.items()},
        verdicts=at_looks[-1],
        at_looks=tuple(at_looks),
        looks=looks,
        blocks=int(np.max(evidence.blocks()[0])) + 1,
        stay=stay,
        ended=ended,
    )


def best_again(again: Again) -> PairVerdict | None:
    """Return the verdict on the candidate of the least error in the rounds; None if none has any.

    Example:
        >>> best_again(Again((), (), (), {}, (), (), LookPlan.planned(5, 5), 0, True, "rounds"))
    """
    known = [one for one in again.verdicts if one.percent is not None]
    return min(known, key=lambda one: one.percent or 0.0, default=None)


def _entrants(with_: Searching, candidates: Sequence[Trial]) -> list[Entrant]:
    found = []
    for trial in candidates:
        run = configured(with_.default.run, trial.values)
        entrant = Entrant(trial.name, run, with_.preparations.of(run))
        try:
            entrant.preparation.stretches(0)
        except DataError:  # folds that are drawn anew may leave too little of another preparation
            continue
        found.append(entrant)
    return found


def _pass(
    with_: Searching, number: int, entrants: Sequence[Entrant], playing: Sequence[Entrant]
) -> list[tuple[Judged, dict[str, Judged]]]:
    """Play the rounds of a pass: each as one on the rows of all, and as each entrant judges it."""
    folds = range(len(with_.plan.folds.folds))
    places = [Place(number * len(folds) + fold + 1, number, fold) for fold in folds]
    fitted = with_.bench.fit([(one, place) for place in places for one in playing])
    return [_round(with_, place, entrants, playing, fitted) for place in places]


def _round(
    with_: Searching,
    place: Place,
    entrants: Sequence[Entrant],
    playing: Sequence[Entrant],
    fitted: dict[tuple[str, Place], Fitted],
) -> tuple[Judged, dict[str, Judged]]:
    stretches = {one.name: one.preparation.stretches(place.of_pass)[place.fold] for one in entrants}
    predictions = {
        one.name: judged
        for one in playing
        if (judged := fitted[one.name, place].judged) is not None
    }
    metric, power = with_.plan.config.training.metric, with_.bench.power
    common = on_common_rows(place.seed, place.fold, stretches, predictions, power, metric)
    own = {
        name: Judged(place.seed, place.fold, stretches[name], {name: prediction}, told)
        for name, prediction in predictions.items()
        for told in [_spreads(name, fitted[name, place])]
    }
    return common, own


def _spreads(name: str, fitted: Fitted) -> dict[str, FloatArray]:
    return {} if fitted.spreads is None else {name: fitted.spreads}


def _stay(with_: Searching) -> bool:
    """Whether every pass is over the same folds."""
    first, second = (with_.default.preparation.folds(number) for number in (0, 1))
    return first == second
