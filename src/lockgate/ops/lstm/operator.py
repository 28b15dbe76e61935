"""The LSTM as one operator of torch, through our kernels: `cpu.cpp` and `triton.py`."""

from lockgate.ops.kernels import Cell
from lockgate.ops.lstm.reference import Options, State
from lockgate.ops.lstm.reference import run as run_reference
from lockgate.ops.operator import Operator

CELL = Cell("lstm", saved=5, has_c=True)
run = Operator(CELL, State, Options, run_reference)
