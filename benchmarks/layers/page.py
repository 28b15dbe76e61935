"""Write docs/benchmarks/README.md and its plot from the results."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.common.files import write_whole
from benchmarks.common.markdown import table
from benchmarks.layers import prose
from benchmarks.layers.figures import CROWDED, MISSED, Figures, Results
from benchmarks.layers.plot import plot
from benchmarks.layers.tables import TABLES

FILES = {
    "default": "layers.json",
    "no-page-faults": "layers-no-page-faults.json",
    "avx2": "layers-avx2.json",
    "shared": "layers-shared.json",
    "variants": "layers-variants.json",
    "bfloat16": "layers-bfloat16.json",
}


def write(folder: Path) -> None:
    """Write the page and the plot of the results in a folder, from each file that is there."""
    results = {
        kind: json.loads((folder / name).read_text(encoding="utf-8"))
        for kind, name in FILES.items()
        if (folder / name).exists()
    }
    if "default" not in results:
        return
    write_whole(folder / "layers.svg", plot(results["default"]["groups"]))
    write_whole(folder / "README.md", page(results))


def page(results: Results) -> str:
    """Return the page."""
    figures = Figures(results)
    # before the verdict, which counts what they miss
    tables = [text for make in TABLES if (text := make(figures))]
    return "\n".join([prose.HEAD, verdict(figures), runs(results), *tables, method(results)])


def verdict(figures: Figures) -> str:
    """Say which floors the tables miss."""
    doubt = ""
    if figures.crowded:
        doubt = f" {figures.crowded} of them were taken under contention, marked {CROWDED}."
    if not figures.missed:
        return f"All {figures.judged} figures that have a floor are at it or better.{doubt}\n"
    listed = "\n".join(f"- {line}" for line in figures.missed)
    count = f"**{len(figures.missed)} of {figures.judged} figures that have a floor miss it**"
    if figures.beyond:
        doubt += f" {figures.beyond} ask for more than the whole FMA peak gives."
    return f"{count}, marked {MISSED} in the tables.{doubt}\n\n{listed}\n"


def runs(results: Results) -> str:
    """Say where the numbers come from."""
    rows = []
    for kind, run in results.items():
        groups = run["groups"]
        clean = sum(group["clean_rounds"] for group in groups)
        rounds = sum(group["rounds"] for group in groups)
        dropped = sum(c["dropped"] for group in groups for c in group["candidates"].values())
        load = run["load_average"]
        commit = run["environment"]["commit"] or "no commit"
        rows.append(
            [
                f"`{run['command']}`",
                f"{kind}, {run['minutes']:.0f} min",
                run["date"],
                commit + (" and changes" if run["environment"]["uncommitted"] else ""),
                f"{load['before'][0]:.1f}, {load['after'][0]:.1f}",
                f"{clean} of {rounds}",
                str(dropped),
            ]
        )
    header = ["command", "kind", "date", "commit", "load before, after"]
    header += ["clean rounds", "samples dropped"]
    return f"{machine(results['default'])}\n\n{table(header, rows)}\n\n{prose.RUNS}\n"


def machine(run: Mapping[str, Any]) -> str:
    """Say what a run ran on."""
    environment = run["environment"]
    versions = ", ".join(f"{name} {v}" for name, v in environment["versions"].items())
    seen = "" if environment["contention_seen"] else " Contention could not be seen there."
    return (
        f"{environment['cpu']}, {environment['threads']} threads on {environment['cores']} cores, "
        f"kernels for {environment['instruction_set']}, torch's for "
        f"{environment['torch_capability']}; {environment['platform']}, "
        f"Python {environment['python']}, {versions}.{seen}"
    )


def method(results: Results) -> str:
    """Say how it was measured."""
    peaks = results["default"]["environment"]["peaks"]
    peak = "a large `torch.mm`"
    if "fma" in peaks:
        peak = f"the better of {peak} and a loop of FMA in registers, compiled on the spot"
    return prose.METHOD.format(peak=peak, missed=MISSED, crowded=CROWDED)
