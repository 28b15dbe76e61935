"""What conversions share: empty layers, options that none has."""

import pytest
import torch

from lockgate.interop.common import empty, unlike_peers
from lockgate.nn import GRU, LSTM


def test_an_empty_layer_draws_nothing():
    state = torch.random.get_rng_state()

    layer = empty(LSTM, torch.device("cpu"), 2, 3)

    assert torch.equal(torch.random.get_rng_state(), state)
    assert {p.device.type for p in layer.parameters()} == {"cpu"}


@pytest.mark.parametrize(
    ("options", "faults"),
    [
        ({}, []),
        ({"layer_norm": True}, ["layer_norm must be False, got True"]),
        ({"learn_initial_state": True}, ["learn_initial_state must be False, got True"]),
        ({"zoneout": 0.5}, ["zoneout must be 0, got 0.5"]),
        ({"residual": True}, []),
        ({"residual": True, "num_layers": 2}, ["residual must be False, got True"]),
        ({"recurrent_dropout": 0.5, "weight_dropout": 0.5}, []),
    ],
    ids=str,
)
def test_options_that_evaluation_shows_and_no_peer_has_are_listed(options, faults):
    assert unlike_peers(GRU(3, 3, **options)) == faults
