"""What no classifier can learn from is refused, and the row is named."""

import numpy as np
import pytest

from lockgate import DataError
from lockgate.data.labelled import Labelled, Ragged, check, classes_of


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
    ("data", "message"),
    [
        (texts([], []), "a.csv must hold labelled examples, got none"),
        (texts(["x", "y"], ["a", "a"]), "two classes or more, got 'a' alone"),
        (
            texts(["x", "y", "z"], ["a", "a", "b"]),
            r"every class must have two examples or more, got 'b' with one \(row 3\)",
        ),
        (texts(["x", " ", "z", "u"], ["a", "a", "b", "b"]), "every text must .* got 1 empty one"),
        (texts(["x", " ", "z", "u"], ["a", "a", "b", "b"]), r"row 2; drop it \(--drop-empty\)"),
        (sequences([[[1, 2]], []], ["a", "b"]), "every sequence must hold something, .* row 2"),
        (
            sequences([[[1, 2]], [[1, 2], [3, np.nan]]], ["a", "b"]),
            "must be a finite number, got nan in row 2, step 2, channel 'y'",
        ),
    ],
)
def test_what_nobody_can_learn_from_raises(data: Labelled, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check(data)


def test_what_can_be_learned_from_passes() -> None:
    data = texts(["x", "y", "z", "u"], ["a", "a", "b", "b"])

    assert check(data) is data


def test_fingerprint_follows_items_and_labels() -> None:
    first = texts(["x", "y"], ["a", "b"]).fingerprinted().fingerprint

    assert first == texts(["x", "y"], ["a", "b"]).fingerprinted().fingerprint
    assert first != texts(["x", "z"], ["a", "b"]).fingerprinted().fingerprint
    assert first != texts(["x", "y"], ["b", "a"]).fingerprinted().fingerprint
