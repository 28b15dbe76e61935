"""A fitted model as a folder: its graph, compared with torch, a schema, checksums."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lockgate.errors import DataError, need, quoted
from lockgate.exporting.tracing import Run, draw
from lockgate.files import new_file, new_folder, write_text
from lockgate.tasks.graphs import Exportable, Graph

FORMAT = 1
GRAPHS = {"onnx": "model.onnx", "pt2": "model.pt2"}
"""The forms of a graph, and the names of their files."""
SCHEMA, MANIFEST = "schema.json", "manifest.json"
COMPARED_BATCHES = (1, 7)
TOLERANCE = 1e-4
"""How far what a graph gives may lie from torch's, beside the largest number of the output."""


class Exported(NamedTuple):
    """A folder that predicts without lockgate, and how far its graph is from the model."""

    folder: Path
    calls: int
    """Times that both were run on inputs that were drawn."""
    farthest: float
    """The largest difference of a number, beside the largest number of its output."""


def export(exportable: Exportable, folder: Path, to: str = "onnx") -> Exported:
    """Write a model as a new folder, once its graph was seen to give what torch does.

    Args:
        exportable: The model.
        folder: Where to; it must not exist, or be empty.
        to: The form of the graph: `onnx`, or torch's own `pt2`.

    Raises:
        FileExistsError: If `folder` holds something.
        DataError: If the graph gives other numbers than the model, or there is no such form.
        ModuleNotFoundError: If what writes or runs graphs is not installed.
    """
    if to not in GRAPHS:
        raise DataError(f"to must be one of {', '.join(GRAPHS)}, got {quoted(to)}")
    graph = exportable.graph
    with new_folder(folder) as temporary:
        data, run = _written(graph, to)
        calls, farthest = compare(graph, run)
        with new_file(temporary / GRAPHS[to]) as file:
            file.write(data)
        for name, content in exportable.files.items():
            write_text(temporary / name, json.dumps(content, ensure_ascii=True))
        schema = {"format": FORMAT, **exportable.schema}
        schema |= {"inputs": list(graph.axes), "outputs": list(graph.outputs)}
        write_text(temporary / SCHEMA, json.dumps(schema, indent=2, ensure_ascii=False))
        write_text(temporary / MANIFEST, json.dumps(manifest(temporary), indent=2))
    return Exported(folder, calls, farthest)


def _written(graph: Graph, to: str) -> tuple[bytes, Run]:
    """Give a graph as the bytes of a file, and what runs them."""
    if to == "pt2":
        from lockgate.exporting import pt2

        data = pt2.to_pt2(graph)
        return data, pt2.running(data)
    need("onnxscript", "export to ONNX")
    need("onnxruntime", "export to ONNX")
    from lockgate.exporting import onnx

    data = onnx.to_onnx(graph)
    return data, onnx.running(graph, data)


def compare(graph: Graph, run: Run) -> tuple[int, float]:
    """Run a graph that was written beside torch, on inputs that are drawn.

    Returns:
        How often, and the largest difference as `Exported` has them.

    Raises:
        DataError: If they differ by more than `TOLERANCE`.
    """
    calls, farthest = 0, 0.0
    for batch in COMPARED_BATCHES:
        for length in graph.lengths:
            drawn = draw(graph, batch, length)
            with torch.no_grad():
                wanted = graph.module(*drawn.values())
            found = run(drawn)
            calls += 1
            for name, one, other in zip(graph.outputs, wanted, found, strict=True):
                farthest = max(farthest, _apart(name, one, other))
    return calls, farthest


def manifest(folder: Path) -> dict[str, str]:
    """Give the SHA-256 of every file of a folder: what tells one that was cut short or altered."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST
    }


def _apart(name: str, wanted: Tensor, found: Any) -> float:
    truth = wanted.numpy()
    if truth.shape != found.shape or not np.array_equal(np.isnan(truth), np.isnan(found)):
        raise DataError(
            f"the graph must give what the model does, got {name} of another form, "
            f"{found.shape} for {truth.shape}; this model cannot be exported"
        )
    known = np.isfinite(truth)
    size = float(np.abs(truth[known]).max(initial=0.0)) or 1.0
    apart = float(np.abs(truth[known] - found[known]).max(initial=0.0)) / size
    # what is infinite must be so on both sides
    if apart > TOLERANCE or not np.array_equal(truth[~known], found[~known], equal_nan=True):
        raise DataError(
            f"the graph must give what the model does, got {name} off by {apart:.1e} of its "
            "largest number; this model cannot be exported"
        )
    return apart
