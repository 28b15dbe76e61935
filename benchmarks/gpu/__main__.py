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
import json
import os
import platform
import sys
import time
from typing import Any

import torch

import lockgate
from benchmarks.common import command, machine
from benchmarks.common.files import DOCS, write_whole
from benchmarks.gpu import measured, plans
from benchmarks.gpu.candidates import CELLS, RATE
from benchmarks.gpu.check import compile_all, compile_one
from benchmarks.gpu.measure import measure
from benchmarks.gpu.page import page
from benchmarks.gpu.sizes import Size, sizes

NAME = "gpu"
FOLDER = DOCS / "gpu"


def main() -> None:
    """Measure, print, and write the page."""
    args = arguments()
    path = FOLDER / f"{args.cell}.json"
    if args.page_only:
        write_whole(path.with_suffix(".md"), page(json.loads(path.read_text("utf-8"))))
        return
    if not torch.cuda.is_available():
        sys.exit("a GPU is needed, and torch finds none")
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    if args.compile:
        compile_one(args.cell, args.compile)
    elif args.plans:
        dtype, *rest = args.plans.split(",")
        plans.compare(args.cell, Size(dtype, *map(int, rest)))
    else:
        results = run(args)
        FOLDER.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(results, indent=1) + "\n")
        text = page(json.loads(path.read_text("utf-8")))
        write_whole(path.with_suffix(".md"), text)
        print(text)
        if args.write_measured:
            measured.write(results)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Check the kernels, and time as many sizes as there is time for."""
    until = time.perf_counter() + args.seconds
    here = environment()
    types = tuple(args.types.split(","))
    errors = compile_all(args.cell, types, args.processes)
    for name, error in errors.items():
        print(f"error {name}: {error:.1e}", flush=True)
        if not error < (1e-2 if name.startswith("fp32") else 1e-1):
            sys.exit(f"the kernels are wrong at {name}")
    entries: list[dict[str, Any]] = []
    todo = list(sizes(types))
    for size in todo:
        if time.perf_counter() > until:
            break
        entry = {"size": size, **measure(args.cell, size, until)}
        entries.append(entry)
        print(size, json.dumps(entry["train"]), flush=True)
    return {
        "cell": args.cell,
        "rate": RATE,
        "run": here,
        "errors": errors,
        "sizes": entries,
        "missing": len(todo) - len(entries),
    }


def environment() -> dict[str, Any]:
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


def arguments() -> argparse.Namespace:
    """Read the command line."""
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
    return parser.parse_args()


if __name__ == "__main__":
    main()
