"""Time the candidates by the device's own clock, and count what they keep for a backward."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu.candidates import CELLS, cudnn, draw, loop, mask_of, ours, torch_layer
from benchmarks.gpu.sizes import LENGTHS, MASKS, PARTS, Size
from lockgate.ops.dispatch import backend

BUSY_CYCLES = 2_000_000  # about a millisecond


def measure(cell: str, size: Size, until: float) -> dict[str, Any]:
    """Time all candidates at one size, in milliseconds."""
    candidates = [cudnn(cell, size), *(ours(cell, size, kind) for kind in MASKS)]
    found: dict[str, Any] = {}
    for part in PARTS:
        times = {c.name: milliseconds(getattr(c, part), 0.15) for c in candidates}
        found[part] = times
    # a loop has some 20 launches for each step, of 5 microseconds at least, and its backward more
    if time.perf_counter() + size.T * 4e-3 < until and min(LENGTHS) == size.T:
        slow = loop(cell, size)
        for part in PARTS:
            found[part]["loop"] = milliseconds(getattr(slow, part), 0.1)
            found[part]["graph"] = milliseconds(captured(getattr(slow, part)), 0.1)
    found["kept"] = kept(cell, size)
    return found


def milliseconds(call: Callable[[], Any], budget: float) -> float:
    """Give the median time of a call by the events of the device."""
    call()
    torch.cuda.synchronize()
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < 3 or (len(times) < 30 and time.perf_counter() - begun < budget):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        # the device has something to do until all of the call is queued
        torch.cuda._sleep(BUSY_CYCLES)
        start.record()
        call()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times)


def captured(call: Callable[[], Any]) -> Callable[[], None]:
    """Return what replays a call as one CUDA graph."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(2):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def kept(cell: str, size: Size) -> dict[str, int]:
    """Count what ours and cuDNN keep for the backward."""
    x, state, weights = draw(cell, size)
    masks = mask_of(cell, size, "gate")
    layer = torch_layer(cell, size)

    def by_ours() -> Tensor:
        with backend("triton"):
            output: Tensor = getattr(CELLS[cell], cell)(x, state, weights, masks)[0]
        return output

    by_ours(), layer(x)
    return {"ours": saved_bytes(by_ours), "cudnn": saved_bytes(lambda: layer(x)[0])}


def saved_bytes(candidate: Callable[[], Tensor]) -> int:
    """Count what a forward with gradients keeps on the device, its output included."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    output = candidate()
    torch.cuda.synchronize()
    kept = torch.cuda.memory_allocated() - before
    del output
    return kept
