"""Time layers on a GPU: ours with recurrent dropout against cuDNN without, and loops with it.

    python -m benchmarks.gpu                  an LSTM, over batch, time, hidden size and type
    python -m benchmarks.gpu --plans          one size, by every way to share out the work
    python -m benchmarks.gpu --page-only      the page again, from the results

Forward without gradients, and a training step (forward and backward, gradients of x and of all
parameters), by the GPU's own clock: medians over repeated calls, one candidate after another. What
runs is compared with the reference in float64 first, on fresh random input. Kernels are compiled
before anything is timed, in processes side by side. Peers:

- `cudnn`: `torch.nn.LSTM`, which has no recurrent dropout
- `loop`: the steps in PyTorch, the same masks; `graph`: the same as one CUDA graph

After --seconds what is left is not timed, and the page says so. --write-measured also writes where
ours without masks was faster than cuDNN, which the layers go by: src/lockgate/ops/_triton/.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import torch
from torch import Tensor

import lockgate
from benchmarks.common import command, machine
from benchmarks.common.files import DOCS, ROOT, write_whole
from benchmarks.gpu.page import MASKS, Size, page
from lockgate.ops import gru, lstm, rnn
from lockgate.ops._triton import launch, plan
from lockgate.ops.dispatch import backend
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights

NAME = "gpu"
FOLDER = DOCS / "gpu"
MEASURED = ROOT / "src" / "lockgate" / "ops" / "_triton" / "measured.json"
CELLS = {"rnn": rnn, "lstm": lstm, "gru": gru}
TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
BATCHES, LENGTHS, HIDDEN = (16, 64, 256), (128, 1024), (64, 128, 256, 512, 768, 1024)
RATE = 0.25
BUSY_CYCLES = 2_000_000  # about a millisecond
DEVICE = "cuda"


class Candidate(NamedTuple):
    """A layer: `step` runs it, with gradients or without."""

    name: str
    forward: Callable[[], Any]
    train: Callable[[], Any]


# ---- candidates ----


def draw(cell: str, size: Size, seed: int = 0) -> tuple[Tensor, Any, Weights]:
    """Draw a sequence, a state and weights, all with gradients."""
    module, dtype = CELLS[cell], TYPES[size.dtype]
    generator = torch.Generator(DEVICE).manual_seed(seed)

    def normal(*shape: int, scale: float = 1.0) -> Tensor:
        value = torch.randn(shape, device=DEVICE, generator=generator).mul_(scale)
        return value.to(dtype).requires_grad_()

    B, T, H = size.B, size.T, size.H
    rows, scale = module.GATES * H, H**-0.5
    weights = Weights(
        *(normal(rows, H, scale=scale) for _ in range(2)),
        *(normal(rows, scale=scale) for _ in range(2)),
    )
    x = normal(T, B, H)
    return x, module.State(*(normal(B, H) for _ in module.State._fields)), weights


def mask_of(cell: str, size: Size, kind: str) -> Masks:
    """Draw the recurrent mask of a kind."""
    if MASKS[kind] is None:
        return Masks()
    gates = MASKS[kind] or CELLS[cell].GATES
    keep = torch.rand(1, gates, size.B, size.H, device=DEVICE) >= RATE
    return Masks(h=keep.to(TYPES[size.dtype]) / (1.0 - RATE))


def ours(cell: str, size: Size, kind: str) -> Candidate:
    """Our kernels."""
    x, state, weights = draw(cell, size)
    masks = mask_of(cell, size, kind)
    operator = getattr(CELLS[cell], cell)
    d_output = torch.randn_like(x)
    leaves = [x, *weights[:4]]

    def train() -> Any:
        with backend("triton"):
            output, _ = operator(x, state, weights, masks)
        return torch.autograd.grad(output, leaves, d_output)

    def forward() -> Any:
        with torch.no_grad(), backend("triton"):
            return operator(x, state, weights, masks)

    return Candidate(f"ours, masks {kind}", forward, train)


def cudnn(cell: str, size: Size) -> Candidate:
    """torch's layer."""
    kind = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
    layer = kind(size.H, size.H, device=DEVICE, dtype=TYPES[size.dtype])
    x, _, _ = draw(cell, size)
    d_output = torch.randn_like(x)
    leaves = [x, *layer.parameters()]

    def train() -> Any:
        return torch.autograd.grad(layer.train()(x)[0], leaves, d_output)

    def forward() -> Any:
        with torch.no_grad():
            return layer.eval()(x)

    return Candidate("cudnn", forward, train)


