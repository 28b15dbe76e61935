"""A graph as torch traces it, and the inputs by which it is compared."""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from lockgate.tasks.graphs import Graph, Inputs

BATCH, TRACED = "batch", 8
"""The dimension of items, and the least size of others that a graph is traced for."""
TRACED_BATCH = 3
Run = Callable[[Inputs], Sequence[Any]]
"""Gives the outputs of a graph as arrays."""


def draw(graph: Graph, batch: int, length: int) -> Inputs:
    """Draw inputs, the same for the same sizes."""
    return graph.draw(batch, length, torch.Generator().manual_seed(batch + length))


def traced(graph: Graph) -> tuple[torch.export.ExportedProgram, tuple[torch.Tensor, ...]]:
    """Return a graph as torch's own program, and the inputs that it was traced with."""
    drawn = tuple(draw(graph, TRACED_BATCH, graph.lengths[0]).values())
    names = sorted({name for axes in graph.axes.values() for name in axes.values()})
    # what the tracer takes for granted of a size, such as that more than one step is left behind a
    # convolution, is in no graph: shorter inputs are among those that it is compared by
    free = {name: torch.export.Dim(name, min=1 if name == BATCH else TRACED) for name in names}
    # a forward of *given has its dimensions as one tuple
    shapes = (tuple({at: free[name] for at, name in axes.items()} for axes in graph.axes.values()),)
    with torch.no_grad():
        program = torch.export.export(graph.module, drawn, dynamic_shapes=shapes, strict=False)
    return program, drawn


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what torch's exporter says of its own insides to itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".*LeafSpec.*is deprecated", FutureWarning)
        yield
