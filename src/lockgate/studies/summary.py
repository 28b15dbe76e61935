"""Put everything a study found into one dictionary: the content of `results.json`."""

import datetime
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, NamedTuple, cast

import numpy as np

from lockgate.nn import Reach
from lockgate.running.machine import device_kind, environment
from lockgate.studies.checks import checks
from lockgate.studies.command import command
from lockgate.studies.curves import final_gap, overfits_from
from lockgate.studies.fits import Fit
from lockgate.studies.gather import Judged
from lockgate.studies.judge import against_baseline
from lockgate.studies.plan import Plan
from lockgate.studies.recommend import recommendation
from lockgate.studies.rounds import Played
from lockgate.studies.rule import PairVerdict
from lockgate.studies.single import Tested, better_than
from lockgate.studies.stretches import Stretch, mean_of, mean_scores, scores_in
from lockgate.studies.words import delivered_answer, verdict_words
from lockgate.tasks.base import Apart, Chosen, check
from lockgate.tasks.folds import Fold
from lockgate.tasks.results import (
    FORMAT_VERSION,
    BaselineResult,
    CellResult,
    Check,
    Delivered,
    FoldResult,
    Losses,
    PairResult,
    Results,
    RoundResult,
    RungReach,
    RungResult,
    Scores,
    SeedReach,
    VerdictResult,
)
from lockgate.tasks.stack.rungs import Rung, in_words, model_config, parent_name


class Found(NamedTuple):
    """Everything that a study found."""

    plan: Plan
    stretches: tuple[Stretch, ...]  # of the first pass
    stay: bool  # whether every pass is over these
    played: Played
    rung: str  # the selected one
    reference: str | None  # the baseline of the best scores on the rows judged
    tested: Tested

    @property
    def metric(self) -> str:
        """The metric of the study."""
        return str(self.plan.config.training.metric)


def summarise(found: Found, delivered: Delivered, chosen: Chosen, seconds: float) -> Results:
    """Return the results of a study as plain values that JSON can hold: no NaN, no infinity.

    Args:
        found: What the study found.
        delivered: What it delivers, scored on the test part.
        chosen: The same as a task shows it.
        seconds: What the study took by the clock.
    """
    plan = found.plan
    rungs = [_rung(rung, found) for rung in plan.rungs]
    results: Results = {
        "format_version": FORMAT_VERSION,
        "task": plan.task.name,
        "lockgate_version": version("lockgate"),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command(plan),
        "seconds": seconds,
        "config": plan.config.model_dump(mode="json"),
        "environment": {
            **environment(),
            "workers": plan.workers,
            "device": device_kind(plan.config.training.device),
        },
        "data": _data(found),
        "metric": found.metric,
        "folds": [fold_result(plan, stretch.fold) for stretch in found.stretches],
        "baselines": _baselines(found),
        "rungs": rungs,
        "cell": _cell(found),
        "verdict": _verdict(found),
        "delivered": delivered,
        "checks": [],
    }
    delivered["words"] = delivered_answer(delivered, _network_name(found), found.metric)
    tricks = {
        rung.name: rung.trick.format(**told["model"])
        for rung, told in zip(plan.rungs, rungs, strict=True)
    }
    verdict = results["verdict"]
    apart = _apart(found)
    advised, words = recommendation(results, tricks), verdict_words(results, tricks)
    if apart is not None and verdict["selected"] in apart.rungs:
        words.insert(len(advised), apart.words)
        advised.append(apart.words)
    elif apart is not None:
        words.append(apart.words)
    verdict["recommendation"], verdict["words"] = advised, words
    of_data = plan.task.checks(results["data"])
    results["checks"] = checks(results, [*of_data, *_checks_apart(apart)])
    shown = plan.task.shown(plan.data, plan.prepared, plan.config, found.tested.scorer, chosen)
    return cast(Results, plain({**results, **shown}))


def _apart(found: Found) -> Apart | None:
    """Tell which networks learn in another way than the rest."""
    plan, cell = found.plan, found.played.cell
    networks = {
        rung.name: model_config(rung, plan.config.model, cell, plan.rungs) for rung in plan.rungs
    }
    return plan.task.learn_apart(plan.prepared, plan.config, networks)


