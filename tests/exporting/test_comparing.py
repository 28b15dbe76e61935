"""What a graph gives is told beside what the model gives, and refused where it is another."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lockgate.errors import DataError
from lockgate.exporting import comparing
from lockgate.exporting.comparing import apart, by_torch, compare, compare_steps, losses
from lockgate.tasks.graphs import Graph, Inputs, Step


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


class Sums(nn.Module):
    """Sums of a sequence up to each step."""

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        return (given[0].cumsum(1),)


class NextSum(nn.Module):
    """A sum from the one before."""

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        after = given[0] + given[1]
        return after, after


def padded(batch: int, steps: int, generator: torch.Generator) -> dict[str, Tensor]:
    lengths = torch.randint(1, steps + 1, (batch,), generator=generator)
    return {"x": torch.rand(batch, steps, 2, generator=generator), "lengths": lengths}


def one_step(batch: int, _: int, generator: torch.Generator) -> dict[str, Tensor]:
    return {name: torch.rand(batch, 2, generator=generator) for name in ("x", "sum")}


SUMS = Graph(
    Sums(), {"x": {0: "batch", 1: "steps"}, "lengths": {0: "batch"}}, ("y",), padded, (9, 3)
)
BATCHES = {name: {0: "batch"} for name in ("x", "sum")}
NEXT = Step(Graph(NextSum(), BATCHES, ("y", "after"), one_step, (1,)), {"sum": "after"})


def test_steps_are_compared_from_a_state_of_zeros_up_to_the_length() -> None:
    def whole(given: Inputs) -> list[np.ndarray]:
        (sums,) = by_torch(SUMS)(given)
        behind = np.arange(sums.shape[1]) >= given["lengths"].numpy()[:, None]
        sums[behind] = 100.0
        return [sums]

    calls, farthest = compare_steps(SUMS, whole, NEXT, by_torch(NEXT.graph))
    assert calls == 4  # batches of 1 and 7, two lengths
    assert farthest < 1e-6


def test_steps_that_forget_are_refused() -> None:
    def forgets(given: Inputs) -> list[np.ndarray]:
        after = given["x"] + 0.999 * given["sum"]
        return [after.numpy(), after.numpy()]

    with pytest.raises(DataError, match="got y off by"):
        compare_steps(SUMS, by_torch(SUMS), NEXT, forgets)


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
