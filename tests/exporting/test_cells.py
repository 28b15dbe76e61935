"""What stands in a graph for a layer gives what the layer does, whatever is padded."""

from itertools import product
from typing import Any

import pytest

pytest.importorskip("onnxruntime", reason='needs the extra "onnx"')
pytest.importorskip("onnxscript", reason='needs the extra "onnx"')

import padded_layers
import torch
from padded_layers import CHANNELS, SIZE

from lockgate.exporting.comparing import compare
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


def test_a_relu_stays_one() -> None:
    torch.manual_seed(0)
    graph = graph_of(RNN(CHANNELS, SIZE, nonlinearity="relu", batch_first=True), masked=True)
    assert compare(graph, running(graph, to_onnx(graph)))[1] < 1e-5
