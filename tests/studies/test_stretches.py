"""Folds are prepared once, their baselines fitted to each, and compared over all of them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lockgate import api
from lockgate.studies import stretches as module
from lockgate.studies.plan import SILENT
from lockgate.studies.stretches import Stretches, best_baseline, mean_of, mean_scores


@pytest.fixture
def stretches(table: Any, small_study: Any, tmp_path: Path) -> Stretches:
    return Stretches(api.plan_study(table, **small_study), tmp_path, SILENT)


def test_the_folds_of_a_table_stay_and_are_prepared_once(
    stretches: Stretches, tmp_path: Path, monkeypatch: Any
) -> None:
    saved, save = [], module.save_prepared

    def spied(folder: Path, *rest: Any) -> None:
        saved.append(folder.name)
        save(folder, *rest)

    monkeypatch.setattr(module, "save_prepared", spied)

    first, second = stretches.of_pass(0), stretches.of_pass(1)

    assert stretches.stay
    assert all(one is other for one, other in zip(first, second, strict=True))
    assert saved == [f"pass-0-fold-{k}" for k in range(3)]
    assert {path.name for path in (tmp_path / "prepared").iterdir()} == set(saved)
    for one in first:
        assert {naive.name for naive in one.naive} >= {"last value", "ridge"}
        assert one.rows.tolist() == list(range(one.rows[0], one.rows[0] + len(one.rows)))
        assert len(one.naive[0].judged) == len(one.rows)


def test_folds_that_are_drawn_are_other_ones_in_each_pass(
    labelled: Any, label_study: Any, tmp_path: Path
) -> None:
    source, told = labelled("class")
    drawn = Stretches(api.plan_study(source, **label_study, **told), tmp_path, SILENT)

    first, second = drawn.of_pass(0), drawn.of_pass(1)

    assert not drawn.stay
    judged = [np.sort(np.concatenate([one.rows for one in folds])) for folds in (first, second)]
    assert np.array_equal(*judged)  # each row once in a pass
    assert not np.array_equal(first[0].rows, second[0].rows)
    assert all(one.naive for one in first)
    assert not any(one.naive for one in second)


def fold(**scores: float | None) -> Any:
    naive = tuple(SimpleNamespace(name=name, judged=value) for name, value in scores.items())
    scorer = SimpleNamespace(scores=lambda judged: {"mae": judged, "mase": None})
    return SimpleNamespace(naive=naive, scorer=scorer)


def test_the_best_baseline_has_the_least_mean_and_a_score_in_every_fold() -> None:
    folds = [fold(a=1.0, b=3.0, c=0.1), fold(a=4.0, b=1.0)]

    assert best_baseline(folds, "mae") == "b"
    assert best_baseline(folds, "mae", ["a", "c"]) == "a"
    assert best_baseline(folds, "mae", []) is None
    assert best_baseline([fold(a=None), fold(a=1.0)], "mae") is None
    assert best_baseline([fold()], "mae") is None
    assert mean_scores(folds, "a") == {"mae": 2.5, "mase": None}
    assert mean_scores(folds, "c") == {}


def test_a_mean_is_missing_where_a_score_is() -> None:
    assert mean_of([{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": None}]) == {"a": 2.0, "b": None}
    assert mean_of([]) == {}
