"""Folds in time are judged side by side on the later half, each on what comes after it."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.errors import DataError
from lockgate.tasks.folds import Fold, rolling_folds, telling

WINDOWS = st.sampled_from(["expanding", "rolling"])


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 400), st.integers(1, 9), st.integers(1, 30), st.integers(0, 9), WINDOWS)
def test_stretches_lie_side_by_side_in_the_later_half(rows, most, least, gap, window) -> None:
    folds = rolling_folds(rows, most, least=least, window=window, gap=gap)

    half = rows - rows // 2
    fitting = min(most, half // least)
    if fitting == 1:
        half = rows // 3
        fitting = min(1, half // least)
    assert len(folds) <= most
    assert [fold.number for fold in folds] == list(range(len(folds)))
    for fold in folds:
        train, stopping, judged = fold[2:]
        assert 0 <= train.start < train.stop == stopping.start - gap
        assert stopping.stop == judged.start - gap
        assert len(stopping) == max(len(judged), half // 5)
        assert len(judged) >= least
    for before, after in pairwise(folds):
        assert before.judged.stop == after.judged.start
    if folds:
        assert folds[-1].judged.stop == rows
        lengths = [len(fold.judged) for fold in folds]
        assert max(lengths) - min(lengths) <= 1
        assert folds[0].judged.start >= rows - half
    # none is left out but for want of rows
    first = rows - half - -(-half // fitting) - 2 * gap if fitting else 0
    assert len(folds) == fitting or first < 1


def test_an_expanding_window_begins_with_the_first_row_and_a_rolling_one_keeps_its_length() -> None:
    expanding, rolling = (rolling_folds(103, 5, window=w, gap=2) for w in ("expanding", "rolling"))

    assert {fold.train.start for fold in expanding} == {0}
    assert len({len(fold.train) for fold in rolling}) == 1
    assert rolling[0] == expanding[0]
    for one, other in zip(expanding, rolling, strict=True):
        assert one[3:] == other[3:]
        assert one.train.stop == other.train.stop
    assert [len(fold.judged) for fold in expanding] == [10, 10, 11, 10, 11]


def test_few_rows_give_few_folds_and_fewer_give_none() -> None:
    counts = [len(rolling_folds(rows, 5, least=10)) for rows in (100, 99, 60, 39, 20, 0)]

    assert counts == [5, 5, 3, 2, 0, 0]
    assert [fold[2:] for fold in rolling_folds(30, 5, least=10)] == [
        (range(10), range(10, 20), range(20, 30))
    ]
    # of two folds the first has no row left to learn from
    assert len(rolling_folds(40, 2, gap=6)) == 1


def test_a_message_names_the_fold_that_it_is_of() -> None:
    fold = Fold(2, 0, range(3), range(3, 4), range(4, 5))

    with pytest.raises(DataError, match=r"^fold 3: target must vary$"), telling(fold):
        raise DataError("target must vary")
    assert fold.name == "pass-0-fold-2"
