"""Score what `train` delivers beside the baselines on its own parts."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from lockgate.scoring.arrays import FloatArray
from lockgate.scoring.baselines import Skipped
from lockgate.studies.against import Rows, judge_against
from lockgate.studies.delivery import Delivery
from lockgate.tasks.base import Candidate, Compared, Fitted, Scorer, Span, Task
from lockgate.tasks.results import Delivered, Scores
from lockgate.training.history import History


class Tested(NamedTuple):
    """The test part, predicted once: in the unit of its truth."""

    scorer: Scorer
    model: FloatArray
    baselines: Mapping[str, FloatArray]
    looks: int  # at this test part so far, this one included


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
    tested = look(task, data, prepared, fitted, compared, test_looks)
    scored = _scored(task, data, prepared, fitted, validated, tested)
    return _kept(fitted, scored, history, compared.baselines, compared.skipped)


def look(
    task: Task, data: Any, prepared: Any, fitted: Fitted, compared: Compared, looks: int
) -> Tested:
    """Predict the test part with a model and the baselines; it is the look of that number."""
    return Tested(
        scorer=task.scorer(data, prepared, fitted.config, "test"),
        model=task.predict(fitted, prepared, "test"),
        baselines={one.name: one.predict("test") for one in compared.baselines},
        looks=looks,
    )


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
    tested: Tested,
) -> Fitted:
    """Return what is delivered with its scores, as `score_parts` does, and what `apart` gave.

    `validation` is then of rows that the models scored on them have not seen.
    """
    fitted, compared = delivery.fitted, delivery.compared
    scored = _scored(task, data, prepared, fitted, validated, tested)
    scored["delivered"] = delivered
    baselines = compared.baselines
    if delivery.baseline is not None:  # of two of a kind the model keeps the first
        baselines = (delivery.baseline, *baselines)
    return _kept(fitted, scored, delivery.histories[0], baselines, compared.skipped)


def apart(task: Task, prepared: Any, delivery: Delivery, tested: Tested, metric: str) -> Delivered:
    """Score on the test part the single networks, their mean, the mixture and the baseline in it.

    All of them have learned from everything but the test part.
    """
    fitted, baseline, test = delivery.fitted, delivery.baseline, tested.scorer
    mixture, refitted, effect = test.scores(tested.model), None, None
    networks, alone, intervals = mixture, [mixture], None
    if committees := task.committees:
        spreads = committees.spreads(fitted, prepared, "test")
        intervals = committees.intervals(fitted, test, tested.model, spreads)
        networks = test.scores(task.predict(committees.mixed(fitted, None, 1.0), prepared, "test"))
        alone = [
            test.scores(task.predict(committees.alone(fitted, k), prepared, "test"))
            for k in range(delivery.members)
        ]
    if baseline is not None:
        rows = Rows(test.counts, task.power(metric), test.horizon, test.groups)
        naive = baseline.predict("test")
        lost = test.losses(tested.model), test.losses(naive)
        effect, refitted = judge_against(rows, *lost, baseline.name), test.scores(naive)
        scores = {name: test.scores(one) for name, one in tested.baselines.items()}
        effect["better"] = better_than(mixture, scores, metric)
    return {
        "members": delivery.members,
        "weight": delivery.weight,
        "baseline": None if baseline is None else baseline.name,
        "why_not_mixed": delivery.why_not_mixed,
        "single": {name: _mean([scores[name] for scores in alone]) for name in alone[0]},
        "networks": networks,
        "mixture": mixture,
        "refitted": refitted,
        "effect": effect,
        "intervals": intervals,
        "words": [],
    }


def better_than(own: Scores, others: Mapping[str, Scores], metric: str) -> list[str]:
    """Return the names of what scores better than a model, the best first."""
    score = own.get(metric)
    if score is None:
        return []
    pairs = ((name, each.get(metric)) for name, each in others.items())
    known = {name: value for name, value in pairs if value is not None}
    return sorted((name for name in known if known[name] < score), key=lambda name: known[name])


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
    tested: Tested,
) -> dict[str, Any]:
    test, on_test = tested.scorer, tested.model
    return {
        "metric": fitted.config.training.metric,
        **task.scales(prepared),
        "validation": validated.model,
        "test": test.scores(on_test),
        "per_step": [None if np.isnan(step) else step for step in test.per_step(on_test)],
        "baselines": [
            {
                "name": name,
                "validation": validated.baselines.get(name, {}),
                "test": test.scores(prediction),
            }
            for name, prediction in tested.baselines.items()
        ],
        "test_looks": tested.looks,
        "notices": list(task.describe(data, prepared)["notices"]),
    }


def _kept(
    fitted: Fitted,
    scored: dict[str, Any],
    history: History,
    baselines: tuple[Candidate, ...],
    skipped: tuple[Skipped, ...],
) -> Fitted:
    metrics = {
        **scored,
        "history": history.model_dump(mode="json"),
        "skipped_baselines": [one._asdict() for one in skipped],
    }
    return fitted.with_metrics(metrics, baselines)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
