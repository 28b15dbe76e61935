"""The stack that a configuration describes, and what a head reads of it."""

import pytest
import torch

from lockgate.tasks.stack.config import CellName, StackConfig
from lockgate.tasks.stack.network import build_stack, last_of, width_of


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize(
    ("hidden_size", "bidirectional"),
    [
        ((64, 32), (True, False)),
        ((5, 4), (False, True)),
        (5, (True, False)),
        (5, (True, True)),
        ((5, 4), True),
        (5, False),
    ],
    ids=str,
)
def test_the_last_state_is_where_the_top_layer_ended(
    cell: CellName, hidden_size: int | tuple[int, ...], bidirectional: bool | tuple[bool, ...]
) -> None:
    config = StackConfig(cell=cell, hidden_size=hidden_size, bidirectional=bidirectional)
    stack, x = build_stack(config, 3).eval(), torch.randn(2, 6, 3)

    output, state = stack(x)

    last = last_of(stack, state)
    size = config.layer_sizes[-1]
    assert last.shape == (2, width_of(config))
    torch.testing.assert_close(last[:, :size], output[:, -1, :size])
    torch.testing.assert_close(last[:, size:], output[:, 0, size:])


def test_layers_read_the_directions_that_are_configured() -> None:
    stack = build_stack(StackConfig(hidden_size=(64, 32), bidirectional=(True, False)), 3)

    assert stack.hidden_size == (64, 32)
    assert stack.bidirectional == (True, False)
    names = [name for name in stack.state_dict() if name.startswith("weight_ih")]
    assert names == ["weight_ih_l0", "weight_ih_l0_reverse", "weight_ih_l1"]
    assert stack.weight_ih_l1.shape == (4 * 32, 2 * 64)
