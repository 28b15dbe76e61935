"""Put everything a study found into one dictionary: the content of `results.json`."""

import datetime
import math
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, cast

import numpy as np
from scipy import stats

from lockgate.nn import Reach
from lockgate.running.machine import device_kind, environment
from lockgate.scoring.bootstrap import LEVEL
from lockgate.studies.checks import checks
from lockgate.studies.command import command
from lockgate.studies.curves import final_gap, overfits_from
from lockgate.studies.delivery import Delivery
from lockgate.studies.fits import Fit, finite
from lockgate.studies.judge import Choices, Look
from lockgate.studies.plan import Plan
from lockgate.studies.single import apart
from lockgate.studies.verdict import Evidence, judge_baseline, judge_pairs
from lockgate.studies.words import delivered_answer, verdict_words
from lockgate.tasks.base import Chosen
from lockgate.tasks.results import (
    FORMAT_VERSION,
    BaselineEffect,
    BaselineResult,
    CellResult,
    Interval,
    Losses,
    PairResult,
    Results,
    RungReach,
    RungResult,
    Scores,
    SeedReach,
    SeedResult,
    VerdictResult,
)
from lockgate.tasks.stack.rungs import Rung, in_words, model_config, parent_name


def summarise(
    plan: Plan,
    fits: Sequence[Fit],
    choices: Choices,
    looked: Look,
    delivery: Delivery | None,
    seconds: float,
) -> Results:
    """Return the results of a study as plain values that JSON can hold: no NaN, no infinity.

    `seconds` are what the study took by the clock.
    """
    rungs = [_rung(rung, plan, fits, choices, looked) for rung in plan.rungs]
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
        "data": _data(plan, choices),
        "metric": plan.config.training.metric,
        "baselines": _baselines(choices, looked),
        "rungs": rungs,
        "cell": _cell(choices, rungs),
        "verdict": _verdict(plan, fits, choices, looked, rungs),
        "delivered": delivery
        and apart(plan.task, plan.prepared, delivery, looked.scorer, plan.config.training.metric),
        "checks": [],
    }
    if delivered := results["delivered"]:
        # after what the single network is worth
        answer = delivered_answer(delivered, choices.rung, plan.config.training.metric)
        delivered["words"] = answer
        results["verdict"]["words"][1:1] = answer
    results["checks"] = checks(results, plan.task.checks(results["data"]))
    chosen = Chosen(
        looked.selected,
        looked.fits[choices.fit.rung, choices.fit.seed],
        choices.reference,
        looked.baselines[choices.reference],
    )
    shown = plan.task.shown(plan.data, plan.prepared, plan.config, looked.scorer, chosen)
    return cast(Results, _plain({**results, **shown}))


def _data(plan: Plan, choices: Choices) -> dict[str, Any]:
    described = plan.task.describe(plan.data, plan.prepared)
    left_out = [f"{name} was not computed: {reason}" for name, reason in choices.skipped]
    return {**described, "notices": [*described["notices"], *left_out]}


def _baselines(choices: Choices, looked: Look) -> list[BaselineResult]:
    baselines: list[BaselineResult] = []
    for baseline in choices.baselines:
        forecast = looked.baselines[baseline.name]
        baselines.append(
            {
                "name": baseline.name,
                "setting": baseline.setting,
                "validation": choices.baseline_scores[baseline.name],
                "test": looked.scorer.scores(forecast),
                "per_step": list(looked.scorer.per_step(forecast)),
                "reference": baseline.name == choices.reference,
            }
        )
    return baselines


def _cell(choices: Choices, rungs: Sequence[RungResult]) -> CellResult:
    plain = [rung for rung in rungs if rung["parent"] is None]
    scores = {rung["name"]: rung["validation"]["mean"] for rung in plain}
    return {"selected": choices.cell, "validation": scores}


