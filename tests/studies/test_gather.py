"""Rounds become the evidence of the rule: every loss at its row, whatever order a scorer has."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lockgate.studies.gather import Judged, gather

FOLDS = 3


def stretch(rows: Any, losses: Any, groups: Any = None) -> Any:
    """A fold whose scorer gives the losses that a prediction is, in its own order of rows."""
    order = np.argsort(losses)  # any order that is not that of the rows
    scorer = SimpleNamespace(
        losses=lambda prediction: prediction[order],
        counts=np.ones(len(rows)),
        horizon=2,
        groups=None if groups is None else np.asarray(groups)[order],
    )
    return SimpleNamespace(rows=np.asarray(rows)[order], scorer=scorer)


def played(places: Any, groups: Any = None) -> list[Judged]:
    """Two passes over folds of rows; a row loses its number plus the number of the round."""
    rounds = []
    for number in range(2 * FOLDS):
        rows = places[number % FOLDS]
        lost = rows + 100.0 * number
        own = None if groups is None else np.unique(groups[rows], return_inverse=True)[1]
        rounds.append(Judged(number + 1, number % FOLDS, stretch(rows, -rows, own), {"a": lost}))
    return rounds


def test_losses_lie_at_their_rows_in_order_where_folds_stay() -> None:
    places = np.split(np.arange(10, 34), FOLDS)

    evidence = gather(played(places), folds=FOLDS, power=0.5, stay=True)

    assert evidence.counts.tolist() == [1.0] * 24
    assert evidence.places is not None
    assert evidence.places.tolist() == np.repeat(np.arange(FOLDS), 8).tolist()
    assert (evidence.power, evidence.horizon, evidence.groups) == (0.5, 2, None)
    for number, one in enumerate(evidence.rounds):
        assert one.rows.tolist() == sorted(one.rows)
        assert one.losses["a"].tolist() == (one.rows + 10 + 100.0 * number).tolist()


def test_rows_of_drawn_folds_are_shuffled_alike_in_every_round() -> None:
    places = [np.arange(fold, 24, FOLDS) for fold in range(FOLDS)]

    evidence = gather(played(places), folds=FOLDS, power=1.0, stay=False)

    assert evidence.places is None
    found: dict[int, float] = {}
    for number, one in enumerate(evidence.rounds):
        for row, loss in zip(one.rows, one.losses["a"], strict=True):
            assert found.setdefault(int(row), loss - 100.0 * number) == loss - 100.0 * number
    assert sorted(found.values()) == list(range(24))
    assert [found[row] for row in range(24)] != list(range(24))


def test_steps_of_a_sequence_count_as_one_row() -> None:
    rows = np.array([4, 4, 4, 7, 7, 9])
    one = Judged(1, 0, stretch(rows, np.arange(6)), {"a": np.array([1.0, 2, 3, 4, 5, 6])})

    evidence = gather([one], folds=1, power=1.0, stay=True)

    assert evidence.counts.tolist() == [3, 2, 1]
    assert evidence.rounds[0].losses["a"].tolist() == [6, 9, 6]


def test_rows_of_a_group_lie_side_by_side() -> None:
    groups = np.repeat(np.arange(12), 2)[np.random.default_rng(1).permutation(24)]
    places = [np.flatnonzero(groups % FOLDS == fold) for fold in range(FOLDS)]

    evidence = gather(played(places, groups), folds=FOLDS, power=1.0, stay=False)

    assert evidence.groups is not None
    assert np.count_nonzero(np.diff(evidence.groups)) == 11
    assert len(np.unique(evidence.groups)) == 12


@pytest.mark.parametrize("stay", [True, False])
def test_a_rung_that_diverged_is_absent(stay: bool) -> None:
    rounds = played(np.split(np.arange(24), FOLDS))
    rounds[1] = rounds[1]._replace(predictions={})

    evidence = gather(rounds, folds=FOLDS, power=1.0, stay=stay)

    assert [sorted(one.losses) for one in evidence.rounds] == [
        ["a"],
        [],
        ["a"],
        ["a"],
        ["a"],
        ["a"],
    ]
