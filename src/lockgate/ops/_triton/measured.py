"""Where our GPU kernels were measured to be faster than cuDNN, for calls that both can run.

`measured.json` is written by `python -m benchmarks.gpu --write-measured`. It holds for the GPU
that it names; on another one, and where it names none, cuDNN runs what it can.
"""

import json
import math
from functools import cache
from importlib import resources
from typing import NamedTuple

import torch
from torch import Tensor


class Measured(NamedTuple):
    """A training step of a call: its size, and how many times as fast as cuDNN ours was."""

    cell: str
    dtype: str
    B: int
    H: int
    ratio: float


class Measurements(NamedTuple):
    """What was measured on one GPU."""

    gpu: str | None
    cells: tuple[Measured, ...]

    def ratio(self, cell: str, dtype: str, B: int, H: int) -> float | None:
        """Give the ratio at the nearest size, or None where nothing alike was measured."""
        alike = [m for m in self.cells if (m.cell, m.dtype) == (cell, dtype)]
        if not alike:
            return None

        def distance(m: Measured) -> float:
            return math.hypot(math.log2(m.B / max(B, 1)), math.log2(m.H / H))

        return min(alike, key=distance).ratio


@cache
def table() -> Measurements:
    """Read `measured.json`."""
    text = resources.files("lockgate.ops._triton").joinpath("measured.json").read_text("utf-8")
    content = json.loads(text)
    return Measurements(content["gpu"], tuple(Measured(**cell) for cell in content["cells"]))


def why_faster(cell: str, x: Tensor, H: int) -> str | None:
    """Say that a call on a GPU is faster by our kernels, or None if it is not known to be."""
    if x.device.type != "cuda" or torch.cuda.get_device_name(x.device) != table().gpu:
        return None
    dtype = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else x.dtype
    ratio = table().ratio(cell, str(dtype).removeprefix("torch."), x.shape[1], H)
    if ratio is None or ratio <= 1.0:
        return None
    return f"triton was measured to be {ratio:.2f} times as fast at this size"
