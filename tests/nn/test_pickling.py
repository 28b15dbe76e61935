"""A whole module is read from a file by torch's safe loader, which is told public classes alone."""

import io
from collections.abc import Callable

import pytest
import torch

from lockgate import nn

TOKENS = torch.tensor([[4, 7, 3], [2, 8, 0]])
X = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))


def in_the_middle() -> nn.Stateful:
    """Give a layer in the middle of sequences, under masks that are held over them."""
    stateful = nn.Stateful(nn.LSTM(3, 4, recurrent_dropout=0.5, output_dropout=0.5, zoneout=0.1))
    stateful(X)
    return stateful


# each module with what it is called with, and the classes that the loader is told
MODULES: dict[str, tuple[Callable[[], torch.nn.Module], torch.Tensor, list[type]]] = {
    "lstm": (lambda: nn.LSTM(3, 4, input_dropout=0.5), X, [nn.LSTM]),
    "gru": (lambda: nn.GRU(3, [4, 5], bidirectional=[True, False]), X, [nn.GRU]),
    "rnn": (lambda: nn.RNN(3, 4, learn_initial_state=True), X, [nn.RNN]),
    "norm": (lambda: nn.GRU(3, 4, layer_norm=True), X, [nn.GRU, torch.nn.LayerNorm]),
    "cell": (lambda: nn.LSTMCell(3, 4), X[0], [nn.LSTMCell]),
    "embedding": (lambda: nn.Embedding(9, 3), TOKENS, [nn.Embedding]),
    "tied": (lambda: nn.TiedLinear(nn.Embedding(9, 3)), X, [nn.TiedLinear, nn.Embedding]),
    "locked": (lambda: nn.LockedDropout(0.5), X, [nn.LockedDropout]),
    "stateful": (in_the_middle, X, [nn.Stateful, nn.LSTM]),
    "sequential": (
        lambda: nn.Sequential(nn.Embedding(9, 3, 0), nn.GRU(3, 4, batch_first=True), nn.Last()),
        TOKENS,
        [nn.Sequential, nn.Embedding, nn.GRU, nn.Last],
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_safe_loader_needs_the_classes_of_the_modules_alone(name) -> None:
    make, x, classes = MODULES[name]
    module, file = make(), io.BytesIO()
    torch.save(module, file)
    file.seek(0)

    assert {kind.__name__ for kind in classes} <= {*nn.__all__, "LayerNorm"}
    with torch.serialization.safe_globals(classes):
        loaded = torch.load(file, weights_only=True)

    torch.manual_seed(0)
    outputs = [module(x)]
    torch.manual_seed(0)
    outputs.append(loaded(x))
    first, again = (o[0] if isinstance(o, tuple) else o for o in outputs)
    assert torch.equal(first, again)
    assert repr(loaded) == repr(module)
