"""Under autocast a state has the type that torch's layers give it."""

import bfloat16
import pytest
import torch

from lockgate import nn


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
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
