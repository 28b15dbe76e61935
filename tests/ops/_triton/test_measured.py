"""Where both can run, what was measured says who does."""

import pytest
import torch

from lockgate.ops import fused, lstm
from lockgate.ops._triton import measured
from lockgate.ops._triton.measured import Measured, Measurements
from lockgate.ops.dispatch import backend


class OnGpu:
    """What is asked of a tensor on a GPU."""

    device = torch.device("cuda:0")
    dtype = torch.bfloat16
    shape = (100, 20, 8)


@pytest.fixture
def faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """One GPU, on which a small LSTM is faster than cuDNN's and a large one is not."""
    cells = (
        Measured("lstm", "bfloat16", 16, 64, 1.25),
        Measured("lstm", "bfloat16", 16, 1024, 0.5),
    )
    monkeypatch.setattr(measured, "table", lambda: Measurements("Card", cells))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Card")


def test_the_nearest_size_decides(faster) -> None:
    reason = "triton was measured to be 1.25 times as fast at this size"
    assert measured.why_faster("lstm", OnGpu(), 100) == reason
    assert measured.why_faster("lstm", OnGpu(), 900) is None


def test_what_was_not_measured_is_left_to_cudnn(faster, monkeypatch) -> None:
    assert measured.why_faster("gru", OnGpu(), 64) is None
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Another card")
    assert measured.why_faster("lstm", OnGpu(), 64) is None


def test_a_cpu_is_not_looked_up(faster) -> None:
    assert measured.why_faster("lstm", torch.zeros(3, 16, 64, dtype=torch.bfloat16), 64) is None


def test_torchs_layer_steps_back_unless_it_is_forced(faster, monkeypatch) -> None:
    monkeypatch.setattr(fused, "why_faster", lambda *_: "triton is faster")
    state = lstm.State(torch.zeros(2, 5), torch.zeros(2, 5))
    weights = lstm.Weights(torch.zeros(20, 4), torch.zeros(20, 5))
    call = (torch.zeros(3, 2, 4), state, weights, lstm.Masks(), None, lstm.Options())

    assert lstm.aten.why_not(*call) == "triton is faster"
    with backend("aten"):
        assert lstm.aten.why_not(*call) is None


def test_the_table_of_the_package_can_be_read() -> None:
    found = measured.table()

    assert found.gpu is None or found.cells
    assert all(cell.ratio > 0 for cell in found.cells)
