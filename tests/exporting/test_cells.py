"""What stands in a graph for a layer gives what the layer does, whatever is padded."""

from itertools import product
from typing import Any

import pytest

pytest.importorskip("onnxruntime", reason='needs the extra "onnx"')
pytest.importorskip("onnxscript", reason='needs the extra "onnx"')

import padded_layers
import torch
from padded_layers import CHANNELS, SIZE

from lockgate.exporting.folder import compare
from lockgate.exporting.onnx import running, to_onnx
from lockgate.nn import GRU, LSTM, RNN
from lockgate.tasks.graphs import Graph

CASES = list(product((LSTM, GRU, RNN), (False, True), (1, 2), (False, True)))


def graph_of(layer: Any, *, masked: bool) -> Graph:
    return padded_layers.graph_of(
        layer, masked=masked, axes={0: "batch", 1: "steps"}, lengths=(11, 23, 3)
    )


@pytest.mark.pairwise
@pytest.mark.parametrize(("layer", "both", "layers", "masked"), CASES)
def test_a_graph_gives_what_the_layer_does(
    layer: Any, both: bool, layers: int, masked: bool
) -> None:
    torch.manual_seed(0)
    rates = {"recurrent_dropout": 0.3, "dropout": 0.2 if layers > 1 else 0.0}
    built = layer(CHANNELS, SIZE, layers, batch_first=True, bidirectional=both, **rates)
    graph = graph_of(built, masked=masked)
    calls, farthest = compare(graph, running(graph, to_onnx(graph)))
    assert calls == 6  # batches of 1 and 7, three lengths
    assert farthest < 1e-5


@pytest.mark.parametrize(
    ("layer", "options"),
    [
        (RNN, {"nonlinearity": "relu"}),
        (LSTM, {"nonlinearity": "relu"}),
        (GRU, {"nonlinearity": "relu", "reset_after": False}),
    ],
)
def test_what_a_cell_was_asked_for_stays(layer: Any, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    graph = graph_of(layer(CHANNELS, SIZE, batch_first=True, **options), masked=True)
    assert compare(graph, running(graph, to_onnx(graph)))[1] < 1e-5


def test_zoneout_is_refused() -> None:
    graph = graph_of(LSTM(CHANNELS, SIZE, batch_first=True, zoneout=0.1), masked=True)
    with pytest.raises(Exception, match="must be of a network without zoneout"):
        to_onnx(graph)
