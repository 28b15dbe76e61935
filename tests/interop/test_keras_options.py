"""Layers around cells are read as the layers that the cells make, without Keras."""

import warnings
from typing import Any

import pytest

from lockgate.interop.keras_options import parts_of, snake_case, tell_precision


def cell(kind: str, **config: Any) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": kind, "config": {"units": 4, **config}}


def around(inner: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {"name": "rnn", "cell": inner, "return_sequences": False, "dtype": "float32", **config}


def test_another_layer_is_one_part_as_it_is() -> None:
    config = {"units": 3}

    assert parts_of("LSTM", config) == [("LSTM", config, "cell", None)]


def test_a_cell_makes_the_layer_of_its_kind() -> None:
    [part] = parts_of("RNN", around(cell("GRUCell", dtype="mixed_float16", name="gru_cell")))

    assert (part.kind, part.group, part.number) == ("GRU", "cell", None)
    assert (part.config["units"], part.config["name"]) == (4, "rnn")
    assert part.config["dtype"] == "mixed_float16"
    assert not part.config["return_sequences"]


def test_stacked_cells_make_a_layer_each_of_which_the_last_returns_as_told() -> None:
    cells = [cell("LSTMCell"), cell("LSTMCell", units=5), cell("GRUCell")]

    parts = parts_of("RNN", around(cell("StackedRNNCells", cells=cells)))

    assert [part.group for part in parts] == [
        "cell/cells/lstm_cell",
        "cell/cells/lstm_cell_1",
        "cell/cells/gru_cell",
    ]
    assert [part.config["return_sequences"] for part in parts] == [True, True, False]
    assert [part.number for part in parts] == [0, 1, 2]


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (
            {**cell("MinimalCell"), "module": "mine"},
            "cell of 'rnn' must be one of SimpleRNNCell, LS",
        ),
        (cell("StackedRNNCells", cells=[]), r"cells of 'rnn' must be a list of cells, got \[\]"),
        (cell("StackedRNNCells", cells=4), "cells of 'rnn' must be a list of cells, got 4"),
        ({"class_name": "LSTMCell"}, "config of a cell of 'rnn' must be a mapping, got NoneType"),
        (None, "cell of 'rnn' must be a mapping, got NoneType"),
    ],
)
def test_other_cells_are_refused(inner: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parts_of("RNN", around(inner))


@pytest.mark.parametrize("dtype", ["float32", None, {"config": {"name": "float64"}}, {"config": 3}])
def test_one_precision_is_not_told(dtype: Any) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        tell_precision("lstm", {"dtype": dtype})

    assert told == []


@pytest.mark.parametrize(
    "dtype", ["mixed_float16", {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}]
)
def test_a_mixed_precision_is_told(dtype: Any) -> None:
    with pytest.warns(UserWarning, match="layer 'lstm' computes in float16 in Keras"):
        tell_precision("lstm", {"dtype": dtype})


def test_groups_are_named_as_keras_does() -> None:
    names = [snake_case(name) for name in ("LSTM", "SimpleRNNCell", "mine.MyGRU2", "RNN")]

    assert names == ["lstm", "simple_rnn_cell", "my_gru2", "rnn"]
