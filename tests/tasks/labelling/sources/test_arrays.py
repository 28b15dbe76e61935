"""Arrays in memory become sequences, whatever holds them; what is none is refused by its row."""

import numpy as np
import pandas as pd
import pytest
import torch

from lockgate.errors import DataError
from lockgate.tasks.labelling.labelled import check_labelled
from lockgate.tasks.labelling.sources.arrays import from_arrays

BLOCK = np.arange(12, dtype=np.float64).reshape(2, 3, 2)


def objects(*arrays: object) -> np.ndarray:
    held = np.empty(len(arrays), dtype=object)
    held[:] = arrays
    return held


@pytest.mark.parametrize(
    "X",
    [
        BLOCK,
        BLOCK.astype(np.int32),
        list(BLOCK),
        tuple(BLOCK),
        BLOCK.tolist(),
        objects(*BLOCK),
        BLOCK.astype(object),
        torch.from_numpy(BLOCK),
        [torch.from_numpy(row) for row in BLOCK],
    ],
    ids=["block", "ints", "list", "tuple", "lists", "objects", "boxed", "tensor", "tensors"],
)
def test_what_holds_the_arrays_changes_nothing(X: object) -> None:
    data = from_arrays(X, ["a", "b"])

    np.testing.assert_array_equal(data.items.values, BLOCK.reshape(6, 2))
    assert data.items.values.dtype == np.float32
    assert data.items.starts.tolist() == [0, 3, 6]
    assert (data.channels, data.names) == (("dim_1", "dim_2"), ("row 1", "row 2"))
    assert (data.labels.tolist(), data.kind) == (["a", "b"], "class")
    assert data.fingerprint == from_arrays(BLOCK, ["a", "b"]).fingerprint


@pytest.mark.parametrize("X", [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.arange(1, 7).reshape(2, 3)])
def test_steps_alone_are_one_channel(X: object) -> None:
    data = from_arrays(X, [0, 1])

    assert (data.items.lengths.tolist(), data.channels) == ([3, 3], ("dim_1",))
    assert data.items.values[:, 0].tolist() == [1, 2, 3, 4, 5, 6]


def test_frame_is_a_sequence_in_each_row() -> None:
    assert from_arrays(pd.DataFrame([[1, 2], [3, 4]]), [0, 1]).items[1].tolist() == [[3], [4]]


def test_what_was_given_is_not_held() -> None:
    block = BLOCK.astype(np.float32)
    data = from_arrays(block, [0, 1])

    block[:] = 0

    assert data.items.values[-1].tolist() == [10, 11]


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        ([1, 2], ["1", "2"]),
        (np.array([1.0, 2.0]), ["1", "2"]),
        ([True, False], ["true", "false"]),
        (np.array(["x", "yy"], dtype=object), ["x", "yy"]),
        (pd.Series(["x", "yy"]), ["x", "yy"]),
        (None, ["", ""]),
    ],
)
def test_labels_are_text(y: object, labels: list[str]) -> None:
    assert from_arrays(BLOCK, y).labels.tolist() == labels


def test_numbers_and_labels_at_steps_are_of_their_kind() -> None:
    numbers = from_arrays(BLOCK, np.array([0.5, 2]), as_number=True)
    tags = from_arrays([[1.0], [2.0, 3.0]], [["a"], ["b", "a"]])

    assert (numbers.kind, numbers.labels.tolist()) == ("number", [0.5, 2.0])
    assert (tags.kind, tags.labels.tolist()) == ("steps", ["a", "b", "a"])


def test_groups_and_channels_go_along() -> None:
    data = from_arrays(BLOCK, [0, 1], groups=[7, 7], channels=["x", "y"])

    assert data.groups is not None
    assert (data.groups.tolist(), data.channels) == ([7, 7], ("x", "y"))


def test_what_cannot_be_learned_from_is_left_to_the_check() -> None:
    empty = from_arrays([np.zeros((2, 3)), np.zeros(0), np.zeros((0, 3))], [0, 1, 0])

    assert empty.items.lengths.tolist() == [2, 0, 0]
    with pytest.raises(DataError, match=r"every sequence must hold something, .* row 2, row 3"):
        check_labelled(empty)
    with pytest.raises(DataError, match="X must hold examples, got none"):
        check_labelled(from_arrays([], []))
    with pytest.raises(DataError, match="got inf in row 1, step 1, channel 'dim_1'"):
        check_labelled(from_arrays([[1e39], [1.0]], [0, 1]))


@pytest.mark.parametrize(
    ("X", "options", "message"),
    [
        ([np.zeros((2, 3)), np.zeros((2, 2))], {}, "got 3 in row 1 and 2 in row 2"),
        ([np.zeros((2, 3)), np.zeros(2)], {}, "got 3 in row 1 and 1 in row 2"),
        ([1.0, 2.0], {}, r"of shape \(steps,\) or \(steps, channels\), got shape \(\) in row 1"),
        (np.zeros((2, 1, 1, 1)), {}, r"got shape \(1, 1, 1\) in row 1"),
        (np.zeros((2, 3, 0)), {}, "X must have one channel or more"),
        ([np.zeros((3, 0)), np.zeros((3, 0))], {}, r"got shape \(3, 0\) in row 1"),
        ([[1.0], ["a"]], {}, "X must hold arrays of real numbers, got <U1 in row 2"),
        ([[1.0], [{}]], {}, "X must hold arrays of numbers, got others in row 2"),
        ([[1.0], [[1.0], [2.0, 3.0]]], {}, "X must hold arrays of numbers, got others in row 2"),
        ([[1.0], [1j]], {}, "X must hold arrays of real numbers, got complex128 in row 2"),
        (BLOCK, {"y": [1]}, "y must hold a label for each of the 2 sequences, got 1"),
        (BLOCK, {"y": 1}, "y must hold a label for each of the 2 sequences, got int"),
        (BLOCK, {"y": "ab"}, "y must hold a label for each of the 2 sequences, got 2"),
        (BLOCK, {"y": ["a", ["b"]]}, r"label must be a text or a number, got \['b'\] in row 2"),
        (BLOCK, {"y": [[1] * 3, [1] * 2]}, "got 2 for 3 steps in row 2"),
        (BLOCK, {"y": [[1] * 3] * 2, "as_number": True}, "y must be one number for each"),
        (BLOCK, {"y": ["1", "x"], "as_number": True}, "must be a number, got 'x' in row 2"),
        (BLOCK, {"groups": [1]}, "groups must hold a group for each of the 2 sequences, got 1"),
        (BLOCK, {"channels": ["x"]}, "channels must be 2 different names"),
        (BLOCK, {"channels": ["x", "x"]}, "channels must be 2 different names"),
    ],
)
def test_what_are_no_sequences_raises(X: object, options: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_arrays(X, **{"y": [0, 1], **options})


@pytest.mark.parametrize("X", [None, 3, "text", {"a": [1.0]}, np.float64(2)])
def test_what_is_no_list_raises(X: object) -> None:
    with pytest.raises(TypeError, match="X must be a list of arrays, or an array, got"):
        from_arrays(X, [0])
