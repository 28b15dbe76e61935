"""The kernels that are compiled."""

import itertools
from typing import NamedTuple

CAPABILITIES = {80: (108, 163 * 1024), 90: (132, 227 * 1024)}  # multiprocessors, shared memory
BATCHES, HIDDEN = (16, 256), (64, 128, 256, 512, 1024)


class Case(NamedTuple):
    """A kernel to compile."""

    cell: str
    kernel: str
    capability: int
    dtype: str
    B: int
    H: int
    mask_per: str  # "gate" or "cell"
    precision: str = "tf32"  # of float32


def cases(quick: bool) -> list[Case]:
    """List the kernels to compile."""
    if quick:
        return [
            Case(cell, kernel, capability, "bf16", 16, 64, "gate")
            for cell in ("rnn", "lstm", "gru")
            for kernel in ("forward", "backward")
            for capability in CAPABILITIES
        ]
    kinds = [("bf16", 80, "tf32"), ("bf16", 90, "tf32"), ("fp32", 90, "tf32"), ("fp32", 90, "ieee")]
    walks = [("forward", "gate"), ("forward", "cell"), ("backward", "gate")]
    return [
        Case(cell, kernel, capability, dtype, B, H, mask_per, precision)
        for cell, (dtype, capability, precision), H, B, (kernel, mask_per) in itertools.product(
            ("lstm", "gru", "rnn"), kinds, HIDDEN, BATCHES, walks
        )
        # for an RNN, a mask for the gate and one for the cell are the same
        if not (cell == "rnn" and mask_per == "cell")
    ]