def _rung(
    rung: Rung, plan: Plan, fits: Sequence[Fit], choices: Choices, looked: Look
) -> RungResult:
    metric = plan.config.training.metric
    network = model_config(rung, plan.config.model, choices.cell, plan.rungs)
    of_rung = [fit for fit in fits if fit.rung == rung.name]
    good = finite(of_rung)
    scorer = looked.scorer
    tests = {fit.seed: scorer.scores(looked.fits[rung.name, fit.seed]) for fit in good}
    steps = [scorer.per_step(looked.fits[rung.name, fit.seed]) for fit in good]
    names = looked.scorer.scores(next(iter(looked.fits.values()))) if looked.fits else {}
    histories = [fit.history for fit in good]
    return {
        "name": rung.name,
        "words": in_words(network, plan.task.idle(plan.prepared)),
        "parent": parent_name(rung, choices.cell),
        "cell": network.cell,
        "model": network.model_dump(mode="json"),
        "parameters": of_rung[0].parameters,
        "validation": _interval([_validation_score(fit, plan) for fit in good]),
        "test": _interval([tests[fit.seed][metric] for fit in good]),
        "test_scores": {name: _mean([s[name] for s in tests.values()]) for name in names},
        "test_intervals": {name: _interval([s[name] for s in tests.values()]) for name in names},
        "per_step": np.mean(steps, axis=0).tolist() if steps else [],
        "seconds": _mean([fit.seconds for fit in of_rung]),
        "best_epoch": _mean([h.best_epoch for h in histories]),
        "overfits_from": overfits_from(histories),
        "gap": final_gap(histories),
        "reach": _reach_over_seeds([fit.reach for fit in good if fit.reach]),
        "seeds": [_seed(fit, plan, tests.get(fit.seed)) for fit in of_rung],
    }


def _seed(fit: Fit, plan: Plan, test: Scores | None) -> SeedResult:
    return {
        "seed": fit.seed,
        "validation": None if fit.diverged else _validation_score(fit, plan),
        "test": test,
        "best_epoch": fit.history.best_epoch,
        "epochs": fit.history.epochs,
        "stopped": fit.history.stopped,
        "seconds": fit.seconds,
        "reach": fit.reach and _reach(fit.reach),
        "history": cast(Losses, fit.history.model_dump(exclude={"stopped"})),
    }


def _reach(reach: Reach) -> SeedReach:
    return {"norms": list(reach.norms), "factor": reach.factor, "verdict": reach.verdict}


def _reach_over_seeds(reaches: Sequence[Reach]) -> RungReach | None:
    """Return the medians over seeds: of the norms as shares of the last step's, and the factor."""
    known = [reach for reach in reaches if reach.norms[0] > 0.0 and np.isfinite(reach.norms).all()]
    if not known:
        return None
    shares = np.median([np.divide(reach.norms, reach.norms[0]) for reach in known], axis=0)
    typical = Reach(tuple(shares.tolist()), float(np.median([reach.factor for reach in known])))
    return {"shares": list(typical.norms), "factor": typical.factor, "verdict": typical.verdict}


def _verdict(
    plan: Plan, fits: Sequence[Fit], choices: Choices, looked: Look, rungs: Sequence[RungResult]
) -> VerdictResult:
    metric = plan.config.training.metric
    scorer = looked.scorer
    evidence = Evidence(
        losses={key: scorer.losses(prediction) for key, prediction in looked.fits.items()},
        counts=scorer.counts,
        power=plan.task.power(metric),
        horizon=scorer.horizon,
        diverged=[(fit.rung, fit.seed) for fit in fits if fit.diverged],
        groups=scorer.groups,
    )
    names = {rung["name"] for rung in rungs}
    declared = [(rung["name"], rung["parent"]) for rung in rungs if rung["parent"] in names]
    cut = {fit.rung for fit in fits if fit.history.stopped == "max_steps"}
    pairs = [cast(PairResult, asdict(pair)) for pair in judge_pairs(evidence, declared, cut)]
    naive = {name: scorer.losses(prediction) for name, prediction in looked.baselines.items()}
    against = judge_baseline(evidence, choices.rung, naive, choices.reference)
    baseline = cast(BaselineEffect, asdict(against))
    seeds = sum(fit.rung == choices.rung and not fit.diverged for fit in fits)
    tricks = {r.name: r.trick.format(**n["model"]) for r, n in zip(plan.rungs, rungs, strict=True)}
    return {
        "words": verdict_words(
            *(pairs, baseline, choices.rung, tricks, metric), seeds=seeds, blocks=evidence.blocks
        ),
        "pairs": pairs,
        "selected": {"rung": choices.rung, "seed": choices.fit.seed},
        "baseline": baseline,
        "blocks": evidence.blocks,
        "test_looks": looked.looks,
    }


def _validation_score(fit: Fit, plan: Plan) -> float:
    return plan.task.validation_score(fit.validation, plan.prepared, plan.config)


def _interval(values: Sequence[float | None]) -> Interval:
    """Return the mean and its t interval over seeds; no interval for one seed."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2 or len(known) < len(values):
        return {"mean": _mean(values), "low": None, "high": None}
    mean, error = float(np.mean(known)), float(stats.sem(known))
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)) * error
    return {"mean": mean, "low": mean - half, "high": mean + half}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _plain(value: Any) -> Any:
    """Return `value` as JSON knows it: lists, and null for what is not finite."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
