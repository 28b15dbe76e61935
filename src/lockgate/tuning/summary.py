"""Put everything a search found into one dictionary: the content of `results.json`."""

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import NamedTuple, cast

import numpy as np

from lockgate.running.machine import device_kind, environment
from lockgate.studies.gather import Judged
from lockgate.studies.judge import against_baseline
from lockgate.studies.rule import PairVerdict
from lockgate.studies.single import Tested, better_than
from lockgate.studies.stretches import Stretch, best_scored, mean_of
from lockgate.studies.summary import fold_result, plain
from lockgate.studies.words import delivered_answer
from lockgate.tasks.results import BaselineEffect, Delivered, PairResult, Scores
from lockgate.tasks.stack.rungs import in_words
from lockgate.tuning.again import Again, best_again
from lockgate.tuning.bench import DEFAULT, Entrant
from lockgate.tuning.command import command
from lockgate.tuning.halving import BATCH
from lockgate.tuning.importances import importances
from lockgate.tuning.plan import TunePlan
from lockgate.tuning.results import (
    TUNING_FORMAT,
    EntrantResult,
    SettingResult,
    TrialResult,
    TuneBaseline,
    TuneResults,
    TuneVerdict,
)
from lockgate.tuning.search import Searched
from lockgate.tuning.space import Choices
from lockgate.tuning.trial import Trial
from lockgate.tuning.words import recommendation, tuning_words


class Found(NamedTuple):
    """Everything that a search found."""

    planned: TunePlan
    searched: Searched
    again: Again
    name: str  # of what is delivered: a trial, or the default
    rounds: Sequence[Judged]  # of it alone, with baselines in those of the first pass
    first: tuple[Stretch, ...]  # the folds of the first pass, prepared for it, with baselines
    naive: Mapping[str, Scores]  # of each baseline, means over these
    tested: Tested

    @property
    def metric(self) -> str:
        """The metric of the search."""
        return str(self.planned.study.config.training.metric)


def summarise(found: Found, delivered: Delivered, seconds: float) -> TuneResults:
    """Return the results of a search as plain values that JSON can hold: no NaN, no infinity.

    Args:
        found: What the search found.
        delivered: What it delivers, scored on the test part.
        seconds: What it took by the clock.
    """
    plan = found.planned.study
    described = plan.task.describe(plan.data, plan.prepared)
    trials = found.searched.trials
    chosen = next((one for one in trials if one.name == found.name), None)
    results: TuneResults = {
        "format_version": TUNING_FORMAT,
        "kind": "tune",
        "task": plan.task.name,
        "lockgate_version": version("lockgate"),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command(plan),
        "seconds": seconds,
        "config": plan.config.model_dump(mode="json"),
        "environment": {
            **environment(),
            "optuna": version("optuna"),
            "workers": plan.workers,
            "device": device_kind(plan.config.training.device),
        },
        "data": {**described, "notices": [*described["notices"], *_few(found)]},
        "metric": found.metric,
        "folds": [fold_result(plan, stretch.fold) for stretch in found.first],
        "space": _space(found),
        "search": {
            "asked": plan.config.trials,
            "done": len(trials),
            "complete": sum(trial.state == "complete" for trial in trials),
            "ended": found.searched.ended,
            "batch": BATCH,
            "seconds": math.fsum(s for trial in trials for s in trial.seconds.values()),
        },
        "trials": [_trial(trial) for trial in trials],
        "entrants": [_entrant(one, found) for one in found.again.entrants],
        "verdict": _verdict(found),
        "settings": {} if chosen is None else dict(chosen.values),
        "baselines": _baselines(found),
        "delivered": delivered,
    }
    delivered["words"] = delivered_answer(delivered, _network_name(found), found.metric)
    results["verdict"]["recommendation"] = recommendation(results)
    results["verdict"]["words"] = tuning_words(results)
    return cast(TuneResults, plain(results))


def _network_name(found: Found) -> str:
    """Name the network in a sentence: `GRU`, `tuned GRU`."""
    entrant = next(one for one in found.again.entrants if one.name == found.name)
    cell = str(entrant.run.model.cell).upper()
    return cell if found.name == DEFAULT else f"tuned {cell}"


def _few(found: Found) -> list[str]:
    skipped = dict(one for stretch in found.first for one in stretch.skipped)
    left_out = [f"{name} was not computed: {reason}" for name, reason in skipped.items()]
    few = found.planned.study.folds.why_few
    return [*left_out, *([few] if few else [])]


