"""Put everything a study found into one dictionary: the content of `results.json`."""

import datetime
import math
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np
from scipy import stats

from lockgate.data.split import PARTS
from lockgate.evaluation.metrics import (
    Scores,
    metric_power,
    point_losses,
    score,
    score_per_step,
)
from lockgate.fitted.environment import environment
from lockgate.nn import Reach
from lockgate.studies.checks import checks
from lockgate.studies.command import command
from lockgate.studies.curves import final_gap, overfits_from
from lockgate.studies.fits import Fit, device_kind, finite
from lockgate.studies.forecasts import stretches
from lockgate.studies.judge import Choices, Floats, Look
from lockgate.studies.plan import Plan
from lockgate.studies.rungs import Rung, in_words, model_config, parent_name
from lockgate.studies.verdict import Evidence, judge_baseline, judge_pairs
from lockgate.studies.words import verdict_words

FORMAT_VERSION = 1
MOST_POINTS = 2_000
LEVEL = 0.95


def summarise(plan: Plan, fits: Sequence[Fit], choices: Choices, looked: Look) -> dict[str, Any]:
    """Return the results of a study as plain values that JSON can hold: no NaN, no infinity."""
    metric = plan.config.training.metric
    results: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "lockgate_version": version("lockgate"),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command(plan),
        "seconds": sum(fit.seconds for fit in fits) / plan.workers,
        "config": plan.config.model_dump(mode="json"),
        "environment": {
            **environment(),
            "workers": plan.workers,
            "device": device_kind(plan.config.training.device),
        },
        "data": _data(plan, choices),
        "metric": metric,
        "baselines": _baselines(plan, choices, looked),
        "rungs": [_rung(rung, plan, fits, choices, looked) for rung in plan.rungs],
    }
    results["cell"] = {
        "selected": choices.cell,
        "validation": {
            rung["name"]: rung["validation"]["mean"]
            for rung in results["rungs"]
            if rung["parent"] is None
        },
    }
    results["verdict"] = _verdict(plan, fits, choices, looked, results["rungs"])
    results["checks"] = checks(results)
    results["forecasts"] = stretches(plan, choices, looked)
    plain: dict[str, Any] = _plain(results)
    return plain


