"""Under autocast results have the type that it asks for, whatever computes them."""

import bfloat16
import pytest
import torch

from lockgate import nn
from lockgate.ops import kernels
from lockgate.ops.dispatch import backend


@pytest.mark.parametrize("name", ["LSTM", "RNN"])
def test_output_and_state_have_the_types_of_torch_under_autocast(name: str) -> None:
    if name == "LSTM":
        bfloat16.skip_without_lstms()
    x = torch.randn(5, 2, 3)
    own, plain = getattr(nn, name)(3, 4).eval(), getattr(torch.nn, name)(3, 4).eval()

    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        output, state = own(x)
        expected, expected_state = plain(x)

    def types(state: object) -> list[torch.dtype]:
        return [part.dtype for part in (state if isinstance(state, tuple) else (state,))]

    assert output.dtype == expected.dtype
    assert types(state) == types(expected_state)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("by", ["cpu", "aten", "reference"])
def test_every_backend_gives_the_type_that_autocast_asks_for(name: str, by: str) -> None:
    """torch's own GRU does not, on a CPU: a network would change with the machine."""
    if by == "cpu" and not (kernels.BUILT and kernels.extension().has_bfloat16()):
        pytest.skip("this processor has no AVX-512 BF16")
    if by == "aten" and name == "LSTM":
        bfloat16.skip_without_lstms()
    layer, x = getattr(nn, name)(3, 4).eval(), torch.randn(5, 2, 3)

    with torch.autocast("cpu", dtype=torch.bfloat16), backend(by):
        output, state = layer(x)

    parts = state if isinstance(state, tuple) else (state,)
    assert {output.dtype, *(part.dtype for part in parts)} == {torch.bfloat16}
