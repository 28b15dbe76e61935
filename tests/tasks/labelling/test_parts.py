"""Parts are disjoint, keep proportions, and keep together what belongs together."""

import contextlib

import numpy as np
import pytest

from lockgate import DataError
from lockgate.tasks.labelling.labelled import Labelled
from lockgate.tasks.labelling.parts import (
    FEW_ROWS,
    Parts,
    folds_of,
    split_parts,
    split_validation,
)


def texts(labels: list[str], content: list[str] | None = None, **more) -> Labelled:
    items = content or [f"text {i}" for i in range(len(labels))]
    names = tuple(f"row {i + 1}" for i in range(len(labels)))
    return Labelled(tuple(items), np.array(labels), "class", names, "a.csv", **more)


def every_row(parts: Parts) -> list[int]:
    return sorted(np.concatenate([parts.train, parts.validation, parts.test]).tolist())


@pytest.mark.parametrize(("rows", "validation"), [(1000, 160), (10_000, 800)])
def test_drawn_parts_are_stratified_and_repeat(rows: int, validation: int) -> None:
    labels = np.random.default_rng(0).choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1]).tolist()
    data = texts(labels)

    parts = split_parts(data, seed=3)

    assert every_row(parts) == list(range(rows))
    assert (len(parts.test), len(parts.validation)) == (rows // 5, validation)
    for part in parts[:3]:
        shares = [np.mean(data.labels[part] == label) for label in "abc"]
        assert shares == pytest.approx([np.mean(data.labels == label) for label in "abc"], abs=0.01)
    again, other = split_parts(data, seed=3), split_parts(data, seed=4)
    assert np.array_equal(parts.test, again.test)
    assert not np.array_equal(parts.test, other.test)


def test_exact_duplicates_stay_in_one_part_and_are_told() -> None:
    rng = np.random.default_rng(0)
    content = [f"text {i}" for i in rng.integers(0, 120, 400)]
    data = texts(rng.choice(["a", "b"], 400).tolist(), content)

    parts = split_parts(data, seed=0)

    where = [{content[i] for i in part} for part in parts[:3]]
    assert not where[0] & where[1]
    assert not where[0] & where[2]
    assert not where[1] & where[2]
    assert parts.notices == (f"{400 - len(set(content))} exact duplicates, kept in one part each",)
    assert not len(parts.overlap)


def test_groups_stay_in_one_part_with_the_duplicates_of_all_of_them() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 40, 400)
    content = [f"text {i}" for i in range(400)]
    first, second = np.flatnonzero(groups == 1)[0], np.flatnonzero(groups == 2)[0]
    content[second] = content[first]  # so that groups 1 and 2 belong together
    data = texts(rng.choice(["a", "b"], 400).tolist(), content, groups=groups)

    parts = split_parts(data, seed=0)

    where = [set(np.where(groups[part] == 2, 1, groups[part])) for part in parts[:3]]
    assert not where[0] & where[1]
    assert not where[0] & where[2]
    assert not where[1] & where[2]
    assert every_row(parts) == list(range(400))


def test_given_test_part_stays_and_overlaps_are_counted() -> None:
    content = [f"text {i}" for i in range(100)]
    content[95] = content[3]
    data = texts(["a", "b"] * 50, content)
    given = np.arange(90, 100)

    parts = split_parts(data, seed=0, test=given)

    assert np.array_equal(parts.test, given)
    assert parts.overlap.tolist() == [95]
    assert any(note.startswith("1 row of the given test part also") for note in parts.notices)
    assert len(parts.validation) == 18


def test_given_validation_part_stays() -> None:
    data = texts(["a", "b"] * 50)

    parts = split_parts(data, 0, test=np.arange(90, 100), validation=np.arange(80, 90))

    assert parts.train.tolist() == list(range(80))
    assert parts.validation.tolist() == list(range(80, 90))


def test_split_by_time_keeps_the_last_for_the_test() -> None:
    times = np.random.default_rng(0).permutation(100)
    data = texts(["a", "b"] * 50, times=times)

    parts = split_parts(data, 0, by_time=True)

    assert times[parts.train].max() < times[parts.validation].min()
    assert times[parts.validation].max() < times[parts.test].min()


def test_class_of_few_examples_is_in_training() -> None:
    data = texts(["a"] * 50 + ["b"] * 50 + ["c"] * 2)

    for seed in range(5):
        parts = split_parts(data, seed)
        assert "c" in data.labels[parts.train]


def test_rare_class_among_duplicates_does_not_warn() -> None:
    content = [f"text {i}" for i in range(102)]
    content[1] = content[0]
    data = texts(["a"] * 50 + ["b"] * 50 + ["c"] * 2, content)

    # a class of two may be drawn as a whole: then it is told
    with contextlib.suppress(DataError):
        assert every_row(split_parts(data, 0)) == list(range(102))


