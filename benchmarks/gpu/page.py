"""The page of the GPU's benchmark, and what its figures are set against."""

import math
import statistics
from typing import Any, NamedTuple

from benchmarks.common.markdown import table

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
ITEMSIZES = {"bf16": 2, "fp16": 2, "fp32": 4}
MASKS = {"off": None, "cell": 1, "gate": 0}  # gates of the mask of h, 0 for those of the cell


class Size(NamedTuple):
    """What is timed: as many inputs as hidden units."""

    dtype: str
    B: int
    T: int
    H: int


def flops(cell: str, size: Size) -> float:
    """Count the operations of a forward; a training step has three times as many."""
    return 2.0 * size.T * size.B * GATES[cell] * size.H * 2 * size.H


def moved(cell: str, size: Size, train: bool) -> float:
    """Count the bytes that have to pass the device's memory at least once."""
    itemsize = ITEMSIZES[size.dtype]
    gates = GATES[cell]
    steps = size.T * size.B * size.H * itemsize
    saved = {"rnn": 0, "lstm": 5, "gru": 4}[cell]
    forward = steps * (2 + 2 * gates) + 2 * gates * size.H**2 * itemsize
    return forward + (steps * (2 * saved + 3 * gates + 3) if train else 0)


def geometric_mean(values: list[float]) -> float:
    """Give the geometric mean, NaN of none."""
    return math.exp(statistics.fmean(map(math.log, values))) if values else math.nan


def page(results: dict[str, Any]) -> str:
    """Write the page."""
    cell = results["cell"]
    found = [(Size(*entry["size"]), entry) for entry in results["sizes"]]
    trains = [(size, entry["train"]) for size, entry in found]
    narrow = [(size, train) for size, train in trains if size.dtype != "fp32"]
    against = [t["cudnn"] / t[f"ours, masks {k}"] for _, t in narrow for k in ("cell", "gate")]
    loops = [t["loop"] / t["ours, masks gate"] for _, t in trains if "loop" in t]
    masks_on = [t["ours, masks gate"] / t["ours, masks off"] for _, t in trains]
    memory = [entry["kept"]["ours"] / entry["kept"]["cudnn"] for _, entry in found]
    none = [math.nan]
    summary = table(
        ("what", "measured", "at least", "aim"),
        [
            (
                "training step with recurrent dropout against cuDNN without, geometric mean, "
                "16 bit, times its speed",
                *(f"{geometric_mean(against):.2f}", "0.5", "1.0"),
            ),
            ("the same, worst size", f"{min(against or none):.2f}", "0.25", "0.7"),
            ("against the loop with the same masks", f"{geometric_mean(loops):.1f}", "20", "60"),
            ("masks on against off, worst size, time", f"{max(masks_on or none):.2f}", "1.05", "1"),
            ("memory kept against cuDNN, worst size", f"{max(memory or none):.2f}", "1.0", "0.7"),
        ],
    )
    parts = []
    for part in ("forward", "train"):
        names = ["cudnn", *(f"ours, masks {kind}" for kind in MASKS), "loop", "graph"]
        rows = []
        for size, entry in found:
            times = entry[part]
            fastest = times["ours, masks gate"] * 1e-3
            work = flops(cell, size) * (3 if part == "train" else 1)
            rows.append(
                [
                    *(size.dtype, str(size.B), str(size.T), str(size.H)),
                    *(f"{times[name]:.3f}" if name in times else "" for name in names),
                    f"{work / fastest * 1e-12:.1f}",
                    f"{moved(cell, size, part == 'train') / fastest * 1e-9:.0f}",
                ]
            )
        header = ["type", "B", "T", "H", *names, "TFLOP/s", "GB/s"]
        parts += [f"## {part.capitalize()}, ms", table(header, rows)]
    missing = results["missing"]
    run = results["run"]
    return "\n\n".join(
        [
            f"# {cell.upper()} on a GPU",
            f"On {run['gpu']}, with {results['rate']:.0%} recurrent dropout. TFLOP/s and GB/s are "
            "those of ours with a mask for each gate; bytes are those that have to pass the "
            "device's memory once.",
            *([f"**{missing} sizes were not reached in time.**"] if missing else []),
            summary,
            *parts,
            "## Errors",
            "The largest error of an output or gradient relative to its largest value, against "
            "the reference in float64, over masks: "
            + ", ".join(f"{name} {error:.1e}" for name, error in results["errors"].items())
            + ".",
            f"`{run['command']}`, commit {run['commit']}: lockgate {run['lockgate']}, "
            f"torch {run['torch']}, triton {run['triton']}, CUDA {run['cuda']}, "
            f"cuDNN {run['cudnn']}, python {run['python']}. float32 is in TF32 for all.",
            "",
        ]
    )
