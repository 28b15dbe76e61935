"""Whatever differs from a peer fails, unless a line says that it is to, and no line is idle."""

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lockgate import nn

PEERS = Path(__file__).parents[2] / "scripts" / "peers"


@pytest.fixture(scope="module")
def peers() -> Any:
    loader = SourceFileLoader("peers", str(PEERS))
    spec = importlib.util.spec_from_loader("peers", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("cases", "differences", "failed", "told"),
    [
        ([("a", ""), ("b", "")], {}, False, "torch: 2 passed, 0 differ as intended, 0 failed"),
        ([("a", ""), ("b", "is off")], {}, True, "FAILED torch/b: is off"),
        (
            [("a", ""), ("b", "is off")],
            {"torch/b: is *": "meant"},
            False,
            "torch: 1 passed, 1 differ as intended, 0 failed",
        ),
        ([("a", ""), ("b", "")], {"torch/b: is *": "meant"}, True, "UNUSED torch/b: is *"),
        ([("a", "")], {"keras/b: *": "meant"}, False, "torch: 1 passed, 0 differ"),
        ([], {}, True, "torch: 0 passed"),
    ],
)
def test_what_differs_is_judged(
    peers: Any, capsys: Any, cases: Any, differences: Any, failed: bool, told: str
) -> None:
    assert peers.judge("torch", iter(cases), differences) is failed
    assert told in capsys.readouterr().out


def test_every_line_of_the_list_has_a_pattern_and_a_reason(peers: Any) -> None:
    differences = peers.read_differences()

    assert differences
    for pattern, reason in differences.items():
        assert pattern.split("/")[0] in ("torch", "keras", "torch-tests")
        assert reason.strip()


def test_a_layer_that_computes_something_else_is_found(peers: Any) -> None:
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    given = SimpleNamespace(
        constructor_input=SimpleNamespace(args=(3, 4), kwargs={}),
        forward_input=SimpleNamespace(args=(x,), kwargs={}),
    )

    class Off(nn.GRU):
        def forward(self, *args: Any, **options: Any) -> Any:
            output, state = super().forward(*args, **options)
            return output * (1 + 1e-6), state

    assert peers._compare(torch.nn.GRU, nn.GRU, given, True) == ""
    assert peers._compare(torch.nn.GRU, Off, given, True).startswith("tensor 0 is off by ")


def test_test_files_of_torch_run_with_our_layers(peers: Any, tmp_path: Path) -> None:
    path = tmp_path / "test_layers.py"
    path.write_text(
        "import unittest, torch\n"
        "class TestRNN(unittest.TestCase):\n"
        "    def test_lstm(self):\n"
        "        assert type(torch.nn.LSTM(3, 4)).__module__.startswith('lockgate')\n"
        "    def test_gru(self):\n"
        "        assert torch.nn.GRU(3, 4)(torch.zeros(5, 2, 3))[0].shape == (5, 2, 5)\n"
        "    def test_linear(self):\n"
        "        raise AssertionError\n"
    )

    found = {name.split("::")[-1]: fault for name, fault in peers.torch_test_cases(path)}

    assert found.pop("test_lstm") == ""
    assert "AssertionError" in found.pop("test_gru")
    assert torch.nn.GRU is not nn.GRU