def _space(found: Found) -> list[SettingResult]:
    planned = found.planned
    shares = importances(planned.space, found.searched.trials)
    return [
        {
            "path": path,
            "name": path.rpartition(".")[2],
            "low": None if isinstance(one, Choices) else one.low,
            "high": None if isinstance(one, Choices) else one.high,
            "log": not isinstance(one, Choices) and one.log,
            "choices": list(one.values) if isinstance(one, Choices) else None,
            "default": planned.default[path],
            "importance": shares.get(path),
        }
        for path, one in planned.space.items()
    ]


def _trial(trial: Trial) -> TrialResult:
    ratios = list(trial.by_fold.values())
    return {
        "number": trial.number,
        "batch": trial.batch,
        "state": trial.state,
        "values": dict(trial.values),
        "percent": _percent(math.fsum(ratios) / len(ratios))
        if ratios and trial.state in ("complete", "halved")
        else None,
        "by_fold": {fold: _percent(ratio) for fold, ratio in trial.by_fold.items()},
        "seconds": math.fsum(trial.seconds.values()),
        "parameters": trial.parameters,
        "reason": trial.reason,
    }


def _entrant(one: Entrant, found: Found) -> EntrantResult:
    again, idle = found.again, found.planned.study.task.idle(found.planned.study.prepared)
    trial = next((t for t in found.searched.trials if t.name == one.name), None)
    fits = [fit for fit in again.fits if fit.rung == one.name]
    scored = [
        (judged.stretch.fold.name, judged.stretch.scorer.scores(judged.predictions[one.name]))
        for judged in again.own[one.name]
    ]
    by_fold: dict[str, list[float]] = {}
    for fold, scores in scored:
        if (score := scores[found.metric]) is not None:
            by_fold.setdefault(fold, []).append(score)
    good = [fit for fit in fits if not fit.diverged]
    return {
        "name": one.name,
        "trial": None if trial is None else trial.number,
        "words": in_words(one.run.model, idle),
        "values": dict(found.planned.default if trial is None else trial.values),
        "parameters": fits[0].parameters if fits else None,
        "judged": mean_of([scores for _, scores in scored]),
        "by_fold": {fold: float(np.mean(own)) for fold, own in by_fold.items()},
        "seconds": float(np.mean([fit.seconds for fit in fits])) if fits else None,
        "best_epoch": float(np.mean([fit.history.best_epoch for fit in good])) if good else None,
        "searched": None if trial is None or trial.change is None else _percent(trial.change),
    }


def _verdict(found: Found) -> TuneVerdict:
    again, tuned = found.again, best_again(found.again)
    return {
        "recommendation": [],
        "words": [],
        "pairs": [_pair(one, again, found.metric) for one in again.verdicts],
        "tuned": None if tuned is None else tuned.rung,
        "selected": found.name,
        "baseline": _against_baseline(found),
        "smallest_effect": found.planned.study.config.smallest_effect,
        "rounds": len(again.rounds),
        "most_rounds": again.looks.planned_rounds,
        "ended": again.ended,
        "blocks": again.blocks,
        "test_looks": found.tested.looks,
    }


def _against_baseline(found: Found) -> BaselineEffect | None:
    reference = best_scored(found.naive, found.metric)
    if reference is None:
        return None
    effect = against_baseline(
        *(found.rounds, found.name, reference),
        folds=len(found.first),
        power=found.planned.study.task.power(found.metric),
        stay=found.again.stay,
    )
    own = [
        one.stretch.scorer.scores(one.predictions[found.name])
        for one in found.rounds
        if one.stretch.naive
    ]
    effect["better"] = better_than(mean_of(own), found.naive, found.metric)
    return effect


def _pair(one: PairVerdict, again: Again, metric: str) -> PairResult:
    looks = [
        {"rounds": rounds, "percent": told.percent, "low": told.low, "high": told.high}
        for rounds, at_look in zip(again.looks.looks, again.at_looks, strict=False)
        for told in at_look
        if told.rung == one.rung and told.percent is not None
    ]
    by_round: dict[str, float | None] = {}
    for played in again.rounds:
        own, other = (_score(played, name, metric) for name in (one.rung, DEFAULT))
        if own and other:
            by_round[str(played.round)] = 100.0 * (own / other - 1.0)
    excluded = [number + 1 for number in one.excluded]
    return cast(
        PairResult, {**asdict(one), "excluded": excluded, "looks": looks, "by_round": by_round}
    )


def _score(played: Judged, name: str, metric: str) -> float | None:
    losses = played.predictions.get(name)
    return None if losses is None else played.stretch.scorer.scores(losses)[metric]


def _baselines(found: Found) -> list[TuneBaseline]:
    return [
        {
            "name": name,
            "judged": found.naive.get(name, {}),
            "test": found.tested.scorer.scores(prediction),
        }
        for name, prediction in found.tested.baselines.items()
    ]


def _percent(log_ratio: float) -> float:
    return 100.0 * math.expm1(log_ratio)
