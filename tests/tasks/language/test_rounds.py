"""Folds of a text lie in its order before the test part, and learn the words of what is before."""

from typing import Any

import pytest

from lockgate.errors import DataError
from lockgate.settings import resolve
from lockgate.tasks.folds import Folds, as_rows
from lockgate.tasks.language.config import LanguageConfig
from lockgate.tasks.language.prepare import TextData
from lockgate.tasks.language.task import TASK

from .conftest import SMALL


@pytest.fixture
def laid(text: str) -> tuple[TextData, LanguageConfig, Folds]:
    config = resolve(LanguageConfig, {"folds": 3, "min_count": 1})
    data = TASK.read([text], config)
    return data, config, TASK.rounds.folds(data, TASK.prepare(data, config), config)


def test_stretches_lie_side_by_side_before_the_test_part(laid: Any) -> None:
    data, _, (folds, why_few) = laid
    words = len(data.train) + len(data.validation)

    judged = [row for fold in folds for row in fold.judged]
    assert judged == list(range(words // 2, words))
    assert (len(folds), why_few) == (3, None)
    for fold in folds:
        assert fold.train[-1] < fold.stopping[0] <= fold.stopping[-1] < fold.judged[0]


def changed(data: TextData, rows: range) -> TextData:
    """Put words that occur nowhere else into rows of what is before the test part, and into it."""
    words = [*data.train, *data.validation]
    for row in rows:
        words[row] = f"canary{row % 3}"
    cut = len(data.train)
    return data._replace(train=words[:cut], validation=words[cut:], test=["canary"] * 50)


def test_later_words_are_not_learned(laid: Any) -> None:
    data, config, (folds, _) = laid
    for fold in folds:
        spoilt = changed(data, range(fold.stopping[0], folds[-1].judged[-1] + 1))
        one, other = (TASK.rounds.prepare(each, config, fold).prepared for each in (data, spoilt))

        assert one.preprocessing == other.preprocessing
        assert one.tokens["train"].tolist() == other.tokens["train"].tolist()
        assert (other.unknown("validation"), other.unknown("test")) == (1.0, 1.0)
        spoilt = changed(data, fold.train)
        assert TASK.rounds.prepare(spoilt, config, fold).prepared.preprocessing != one.preprocessing


def test_what_is_judged_changes_no_weight(laid: Any) -> None:
    data, _, (folds, _) = laid
    config = resolve(LanguageConfig, {**SMALL, "folds": 3, "max_epochs": 1})
    spoilt = changed(data, folds[0].judged)

    one, other = (
        TASK.train(TASK.rounds.prepare(each, config, folds[0]).prepared, config)[0]
        for each in (data, spoilt)
    )

    for mine, theirs in zip(one.model.parameters(), other.model.parameters(), strict=True):
        assert mine.equal(theirs)


def test_losses_are_told_by_the_place_of_each_word(laid: Any) -> None:
    data, config, (folds, _) = laid
    for fold in folds:
        own, prepared = TASK.rounds.prepare(data, config, fold)
        scorer = TASK.scorer(own, prepared, config, "test")
        rows = TASK.rounds.judged(fold, prepared, scorer)
        assert rows.tolist() == as_rows(fold.judged).tolist()
        assert len(rows) == len(scorer.counts) == len(own.test)


def test_few_words_make_few_folds(text: str) -> None:
    config = resolve(LanguageConfig, {"folds": 5, "min_count": 1})
    data = TASK.read([" ".join(text.split()[:150])], config)

    folds, why_few = TASK.rounds.folds(data, TASK.prepare(data, config), config)

    assert len(folds) < 5
    assert (
        why_few
        == f"the text has {len(data.train) + len(data.validation)} words before the test part"
    )


def test_a_fold_that_cannot_be_learned_from_is_named(laid: Any) -> None:
    data, _, (folds, _) = laid
    rare = data._replace(train=[f"w{n}" for n in range(len(data.train))])
    config = resolve(LanguageConfig, {"folds": 3, "min_count": 2})

    with pytest.raises(DataError, match=r"^fold 1: min_count must leave a word"):
        TASK.rounds.prepare(rare, config, folds[0])
