"""Recurrent layers for PyTorch, with the dropout of Gal and Ghahramani."""

from lockgate.nn.gru import GRU
from lockgate.nn.lstm import LSTM
from lockgate.nn.recurrent import LayerMasks
from lockgate.nn.report import BackendReport
from lockgate.nn.rnn import RNN

__all__ = ["GRU", "LSTM", "RNN", "BackendReport", "LayerMasks"]