def _checks_apart(told: Apart | None) -> Iterator[Check]:
    if told is not None:
        yield check("How networks learn", "warn", told.words)


def _network_name(found: Found) -> str:
    """Name the selected network in a sentence: `GRU`, `"all" GRU`."""
    cell = found.played.cell.upper()
    return cell if found.rung == found.played.cell_rung else f'"{found.rung}" {cell}'


def _data(found: Found) -> dict[str, Any]:
    described = found.plan.task.describe(found.plan.data, found.plan.prepared)
    skipped = dict(one for stretch in found.stretches for one in stretch.skipped)
    left_out = [f"{name} was not computed: {reason}" for name, reason in skipped.items()]
    few = found.plan.folds.why_few
    notices = [*described["notices"], *left_out, *([few] if few else [])]
    return {**described, "notices": notices}


def fold_result(plan: Plan, fold: Fold) -> FoldResult:
    """Tell how many rows a fold has of each kind, and where they lie."""
    begins, ends = plan.task.rounds.when(plan.data, fold) or (None, None)
    return {
        "name": fold.name,
        "train": len(fold.train),
        "stopping": len(fold.stopping),
        "judged": len(fold.judged),
        "begins": begins,
        "ends": ends,
    }


def _baselines(found: Found) -> list[BaselineResult]:
    settings = {one.name: one.setting for stretch in found.stretches for one in stretch.naive}
    baselines: list[BaselineResult] = []
    for name, prediction in found.tested.baselines.items():
        by_fold = {one.fold.name: scores_in(one, name) for one in found.stretches}
        baselines.append(
            {
                "name": name,
                "setting": settings.get(name, ""),
                "judged": mean_scores(found.stretches, name),
                "by_fold": {
                    fold: None if scores is None else scores[found.metric]
                    for fold, scores in by_fold.items()
                },
                "test": found.tested.scorer.scores(prediction),
                "per_step": list(found.tested.scorer.per_step(prediction)),
                "reference": name == found.reference,
            }
        )
    return baselines


def _cell(found: Found) -> CellResult:
    choosing, metric = found.played.choosing, found.metric
    scores: Scores = {}
    for rung in found.plan.cells:
        own = [_scores(one, rung.name) for one in choosing]
        known = [scores for scores in own if scores is not None]
        if known and len(known) == len(own):
            scores[rung.name] = mean_of(known)[metric]
    return {"selected": found.played.cell, "judged": scores}


def _rung(rung: Rung, found: Found) -> RungResult:
    plan, played = found.plan, found.played
    network = model_config(rung, plan.config.model, played.cell, plan.rungs)
    rounds = _rounds_of(rung, found)
    fits = sorted(
        (fit for fit in played.fits if fit.rung == rung.name and (fit.seed, fit.fold) in rounds),
        key=lambda fit: (fit.seed, fit.fold or ""),
    )
    good = [fit for fit in fits if not fit.diverged]
    histories = [fit.history for fit in good]
    scores = {key: _scores(one, rung.name) for key, one in rounds.items()}
    known = [one for one in scores.values() if one is not None]
    steps = [
        one.stretch.scorer.per_step(one.predictions[rung.name])
        for one in rounds.values()
        if rung.name in one.predictions
    ]
    return {
        "name": rung.name,
        "words": in_words(network, plan.task.idle(plan.prepared)),
        "parent": parent_name(rung, played.cell),
        "cell": network.cell,
        "model": network.model_dump(mode="json"),
        "parameters": fits[0].parameters,
        "judged": mean_of(known),
        "by_fold": _by_fold(scores, found.metric),
        "per_step": np.mean(steps, axis=0).tolist() if steps else [],
        "seconds": _mean([fit.seconds for fit in fits]),
        "best_epoch": _mean([history.best_epoch for history in histories]),
        "overfits_from": overfits_from(histories),
        "gap": final_gap(histories),
        "reach": _reach_over_rounds([fit.reach for fit in good if fit.reach]),
        "rounds": [_round(fit, scores.get((fit.seed, fit.fold))) for fit in fits],
    }


def _rounds_of(rung: Rung, found: Found) -> dict[tuple[int, str | None], Judged]:
    """Return the rounds that tell of a rung: for a cell that was not chosen, those that chose."""
    played = found.played
    told = played.choosing if rung.cell and rung.name != played.cell_rung else played.rounds
    return {(one.round, one.stretch.fold.name): one for one in told}


