"""A fold of labelled data learns from its training rows alone."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lockgate.errors import DataError
from lockgate.settings import resolve
from lockgate.tasks.folds import Folds, as_rows
from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.labelled import LabelData, Ragged
from lockgate.tasks.labelling.task import TASK


@pytest.fixture
def laid(labelled: Any, label_study: Any) -> Any:
    """Read labelled data of a kind and draw the folds of a pass."""

    def lay(kind: str, of_pass: int = 0, **told: Any) -> tuple[LabelData, LabelConfig, Folds]:
        source, own = labelled(kind)
        run = {n: v for n, v in label_study.items() if n not in STUDY}
        config = resolve(LabelConfig, {**run, **own, "folds": 3, **told})
        data = TASK.read(source, config)
        prepared = TASK.prepare(data, config)
        return data, config, TASK.rounds.folds(data, prepared, config, of_pass)

    return lay


STUDY = ("rungs", "seeds", "rounds", "budget", "workers", "folds", "smallest_effect")


def changed(data: LabelData, rows: Any) -> LabelData:
    """Put other values, or words that occur nowhere else, into rows."""
    items = data.all.items
    if isinstance(items, Ragged):
        values = np.array(items.values)
        for row in rows:
            values[items.starts[row] : items.starts[row + 1]] += 1e4
        return replace_items(data, Ragged(values, items.starts))
    texts = list(items)
    for row in rows:
        texts[row] = f"zebra{row} quux xylophone"
    return replace_items(data, tuple(texts))


def replace_items(data: LabelData, items: Any) -> LabelData:
    return data._replace(all=replace(data.all, items=items))


def learned(prepared: Any) -> list[Any]:
    path = prepared.linear_path
    arrays = [] if path is None else [np.asarray(path.weight).tobytes()]
    return [prepared.preprocessing, *arrays]


@pytest.mark.parametrize("kind", ["class", "steps", "number", "texts", "several"])
def test_what_no_fold_learns_from_changes_nothing_that_is_learned(laid: Any, kind: str) -> None:
    data, config, (folds, _) = laid(kind)
    assert len(folds) == 3

    for fold in folds:
        others = np.setdiff1d(np.arange(len(data.all)), as_rows(fold.train))
        one = TASK.rounds.prepare(data, config, fold)
        canary = TASK.rounds.prepare(changed(data, others), config, fold)

        assert len(others) > 20
        assert learned(one.prepared) == learned(canary.prepared)
        mine, theirs = (each.prepared.examples("train") for each in (one, canary))
        assert np.array_equal(mine.batch(slice(None)).x, theirs.batch(slice(None)).x)
        spoilt = TASK.rounds.prepare(changed(data, as_rows(fold.train)), config, fold)
        assert learned(one.prepared) != learned(spoilt.prepared)


def test_no_row_of_the_test_part_is_in_a_fold(laid: Any) -> None:
    data, config, (folds, _) = laid("texts")
    test = TASK.prepare(data, config).parts.test

    for fold in folds:
        own, _ = TASK.rounds.prepare(data, config, fold)
        rows = np.sort(np.concatenate([as_rows(part) for part in fold[2:]]))
        assert not np.isin(rows, test).any()
        assert list(own.all.items) == [data.all.items[row] for row in rows]


@pytest.mark.parametrize("kind", ["class", "steps", "number"])
def test_losses_are_told_by_rows_of_the_data(laid: Any, kind: str) -> None:
    data, config, (folds, _) = laid(kind, of_pass=1)

    for fold in folds:
        own, prepared = TASK.rounds.prepare(data, config, fold)
        scorer = TASK.scorer(own, prepared, config, "test")
        rows = TASK.rounds.judged(fold, prepared, scorer)
        assert sorted(set(rows.tolist())) == as_rows(fold.judged).tolist()
        if kind == "number":
            guess = np.zeros((len(scorer.truth), 1))
            expected = np.abs(np.asarray(data.all.labels, dtype=float)[rows])
            np.testing.assert_allclose(scorer.losses(guess), expected, rtol=1e-4)


def test_a_validation_part_can_only_be_kept_where_one_was_given(laid: Any) -> None:
    with pytest.raises(DataError, match="keep_validation must be false where no validation part"):
        laid("class", keep_validation=True)
