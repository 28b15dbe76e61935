"""One fitted model beside the baselines: on its own parts, or on other labelled data."""

import dataclasses
from typing import Any

import numpy as np

from lockgate.data.errors import DataError
from lockgate.data.label_read import cut_alike, read_part
from lockgate.data.labelled import Ragged, check_items
from lockgate.fitted.classifier import FittedClassifier, lay_out
from lockgate.studies.label_scorer import LabelScorer, units_of
from lockgate.studies.label_shown import certainty
from lockgate.studies.problem import Problem
from lockgate.training import History


def score_parts(
    problem: Problem, data: Any, prepared: Any, fitted: Any, history: History, test_looks: int
) -> Any:
    """Return `fitted` with its scores on validation and test, and those of the baselines.

    `test_looks` is how often the test part has been looked at, this look included.

    `metrics` gets `metric`, `test_looks`, what scores were divided by, `validation` and `test`
    (each score), `per_step` (the metric by steps ahead, on test), `baselines` (scores of each),
    `notices` of how the data were read, and `history`.
    """
    config = fitted.config
    compared = problem.baselines(data, prepared, config)
    validation = problem.scorer(data, prepared, config, "validation")
    test = problem.scorer(data, prepared, config, "test")
    on_test = problem.predict(fitted, prepared, "test")
    metrics = {
        "metric": config.training.metric,
        **problem.scales(prepared),
        "test_looks": test_looks,
        "history": history.model_dump(mode="json"),
        "validation": validation.scores(problem.predict(fitted, prepared, "validation")),
        "test": test.scores(on_test),
        "per_step": [None if np.isnan(step) else step for step in test.per_step(on_test)],
        "baselines": [
            {
                "name": b.name,
                "validation": validation.scores(b.predict("validation")),
                "test": test.scores(b.predict("test")),
            }
            for b in compared.baselines
        ],
        "notices": list(problem.describe(data, prepared)["notices"]),
        "skipped_baselines": [skipped._asdict() for skipped in compared.skipped],
    }
    return dataclasses.replace(fitted, metrics=metrics)


def score_labelled(fitted: FittedClassifier, source: Any, mc_samples: int = 20) -> dict[str, Any]:
    """Score a classifier on labelled data, read as those that it was trained on were.

    Args:
        fitted: The classifier.
        source: The data.
        mc_samples: Passes of Monte-Carlo dropout.

    Returns:
        `metric`, `source`, `rows` (texts, sequences or steps that were scored), `notices` (what a
        reader should know of how they were read), `scores`,
        `intervals`, of 95 % over other rows of the kind (None where there is a single one), and
        `certainty`, the accuracy by the share of rows kept (None of numbers).

    Raises:
        DataError: If the data cannot be read, or have other labels.
    """
    learned, config = fitted.preprocessing, fitted.config
    data = read_part(source, config.data)
    check_items(data)
    if data.kind != learned.kind:
        raise DataError(
            f"{data.source} must have labels as the training part did, {learned.kind}, got "
            f"{data.kind}"
        )
    pieces = cut_alike(data, config.data)
    items, notices = learned.encode_with_notices(pieces)
    examples, truth = lay_out(items, at_steps=learned.kind == "steps"), learned.targets(pieces)
    lengths = None
    if learned.kind == "number":
        truth = data.labels
    elif learned.kind == "steps" and isinstance(pieces.items, Ragged):
        truth, lengths = learned.shortened_labels(truth, pieces.items), examples.lengths.numpy()
    units = units_of(pieces.groups, lengths)
    scorer = LabelScorer(truth, config.training.metric, np.arange(len(truth)), units, None)
    prediction = fitted.predict_examples(examples)
    return {
        "metric": config.training.metric,
        "source": data.source,
        "rows": len(truth),
        "notices": [*pieces.notices, *notices],
        "scores": scorer.scores(prediction),
        "intervals": scorer.intervals(prediction),
        "certainty": None
        if learned.kind == "number"
        else certainty(fitted, examples, prediction, truth, mc_samples),
    }
