"""The RNN as one operator of torch, through our kernels: `cpu.cpp` and `triton.py`."""

from lockgate.ops.kernels import Cell
from lockgate.ops.operator import Operator
from lockgate.ops.rnn.reference import Options, State
from lockgate.ops.rnn.reference import run as run_reference

CELL = Cell("rnn", saved=0, has_c=False, nonlinearities=("tanh", "relu"))
run = Operator(CELL, State, Options, run_reference)
