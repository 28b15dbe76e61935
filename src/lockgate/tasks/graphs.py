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


class Step(NamedTuple):
    """One step of a model that answers at every step.

    Step after step it gives what the whole graph gives at those of a sequence that are no padding:
    that one takes `lengths`, and its other inputs with the steps behind the batch.
    """

    graph: Graph
    """Takes inputs of the whole one at a step, then states; gives its outputs, then states."""
    states: Mapping[str, str]
    """By the name of each state that of the output that takes its place. They begin at 0."""


class Exportable(NamedTuple):
    """A fitted model as it is exported."""

    graph: Graph
    step: Step | str
    """One step of it, or what keeps it from being run by steps, as "it ..."."""
    schema: dict[str, Any]
    """What is done around the graph, as JSON holds it."""
    files: Mapping[str, Any] = MappingProxyType({})
    """What else stands beside it, as JSON, by the names of the files."""
