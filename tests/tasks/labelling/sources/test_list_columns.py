"""Lists in the cells of a row are the channels of a sequence, or its steps."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.tasks.labelling.labelled import Labelled, check_labelled
from lockgate.tasks.labelling.sources.sequences import read_sequences

LISTS = pl.DataFrame(
    {
        "key": ["p", "q"],
        "x": [[1.0, 2.0, 3.0], [4.0]],
        "y": [[5, 6, 7], [8]],
        "age": [30, 40],
        "kind": ["up", "down"],
    }
)


def lists(frame: pl.DataFrame = LISTS, **options: object) -> Labelled:
    return read_sequences(frame, **{"label": "kind", **options})


def test_a_list_column_is_a_channel() -> None:
    data = lists(id="key", group="age", time="age")

    assert [data.items[i].tolist() for i in range(2)] == [[[1, 5], [2, 6], [3, 7]], [[4, 8]]]
    assert data.items.values.dtype == np.float32
    assert (data.names, data.channels) == (("p", "q"), ("x", "y"))
    assert data.labels.tolist() == ["up", "down"]
    assert data.groups is not None
    assert data.times is not None
    assert (data.groups.tolist(), data.times.tolist()) == (["30", "40"], [30, 40])
    assert lists().notices == (
        "not read as inputs: 'key' (one value in a row), 'age' (one value in a row)",
    )
    assert lists().names == ("row 1", "row 2")


def test_parquet_and_pandas_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "lists.parquet"
    LISTS.write_parquet(path)
    frame = pd.DataFrame(LISTS.to_dict(as_series=False))

    assert read_sequences(path, label="kind").fingerprint == lists().fingerprint
    assert read_sequences(frame, label="kind").fingerprint == lists().fingerprint


def test_lists_of_lists_are_steps() -> None:
    frame = pl.DataFrame({"s": [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]], "kind": ["a", "b"]})

    data = lists(frame)

    assert (data.channels, data.items.lengths.tolist()) == (("s_1", "s_2"), [2, 1])
    assert data.items.values.tolist() == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 2)])
def test_arrays_of_one_size_are_lists_too(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    frame = pl.DataFrame({"s": values, "kind": ["a", "b"]})

    data = lists(frame)

    np.testing.assert_array_equal(data.items.values, values.reshape(6, -1))


def test_labels_at_steps_are_lists() -> None:
    frame = LISTS.with_columns(kind=pl.Series([["a", "b", "a"], ["b"]]))

    data = lists(frame, at_steps=True)

    assert (data.kind, data.labels.tolist()) == ("steps", ["a", "b", "a", "b"])


def test_lists_of_labels_are_several() -> None:
    frame = LISTS.with_columns(kind=pl.Series([["b", "a"], []], dtype=pl.List(pl.String)))

    assert lists(frame, several=",").labels.tolist() == ["a\x1fb", ""]


@pytest.mark.parametrize("value", [[], None])
def test_empty_lists_are_left_to_the_check(value: list[float] | None) -> None:
    frame = pl.DataFrame({"x": [[1.0], value, [2.0, 3.0], [4.0]], "kind": ["a", "b", "a", "b"]})

    data = lists(frame)

    assert data.items.lengths.tolist() == [1, 0, 2, 1]
    assert data.items.values[:, 0].tolist() == [1, 2, 3, 4]
    with pytest.raises(DataError, match=r"every sequence must hold something, .* row 2"):
        check_labelled(data)


def nested(values: list[object]) -> pl.DataFrame:
    return pl.DataFrame({"s": values, "kind": ["a", "b"]}, strict=False)


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (LISTS, {"label": None}, "label must name a column of 'frame', got none"),
        (LISTS, {"step": "age"}, "step must be left out where cells hold whole sequences"),
        (LISTS, {"inputs": ("age",)}, "inputs must be columns of lists, got 'age'; they are x, y"),
        (LISTS, {"inputs": ("z",)}, "inputs must name a column of 'frame', got 'z'"),
        (LISTS, {"label": "x"}, r"label must hold one value for each row, .* at_steps=True"),
        (LISTS, {"at_steps": True}, "label must hold lists, one label for each step"),
        (
            LISTS.with_columns(y=pl.Series([[5, 6], [8]])),
            {},
            "of one length, got 3 in 'x' and 2 in 'y' in row 1",
        ),
        (
            LISTS.with_columns(kind=pl.Series([["a", "b", "a"], ["b", "a"]])),
            {"at_steps": True, "id": "key"},
            "got 1 in 'the inputs' and 2 in 'kind' in q",
        ),
        (
            LISTS.with_columns(x=pl.Series([["1", "2", "3"], ["four"]])),
            {},
            "inputs must be numbers, got 'four' in row 2, step 1, column 'x'",
        ),
        (nested([[[1, 2]], [[3, 4], [5]]]), {}, "must have 2 channels .* got 1 in row 2, step 2"),
        (nested([[[]], [[]]]), {}, "must be a number or a list of them, got an empty list in 's'"),
        (nested([[[[1]]], [[[2]]]]), {}, "a list of them, got lists of lists in 's'"),
        (nested([[["a"]], [["b"]]]), {}, "inputs must be numbers, got 'a' in row 1, step 1"),
        (LISTS.select("x"), {"label": "x"}, "inputs must be columns of lists, got none beside"),
    ],
)
def test_lists_that_do_not_fit_raise(frame, options, message) -> None:
    with pytest.raises(DataError, match=message):
        read_sequences(frame, **{"label": "kind", **options})
