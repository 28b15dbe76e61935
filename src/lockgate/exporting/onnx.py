"""A fitted model as a folder that runs without torch: a graph for ONNX, a schema, checksums."""

import contextlib
import hashlib
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lockgate.errors import DataError, need
from lockgate.files import new_file, new_folder, write_text
from lockgate.tasks.graphs import Exportable, Graph, Inputs

FORMAT = 1
GRAPH, SCHEMA, MANIFEST = "model.onnx", "schema.json", "manifest.json"
OPSET = 18
BATCH, TRACED = "batch", 8
"""The dimension of items, and the least size of others that a graph is traced for."""
TRACED_BATCH = 3
COMPARED_BATCHES = (1, 7)
TOLERANCE = 1e-4
"""How far what onnxruntime gives may lie from torch's, beside the largest number of the output."""


class Exported(NamedTuple):
    """A folder that predicts without torch, and how far its graph is from the model."""

    folder: Path
    calls: int
    """Times that both were run on inputs that were drawn."""
    farthest: float
    """The largest difference of a number, beside the largest number of its output."""


def export(exportable: Exportable, folder: Path) -> Exported:
    """Write a model as a new folder, once it was seen to give what torch does.

    Args:
        exportable: The model.
        folder: Where to; it must not exist, or be empty.

    Raises:
        FileExistsError: If `folder` holds something.
        DataError: If the graph gives other numbers than the model.
        ModuleNotFoundError: If what writes or runs graphs is not installed.
    """
    need("onnxscript", "export to ONNX")
    need("onnxruntime", "export to ONNX")
    graph = exportable.graph
    with new_folder(folder) as temporary:
        data = to_onnx(graph)
        calls, farthest = compare(graph, data)
        with new_file(temporary / GRAPH) as file:
            file.write(data)
        for name, content in exportable.files.items():
            write_text(temporary / name, json.dumps(content, ensure_ascii=True))
        schema = {"format": FORMAT, **exportable.schema}
        schema |= {"inputs": list(graph.axes), "outputs": list(graph.outputs)}
        write_text(temporary / SCHEMA, json.dumps(schema, indent=2, ensure_ascii=False))
        write_text(temporary / MANIFEST, json.dumps(manifest(temporary), indent=2))
    return Exported(folder, calls, farthest)


def to_onnx(graph: Graph) -> bytes:
    """Translate a graph, whose free dimensions stay free."""
    from lockgate.exporting.cells import translations

    drawn = _drawn(graph, TRACED_BATCH, graph.lengths[0])
    names = sorted({name for axes in graph.axes.values() for name in axes.values()})
    # what the tracer takes for granted of a size, such as that more than one step is left behind a
    # convolution, is in no graph: shorter inputs are among those that it is compared by
    free = {name: torch.export.Dim(name, min=1 if name == BATCH else TRACED) for name in names}
    # a forward of *given has its dimensions as one tuple
    shapes = (tuple({at: free[name] for at, name in axes.items()} for axes in graph.axes.values()),)
    with torch.no_grad(), _quiet():
        # apart, since torch.onnx.export falls back on graphs of fixed sizes
        traced = torch.export.export(
            graph.module, tuple(drawn.values()), dynamic_shapes=shapes, strict=False
        )
        program = torch.onnx.export(
            traced,
            tuple(drawn.values()),
            dynamo=True,
            input_names=list(graph.axes),
            output_names=list(graph.outputs),
            custom_translation_table=translations(),
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    written: bytes = program.model_proto.SerializeToString()
    return written


def compare(graph: Graph, data: bytes) -> tuple[int, float]:
    """Run the graph by onnxruntime beside torch on inputs that are drawn.

    Returns:
        How often, and the largest difference as `Exported` has them.

    Raises:
        DataError: If they differ by more than `TOLERANCE`.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options)
    calls, farthest = 0, 0.0
    for batch in COMPARED_BATCHES:
        for length in graph.lengths:
            drawn = _drawn(graph, batch, length)
            with torch.no_grad():
                wanted = graph.module(*drawn.values())
            found = session.run(None, {name: one.numpy() for name, one in drawn.items()})
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


def _drawn(graph: Graph, batch: int, length: int) -> Inputs:
    return graph.draw(batch, length, torch.Generator().manual_seed(batch + length))


def _apart(name: str, wanted: Tensor, found: Any) -> float:
    truth = wanted.numpy()
    if truth.shape != found.shape or not np.array_equal(np.isnan(truth), np.isnan(found)):
        raise DataError(
            f"the graph must give what the model does, got {name} of another form, "
            f"{found.shape} for {truth.shape}; this model cannot be exported to ONNX"
        )
    known = np.isfinite(truth)
    size = float(np.abs(truth[known]).max(initial=0.0)) or 1.0
    apart = float(np.abs(truth[known] - found[known]).max(initial=0.0)) / size
    # what is infinite must be so on both sides
    if apart > TOLERANCE or not np.array_equal(truth[~known], found[~known], equal_nan=True):
        raise DataError(
            f"the graph must give what the model does, got {name} off by {apart:.1e} of its "
            "largest number; this model cannot be exported to ONNX"
        )
    return apart


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what torch's exporter says of its own insides to itself."""
    # of operators of torchvision, which is not installed
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r".*LeafSpec.*is deprecated", FutureWarning)
            yield
    finally:
        logger.setLevel(level)
