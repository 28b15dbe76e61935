"""What the layers go by: where ours without masks was faster than cuDNN."""

import json
from typing import Any

from benchmarks.common.files import ROOT, write_whole
from benchmarks.gpu.candidates import TYPES

MEASURED = ROOT / "src" / "lockgate" / "ops" / "_triton" / "measured.json"


def write(results: dict[str, Any]) -> None:
    """Write the ratios of a run; the cells of other runs on the same GPU stay."""
    gpu, cell = results["run"]["gpu"], results["cell"]
    old = json.loads(MEASURED.read_text("utf-8"))
    others = [m for m in old["cells"] if old["gpu"] == gpu and m["cell"] != cell]
    longest = max(entry["size"].T for entry in results["sizes"])
    new = [
        {
            "cell": cell,
            "dtype": str(TYPES[entry["size"].dtype]).removeprefix("torch."),
            "B": entry["size"].B,
            "H": entry["size"].H,
            "ratio": round(entry["train"]["cudnn"] / entry["train"]["ours, masks off"], 3),
        }
        for entry in results["sizes"]
        if longest == entry["size"].T
    ]
    write_whole(MEASURED, json.dumps({"gpu": gpu, "cells": others + new}, indent=1) + "\n")
