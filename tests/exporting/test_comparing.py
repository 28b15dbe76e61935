"""What a graph gives is told beside what the model gives, and refused where it is another."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lockgate.errors import DataError
from lockgate.exporting import comparing
from lockgate.exporting.comparing import apart, by_torch, compare, losses
from lockgate.tasks.graphs import Graph, Inputs


class Level(nn.Module):
    """Numbers that vary little around a level, and are missing below it."""

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        x = 1000.0 + given[0]
        return x, x.masked_fill(given[0] < 0.0, torch.nan)


def drawn(batch: int, steps: int, generator: torch.Generator) -> dict[str, Tensor]:
    return {"x": torch.rand(batch, steps, generator=generator) - 0.5}


GRAPH = Graph(Level(), {"x": {0: "batch", 1: "steps"}}, ("level", "above"), drawn, (9, 3))


def test_a_difference_is_told_beside_the_largest_number() -> None:
    def off(given: Inputs) -> list[np.ndarray]:
        one, other = by_torch(GRAPH)(given)
        return [one, other - 0.01]

    calls, farthest = compare(GRAPH, off)
    assert calls == 4  # batches of 1 and 7, two lengths
    assert farthest == pytest.approx(1e-5, rel=0.02)


def test_what_is_infinite_or_missing_must_be_so_in_both() -> None:
    wanted = np.array([1.0, np.inf])
    assert apart("y", wanted, wanted) == 0.0
    with pytest.raises(DataError, match="got y off by"):
        apart("y", wanted, wanted * [1.0, -1.0])
    with pytest.raises(DataError, match=r"got y of another form, \(2,\) for \(2,\)"):
        apart("y", wanted, np.array([np.nan, np.inf]))
    with pytest.raises(DataError, match=r"got y of another form, \(1,\) for \(2,\)"):
        apart("y", wanted, wanted[:1])


def test_a_loss_is_told_beside_the_range_and_not_the_level() -> None:
    def off(given: Inputs) -> list[np.ndarray]:
        one, other = by_torch(GRAPH)(given)
        one[:, 0] += 0.02
        return [one, other]

    found = losses(GRAPH, "int8", by_torch(GRAPH), off)
    assert found["level"].largest == pytest.approx(0.02, rel=0.02)
    # one step of 9, and one of 3, of as many rows
    assert found["level"].mean == pytest.approx(0.02 * 2 / 12, rel=0.02)
    assert found["above"] == (0.0, 0.0)


@pytest.mark.parametrize("fault", [0.06, np.nan])
def test_too_large_a_loss_is_refused(fault: float) -> None:
    def off(given: Inputs) -> list[np.ndarray]:
        one, other = by_torch(GRAPH)(given)
        return [one, other + fault]

    assert comparing.MOST_LOSS == 0.05
    with pytest.raises(DataError, match=r"got int8, by which above is off by .* of its range"):
        losses(GRAPH, "int8", by_torch(GRAPH), off)
