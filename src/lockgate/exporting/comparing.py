"""What a graph that was written gives beside the model, on inputs that are drawn."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from lockgate.errors import DataError
from lockgate.exporting.tracing import Run, draw
from lockgate.tasks.graphs import Graph, Step

COMPARED_BATCHES = (1, 7)
TOLERANCE = 1e-4
"""How far what a graph gives may lie from torch's, beside the largest number of the output."""
LOSS_BATCH = 64
"""Rows by which is told what weights in fewer bytes lose."""
MOST_LOSS = 0.05
"""How far what it gives may lie from that of weights in float32, beside the range of the output."""
Array = npt.NDArray[Any]


class Loss(NamedTuple):
    """How far an output is from that of weights in float32, in shares of its range."""

    largest: float
    mean: float


def by_torch(graph: Graph) -> Run:
    """Return what runs a graph by torch, as it was given."""

    def run(given: Any) -> list[Array]:
        with torch.no_grad():
            return [one.numpy() for one in graph.module(*given.values())]

    return run


def compare(graph: Graph, run: Run) -> tuple[int, float]:
    """Run a graph that was written beside torch, on inputs that are drawn.

    Returns:
        How often, and the largest difference beside the largest number of its output.

    Raises:
        DataError: If they differ by more than `TOLERANCE`.
    """
    calls, farthest, model = 0, 0.0, by_torch(graph)
    for batch in COMPARED_BATCHES:
        for length in graph.lengths:
            drawn = draw(graph, batch, length)
            calls += 1
            for name, one, other in zip(graph.outputs, model(drawn), run(drawn), strict=True):
                farthest = max(farthest, apart(name, one, other))
    return calls, farthest


def compare_steps(graph: Graph, whole: Run, step: Step, run: Run) -> tuple[int, float]:
    """Run one step after another over sequences that are drawn, beside the whole graph.

    Args:
        graph: The whole one.
        whole: What runs it.
        step: One step of it.
        run: What runs that.

    Returns:
        Over how many batches, and the largest difference as `compare` has it.

    Raises:
        DataError: If they differ by more than `TOLERANCE`.
    """
    calls, farthest = 0, 0.0
    for batch in COMPARED_BATCHES:
        states = draw(step.graph, batch, 1)
        for length in graph.lengths:
            drawn = draw(graph, batch, length)
            given = {
                name: torch.zeros_like(one) if name in step.states else one
                for name, one in states.items()
            }
            answers: dict[str, list[Array]] = {name: [] for name in graph.outputs}
            for place in range(length):
                given |= {name: drawn[name][:, place] for name in given if name not in step.states}
                found = dict(zip(step.graph.outputs, run(given), strict=True))
                for name in answers:
                    answers[name].append(found[name])
                given |= {
                    name: torch.from_numpy(found[after]) for name, after in step.states.items()
                }
            calls += 1
            valid = np.arange(length) < drawn["lengths"].numpy()[:, None]
            for name, wanted in zip(graph.outputs, whole(drawn), strict=True):
                stepped = np.stack(answers[name], axis=1)
                farthest = max(farthest, apart(name, wanted[valid], stepped[valid]))
    return calls, farthest


def losses(graph: Graph, weights: str, whole: Run, run: Run) -> Mapping[str, Loss]:
    """Tell what a graph loses by weights in fewer bytes, on inputs that are drawn.

    Args:
        graph: The graph.
        weights: How they are stored.
        whole: What runs it with weights in float32.
        run: What runs it with those.

    Returns:
        The loss of each output.

    Raises:
        DataError: If one is above `MOST_LOSS`.
    """
    pairs: dict[str, list[tuple[Array, Array]]] = {name: [] for name in graph.outputs}
    for length in graph.lengths:
        drawn = draw(graph, LOSS_BATCH, length)
        for name, one, other in zip(graph.outputs, whole(drawn), run(drawn), strict=True):
            known = np.isfinite(one)
            pairs[name].append((one[known], other[known]))
    found = {name: _loss(*map(np.concatenate, zip(*of, strict=True))) for name, of in pairs.items()}
    for name, loss in found.items():
        # also of what is no number
        if not loss.largest <= MOST_LOSS:
            raise DataError(
                f"weights must be float32 for this model (--weights float32), got {weights}, by "
                f"which {name} is off by {loss.largest:.1%} of its range, above {MOST_LOSS:.0%}"
            )
    return found


def _loss(wanted: Array, found: Array) -> Loss:
    # of what never varies its size tells what is much
    size = float(np.ptp(wanted)) or float(np.abs(wanted).max()) or 1.0
    differences = np.abs(wanted - found)
    return Loss(float(differences.max()) / size, float(differences.mean()) / size)


def apart(name: str, wanted: Array, found: Array) -> float:
    """Return the largest difference of two outputs beside the largest number wanted.

    Raises:
        DataError: If it is above `TOLERANCE`, or other numbers are missing.
    """
    if wanted.shape != found.shape or not np.array_equal(np.isnan(wanted), np.isnan(found)):
        raise DataError(
            f"the graph must give what the model does, got {name} of another form, "
            f"{found.shape} for {wanted.shape}; this model cannot be exported"
        )
    known = np.isfinite(wanted)
    size = float(np.abs(wanted[known]).max(initial=0.0)) or 1.0
    difference = float(np.abs(wanted[known] - found[known]).max(initial=0.0)) / size
    # what is infinite must be so on both sides
    same = np.array_equal(wanted[~known], found[~known], equal_nan=True)
    if difference > TOLERANCE or not same:
        raise DataError(
            f"the graph must give what the model does, got {name} off by {difference:.1e} of its "
            "largest number; this model cannot be exported"
        )
    return difference