def loop(cell: str, size: Size) -> Candidate:
    """The reference: a loop over the steps."""
    x, state, weights = draw(cell, size)
    masks = mask_of(cell, size, "gate")
    d_output = torch.randn_like(x)
    leaves = [x, *weights[:4]]
    module = CELLS[cell]

    def run() -> Tensor:
        output: Tensor = module.reference.run(x, state, weights, masks, None, module.Options())[0]
        return output

    def forward() -> Any:
        with torch.no_grad():
            return run()

    return Candidate("loop", forward, lambda: torch.autograd.grad(run(), leaves, d_output))


def _capture(call: Callable[[], Any]) -> Callable[[], None]:
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


# ---- measuring ----


def errors(cell: str, dtype: str, H: int) -> dict[str, float]:
    """Compare with the reference in float64; the largest error relative to the largest value."""
    size = Size(dtype, 19, 17, H)
    module = CELLS[cell]
    found = {}
    for kind in MASKS:
        x, state, weights = draw(cell, size, seed=H)
        masks = mask_of(cell, size, kind)
        valid = torch.rand(size.T, size.B, device=DEVICE) < 0.8
        exact = [v.detach().double().requires_grad_() for v in (x, *state, *weights[:4])]
        e_x, e_state, e_weights = exact[0], exact[1 : 1 + len(state)], exact[1 + len(state) :]
        e_masks = Masks(h=None if masks.h is None else masks.h.double())
        with backend("triton"):
            got = getattr(module, cell)(x, state, weights, masks, valid)
        options = module.Options()
        expected = module.reference.run(
            *(e_x, module.State(*e_state), Weights(*e_weights), e_masks, valid, options)
        )
        d = torch.randn_like(x)
        ours_found = [got[0], *torch.autograd.grad(got[0], [x, *state, *weights[:4]], d)]
        theirs = [expected[0], *torch.autograd.grad(expected[0], exact, d.double())]
        found[kind] = max(
            ((a.double() - b).abs().max() / b.abs().max()).item()
            for a, b in zip(ours_found, theirs, strict=True)
        )
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


