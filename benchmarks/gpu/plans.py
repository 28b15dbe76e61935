"""One size by every way to share out the work."""

import itertools

import torch

from benchmarks.gpu.candidates import TYPES, ours
from benchmarks.gpu.measure import milliseconds
from benchmarks.gpu.sizes import MASKS, Size
from lockgate.ops._triton import launch, plan


def compare(cell: str, size: Size) -> None:
    """Time a training step by every plan, and mark the one that is chosen."""
    gates = launch.GATES[cell]
    device = launch._device_of(torch.cuda.current_device())
    itemsize = TYPES[size.dtype].itemsize
    for kind in MASKS:
        candidate = ours(cell, size, kind)
        copies = gates.of_h if kind == "gate" else 1
        chosen = plan.choose(size.B, size.H, gates.of_h, copies, itemsize, device)
        for rows, units in itertools.product((16, 32, 64, 128), repeat=2):
            if gates.of_h * rows * units > 2 * plan.MOST_SUMS:
                continue
            made = plan.make(size.B, size.H, gates.of_h, itemsize, device, rows, units)
            launch.choose = lambda *_, made=made: made
            try:
                times = [milliseconds(call, 0.1) for call in candidate[1:]]
            except Exception as error:
                print(f"{kind} {made}: {type(error).__name__}")
                continue
            mark = "  <- chosen forward" if made == chosen else ""
            print(f"{kind} {made}: {times[0]:.2f} ms forward, {times[1]:.2f} ms train{mark}")
        launch.choose = plan.choose
