"""A graph for ONNX, and what runs it."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import torch

from lockgate.exporting.cells import translations
from lockgate.exporting.tracing import Run, quiet, traced
from lockgate.tasks.graphs import Graph

OPSET = 18
DEQUANTISED_ONCE = ("session.disable_quant_qdq", "1")
"""Lets onnxruntime turn weights in int8 into float32 when it loads a graph, not in every run."""


def to_onnx(graph: Graph) -> bytes:
    """Translate a graph, whose free dimensions stay free."""
    with torch.no_grad(), _quiet():
        # traced apart, since torch.onnx.export falls back on graphs of fixed sizes
        program, drawn = traced(graph)
        found = torch.onnx.export(
            program,
            drawn,
            dynamo=True,
            input_names=list(graph.axes),
            output_names=list(graph.outputs),
            custom_translation_table=translations(),
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
    assert found is not None
    model = found.model_proto
    _name_dimensions(graph, model.graph)
    _forget_origins(model.graph)
    del model.metadata_props[:]
    written: bytes = model.SerializeToString()
    return written


def _name_dimensions(graph: Graph, written: Any) -> None:
    """Give free dimensions the names of the graph, in place of the tracer's symbols."""
    names: dict[str, str] = {}
    for given in written.input:
        dimensions = given.type.tensor_type.shape.dim
        names |= {dimensions[at].dim_param: name for at, name in graph.axes[given.name].items()}
    for one in (*written.input, *written.output, *written.value_info):
        for dimension in one.type.tensor_type.shape.dim:
            if dimension.dim_param in names:
                dimension.dim_param = names[dimension.dim_param]


def _forget_origins(graph: Any) -> None:
    """Drop what the tracer notes: lines of the sources, and paths of the machine that ran it."""
    values = *graph.input, *graph.output, *graph.value_info, *graph.initializer
    for one in (graph, *graph.node, *values):
        del one.metadata_props[:]
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _forget_origins(attribute.g)


def running(graph: Graph, data: bytes) -> Run:
    """Return what runs a graph by onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry(*DEQUANTISED_ONCE)
    session = onnxruntime.InferenceSession(data, options)
    return lambda given: session.run(None, {name: given[name].numpy() for name in graph.axes})


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # of operators of torchvision, which is not installed
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with quiet():
            yield
    finally:
        logger.setLevel(level)
