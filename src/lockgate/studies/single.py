"""Score one fitted model beside the baselines on its own parts."""

from typing import Any

import numpy as np

from lockgate.tasks.base import Fitted, Task
from lockgate.training.history import History


def score_parts(
    task: Task, data: Any, prepared: Any, fitted: Fitted, history: History, test_looks: int
) -> Fitted:
    """Return `fitted` with its scores on validation and test, and those of the baselines.

    `test_looks` is how often the test part has been looked at, this look included.

    `metrics` gets `metric`, `test_looks`, what scores were divided by, `validation` and `test`
    (each score), `per_step` (the metric by steps ahead, on test), `baselines` (scores of each),
    `notices` of how the data were read, and `history`.
    """
    config = fitted.config
    compared = task.baselines(data, prepared, config)
    validation = task.scorer(data, prepared, config, "validation")
    test = task.scorer(data, prepared, config, "test")
    on_test = task.predict(fitted, prepared, "test")
    metrics = {
        "metric": config.training.metric,
        **task.scales(prepared),
        "test_looks": test_looks,
        "history": history.model_dump(mode="json"),
        "validation": validation.scores(task.predict(fitted, prepared, "validation")),
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
        "notices": list(task.describe(data, prepared)["notices"]),
        "skipped_baselines": [skipped._asdict() for skipped in compared.skipped],
    }
    return fitted.with_metrics(metrics, compared.baselines)
