"""What stands in a graph for a layer gives what the layer does, whatever is padded."""

from itertools import product
from typing import Any

import pytest

pytest.importorskip("onnxruntime", reason='needs the extra "onnx"')
pytest.importorskip("onnxscript", reason='needs the extra "onnx"')

import torch
from padded_layers import Layer
from torch import Tensor

from lockgate.exporting.folder import compare
from lockgate.exporting.onnx import running, to_onnx
from lockgate.nn import GRU, LSTM, RNN
from lockgate.tasks.graphs import Graph

CHANNELS, SIZE = 5, 7
CASES = list(product((LSTM, GRU, RNN), (False, True), (1, 2), (False, True)))


def graph_of(layer: Any, *, masked: bool) -> Graph:
    def draw(batch: int, steps: int, generator: torch.Generator) -> dict[str, Tensor]:
        x = torch.randn(batch, steps, CHANNELS, generator=generator)
        mask = torch.rand(batch, steps, generator=generator) > 0.4
        mask[0] = False  # all of it is padding
        # a NaN in padding must reach nothing
        told = {"x": x.masked_fill(~mask[..., None], torch.nan) if masked else x}
        return told | ({"mask": mask} if masked else {})

    state = ("h", "c") if isinstance(layer, LSTM) else ("h",)
    axes = {name: {0: "batch", 1: "steps"} for name in ("x", "mask")[: 1 + masked]}
    module = Layer(layer.eval(), masked=masked)
    return Graph(module, axes, ("output", *state), draw, (11, 23, 3))


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
