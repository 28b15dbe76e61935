"""The table of all layers, which drives the checks that hold for all of them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from lockgate.nn import GRU, LSTM, RNN

LAYERS = {
    "rnn-tanh": (RNN, torch.nn.RNN, {}),
    "rnn-relu": (RNN, torch.nn.RNN, {"nonlinearity": "relu"}),
    "lstm": (LSTM, torch.nn.LSTM, {}),
    "gru": (GRU, torch.nn.GRU, {}),
}


@pytest.fixture(autouse=True)
def _fresh_memory_is_nan() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture(params=LAYERS)
def make(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Make a layer of the table in float64, I = 3 and H = 5 unless told otherwise."""
    cls, _, fixed = LAYERS[request.param]

    def make(input_size: int = 3, hidden_size: int = 5, **options: Any) -> Any:
        torch.manual_seed(0)
        return cls(input_size, hidden_size, **{"dtype": torch.float64, **fixed, **options})

    return make


@pytest.fixture
def make_torch(make: Callable[..., Any], request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Make torch's layer of the same cell, with other parameters than `make` draws."""
    _, cls, fixed = LAYERS[request.node.callspec.params["make"]]

    def make_torch(input_size: int = 3, hidden_size: int = 5, **options: Any) -> Any:
        torch.manual_seed(1)
        return cls(input_size, hidden_size, **{"dtype": torch.float64, **fixed, **options})

    return make_torch


@pytest.fixture
def draw() -> Callable[..., torch.Tensor]:
    """Draw a float64 tensor; the same one for the same shape."""

    def draw(*shape: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(sum(shape))
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    return draw
