"""Whatever a layer is asked for, it compiles as one graph that computes the same."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from lockgate.nn import GRU, LSTM, RNN
from lockgate.ops import kernels

OPTIONS: dict[str, dict[str, Any]] = {
    "dropout": {"input_dropout": 0.5, "recurrent_dropout": 0.5, "output_dropout": 0.5},
    "step": {"recurrent_dropout": 0.5, "mask_over": "step"},
    "weights": {"weight_dropout": 0.5, "learn_initial_state": True},
    "zoneout-norm": {"zoneout": 0.5, "layer_norm": True},
    "stack": {"num_layers": 2, "bidirectional": True, "merge_mode": "mean", "residual": True},
    "mixed": {"bidirectional": [True, False], "recurrent_dropout": 0.5},
    "apart": {"bidirectional": True, "merge_mode": "none", "nonlinearity": "relu"},
}


@pytest.fixture(autouse=True)
def _nothing_is_compiled_yet() -> None:
    torch._dynamo.reset()


@pytest.mark.parametrize("cls", [RNN, LSTM, GRU])
@pytest.mark.parametrize("kind", OPTIONS)
def test_compiled_layer_is_the_layer(cls: type, kind: str) -> None:
    torch.manual_seed(0)
    layer, x = cls(3, 5, **OPTIONS[kind]), torch.randn(6, 2, 3)
    masks, mask = layer.draw_masks(2, 6), torch.rand(2, 6) < 0.6
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")

    expected = layer(x, mask=mask, masks=masks)

    torch.testing.assert_close(compiled(x, mask=mask, masks=masks), expected)


@pytest.mark.parametrize("cls", [RNN, LSTM, GRU])
def test_compiled_layer_is_the_layer_under_autocast(cls: type) -> None:
    """No autocast is on when the graph runs: what it asked for is in the call."""
    torch.manual_seed(0)
    layer, x = cls(3, 5, recurrent_dropout=0.5), torch.randn(6, 2, 3, requires_grad=True)
    masks = layer.draw_masks(2, 6)

    def run(call: Callable[..., Any]) -> list[Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            output, _ = call(x, masks=masks)
        sources = [x, *layer.parameters()]
        return [output, *torch.autograd.grad(output.float().square().sum(), sources)]

    got, expected = run(torch.compile(layer, fullgraph=True, backend="aot_eager")), run(layer)

    assert [value.dtype for value in got] == [value.dtype for value in expected]
    torch.testing.assert_close(got, expected)


@pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here")
@pytest.mark.parametrize("options", [{"proj_size": 2, "layer_norm": True}], ids=str)
def test_compiled_layer_calls_one_operator_whatever_the_length(options: dict[str, Any]) -> None:
    layer, calls = LSTM(3, 5, recurrent_dropout=0.5, **options), []

    def count(graph: torch.fx.GraphModule, _: Any) -> Callable[..., Any]:
        operators = [node for node in graph.graph.nodes if "lockgate" in str(node.target)]
        calls.append(len(operators))
        return graph.forward

    compiled = torch.compile(layer, fullgraph=True, dynamic=True, backend=count)
    for length in (4, 7, 9):
        x = torch.randn(length, 2, 3)
        masks = layer.draw_masks(2)
        torch.testing.assert_close(compiled(x, masks=masks), layer(x, masks=masks))

    assert set(calls) == {1}


@pytest.mark.parametrize("kind", OPTIONS)
def test_compiled_training_draws_anew_and_evaluation_does_not(kind: str) -> None:
    torch.manual_seed(0)
    layer, x = LSTM(3, 5, **OPTIONS[kind]), torch.randn(6, 2, 3)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    outputs = [compiled(x)[0] for _ in range(2)]
    first, second = (o[0] if isinstance(o, tuple) else o for o in outputs)
    drops = not {"stack", "apart"} & {kind}

    assert torch.equal(first, second) != drops
    layer.eval()
    torch.testing.assert_close(compiled(x), layer(x))


DISTRIBUTED = """
import os, sys
import torch
from torch import Tensor
import torch.distributed as dist
from lockgate.nn import GRU

rank = int(sys.argv[1])
dist.init_process_group("gloo", init_method="file://" + sys.argv[2], rank=rank, world_size=2)
torch.manual_seed(0)
layer = GRU(3, 50, recurrent_dropout=0.5)
mine = layer.draw_masks(2).cells[0].h
masks = [torch.empty_like(mine) for _ in range(2)]
dist.all_gather(masks, mine)
given = layer.draw_masks(2, generator=torch.Generator().manual_seed(1)).cells[0].h
both = [torch.empty_like(given) for _ in range(2)]
dist.all_gather(both, given)
print(torch.equal(*masks), torch.equal(*both))
dist.destroy_process_group()
"""


def test_processes_of_one_seed_draw_different_masks(tmp_path) -> None:
    command = [sys.executable, "-c", DISTRIBUTED]
    started = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "store")], stdout=subprocess.PIPE)
        for rank in range(2)
    ]

    told = [process.communicate(timeout=120)[0].decode().split() for process in started]

    # a generator of the caller's is left as it is
    assert told == [["False", "True"]] * 2