def test_label_that_training_does_not_know_raises() -> None:
    data = texts(["a", "b"] * 10 + ["z"] * 2)

    with pytest.raises(DataError, match=r"test part must occur in training, got 'z' in row 21"):
        split_parts(data, 0, test=np.array([20, 21]))


def test_of_a_few_groups_each_part_is_one() -> None:
    groups = np.repeat([0, 1, 2], 20)
    data = texts(["a", "b"] * 30, groups=groups)

    parts = split_parts(data, 0)

    assert sorted(groups[part][0] for part in parts[:3]) == [0, 1, 2]
    assert [len(part) for part in parts[:3]] == [20, 20, 20]


def test_too_few_groups_raise() -> None:
    data = texts(["a", "b"] * 10, groups=np.array([0, 1] * 10))

    with pytest.raises(DataError, match="groups must be 2 or more to be parted, got 1; give"):
        split_parts(data, 0)


@pytest.mark.parametrize(("rows", "kept"), [(FEW_ROWS - 1, 0), (FEW_ROWS, 20), (6000, 600)])
def test_in_memory_a_validation_part_is_kept_of_many_rows(rows: int, kept: int) -> None:
    data = texts(["a", "b"] * (rows // 2) + ["a"] * (rows % 2))

    parts = split_validation(data, seed=0)

    assert every_row(parts) == list(range(rows))
    assert (len(parts.validation), len(parts.test), len(parts.overlap)) == (kept, 0, 0)
    if kept:
        assert np.mean(data.labels[parts.validation] == "a") == 0.5
        assert np.array_equal(split_validation(data, seed=0).validation, parts.validation)
        assert not np.array_equal(split_validation(data, seed=1).validation, parts.validation)


def test_in_memory_duplicates_and_groups_stay_together_and_no_class_is_lost() -> None:
    content = [f"text {i // 3}" for i in range(300)]
    data = texts(["a", "b", "b"] * 100, content, groups=np.arange(300) // 30)
    rare = texts(["a"] * 297 + ["b"] * 3, content)

    parts = split_validation(data, seed=0)

    assert len(parts.validation)
    assert not {*data.groups[parts.train]} & {*data.groups[parts.validation]}
    for seed in range(8):
        found = split_validation(rare, seed=seed)
        assert every_row(found) == list(range(300))
        assert set(range(297, 300)) <= {*found.train}


def test_in_memory_rows_that_do_not_differ_are_all_learned_from() -> None:
    parts = split_validation(texts(["a", "b"] * 100, ["same"] * 200), seed=0)

    assert (len(parts.train), len(parts.validation)) == (200, 0)


@pytest.mark.parametrize("rare", [1, 3, 5, 50])
def test_folds_are_stratified_and_hold_every_row_once(rare: int) -> None:
    labels = np.array(["a"] * 60 + ["b"] * 40 + ["c"] * rare)
    rows = np.arange(3, len(labels))

    folds = folds_of(texts(labels.tolist()), rows, 5, 0)

    assert folds.shape == rows.shape
    assert set(folds.tolist()) == set(range(5))
    for name in "abc":
        counts = np.bincount(folds[labels[rows] == name], minlength=5)
        assert counts.max() - counts.min() <= 1


def test_folds_keep_groups_and_duplicates_whole() -> None:
    groups = np.arange(120) // 4
    content = [f"text {i}" for i in range(120)]
    content[0] = content[50]
    data = texts(["a", "b"] * 60, content, groups=groups)

    folds = folds_of(data, np.arange(120), 5, 0)

    assert all(len(set(folds[groups == group])) == 1 for group in range(30))
    assert folds[0] == folds[50]
    assert set(folds.tolist()) == set(range(5))


def test_one_group_is_one_fold() -> None:
    data = texts(["a", "b"] * 10, groups=np.zeros(20))

    assert not folds_of(data, np.arange(20), 5, 0).any()


def test_the_half_that_mixes_is_half_of_validation_with_its_shares() -> None:
    data = texts(["a", "b", "b"] * 200)
    parts = split_parts(data, 0)

    stopping, mixing = parts.rows("stopping"), parts.rows("mixing")

    assert sorted([*stopping, *mixing]) == sorted(parts.validation)
    assert abs(len(stopping) - len(mixing)) <= 2
    shares = [np.mean(data.labels[rows] == "a") for rows in (stopping, mixing)]
    assert abs(shares[0] - shares[1]) < 0.05
    development = parts.rows("development")
    assert sorted(development) == sorted([*parts.train, *parts.validation])


def test_of_few_rows_no_half_is_kept() -> None:
    parts = split_parts(texts(["a", "b"] * 50), 0)

    assert len(parts.mixing) == 0
    assert parts.rows("stopping").tolist() == sorted(parts.validation)
