"""A traced graph takes other sizes where they are free, and is compared by inputs that stay."""

import torch
from torch import Tensor, nn

from lockgate.exporting.tracing import draw, traced
from lockgate.tasks.graphs import Graph


class Sum(nn.Module):
    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        return (given[0].sum(1),)


def drawn(batch: int, steps: int, generator: torch.Generator) -> dict[str, Tensor]:
    return {"x": torch.randn(batch, steps, 2, generator=generator)}


GRAPH = Graph(Sum(), {"x": {0: "batch", 1: "steps"}}, ("y",), drawn, (9, 3))


def test_inputs_are_the_same_for_the_same_sizes() -> None:
    first, again, other = draw(GRAPH, 2, 5), draw(GRAPH, 2, 5), draw(GRAPH, 3, 5)
    assert torch.equal(first["x"], again["x"])
    assert not torch.equal(first["x"], other["x"][:2])


def test_free_dimensions_stay_free() -> None:
    program, given = traced(GRAPH)
    assert given[0].shape == (3, 9, 2)
    run = program.module()
    for batch, steps in ((1, 9), (7, 40)):
        x = torch.randn(batch, steps, 2)
        torch.testing.assert_close(run(x)[0], x.sum(1))
