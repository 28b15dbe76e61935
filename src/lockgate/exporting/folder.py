"""A fitted model as a folder: its graph, compared with torch, a schema, checksums."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from lockgate.errors import DataError, need, quoted
from lockgate.exporting.comparing import Loss, compare, losses
from lockgate.exporting.tracing import Run
from lockgate.files import new_file, new_folder, write_text
from lockgate.tasks.graphs import Exportable, Graph

FORMAT = 1
GRAPHS = {"onnx": "model.onnx", "pt2": "model.pt2"}
"""The forms of a graph, and the names of their files."""
WEIGHTS = ("float32", "bfloat16", "int8")
"""How the matrices of a graph may be stored."""
SCHEMA, MANIFEST = "schema.json", "manifest.json"


class Exported(NamedTuple):
    """A folder that predicts without lockgate, and how far its graph is from the model."""

    folder: Path
    calls: int
    """Times that both were run on inputs that were drawn."""
    farthest: float
    """The largest difference of a number, beside the largest number of its output."""
    losses: Mapping[str, Loss] = MappingProxyType({})
    """What weights in fewer bytes than float32 change, of each output, beside that."""


def export(
    exportable: Exportable, folder: Path, to: str = "onnx", weights: str = "float32"
) -> Exported:
    """Write a model as a new folder, once its graph was seen to give what torch does.

    Args:
        exportable: The model.
        folder: Where to; it must not exist, or be empty.
        to: The form of the graph: `onnx`, or torch's own `pt2`.
        weights: How its matrices are stored: `float32`, or of ONNX `bfloat16` or `int8`.

    Raises:
        FileExistsError: If `folder` holds something.
        DataError: If the graph gives other numbers than the model, or there is no such form.
        ModuleNotFoundError: If what writes or runs graphs is not installed.
    """
    if to not in GRAPHS:
        raise DataError(f"to must be one of {', '.join(GRAPHS)}, got {quoted(to)}")
    if weights not in WEIGHTS:
        raise DataError(f"weights must be one of {', '.join(WEIGHTS)}, got {quoted(weights)}")
    if to == "pt2" and weights != "float32":
        raise DataError(
            f"weights must be float32 where to is pt2, got {weights}; pass to='onnx' (--to onnx)"
        )
    graph = exportable.graph
    with new_folder(folder) as temporary:
        data, run = _written(graph, to)
        calls, farthest = compare(graph, run)
        lost: Mapping[str, Loss] = {}
        if weights != "float32":
            data, lost = _smaller(graph, data, run, weights)
        with new_file(temporary / GRAPHS[to]) as file:
            file.write(data)
        for name, content in exportable.files.items():
            write_text(temporary / name, json.dumps(content, ensure_ascii=True))
        schema = {"format": FORMAT, **exportable.schema}
        schema |= {"inputs": list(graph.axes), "outputs": list(graph.outputs)}
        schema |= {
            "weights": weights,
            "losses": {name: one._asdict() for name, one in lost.items()},
        }
        write_text(temporary / SCHEMA, json.dumps(schema, indent=2, ensure_ascii=False))
        write_text(temporary / MANIFEST, json.dumps(manifest(temporary), indent=2))
    return Exported(folder, calls, farthest, lost)


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


def _smaller(graph: Graph, data: bytes, run: Run, weights: str) -> tuple[bytes, Mapping[str, Loss]]:
    """Store the weights of a graph of ONNX in fewer bytes; give it, and what that changes."""
    from lockgate.exporting.onnx import running
    from lockgate.exporting.weights import stored

    smaller = stored(data, weights)
    return smaller, losses(graph, weights, run, running(graph, smaller))


def manifest(folder: Path) -> dict[str, str]:
    """Give the SHA-256 of every file of a folder: what tells one that was cut short or altered."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST
    }
