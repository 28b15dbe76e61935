"""What stands in a graph for a layer gives what the layer does, whatever is padded."""

from itertools import product
from typing import Any

import pytest

pytest.importorskip("onnxruntime", reason='needs the extra "onnx"')
pytest.importorskip("onnxscript", reason='needs the extra "onnx"')

import onnx
import padded_layers
import torch
from padded_layers import CHANNELS, SIZE

from lockgate.exporting.comparing import compare
from lockgate.exporting.onnx import running, to_onnx
from lockgate.nn import GRU, LSTM, RNN
from lockgate.tasks.graphs import Graph

LAYERS = (LSTM, GRU, RNN)
CASES = list(product(LAYERS, (False, True), (1, 2), (False, True)))
# options of a loop, but for the relu and `reset_after`, which nodes of ONNX have
NORMED, KEPT, RECTIFIED = {"layer_norm": True}, {"zoneout": 0.2}, {"nonlinearity": "relu"}
OWN = {LSTM: {"proj_size": 3, "zoneout": (0.2, 0.1)}, GRU: {"reset_after": False}, RNN: {}}
SHAPES = {LSTM: (1, True), GRU: (2, False), RNN: (2, True)}  # layers, and both directions
LOOPS = [
    (layer, options, both, layers, masked)
    for layer in LAYERS
    for options in (NORMED, KEPT, OWN[layer], RECTIFIED | OWN[layer])
    for both, layers, masked in product((False, True), (1, 2), (False, True))
    # nodes have a relu, and a GRU's reset gate before the product
    if options.keys() & {*NORMED, *KEPT, "proj_size"}
]


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


def assert_loops(layer: Any, *, masked: bool) -> None:
    graph = graph_of(layer, masked=masked)
    written = to_onnx(graph)
    kinds = [node.op_type for node in onnx.load_from_string(written).graph.node]
    assert kinds.count("Scan") == layer.num_layers * (1 + layer.bidirectional)
    calls, farthest = compare(graph, running(graph, written))
    assert calls == 6
    # a norm over few values that are nearly alike magnifies what float32 rounds
    assert farthest < (1e-4 if layer.layer_norm else 1e-5)


@pytest.mark.parametrize(
    "layer", [LSTM, *(pytest.param(one, marks=pytest.mark.slow) for one in (RNN, GRU))]
)
def test_what_no_node_computes_is_a_loop_of_any_length(layer: Any) -> None:
    torch.manual_seed(0)
    layers, both = SHAPES[layer]
    # a norm and `reset_after=False` exclude each other
    norm = {} if layer is GRU else NORMED
    options = {**norm, **KEPT, **RECTIFIED, **OWN[layer]}
    built = layer(CHANNELS, SIZE, layers, batch_first=True, bidirectional=both, **options)
    assert_loops(built, masked=True)


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "options", "both", "layers", "masked"), LOOPS)
def test_each_option_alone(
    layer: Any, options: dict[str, Any], both: bool, layers: int, masked: bool
) -> None:
    torch.manual_seed(0)
    built = layer(CHANNELS, SIZE, layers, batch_first=True, bidirectional=both, **options)
    assert_loops(built, masked=masked)


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