def _data(plan: Plan, choices: Choices) -> dict[str, Any]:
    table, prepared = plan.table, plan.prepared
    learned, y = prepared.preprocessing, plan.table.frame["y"]
    every = -(-len(y) // MOST_POINTS)
    thinned = table.frame.gather_every(every)
    return {
        "source": table.source,
        "fingerprint": table.fingerprint,
        "rows_read": table.rows_read,
        "rows": len(y),
        "start": str(table.frame["ds"][0]),
        "end": str(table.frame["ds"][-1]),
        "frequency": str(table.frequency),
        "target": table.target,
        "inputs": learned.columns,
        "channels": learned.channels,
        "dropped": [d._asdict() for d in learned.dropped],
        "ignored": [d._asdict() for d in table.ignored],
        "notices": [
            *table.notices,
            *(f"{name} was not computed: {reason}" for name, reason in choices.skipped),
        ],
        "missing_target": y.null_count(),
        "seasons": learned.seasons,
        "lookback": learned.lookback,
        "horizon": learned.horizon,
        "split": {
            part: _part(plan, prepared.split.rows(part)) | {"windows": len(prepared.windows(part))}
            for part in PARTS
        },
        "series": {"ds": thinned["ds"].dt.to_string().to_list(), "y": thinned["y"].to_list()},
    }


def _part(plan: Plan, rows: range) -> dict[str, Any]:
    ds = plan.table.frame["ds"]
    return {"start": str(ds[rows.start]), "end": str(ds[rows.stop - 1]), "rows": len(rows)}


def _baselines(plan: Plan, choices: Choices, looked: Look) -> list[dict[str, Any]]:
    metric = plan.config.training.metric
    found = []
    for baseline in choices.baselines:
        forecast = looked.baselines[baseline.name]
        found.append(
            {
                "name": baseline.name,
                "setting": baseline.setting,
                "validation": choices.baseline_scores[baseline.name]._asdict(),
                "test": score(looked.truth, forecast, choices.mase_scale)._asdict(),
                "per_step": score_per_step(looked.truth, forecast, metric, choices.mase_scale),
                "reference": baseline.name == choices.reference,
            }
        )
    return found


def _rung(
    rung: Rung, plan: Plan, fits: Sequence[Fit], choices: Choices, looked: Look
) -> dict[str, Any]:
    metric = plan.config.training.metric
    network = model_config(rung, plan.config.model, choices.cell)
    of_rung = [fit for fit in fits if fit.rung == rung.name]
    good = finite(of_rung)
    tests = {
        fit.seed: score(looked.truth, looked.fits[rung.name, fit.seed], choices.mase_scale)
        for fit in good
    }
    steps = [
        score_per_step(looked.truth, looked.fits[rung.name, fit.seed], metric, choices.mase_scale)
        for fit in good
    ]
    histories = [fit.history for fit in good]
    return {
        "name": rung.name,
        "words": in_words(network),
        "parent": parent_name(rung, choices.cell),
        "cell": network.cell,
        "model": network.model_dump(mode="json"),
        "parameters": of_rung[0].parameters,
        "validation": _interval([validation_score(fit, plan, choices) for fit in good]),
        "test": _interval([getattr(tests[fit.seed], metric) for fit in good]),
        "test_scores": {m: _mean([getattr(s, m) for s in tests.values()]) for m in Scores._fields},
        "per_step": np.mean(steps, axis=0) if steps else [],
        "seconds": _mean([fit.seconds for fit in of_rung]),
        "best_epoch": _mean([h.best_epoch for h in histories]),
        "overfits_from": overfits_from(histories),
        "gap": final_gap(histories),
        "reach": _reach_over_seeds([fit.reach for fit in good if fit.reach]),
        "seeds": [
            {
                "seed": fit.seed,
                "validation": None if fit.diverged else validation_score(fit, plan, choices),
                "test": tests[fit.seed]._asdict() if fit.seed in tests else None,
                "best_epoch": fit.history.best_epoch,
                "epochs": fit.history.epochs,
                "stopped": fit.history.stopped,
                "seconds": fit.seconds,
                "reach": fit.reach and {**fit.reach._asdict(), "verdict": fit.reach.verdict},
                "history": fit.history.model_dump(exclude={"stopped"}),
            }
            for fit in of_rung
        ],
    }


def _reach_over_seeds(reaches: Sequence[Reach]) -> dict[str, Any] | None:
    """Return the medians over seeds: of the norms as shares of the last step's, and the factor."""
    known = [reach for reach in reaches if reach.norms[0] > 0.0 and np.isfinite(reach.norms).all()]
    if not known:
        return None
    shares = np.median([np.divide(reach.norms, reach.norms[0]) for reach in known], axis=0)
    typical = Reach(tuple(shares.tolist()), float(np.median([reach.factor for reach in known])))
    return {"shares": shares, "factor": typical.factor, "verdict": typical.verdict}


def _verdict(
    plan: Plan, fits: Sequence[Fit], choices: Choices, looked: Look, rungs: list[dict[str, Any]]
) -> dict[str, Any]:
    metric = plan.config.training.metric

    def losses(forecast: Floats) -> Floats:
        return point_losses(looked.truth, forecast, metric).losses

    evidence = Evidence(
        losses={key: losses(forecast) for key, forecast in looked.fits.items()},
        counts=np.isfinite(looked.truth).sum(axis=1).astype(np.float64),
        power=metric_power(metric),
        horizon=looked.windows.horizon,
        diverged=[(fit.rung, fit.seed) for fit in fits if fit.diverged],
    )
    names = {rung["name"] for rung in rungs}
    declared = [(rung["name"], rung["parent"]) for rung in rungs if rung["parent"] in names]
    cut = {fit.rung for fit in fits if fit.history.stopped == "max_steps"}
    pairs = [asdict(pair) for pair in judge_pairs(evidence, declared, cut)]
    naive = {name: losses(forecast) for name, forecast in looked.baselines.items()}
    baseline = asdict(judge_baseline(evidence, choices.rung, naive, choices.reference))
    tricks = {r.name: r.trick.format(**n["model"]) for r, n in zip(plan.rungs, rungs, strict=True)}
    return {
        "words": verdict_words(pairs, baseline, choices.rung, tricks, metric),
        "pairs": pairs,
        "selected": {"rung": choices.rung, "seed": choices.fit.seed},
        "baseline": baseline,
        "blocks": evidence.blocks,
        "test_looks": looked.looks,
    }


def validation_score(fit: Fit, plan: Plan, choices: Choices) -> float:
    """Return the validation loss of a fit as the metric, in the target's unit."""
    std = plan.prepared.preprocessing.scale.std
    metric = plan.config.training.metric
    if metric == "rmse":
        return math.sqrt(fit.validation) * std
    mae = fit.validation * std
    return mae if metric == "mae" else mae / (choices.mase_scale or math.nan)


def _interval(values: Sequence[float | None]) -> dict[str, float | None]:
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
