"""A graph of torch's own operators gives what the layer does, and needs no lockgate."""

import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import padded_layers
import pytest
import torch
from padded_layers import CHANNELS, SIZE

from lockgate.errors import DataError
from lockgate.exporting.comparing import compare
from lockgate.exporting.pt2 import running, to_pt2
from lockgate.nn import GRU, LSTM, RNN
from lockgate.tasks.graphs import Graph

STEPS = 11
CASES = list(product((LSTM, GRU, RNN), (False, True), (1, 2), (False, True)))


def graph_of(layer: Any, *, masked: bool) -> Graph:
    return padded_layers.graph_of(layer, masked=masked, axes={0: "batch"}, lengths=(STEPS,))


@pytest.mark.pairwise
@pytest.mark.parametrize(("layer", "both", "layers", "masked"), CASES)
def test_a_graph_gives_what_the_layer_does(
    layer: Any, both: bool, layers: int, masked: bool
) -> None:
    torch.manual_seed(0)
    rates = {"recurrent_dropout": 0.3, "dropout": 0.2 if layers > 1 else 0.0}
    built = layer(CHANNELS, SIZE, layers, batch_first=True, bidirectional=both, **rates)
    graph = graph_of(built, masked=masked)
    calls, farthest = compare(graph, running(to_pt2(graph)))
    assert calls == 2  # batches of 1 and 7
    assert farthest < 1e-5


def test_relu_and_layers_without_bias_stay_so() -> None:
    torch.manual_seed(0)
    for layer in (
        RNN(CHANNELS, SIZE, nonlinearity="relu", batch_first=True),
        GRU(CHANNELS, SIZE, bias=False, batch_first=True),
    ):
        graph = graph_of(layer, masked=True)
        assert compare(graph, running(to_pt2(graph)))[1] < 1e-5


def test_a_graph_tells_no_path_of_the_machine_that_wrote_it() -> None:
    data = to_pt2(graph_of(RNN(CHANNELS, SIZE, batch_first=True), masked=True))
    assert str(Path(__file__).parents[1]).encode() not in data
    assert b"stack_trace" not in data


@pytest.mark.parametrize(
    ("layer", "options", "reason"),
    [
        (GRU, {"reset_after": False}, "reset_after=True, got False"),
        (LSTM, {"nonlinearity": "relu"}, "nonlinearity='tanh' in its lstm"),
    ],
)
def test_what_torchs_operators_lack_is_refused(layer: Any, options: Any, reason: str) -> None:
    graph = graph_of(layer(CHANNELS, SIZE, batch_first=True, **options), masked=False)
    with pytest.raises(ValueError, match=f"must be of a network .*{reason}"):
        to_pt2(graph)


def test_torch_loads_it_where_there_is_no_lockgate(tmp_path: Path) -> None:
    graph = graph_of(LSTM(CHANNELS, SIZE, batch_first=True), masked=True)
    (tmp_path / "model.pt2").write_bytes(to_pt2(graph))
    code = """
import sys, torch
sys.modules["lockgate"] = None
run = torch.export.load("model.pt2").module()
print(*(tuple(one.shape) for one in run(torch.zeros(4, 11, 5), torch.ones(4, 11).bool())))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "(4, 11, 7) (1, 4, 7) (1, 4, 7)"


def test_steps_that_are_free_are_refused() -> None:
    axes = {0: "batch", 1: "steps"}
    layer = LSTM(CHANNELS, SIZE, batch_first=True)
    graph = padded_layers.graph_of(layer, masked=False, axes=axes, lengths=(STEPS,))
    with pytest.raises(DataError, match="to must be onnx for a model whose number of steps is"):
        to_pt2(graph)
