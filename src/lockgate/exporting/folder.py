"""A fitted model as a folder: its graph, compared with torch, a schema, checksums."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from lockgate.errors import DataError, need, quoted
from lockgate.exporting.comparing import Loss, by_torch, compare, compare_steps, losses
from lockgate.exporting.tracing import Run
from lockgate.files import new_file, new_folder, write_text
from lockgate.tasks.graphs import Exportable, Graph, Step

FORMAT = 1
GRAPHS = {"onnx": "model.onnx", "pt2": "model.pt2"}
"""The forms of a graph, and the names of their files."""
STEP = "step.onnx"
"""The name of the file of one step."""
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
    stepped: int = 0
    """Batches over which one step after another gave what the whole graph does."""
    not_stepped: str = ""
    """Why there is no graph of one step, where there is none."""


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
    graph, step = exportable.graph, exportable.step
    lost: Mapping[str, Loss] = {}
    with new_folder(folder) as temporary:
        data, run = _written(graph, to)
        calls, farthest = compare(graph, run)
        wanted = by_torch(graph)
        if weights != "float32":
            data, wanted = _smaller(graph, data, weights)
            lost = losses(graph, weights, run, wanted)
        with new_file(temporary / GRAPHS[to]) as file:
            file.write(data)
        stepped = 0
        if isinstance(step, Step):
            data, run = _written(step.graph, to)
            if weights != "float32":
                data, run = _smaller(step.graph, data, weights)
            stepped, apart = compare_steps(graph, wanted, step, run)
            farthest = max(farthest, apart)
            with new_file(temporary / STEP) as file:
                file.write(data)
        for name, content in exportable.files.items():
            write_text(temporary / name, json.dumps(content, ensure_ascii=True))
        schema = _schema(exportable) | {"weights": weights, "losses": _as_json(lost)}
        write_text(temporary / SCHEMA, json.dumps(schema, indent=2, ensure_ascii=False))
        write_text(temporary / MANIFEST, json.dumps(manifest(temporary), indent=2))
    why = step if isinstance(step, str) else ""
    return Exported(folder, calls, farthest, lost, stepped, why)


def _schema(exportable: Exportable) -> dict[str, Any]:
    """Tell of the graphs beside what is done around them."""
    graph, step = exportable.graph, exportable.step
    of_step: dict[str, Any] = {"refused": step}
    if isinstance(step, Step):
        names = {"inputs": list(step.graph.axes), "outputs": list(step.graph.outputs)}
        of_step = {"file": STEP, **names, "states": dict(step.states)}
    own = {"inputs": list(graph.axes), "outputs": list(graph.outputs), "one_step": of_step}
    assert own.keys().isdisjoint(exportable.schema)
    return {"format": FORMAT, **exportable.schema, **own}


def _as_json(lost: Mapping[str, Loss]) -> dict[str, dict[str, float]]:
    return {name: loss._asdict() for name, loss in lost.items()}


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


def _smaller(graph: Graph, data: bytes, weights: str) -> tuple[bytes, Run]:
    """Give a graph of ONNX with its weights in fewer bytes, and what runs it."""
    from lockgate.exporting.onnx import running
    from lockgate.exporting.weights import stored

    smaller = stored(data, weights)
    return smaller, running(graph, smaller)


def manifest(folder: Path) -> dict[str, str]:
    """Give the SHA-256 of every file of a folder: what tells one that was cut short or altered."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST
    }
