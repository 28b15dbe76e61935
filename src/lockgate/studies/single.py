"""Score what `train` delivers beside the baselines on its own parts."""

from dataclasses import asdict
from typing import Any, cast

import numpy as np

from lockgate.scoring.baselines import Skipped
from lockgate.studies.delivery import Delivery
from lockgate.studies.verdict import Evidence, judge_delivered
from lockgate.tasks.base import Candidate, Fitted, Scorer, Span, Task
from lockgate.tasks.results import BaselineEffect, Delivered
from lockgate.training.history import History


def score_parts(
    task: Task, data: Any, prepared: Any, fitted: Fitted, history: History, test_looks: int
) -> Fitted:
    """Return a single network with its scores on validation and test, and those of the baselines.

    `test_looks` is how often the test part has been looked at, this look included.

    `metrics` gets `metric`, `test_looks`, what scores were divided by, `validation` and `test`
    (each score), `per_step` (the metric by steps ahead, on test), `baselines` (scores of each),
    `notices` of how the data were read, and `history`.
    """
    compared = task.baselines(data, prepared, fitted.config)
    scored = _scored(task, data, prepared, fitted, fitted, "validation", compared.baselines)
    return _kept(fitted, scored, history, test_looks, compared.baselines, compared.skipped)


def score_delivery(
    task: Task,
    data: Any,
    prepared: Any,
    delivery: Delivery,
    delivered: Delivered,
    test_looks: int,
) -> Fitted:
    """Return what is delivered with its scores, as `score_parts` does, and what `apart` gave.

    `validation` is then the part of it that stopped no fit, and of the networks and baselines that
    learned from the training part alone.
    """
    fitted, compared = delivery.fitted, delivery.compared
    scored = _scored(
        *(task, data, prepared, fitted, delivery.tried, delivery.judged), compared.baselines
    )
    scored["delivered"] = delivered
    baselines = compared.baselines
    if delivery.baseline is not None:  # of two of a kind the model keeps the first
        baselines = (delivery.baseline, *baselines)
    return _kept(fitted, scored, delivery.histories[0], test_looks, baselines, compared.skipped)


def apart(task: Task, prepared: Any, delivery: Delivery, test: Scorer, metric: str) -> Delivered:
    """Score on the test part the single networks, their mean, the mixture and the baseline in it.

    All of them have learned from everything but the test part.
    """
    committees, fitted = task.committees, delivery.fitted
    assert committees is not None
    alone = [
        test.scores(task.predict(committees.alone(fitted, k), prepared, "test"))
        for k in range(delivery.members)
    ]
    baseline, effect = delivery.baseline, None
    networks = committees.mixed(fitted, None, 1.0)
    prediction = task.predict(fitted, prepared, "test")
    if baseline is not None:
        evidence = Evidence({}, test.counts, task.power(metric), test.horizon, groups=test.groups)
        lost = test.losses(prediction), test.losses(baseline.predict("test"))
        effect = cast(BaselineEffect, asdict(judge_delivered(evidence, *lost, baseline.name)))
    return {
        "members": delivery.members,
        "weight": delivery.weight,
        "baseline": None if baseline is None else baseline.name,
        "why_not_mixed": delivery.why_not_mixed,
        "single": {name: _mean([scores[name] for scores in alone]) for name in alone[0]},
        "networks": test.scores(task.predict(networks, prepared, "test")),
        "mixture": test.scores(prediction),
        "refitted": None if baseline is None else test.scores(baseline.predict("test")),
        "effect": effect,
    }


def _scored(
    task: Task,
    data: Any,
    prepared: Any,
    fitted: Fitted,
    tried: Fitted,
    judged: Span,
    baselines: tuple[Candidate, ...],
) -> dict[str, Any]:
    config = fitted.config
    validation = task.scorer(data, prepared, config, judged)
    test = task.scorer(data, prepared, config, "test")
    on_test = task.predict(fitted, prepared, "test")
    return {
        "metric": config.training.metric,
        **task.scales(prepared),
        "validation": validation.scores(task.predict(tried, prepared, judged)),
        "test": test.scores(on_test),
        "per_step": [None if np.isnan(step) else step for step in test.per_step(on_test)],
        "baselines": [
            {
                "name": b.name,
                "validation": validation.scores(b.predict(judged)),
                "test": test.scores(b.predict("test")),
            }
            for b in baselines
        ],
        "notices": list(task.describe(data, prepared)["notices"]),
    }


def _kept(
    fitted: Fitted,
    scored: dict[str, Any],
    history: History,
    test_looks: int,
    baselines: tuple[Candidate, ...],
    skipped: tuple[Skipped, ...],
) -> Fitted:
    metrics = {
        **scored,
        "test_looks": test_looks,
        "history": history.model_dump(mode="json"),
        "skipped_baselines": [one._asdict() for one in skipped],
    }
    return fitted.with_metrics(metrics, baselines)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
