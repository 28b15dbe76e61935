"""Score what `train` delivers beside the baselines on its own parts."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from lockgate.scoring.baselines import Skipped
from lockgate.studies.against import Rows, judge_against
from lockgate.studies.delivery import Delivery
from lockgate.tasks.base import Candidate, Compared, Fitted, Scorer, Span, Task
from lockgate.tasks.results import Delivered, Scores
from lockgate.training.history import History


class Validated(NamedTuple):
    """Scores on rows that none of what is scored has seen."""

    model: Scores
    baselines: Mapping[str, Scores]


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
    validated = _validated(task, data, prepared, fitted, "validation", compared)
    scored = _scored(task, data, prepared, fitted, validated, compared)
    return _kept(fitted, scored, history, test_looks, compared.baselines, compared.skipped)


def validated(task: Task, data: Any, prepared: Any, delivery: Delivery) -> Validated:
    """Score networks and baselines on what stopped none of them, fitted to the training part."""
    tried = delivery.tried or delivery.fitted
    return _validated(task, data, prepared, tried, delivery.judged, delivery.compared)


def score_delivery(
    task: Task,
    data: Any,
    prepared: Any,
    delivery: Delivery,
    delivered: Delivered,
    validated: Validated,
    test_looks: int,
) -> Fitted:
    """Return what is delivered with its scores, as `score_parts` does, and what `apart` gave.

    `validation` is then of rows that the models scored on them have not seen.
    """
    fitted, compared = delivery.fitted, delivery.compared
    scored = _scored(task, data, prepared, fitted, validated, compared)
    scored["delivered"] = delivered
    baselines = compared.baselines
    if delivery.baseline is not None:  # of two of a kind the model keeps the first
        baselines = (delivery.baseline, *baselines)
    return _kept(fitted, scored, delivery.histories[0], test_looks, baselines, compared.skipped)


def apart(task: Task, prepared: Any, delivery: Delivery, test: Scorer, metric: str) -> Delivered:
    """Score on the test part the single networks, their mean, the mixture and the baseline in it.

    All of them have learned from everything but the test part.
    """
    fitted, baseline, effect = delivery.fitted, delivery.baseline, None
    prediction = task.predict(fitted, prepared, "test")
    networks, alone = test.scores(prediction), [test.scores(prediction)]
    if committees := task.committees:
        networks = test.scores(task.predict(committees.mixed(fitted, None, 1.0), prepared, "test"))
        alone = [
            test.scores(task.predict(committees.alone(fitted, k), prepared, "test"))
            for k in range(delivery.members)
        ]
    if baseline is not None:
        rows = Rows(test.counts, task.power(metric), test.horizon, test.groups)
        lost = test.losses(prediction), test.losses(baseline.predict("test"))
        effect = judge_against(rows, *lost, baseline.name)
    return {
        "members": delivery.members,
        "weight": delivery.weight,
        "baseline": None if baseline is None else baseline.name,
        "why_not_mixed": delivery.why_not_mixed,
        "single": {name: _mean([scores[name] for scores in alone]) for name in alone[0]},
        "networks": networks,
        "mixture": test.scores(prediction),
        "refitted": None if baseline is None else test.scores(baseline.predict("test")),
        "effect": effect,
        "words": [],
    }


def _validated(
    task: Task, data: Any, prepared: Any, fitted: Fitted, part: Span, compared: Compared
) -> Validated:
    scorer = task.scorer(data, prepared, fitted.config, part)
    naive = {one.name: scorer.scores(one.predict(part)) for one in compared.baselines}
    return Validated(scorer.scores(task.predict(fitted, prepared, part)), naive)


def _scored(
    task: Task,
    data: Any,
    prepared: Any,
    fitted: Fitted,
    validated: Validated,
    compared: Compared,
) -> dict[str, Any]:
    config = fitted.config
    test = task.scorer(data, prepared, config, "test")
    on_test = task.predict(fitted, prepared, "test")
    return {
        "metric": config.training.metric,
        **task.scales(prepared),
        "validation": validated.model,
        "test": test.scores(on_test),
        "per_step": [None if np.isnan(step) else step for step in test.per_step(on_test)],
        "baselines": [
            {
                "name": one.name,
                "validation": validated.baselines.get(one.name, {}),
                "test": test.scores(one.predict("test")),
            }
            for one in compared.baselines
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
