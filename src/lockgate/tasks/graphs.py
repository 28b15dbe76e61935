"""What is exported: a fitted model as one function of tensors, and what stands around it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

Inputs = Mapping[str, Tensor]
Draw = Callable[[int, int, torch.Generator], Inputs]
"""Draws inputs of so many rows of a batch and, where lengths are free, of so many steps."""


class Graph(NamedTuple):
    """A function of named tensors."""

    module: nn.Module
    """In evaluation; takes the tensors in the order of `axes`, and returns those of `outputs`."""
    axes: Mapping[str, Mapping[int, str]]
    """Of each input the dimensions whose size is free, by their names: `batch`, `steps`, ..."""
    outputs: tuple[str, ...]
    draw: Draw
    """Draws inputs to trace it with, and to compare it by."""
    lengths: tuple[int, ...]
    """Lengths that it is compared at; one where none is free."""


class Exportable(NamedTuple):
    """A fitted model as it is exported."""

    graph: Graph
    schema: dict[str, Any]
    """What is done around the graph, as JSON holds it."""
    files: Mapping[str, Any] = MappingProxyType({})
    """What else stands beside it, as JSON, by the names of the files."""
