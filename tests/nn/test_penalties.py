"""The penalties are means over what is valid."""

import pytest
import torch

from lockgate.nn import activation_penalty, temporal_activation_penalty


def test_penalties_are_mean_squares(draw) -> None:
    output = draw(7, 2, 3)

    torch.testing.assert_close(activation_penalty(output), (output**2).sum() / 42)
    steps = output[1:] - output[:-1]
    torch.testing.assert_close(temporal_activation_penalty(output), (steps**2).sum() / 36)
    turned = temporal_activation_penalty(output.transpose(0, 1), batch_first=True)
    torch.testing.assert_close(turned, (steps**2).sum() / 36)


def test_padding_does_not_count(draw) -> None:
    output = draw(7, 2, 3)
    valid = torch.ones(7, 2, dtype=torch.bool)
    valid[4:, 1] = False
    poisoned = output.masked_fill(~valid[..., None], float("nan"))
    rows = torch.cat([output[:, 0], output[:4, 1]])
    steps = torch.cat([output[1:, 0] - output[:-1, 0], output[1:4, 1] - output[:3, 1]])

    torch.testing.assert_close(activation_penalty(poisoned, valid), (rows**2).mean())
    torch.testing.assert_close(temporal_activation_penalty(poisoned, valid), (steps**2).mean())


@pytest.mark.parametrize("valid", [None, torch.zeros(1, 2, dtype=torch.bool)])
def test_nothing_to_count_is_zero(valid) -> None:
    output = torch.ones(1, 2, 3, requires_grad=True)

    assert temporal_activation_penalty(output, valid) == 0
    if valid is not None:
        assert activation_penalty(output, valid) == 0
