"""What no classifier can learn from is refused, and the row is named."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate import DataError
from lockgate.tasks.labelling.labelled import (
    Labelled,
    Ragged,
    check_items,
    check_labelled,
    classes_of,
    join_parts,
    one_spelling,
)


def sequences(values: list[list[list[float]]], labels: list[str]) -> Labelled:
    names = tuple(f"row {i + 1}" for i in range(len(values)))
    arrays = [np.array(v, dtype=np.float32).reshape(-1, 2) for v in values]
    return Labelled(Ragged.of(arrays), np.array(labels), "class", names, "a.ts", ("x", "y"))


def texts(items: list[str], labels: list[str]) -> Labelled:
    names = tuple(f"row {i + 1}" for i in range(len(items)))
    return Labelled(tuple(items), np.array(labels), "class", names, "a.csv")


def test_sequences_lie_end_to_end() -> None:
    ragged = Ragged.of([np.arange(3), np.arange(1), np.arange(2)])

    assert len(ragged) == 3
    assert ragged.lengths.tolist() == [3, 1, 2]
    assert [ragged[i].tolist() for i in range(3)] == [[0, 1, 2], [0], [0, 1]]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["b", "a", "b"], ("a", "b")),
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["1", "one", "2"], ("1", "2", "one")),
    ],
)
def test_classes_are_in_the_order_that_a_reader_expects(labels, classes) -> None:
    assert classes_of(texts(["x"] * 3, labels)) == classes


def test_several_labels_of_a_row_are_classes_each() -> None:
    data = texts(["x"] * 3, ["b\x1fa", "", "c"])

    assert classes_of(data) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("labels", "spelled"),
    [
        (["1.0", "1", "0", "0.00"], ["1", "1", "0", "0"]),
        (["+1", "1e0", "-0.0", ".0"], ["+1", "+1", ".0", ".0"]),
        (["007", "7", "7.5", "7.50"], ["7", "7", "7.5", "7.5"]),
        (["9007199254740993", "9007199254740993.0"], ["9007199254740993"] * 2),
        (["True", "true", "FALSE", "false"], ["True", "True", "FALSE", "FALSE"]),
        (["b\x1f1.0", "1\x1f1.00\x1fb", "", "2"], ["b\x1f1", "1\x1fb", "", "2"]),
    ],
)
def test_spellings_of_one_class_become_the_shortest(labels: list[str], spelled: list[str]) -> None:
    data = texts(["x"] * len(labels), labels)

    assert one_spelling(data).labels.tolist() == spelled
    assert "labels that mean the same are one class: " in one_spelling(data).notices[0]


@pytest.mark.parametrize(
    "labels",
    [
        ["One", "one", "true", "1"],
        ["9007199254740993", "9007199254740992.0"],
        ["1_0", "10", "\u0661", "1", "0x1"],
        ["nan", "NaN", "inf", "Infinity", "1e999", "1e9999999"],
        ["1-2", "1.2.0", "1.2", "", "e1", "."],
    ],
)
def test_labels_that_differ_in_more_than_spelling_stay_apart(labels: list[str]) -> None:
    data = texts(["x"] * len(labels), labels)

    assert one_spelling(data) is data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (texts([], []), "a.csv must hold examples, got none"),
        (texts(["x", "y"], ["a", "a"]), "two classes or more, got 'a' alone"),
        (
            texts(["x", "y", "z"], ["a", "a", "b"]),
            r"every class must have two examples or more, got 'b' with one \(row 3\)",
        ),
        (texts(["x", " ", "z", "u"], ["a", "a", "b", "b"]), "every text must .* got 1 empty one"),
        (texts(["x", " ", "z", "u"], ["a", "a", "b", "b"]), r"row 2; drop it \(--drop-empty\)"),
        (sequences([[[1, 2]], []], ["a", "b"]), "every sequence must hold something, .* row 2"),
        (
            sequences([[[1, 2]], [[1, np.nan], [3, np.inf]]], ["a", "b"]),
            "must be a finite number, got inf in row 2, step 2, channel 'y'",
        ),
    ],
)
def test_what_nobody_can_learn_from_raises(data: Labelled, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_labelled(data)


def test_texts_to_be_predicted_may_be_blank_but_sequences_may_not() -> None:
    check_items(texts(["x", " "], ["", ""]), blank_texts=True)
    with pytest.raises(DataError, match=r"every sequence must hold something, .* row 2"):
        check_items(sequences([[[1, 2]], []], ["", ""]), blank_texts=True)


def test_what_can_be_learned_from_passes() -> None:
    data = texts(["x", "y", "z", "u"], ["a", "a", "b", "b"])

    assert check_labelled(data) is data


def test_fingerprint_follows_items_and_labels() -> None:
    first = texts(["x", "y"], ["a", "b"]).fingerprinted().fingerprint

    assert first == texts(["x", "y"], ["a", "b"]).fingerprinted().fingerprint
    assert first != texts(["x", "z"], ["a", "b"]).fingerprinted().fingerprint
    assert first != texts(["x", "y"], ["b", "a"]).fingerprinted().fingerprint


def test_parts_of_their_own_are_joined() -> None:
    train = texts(["x", "y"], ["a", "b"])
    test = replace(texts(["z"], ["long label"]), source="b.csv", notices=("told",))
    validation = replace(texts(["u", "v"], ["a", "b"]), source="c.csv", notices=("told",))

    data, test_rows, validation_rows = join_parts(train, test, validation)

    assert test_rows is not None
    assert validation_rows is not None
    assert data.items == ("x", "y", "u", "v", "z")
    assert [data.items[i] for i in test_rows] == ["z"]
    assert [data.items[i] for i in validation_rows] == ["u", "v"]
    assert data.labels.tolist() == ["a", "b", "a", "b", "long label"]
    assert data.names[1:3] == ("a.csv row 2", "c.csv row 1")
    assert data.source == "a.csv and c.csv and b.csv"
    assert data.notices == ("told",)
    assert data.fingerprint
    assert data.fingerprint != train.fingerprinted().fingerprint


def test_one_part_stays_as_it_is() -> None:
    train = texts(["x", "y"], ["a", "b"])

    assert join_parts(train, None, None) == (train, None, None)


def test_parts_of_one_file_name_are_told_apart() -> None:
    part = texts(["x"], ["a"])

    assert join_parts(part, part).data.names == ("train a.csv row 1", "test a.csv row 1")


def test_sequences_are_joined_end_to_end() -> None:
    train = replace(
        sequences([[[1, 2]], [[3, 4], [5, 6]]], ["a", "b"]), groups=np.array(["p", "q"])
    )
    test = replace(sequences([[[7, 8]], []], ["a", "b"]), groups=np.array(["r", "long"]))

    data, rows, _ = join_parts(train, test)

    assert isinstance(data.items, Ragged)
    assert data.groups is not None
    assert rows is not None
    assert rows.tolist() == [2, 3]
    assert [data.items[i].tolist() for i in range(4)] == [[[1, 2]], [[3, 4], [5, 6]], [[7, 8]], []]
    assert data.groups.tolist() == ["p", "q", "r", "long"]
    assert data.channels == ("x", "y")


TIMES = np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"channels": ("x", "z")},
            r"a\.ts and b\.ts must have the same channels, got x, y and x, z",
        ),
        ({"kind": "steps"}, "a class in a.ts and sequences with a label at every step in b.ts"),
        ({"items": ("x", "y")}, "sequences with a class in a.ts and texts with a class in b.ts"),
        ({"groups": TIMES}, "must both have groups, got them in one alone"),
        ({"times": TIMES}, "must both have times, got them in one alone"),
    ],
)
def test_parts_that_differ_raise(change: dict[str, Any], message: str) -> None:
    train = sequences([[[1, 2]], [[3, 4]]], ["a", "b"])

    with pytest.raises(DataError, match=message):
        join_parts(train, replace(train, source="b.ts", **change))


def test_times_of_two_kinds_raise() -> None:
    train = replace(texts(["x", "y"], ["a", "b"]), times=TIMES)
    dates = np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[us]")

    with pytest.raises(DataError, match="must have times of one kind, got numbers and dates"):
        join_parts(train, replace(train, times=dates))


@given(st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=3, max_size=3))
def test_joining_keeps_every_sequence(lengths: list[list[int]]) -> None:
    rng = np.random.default_rng(0)
    parts = [
        sequences([rng.normal(size=(n, 2)).tolist() for n in part] or [[[0.0, 0.0]]], ["a"])
        for part in lengths
    ]

    data, test, validation = join_parts(*parts)

    assert isinstance(data.items, Ragged)
    assert test is not None
    assert validation is not None
    rest = np.setdiff1d(np.arange(len(data)), np.concatenate([test, validation]))
    for part, rows in zip(parts, (rest, test, validation), strict=True):
        assert isinstance(part.items, Ragged)
        for i, row in enumerate(rows):
            assert np.array_equal(data.items[row], part.items[i])
