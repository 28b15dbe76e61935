"""The GPU kernels say why they cannot run on a device."""

import pytest
import torch

from lockgate.ops import lstm
from lockgate.ops._triton import support

SIZES = (3, 5, 4, 7)  # batch, time, input, hidden


def test_nothing_is_interpreted_unless_forced(make_case) -> None:
    call = make_case("lstm", SIZES).call

    assert support.why_not(lstm.operator.CELL, *call) == "x is on cpu"


@pytest.mark.parametrize(
    ("capability", "reason"),
    [
        ((7, 5), "it needs a GPU of compute capability 8.0, and cuda:0 has 7.5"),
        ((8, 0), None),
        ((12, 0), None),
    ],
)
def test_a_gpu_that_is_too_old_is_named(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], reason: str | None
) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)

    class OnGpu:
        device = torch.device("cuda:0")

    assert support._why_not_device(OnGpu()) == reason
