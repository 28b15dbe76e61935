"""One fitted model is scored on validation and on test, once, beside the baselines."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lockgate.scoring.baselines import Skipped
from lockgate.studies.single import better_than, score_parts
from lockgate.tasks.base import Candidate, Compared
from lockgate.training.history import History

TRUTH = {"validation": 10.0, "test": 20.0}
HISTORY = History(training=[1.0], validation=[1.0], gradient_norm=[1.0], seconds=[1.0])


class Task:
    """A task whose predictions are numbers, scored by how far they are from the part's truth."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def baselines(self, *_: Any) -> Any:
        constant = Candidate("zero", "", lambda part: np.zeros(1))  # noqa: ARG005
        right = Candidate("right", "", lambda part: np.array([TRUTH[part]]))
        return Compared((constant, right), (Skipped("ridge", "too short"),))

    def scorer(self, _data: Any, _prepared: Any, _config: Any, part: str) -> Any:
        def error(prediction: Any) -> float:
            return abs(float(prediction[0]) - TRUTH[part])

        return SimpleNamespace(
            scores=lambda prediction: {"mae": error(prediction)},
            per_step=lambda prediction: [error(prediction), np.nan],
        )

    def predict(self, fitted: Any, _prepared: Any, part: str) -> Any:
        self.asked.append(part)
        return np.array([TRUTH[part] + fitted.off])

    def scales(self, _prepared: Any) -> dict[str, Any]:
        return {"mase_scale": 3.0}

    def describe(self, *_: Any) -> dict[str, Any]:
        return {"notices": ("read as UTF-8",)}


@pytest.fixture
def task() -> Any:
    return Task()


def test_scores_are_those_of_each_part_and_stand_beside_the_baselines(task: Any) -> None:
    fitted: Any = SimpleNamespace(
        off=2.0,
        config=SimpleNamespace(training=SimpleNamespace(metric="mae")),
        with_metrics=lambda metrics, _: metrics,
    )

    found: Any = score_parts(task, None, None, fitted, HISTORY, 7)

    assert found["validation"] == found["test"] == {"mae": 2.0}
    assert found["per_step"] == [2.0, None]
    assert found["baselines"] == [
        {"name": "zero", "validation": {"mae": 10.0}, "test": {"mae": 20.0}},
        {"name": "right", "validation": {"mae": 0.0}, "test": {"mae": 0.0}},
    ]
    assert found["skipped_baselines"] == [{"name": "ridge", "reason": "too short"}]
    assert (found["metric"], found["test_looks"], found["mase_scale"]) == ("mae", 7, 3.0)
    assert found["notices"] == ["read as UTF-8"]
    assert found["history"]["validation"] == [1.0]
    assert sorted(task.asked) == ["test", "validation"]


def test_what_is_better_is_named_the_best_first() -> None:
    others = {"drift": {"mae": 1.5}, "ridge": {"mae": 0.5}, "last": {"mae": 3.0}, "lost": {}}

    assert better_than({"mae": 2.0}, others, "mae") == ["ridge", "drift"]
    assert better_than({"mae": 0.5}, others, "mae") == []
    assert better_than({"mae": None}, others, "mae") == []
