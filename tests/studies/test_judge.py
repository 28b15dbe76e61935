"""What the rounds choose: the cell, the rung that a user should take, and beside which baseline."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lockgate import DataError
from lockgate.studies.gather import Judged
from lockgate.studies.judge import against_baseline, best_cell, select
from lockgate.studies.rule import PairVerdict


def verdict(rung: str, parent: str, percent: float | None, outcome: Any) -> PairVerdict:
    return PairVerdict(rung, parent, percent, None, None, outcome)


def test_a_rung_is_taken_that_helps_and_the_best_of_several() -> None:
    one, two = verdict("in", "gru", -3.0, "helps"), verdict("both", "gru", -5.0, "helps")
    better = verdict("rec", "gru", -9.0, "open")

    assert select("gru", [one]) == "in"
    assert select("gru", [one, two, better]) == "both"


def test_the_plain_network_is_taken_where_nothing_helps() -> None:
    pairs = [verdict("in", "gru", -9.0, "open"), verdict("rec", "gru", 4.0, "hurts")]

    assert select("gru", pairs) == "gru"
    assert select("gru", []) == "gru"


@pytest.mark.parametrize(
    ("percent", "outcome", "selected"),
    [
        (-1.0, "open", "stacked+both"),
        (1.0, "open", "stacked+both"),
        (7.0, "open", "gru"),
        (4.0, "hurts", "gru"),
        (None, "no verdict", "gru"),
    ],
)
def test_what_a_rung_builds_on_counts(percent: Any, outcome: Any, selected: str) -> None:
    pairs = [
        verdict("stacked", "gru", percent, outcome),
        verdict("stacked+both", "stacked", -6.0, "helps"),
    ]

    assert select("gru", pairs) == selected


def judged(number: int, scores: dict[str, float], naive: Any = ()) -> Judged:
    """A round in which a prediction is what every row loses."""
    rows = np.arange(8 * number, 8 * number + 8)
    scorer = SimpleNamespace(
        scores=lambda prediction: {"mae": float(np.mean(prediction))},
        losses=lambda prediction: prediction,
        counts=np.ones(8),
        horizon=1,
        groups=None,
    )
    stretch: Any = SimpleNamespace(rows=rows, scorer=scorer, naive=naive)
    rng = np.random.default_rng(number)
    predictions = {rung: score * rng.uniform(0.99, 1.01, 8) for rung, score in scores.items()}
    return Judged(number + 1, number, stretch, predictions)


def test_the_cell_has_the_least_mean_of_log_scores() -> None:
    # means of the scores would choose b: 2.05 against 2.5
    rounds = [judged(0, {"a": 4.0, "b": 3.0}), judged(1, {"a": 0.5, "b": 0.7})]

    assert best_cell(rounds, "mae") == "a"


def test_a_cell_that_diverged_once_is_not_chosen() -> None:
    rounds = [judged(0, {"a": 1.0, "b": 3.0}), judged(1, {"b": 3.0})]

    assert best_cell(rounds, "mae") == "b"
    with pytest.raises(DataError, match="every fit diverged: pass a smaller learning_rate"):
        best_cell([rounds[0], judged(1, {})], "mae")


@pytest.mark.parametrize(("score", "outcome"), [(0.8, "beats"), (1.0, "ties"), (1.3, "loses")])
def test_single_networks_are_compared_with_a_baseline_on_the_rows_judged(
    score: float, outcome: str
) -> None:
    rng = np.random.default_rng(7)
    rounds = []
    for number in range(5):
        naive = (SimpleNamespace(name="ridge", judged=rng.uniform(0.97, 1.03, 8)),)
        rounds.append(judged(number, {"gru": score * rng.uniform(0.98, 1.02)}, naive))

    effect = against_baseline(rounds, "gru", "ridge", folds=5, power=1.0, stay=True)

    assert effect["outcome"] == outcome
    assert effect["percent"] == pytest.approx(100 * (score - 1), abs=3)
    assert effect["low"] is not None and effect["high"] is not None  # noqa: PT018
    assert effect["low"] < effect["percent"] < effect["high"]


def test_no_verdict_is_told_where_a_fold_lacks_the_baseline() -> None:
    rounds = [judged(number, {"gru": 1.0}) for number in range(5)]

    effect = against_baseline(rounds, "gru", "ridge", folds=5, power=1.0, stay=True)

    assert (effect["outcome"], effect["percent"]) == ("no verdict", None)