def _scores(one: Judged, rung: str) -> Scores | None:
    prediction = one.predictions.get(rung)
    return None if prediction is None else one.stretch.scorer.scores(prediction)


def _by_fold(
    scores: dict[tuple[int, str | None], Scores | None], metric: str
) -> dict[str, float | None]:
    by_fold: dict[str, list[float | None]] = {}
    for (_, fold), own in scores.items():
        by_fold.setdefault(str(fold), []).append(None if own is None else own[metric])
    return {fold: _mean(own) for fold, own in by_fold.items()}


def _round(fit: Fit, scores: Scores | None) -> RoundResult:
    return {
        "round": fit.seed,
        "fold": str(fit.fold),
        "validation": fit.validation,
        "judged": scores,
        "best_epoch": fit.history.best_epoch,
        "epochs": fit.history.epochs,
        "stopped": fit.history.stopped,
        "seconds": fit.seconds,
        "reach": fit.reach and _reach(fit.reach),
        "history": cast(Losses, fit.history.model_dump(exclude={"stopped"})),
    }


def _reach(reach: Reach) -> SeedReach:
    return {"norms": list(reach.norms), "factor": reach.factor, "verdict": reach.verdict}


def _reach_over_rounds(reaches: Sequence[Reach]) -> RungReach | None:
    """Return the medians over rounds: of the norms as shares of the last step's, the factor."""
    known = [reach for reach in reaches if reach.norms[0] > 0.0 and np.isfinite(reach.norms).all()]
    steps = min((len(reach.norms) for reach in known), default=0)
    if not steps:
        return None
    shares = np.median([np.divide(reach.norms[:steps], reach.norms[0]) for reach in known], axis=0)
    typical = Reach(tuple(shares.tolist()), float(np.median([reach.factor for reach in known])))
    return {"shares": list(typical.norms), "factor": typical.factor, "verdict": typical.verdict}


def _verdict(found: Found) -> VerdictResult:
    played, baseline = found.played, None
    if found.reference is not None:
        baseline = against_baseline(
            *(played.rounds, found.rung, found.reference),
            folds=len(found.stretches),
            power=found.plan.task.power(found.metric),
            stay=found.stay,
        )
        own = [
            scores
            for one in played.rounds
            if one.stretch.naive and (scores := _scores(one, found.rung)) is not None
        ]
        names = {one.name for stretch in found.stretches for one in stretch.naive}
        naive = {name: mean_scores(found.stretches, name) for name in names}
        baseline["better"] = better_than(mean_of(own), naive, found.metric)
    return {
        "recommendation": [],
        "words": [],
        "pairs": [_pair(one, found) for one in played.verdicts],
        "selected": found.rung,
        "baseline": baseline,
        "may_be_best": list(played.may_be_best),
        "smallest_effect": found.plan.config.smallest_effect,
        "rounds": len(played.rounds),
        "most_rounds": played.looks.planned_rounds,
        "round_seconds": played.round_seconds,
        "ended": played.ended,
        "blocks": played.blocks,
        "test_looks": found.tested.looks,
    }


def _pair(one: PairVerdict, found: Found) -> PairResult:
    looks = [
        {"rounds": rounds, "percent": told.percent, "low": told.low, "high": told.high}
        for rounds, at_look in zip(found.played.looks.looks, found.played.at_looks, strict=False)
        for told in at_look
        if (told.rung, told.parent) == (one.rung, one.parent) and told.percent is not None
    ]
    by_round: dict[str, float | None] = {}
    for played in found.played.rounds:
        own, parent = (_scores(played, name) for name in (one.rung, one.parent))
        if own is not None and parent is not None:
            by_round[str(played.round)] = _change(own[found.metric], parent[found.metric])
    excluded = [number + 1 for number in one.excluded]
    told = {**asdict(one), "excluded": excluded, "looks": looks, "by_round": by_round}
    return cast(PairResult, told)


def _change(score: float | None, other: float | None) -> float | None:
    if score is None or other is None or not (score > 0 and other > 0):
        return None
    return 100.0 * (score / other - 1.0)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def plain(value: Any) -> Any:
    """Return `value` as JSON knows it: lists, and null for what is not finite."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
