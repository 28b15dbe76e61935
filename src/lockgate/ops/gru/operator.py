"""The GRU as one operator of torch, through our kernels: `cpu.cpp` and `triton.py`."""

from lockgate.ops.gru.reference import Options, State
from lockgate.ops.gru.reference import run as run_reference
from lockgate.ops.kernels import Cell
from lockgate.ops.operator import Operator

CELL = Cell("gru", saved=4, has_c=False)
run = Operator(CELL, State, Options, run_reference)
