"""Judge a batch of trials on the folds: all of them on the first, the better ones on the rest."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lockgate.errors import DataError
from lockgate.tuning.bench import DEFAULT, Bench, Entrant, Fitted, Place
from lockgate.tuning.pairs import log_ratio
from lockgate.tuning.prepared import Preparations
from lockgate.tuning.space import configured
from lockgate.tuning.trial import Trial

BATCH = 6
"""Trials that are asked for, and halved, together."""
SHARE = 3
"""Of a batch every third goes on to the other folds."""
SEARCH_PASS = 1_000
"""The drawing of the folds of a search, and what its seeds begin from: no round that judges has
either, so that what the search was lucky with is not what the verdict rests on."""


def judge_batch(
    bench: Bench,
    preparations: Preparations,
    default: Entrant,
    batch: int,
    proposed: Mapping[int, Mapping[str, Any]],
) -> list[Trial]:
    """Fit the trials of a batch and return what came of each, in the order of their numbers.

    Args:
        bench: What fits.
        preparations: What they learn from.
        default: What they are compared with.
        batch: Its number.
        proposed: The settings of each trial by its number, by their paths.

    Raises:
        DataError: If the default diverges.
    """
    folds = len(default.preparation.stretches(SEARCH_PASS))
    trials, entrants = {}, {}
    for number, values in proposed.items():
        trial = Trial(number=number, batch=batch, values=dict(values), state="complete")
        try:
            entrants[number] = _entrant(trial, default, preparations)
        except DataError as error:
            trial = trial.model_copy(update={"state": "refused", "reason": str(error)})
        trials[number] = trial
    first = _compared(bench, default, entrants, range(1))
    for number in entrants:
        trials[number] = _with(trials[number], first[number])
    scores = {n: trials[n].by_fold for n in entrants if trials[n].state == "complete"}
    ranked = sorted(scores, key=lambda number: (math.fsum(scores[number].values()), number))
    going_on = ranked[: -(-len(ranked) // SHARE)]
    if folds > 1:
        rest = _compared(
            bench, default, {n: entrants[n] for n in sorted(going_on)}, range(1, folds)
        )
        for number in ranked:
            if number in rest:
                trials[number] = _with(trials[number], rest[number])
            else:
                trials[number] = trials[number].model_copy(update={"state": "halved"})
    return list(trials.values())


def _entrant(trial: Trial, default: Entrant, preparations: Preparations) -> Entrant:
    run = configured(default.run, trial.values)
    entrant = Entrant(trial.name, run, preparations.of(run))
    try:
        entrant.preparation.stretches(SEARCH_PASS)
    except DataError as error:
        preparations.refuse(run, error)
        raise
    return entrant


def _compared(
    bench: Bench, default: Entrant, entrants: Mapping[int, Entrant], folds: Sequence[int]
) -> dict[int, list[tuple[Fitted, Fitted, float | None]]]:
    """Fit trials and the default to folds: each trial's fit, the default's, and the log ratio."""
    places = [Place(SEARCH_PASS + fold, SEARCH_PASS, fold) for fold in folds]
    wanted = [(one, place) for place in places for one in (default, *entrants.values())]
    fitted = bench.fit(wanted)
    for place in places:
        if fitted[DEFAULT, place].judged is None:
            raise DataError(
                f"the default settings diverged in fold {place.fold + 1}, so that nothing can be "
                "compared with them: pass a smaller learning_rate, which the search begins from"
            )

    def pairs(entrant: Entrant) -> Iterator[tuple[Fitted, Fitted, float | None]]:
        for place in places:
            own, other = fitted[entrant.name, place], fitted[DEFAULT, place]
            ratio = None
            if own.judged is not None and other.judged is not None:
                ratio = log_ratio(
                    (own.stretch, own.judged), (other.stretch, other.judged), bench.power
                )
            yield own, other, ratio

    return {number: list(pairs(entrant)) for number, entrant in entrants.items()}


def _with(trial: Trial, found: Sequence[tuple[Fitted, Fitted, float | None]]) -> Trial:
    """Return a trial with what came of it on further folds."""
    by_fold, seconds, state = dict(trial.by_fold), dict(trial.seconds), trial.state
    for own, _, ratio in found:
        fold = own.stretch.fold.name
        seconds[fold] = own.fit.seconds
        if ratio is None:
            state = "diverged"
        else:
            by_fold[fold] = ratio
    parameters = found[0][0].fit.parameters if found else trial.parameters
    update = {"by_fold": by_fold, "seconds": seconds, "state": state, "parameters": parameters}
    return trial.model_copy(update=update)