def saved_bytes(candidate: Callable[[], Tensor]) -> int:
    """Count what a forward with gradients keeps on the device, its output included."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    output = candidate()
    torch.cuda.synchronize()
    kept = torch.cuda.memory_allocated() - before
    del output
    return kept


def kept(cell: str, size: Size) -> dict[str, int]:
    """Count what ours and cuDNN keep for the backward."""
    x, state, weights = draw(cell, size)
    masks = mask_of(cell, size, "gate")
    kind = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
    layer = kind(size.H, size.H, device=DEVICE, dtype=TYPES[size.dtype])

    def by_ours() -> Tensor:
        with backend("triton"):
            output: Tensor = getattr(CELLS[cell], cell)(x, state, weights, masks)[0]
        return output

    by_ours(), layer(x)
    return {"ours": saved_bytes(by_ours), "cudnn": saved_bytes(lambda: layer(x)[0])}


def sizes(types: tuple[str, ...]) -> Iterator[Size]:
    """List the sizes in the order in which they are timed."""
    yield from itertools.starmap(Size, itertools.product(types, BATCHES, LENGTHS, HIDDEN))


def measure(cell: str, size: Size, until: float) -> dict[str, Any]:
    """Time all candidates at one size, in milliseconds."""
    candidates = [cudnn(cell, size), *(ours(cell, size, kind) for kind in MASKS)]
    found: dict[str, Any] = {}
    for part in ("forward", "train"):
        times = {c.name: milliseconds(getattr(c, part), 0.15) for c in candidates}
        found[part] = times
    # a loop has some 20 launches for each step, of 5 microseconds at least, and its backward more
    if time.perf_counter() + size.T * 4e-3 < until and min(LENGTHS) == size.T:
        slow = loop(cell, size)
        for part in ("forward", "train"):
            found[part]["loop"] = milliseconds(getattr(slow, part), 0.1)
            found[part]["graph"] = milliseconds(_capture(getattr(slow, part)), 0.1)
    found["kept"] = kept(cell, size)
    return found


def compile_all(cell: str, types: tuple[str, ...], processes: int) -> dict[str, float]:
    """Compile every kernel that will be timed, in processes of their own; give their errors."""
    jobs = [
        [sys.executable, "-m", "benchmarks.gpu", "--cell", cell, "--compile", f"{dtype},{H}"]
        for dtype, H in itertools.product(types, HIDDEN)
    ]

    def run(job: list[str]) -> dict[str, float]:
        told = subprocess.run(job, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
        if told.returncode:
            sys.exit("a kernel does not compile or run: see above")
        found: dict[str, float] = json.loads(told.stdout)
        return found

    wrong: dict[str, float] = {}
    with ThreadPoolExecutor(processes) as pool:
        for found in pool.map(run, reversed(jobs)):  # the largest take longest
            wrong |= found
    return wrong


def compile_one(cell: str, what: str) -> None:
    """Run each kernel of one hidden size once, over two steps; print the error of the kernels."""
    dtype, H = what.split(",")
    print(json.dumps({f"{dtype} H {H}": max(errors(cell, dtype, int(H)).values())}))
    for B, kind in itertools.product(BATCHES, MASKS):
        candidate = ours(cell, Size(dtype, B, 2, int(H)), kind)
        candidate.forward()
        candidate.train()
    torch.cuda.synchronize()


def compare_plans(cell: str, size: Size) -> None:
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


def described() -> dict[str, Any]:
    """Tell what the figures were taken with."""
    import triton

    return {
        "gpu": torch.cuda.get_device_name(),
        "command": command.given(NAME),
        "commit": machine.commit() or "unknown",
        "lockgate": lockgate.__version__,
        "torch": torch.__version__,
        "triton": triton.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "python": platform.python_version(),
    }


def main() -> None:
    """Measure, print, and write the page."""
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--cell", choices=CELLS, default="lstm")
    parser.add_argument("--types", default="bf16,fp32", help="of bf16, fp16, fp32")
    parser.add_argument("--seconds", type=float, default=450.0)
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count(), help="that compile side by side"
    )
    parser.add_argument("--plans", metavar="TYPE,B,T,H", nargs="?", const="bf16,16,1024,768")
    parser.add_argument("--write-measured", action="store_true")
    parser.add_argument("--page-only", action="store_true")
    parser.add_argument("--compile", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    cell, path = arguments.cell, FOLDER / f"{arguments.cell}.json"
    if arguments.page_only:
        write_whole(path.with_suffix(".md"), page(json.loads(path.read_text("utf-8"))))
        return
    if not torch.cuda.is_available():
        sys.exit("a GPU is needed, and torch finds none")
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    if arguments.compile:
        compile_one(cell, arguments.compile)
        return
    if arguments.plans:
        dtype, *rest = arguments.plans.split(",")
        compare_plans(cell, Size(dtype, *map(int, rest)))
        return
    until = time.perf_counter() + arguments.seconds
    types = tuple(arguments.types.split(","))
    wrong = compile_all(cell, types, arguments.processes)
    for name, error in wrong.items():
        print(f"error {name}: {error:.1e}", flush=True)
        if not error < (1e-2 if name.startswith("fp32") else 1e-1):
            sys.exit(f"the kernels are wrong at {name}")
    results: dict[str, Any] = {"cell": cell, "rate": RATE, "run": described(), "errors": wrong}
    entries: list[dict[str, Any]] = []
    todo = list(sizes(types))
    for size in todo:
        if time.perf_counter() > until:
            break
        entry = {"size": size, **measure(cell, size, until)}
        entries.append(entry)
        print(size, json.dumps(entry["train"]), flush=True)
    results |= {"sizes": entries, "missing": len(todo) - len(entries)}
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(results, indent=1) + "\n")
    text = page(json.loads(path.read_text("utf-8")))
    write_whole(path.with_suffix(".md"), text)
    print(text)
    if arguments.write_measured:
        write_measured(results)


def write_measured(results: dict[str, Any]) -> None:
    """Write what the dispatch goes by; the cells of other runs on the same GPU stay."""
    gpu, cell = results["run"]["gpu"], results["cell"]
    old = json.loads(MEASURED.read_text("utf-8"))
    others = [m for m in old["cells"] if old["gpu"] == gpu and m["cell"] != cell]
    longest = max(entry["size"].T for entry in results["sizes"])
    names = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
    new = [
        {
            "cell": cell,
            "dtype": names[entry["size"].dtype],
            "B": entry["size"].B,
            "H": entry["size"].H,
            "ratio": round(entry["train"]["cudnn"] / entry["train"]["ours, masks off"], 3),
        }
        for entry in results["sizes"]
        if longest == entry["size"].T
    ]
    write_whole(MEASURED, json.dumps({"gpu": gpu, "cells": others + new}, indent=1) + "\n")


if __name__ == "__main__":
    main()
