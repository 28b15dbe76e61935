"""Recurrent layers with the dropout of Gal and Ghahramani, and what belongs to them."""

from lockgate.nn.cells import GRUCell, LSTMCell, RNNCell
from lockgate.nn.checks import ShapeError
from lockgate.nn.dropout import LockedDropout
from lockgate.nn.embedding import Embedding, TiedLinear
from lockgate.nn.gru import GRU
from lockgate.nn.lstm import LSTM
from lockgate.nn.masks import LayerMasks
from lockgate.nn.monte_carlo import mc_dropout, mc_samples
from lockgate.nn.penalties import activation_penalty, temporal_activation_penalty
from lockgate.nn.reach import Reach, gradient_reach
from lockgate.nn.report import BackendReport
from lockgate.nn.rnn import RNN
from lockgate.nn.sequential import Last, Sequential
from lockgate.nn.stateful import Stateful

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]
__all__ += ["Embedding", "Last", "LockedDropout", "Sequential", "Stateful", "TiedLinear"]
__all__ += [
    "BackendReport",
    "LayerMasks",
    "Reach",
    "ShapeError",
    "activation_penalty",
    "gradient_reach",
]
__all__ += ["mc_dropout", "mc_samples", "temporal_activation_penalty"]
