"""Folds keep proportions, and what belongs together; no label is judged that was not learned."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.tasks.folds import Fold, Folds, rolling_folds
from lockgate.tasks.labelling.folds import FEWEST_JUDGED, fold_rows
from lockgate.tasks.labelling.labelled import LABEL_SEPARATOR, LabelKind, Labelled, Ragged


def texts(
    labels: list[str], content: list[str] | None = None, kind: LabelKind = "class", **more: Any
) -> Labelled:
    items = content or [f"text {i}" for i in range(len(labels))]
    names = tuple(f"row {i + 1}" for i in range(len(labels)))
    return Labelled(tuple(items), np.array(labels), kind, names, "a.csv", **more)


def fold_all(data: Labelled, folds: int = 5, seed: int = 0, **told: Any) -> Folds:
    return fold_rows(data, np.arange(len(data)), folds, seed, **told)


def judged(folds: tuple[Fold, ...]) -> list[int]:
    return [int(row) for fold in folds for row in fold.judged]


def is_apart(fold: Fold, kinds: Any) -> bool:
    """Tell whether no two parts of a fold hold one of the same kind."""
    train, stopping, own = (set(np.asarray(kinds)[rows].tolist()) for rows in fold[2:])
    return not (train & stopping or train & own or stopping & own)


def labels_of(data: Labelled, rows: Any) -> set[str]:
    if isinstance(data.items, Ragged) and data.kind == "steps":
        ragged = Ragged(data.labels, data.items.starts)
        return {str(label) for row in rows for label in ragged[row]} - {""}
    return {n for row in rows for n in str(data.labels[row]).split(LABEL_SEPARATOR)} - {""}


def test_each_row_is_judged_once_in_a_pass_and_each_fold_is_stratified() -> None:
    labels = np.random.default_rng(0).choice(["a", "b", "c"], 1003, p=[0.6, 0.3, 0.1]).tolist()
    data = texts(labels)

    folds, why_few = fold_all(data, seed=3)

    assert (len(folds), why_few) == (5, None)
    assert sorted(judged(folds)) == list(range(1003))
    for fold in folds:
        assert sorted(np.concatenate(fold[2:]).tolist()) == list(range(1003))
        assert [len(part) for part in fold[2:]] == pytest.approx([642, 160, 201], abs=2)
        for part in fold[2:]:
            assert np.array_equal(part, np.sort(part))
            for label, count in Counter(labels).items():
                assert np.mean(data.labels[part] == label) == pytest.approx(count / 1003, abs=0.01)


def test_a_pass_is_repeated_and_another_one_is_drawn_anew() -> None:
    data = texts(["a", "b"] * 60)

    first, again, second, other = (
        fold_all(data, seed=seed, of_pass=of_pass).folds
        for seed, of_pass in ((0, 0), (0, 0), (0, 1), (1, 0))
    )

    for one, same in zip(first, again, strict=True):
        assert all(map(np.array_equal, one[2:], same[2:]))
    for another in (second, other):
        assert sorted(judged(another)) == sorted(judged(first))
        assert not any(np.array_equal(one.judged, two.judged) for one in first for two in another)
    assert {fold.name for fold in first} & {fold.name for fold in second} == set()


def test_the_rest_of_the_rows_is_in_no_fold() -> None:
    data = texts(["a", "b"] * 60)
    rows = np.setdiff1d(np.arange(120), np.arange(0, 120, 7))

    folds, _ = fold_rows(data, rows, 5, 0)

    assert sorted(judged(folds)) == rows.tolist()
    for fold in folds:
        assert sorted(np.concatenate(fold[2:]).tolist()) == rows.tolist()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(12, 80), st.integers(3, 40), st.integers(3, 60))
def test_groups_and_duplicates_lie_on_one_side_whatever_their_sizes(
    seed: int, rows: int, groups: int, contents: int
) -> None:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, rows)
    content = [f"text {i}" for i in rng.integers(0, contents, rows)]
    by_group = texts(rng.choice(["a", "b", "c"], rows, p=[0.5, 0.4, 0.1]).tolist(), groups=group)
    by_content = replace(by_group, items=tuple(content), groups=None)
    by_both = replace(by_content, groups=group)

    for data in (by_group, by_content, by_both):
        folds, why_few = fold_all(data, seed=seed)
        assert len(folds) == 5 or why_few
        assert len(set(judged(folds))) == len(judged(folds))
        for fold in folds:
            assert all(map(len, fold[2:]))
            assert data is by_content or is_apart(fold, group)
            assert data is by_group or is_apart(fold, content)
            assert labels_of(data, [*fold.judged, *fold.stopping]) <= labels_of(data, fold.train)


def test_what_else_is_in_the_texts_moves_no_fold() -> None:
    rng = np.random.default_rng(0)
    content = rng.integers(0, 60, 150)
    labels = rng.choice(["a", "b"], 150).tolist()

    folds = [fold_all(texts(labels, [f"{word} {i}" for i in content])).folds for word in "xyz"]

    for other in folds[1:]:
        for one, same in zip(folds[0], other, strict=True):
            assert all(map(np.array_equal, one[2:], same[2:]))


@pytest.mark.parametrize(
    ("rare", "count"), [(7, 5), (5, 5), (4, 4), (3, 3), (2, 2), (1, 5)], ids=str
)
def test_a_rare_class_makes_fewer_folds(rare: int, count: int) -> None:
    data = texts(["a", "b"] * 40 + ["c"] * rare)

    for of_pass in range(6):
        folds, why_few = fold_all(data, of_pass=of_pass)
        assert len(folds) == count
        for fold in folds:
            assert labels_of(data, [*fold.judged, *fold.stopping]) <= labels_of(data, fold.train)
            assert ("c" in labels_of(data, fold.judged)) == (rare > 1)
        if count == 5:
            assert why_few is None
        else:
            assert f"fewer rows than 5 that may be parted: 'c' {rare}; join" in str(why_few)
        # what is there once is never judged
        assert len(judged(folds)) == 80 + (rare if rare > 1 else 0)


@pytest.mark.parametrize(("groups", "count"), [(4, 4), (3, 3), (2, 0), (1, 0)])
def test_a_few_groups_make_few_folds(groups: int, count: int) -> None:
    data = texts(["a", "b"] * 30, groups=np.arange(60) // 2 % groups)

    folds, why_few = fold_all(data)

    assert len(folds) == count
    assert f"fewer rows than 5 that may be parted: 'a' {groups}" in str(why_few) or groups == 1
    assert all(is_apart(fold, data.groups) for fold in folds)


def test_a_group_for_each_class_leaves_nothing_to_tell_apart() -> None:
    data = texts(["a"] * 9 + ["b"] * 9 + ["c"] * 9, groups=np.repeat([0, 1, 2], 9))

    folds, why_few = fold_all(data)

    assert folds == ()
    assert "3 folds left out" in str(why_few)


def waves(kind: LabelKind, rows: int = 40) -> Labelled:
    rng = np.random.default_rng(0)
    ragged = Ragged.of([rng.normal(size=(3, 1)) for _ in range(rows)])
    labels = {
        "steps": np.array((["up", "down", "up"] * rows)[: 3 * rows]),
        "number": np.linspace(0.0, 1.0, rows),
    }[kind]
    if kind == "steps":
        labels[30] = "never again"
    return Labelled(ragged, labels, kind, tuple(map(str, range(rows))), "a.ts", ("x",))


def test_labels_of_every_kind_are_folded() -> None:
    several = ["good\x1ffine", "good", "", "fine"] * 15
    several[17] = "good\x1frare"
    several_labels = texts(several, kind="classes")

    for data in (waves("steps"), waves("number"), several_labels):
        folds, why_few = fold_all(data)
        assert (len(folds), why_few) == (5, None)
        if data.kind != "number":
            # the row with a label of its own is never judged
            assert len(judged(folds)) == len(data) - 1
        for fold in folds:
            if data.kind != "number":
                known = labels_of(data, fold.train)
                assert labels_of(data, [*fold.judged, *fold.stopping]) <= known


def test_by_time_each_fold_is_judged_on_what_comes_later() -> None:
    rng = np.random.default_rng(0)
    times = rng.permutation(203)
    data = texts(rng.choice(["a", "b"], 203).tolist(), times=times)

    folds, why_few = fold_all(data)

    assert (len(folds), why_few) == (5, None)
    expected = rolling_folds(203, 5)
    for fold, rows in zip(folds, expected, strict=True):
        for part, own in zip(fold[2:], rows[2:], strict=True):
            assert sorted(times[part].tolist()) == list(own)
    another = fold_all(data, of_pass=2).folds
    assert [fold.name for fold in another] == [fold.name for fold in folds]


def test_by_time_what_comes_again_is_not_learned_before() -> None:
    rng = np.random.default_rng(0)
    content = [f"text {i}" for i in rng.integers(0, 80, 200)]
    labels = rng.choice(["a", "b"], 200).tolist()
    labels[150] = labels[180] = "new"
    group = np.arange(200) // 7 % 9
    data = texts(labels, content, times=np.arange(200))

    for one in (data, replace(data, items=texts(labels).items, groups=group)):
        folds, _ = fold_all(one)
        assert len(folds) >= 3
        for fold in folds:
            assert is_apart(fold, content if one is data else group)
            assert labels_of(one, [*fold.judged, *fold.stopping]) <= labels_of(one, fold.train)
        assert 150 not in judged(folds)


def test_by_time_few_rows_make_few_folds() -> None:
    folds, why_few = fold_all(texts(["a", "b"] * 12, times=np.arange(24)))

    assert len(folds) == 2
    assert str(why_few).startswith(f"a fold is judged on {FEWEST_JUDGED} rows or more")
    assert "has 12 rows" in str(why_few)


@pytest.mark.parametrize("times", [None, np.arange(120)], ids=["drawn", "by-time"])
def test_rows_that_stop_every_fold_are_kept_out_of_all_else(times: Any) -> None:
    content = [f"text {i}" for i in range(120)]
    content[110] = content[5]  # in what stops, and learned from or judged
    data = texts(["a", "b"] * 60, content, times=times)
    kept = np.arange(100, 120)

    folds, why_few = fold_rows(data, np.arange(100), 5, 0, stopping=kept)

    assert (len(folds), why_few) == (5, None)
    assert {*judged(folds)} <= {*range(100)}
    for fold in folds:
        assert is_apart(fold, content)
        assert {*fold.stopping.tolist()} == {*kept.tolist()} - {110}
        learned = 100 - len(fold.judged) if times is None else fold.judged[0]
        assert len(fold.train) == learned
