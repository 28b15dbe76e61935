"""A graph of ONNX is what is asked for, and no more."""

import logging
import warnings

import pytest

pytest.importorskip("onnx", reason='needs the extra "onnx"')
pytest.importorskip("onnxscript", reason='needs the extra "onnx"')

import onnx
import torch
from torch import Tensor, nn

from lockgate.exporting.onnx import running, to_onnx
from lockgate.nn import LSTM
from lockgate.tasks.graphs import Graph


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = LSTM(5, 7, batch_first=True).eval()

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        return (self.layer(*given)[0],)


def graph_of() -> Graph:
    def draw(batch: int, steps: int, generator: torch.Generator) -> dict[str, Tensor]:
        return {"x": torch.randn(batch, steps, 5, generator=generator)}

    return Graph(Layer(), {"x": {0: "batch", 1: "steps"}}, ("output",), draw, (11, 3))


def test_a_graph_of_a_layer_is_one_node_and_not_a_loop() -> None:
    kinds = [node.op_type for node in onnx.load_from_string(to_onnx(graph_of())).graph.node]
    assert kinds.count("LSTM") == 1
    assert len(kinds) < 30


def test_names_and_free_dimensions_are_those_of_the_graph() -> None:
    graph = graph_of()
    written = onnx.load_from_string(to_onnx(graph)).graph
    assert [one.name for one in written.input] == ["x"]
    assert [one.name for one in written.output] == ["output"]
    assert written.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    for batch, steps in ((2, 4), (5, 30)):
        (found,) = running(graph, to_onnx(graph))({"x": torch.zeros(batch, steps, 5)})
        assert found.shape == (batch, steps, 7)


def test_a_graph_tells_nothing_of_the_machine_that_wrote_it() -> None:
    data = to_onnx(graph_of())
    for told in (__file__, "lockgate", "torch/", "stack_trace"):
        assert told.encode() not in data


def test_what_is_quiet_meanwhile_speaks_again() -> None:
    level, filters = logging.getLogger("torch.onnx").level, list(warnings.filters)
    to_onnx(graph_of())
    assert logging.getLogger("torch.onnx").level == level
    assert warnings.filters == filters
