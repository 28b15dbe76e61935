"""The page of the results."""

import math
import statistics
from typing import Any

from benchmarks.common.markdown import table
from benchmarks.gpu.sizes import MASKS, PARTS, Size, flops, moved

Found = list[tuple[Size, dict[str, Any]]]


def page(results: dict[str, Any]) -> str:
    """Write the page."""
    cell, run, missing = results["cell"], results["run"], results["missing"]
    found = [(Size(*entry["size"]), entry) for entry in results["sizes"]]
    return "\n\n".join(
        [
            f"# {cell.upper()} on a GPU",
            f"On {run['gpu']}, with {results['rate']:.0%} recurrent dropout. TFLOP/s and GB/s are "
            "those of ours with a mask for each gate; bytes are those that have to pass the "
            "device's memory once.",
            *([f"**{missing} sizes were not reached in time.**"] if missing else []),
            summary(found),
            *(f"## {part.capitalize()}, ms\n\n{times(cell, found, part)}" for part in PARTS),
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


def summary(found: Found) -> str:
    """Sum up training steps and memory beside what they are to reach."""
    trains = [(size, entry["train"]) for size, entry in found]
    narrow = [train for size, train in trains if size.dtype != "fp32"]
    against = [t["cudnn"] / t[f"ours, masks {k}"] for t in narrow for k in ("cell", "gate")]
    loops = [t["loop"] / t["ours, masks gate"] for _, t in trains if "loop" in t]
    masks_on = [t["ours, masks gate"] / t["ours, masks off"] for _, t in trains]
    memory = [entry["kept"]["ours"] / entry["kept"]["cudnn"] for _, entry in found]
    none = [math.nan]
    return table(
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


def times(cell: str, found: Found, part: str) -> str:
    """List the milliseconds of all candidates at each size, and what ours makes of the device."""
    names = ["cudnn", *(f"ours, masks {kind}" for kind in MASKS), "loop", "graph"]
    rows = []
    for size, entry in found:
        seconds = entry[part]["ours, masks gate"] * 1e-3
        work = flops(cell, size) * (3 if part == "train" else 1)
        rows.append(
            [
                *(size.dtype, str(size.B), str(size.T), str(size.H)),
                *(f"{entry[part][name]:.3f}" if name in entry[part] else "" for name in names),
                f"{work / seconds * 1e-12:.1f}",
                f"{moved(cell, size, part == 'train') / seconds * 1e-9:.0f}",
            ]
        )
    return table(["type", "B", "T", "H", *names, "TFLOP/s", "GB/s"], rows)


def geometric_mean(values: list[float]) -> float:
    """Give the geometric mean, NaN of none."""
    return math.exp(statistics.fmean(map(math.log, values))) if values else math.nan
