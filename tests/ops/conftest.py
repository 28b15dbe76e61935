"""Calls of the operators, drawn in float64, and a loop over plain numbers that judges them."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights


class Call(NamedTuple):
    """The arguments of an operator, in its order."""

    x: Tensor
    state: Any
    weights: Weights
    masks: Masks
    valid: Tensor | None
    options: Any

    def leaves(self) -> dict[str, Tensor]:
        """Give what gradients are taken of, by name."""
        named = {"x": self.x, **self.state._asdict(), **self.weights._asdict()}
        named |= {f"mask {name}": mask for name, mask in self.masks._asdict().items()}
        return {name: value for name, value in named.items() if value is not None}

    def with_leaves(self, leaves: Any) -> "Call":
        """Give the same call with other tensors in the place of `leaves()`."""
        by_name = dict(zip(self.leaves(), leaves, strict=True))
        return self._replace(
            x=by_name["x"],
            state=type(self.state)(*(by_name[name] for name in self.state._fields)),
            weights=Weights(*(by_name.get(name) for name in Weights._fields)),
            masks=Masks(*(by_name.get(f"mask {name}") for name in Masks._fields)),
        )


def _make_call(
    cell: ModuleType,
    sizes: tuple[int, int, int, int] = (2, 5, 3, 4),
    *,
    masks: str = "none",
    bias: bool = True,
    padded: bool = False,
    **options: Any,
) -> Call:
    """Draw a call; `masks` says how many there are: none, input, cell, gate or step."""
    B, T, n_in, H = sizes
    generator = torch.Generator().manual_seed(B + T + n_in + H)

    def draw(*shape: int) -> Tensor:
        value = torch.randn(*shape, dtype=torch.float64, generator=generator)
        return value.mul_(0.5).requires_grad_()

    def mask(kind: str, features: int) -> Tensor | None:
        shapes = {"input": (1, 1), "cell": (1, 1), "gate": (1, cell.GATES), "step": (T, cell.GATES)}
        if kind not in shapes:
            return None
        keep = torch.full((*shapes[kind], B, features), 0.5, dtype=torch.float64)
        return keep.bernoulli(generator=generator).div_(0.5).requires_grad_()

    rows = cell.GATES * H
    biases = (draw(rows), draw(rows)) if bias else (None, None)
    return Call(
        draw(T, B, n_in),
        cell.State(*(draw(B, H) for _ in cell.State._fields)),
        Weights(draw(rows, n_in), draw(rows, H), *biases),
        Masks(mask(masks, n_in), None if masks == "input" else mask(masks, H)),
        torch.rand(T, B, generator=generator) < 0.6 if padded else None,
        cell.Options(**options),
    )


def _results_and_gradients(run: Callable[..., Any], call: Call) -> dict[str, Tensor]:
    output, last = run(*call)
    results = {"output": output, **{f"last {k}": v for k, v in last._asdict().items()}}
    leaves = call.leaves()
    loss = sum((value * value.cos()).sum() for value in results.values())
    gradients = torch.autograd.grad(loss, list(leaves.values()))
    return results | {f"grad {name}": g for name, g in zip(leaves, gradients, strict=True)}


def _scalar_loop(step: Callable[..., Any], call: Call, gates: int) -> tuple[Tensor, Any]:
    """Run a call on plain numbers, sample by sample: `step` takes lists [gate][unit] and a state.

    It gets what x and h give to each gate apart, and returns the new state, h first.
    """
    T, B, _ = call.x.shape
    H = call.state[0].shape[1]
    output = torch.zeros(T, B, H, dtype=torch.float64)
    last = [torch.zeros(B, H, dtype=torch.float64) for _ in call.state]
    x_masks, h_masks = (
        None if mask is None else mask.expand(T, gates, B, -1).tolist() for mask in call.masks
    )
    for b in range(B):
        state = [part[b].tolist() for part in call.state]
        for t in reversed(range(T)) if call.options.reverse else range(T):
            if call.valid is not None and not call.valid[t, b]:
                continue
            x_t = call.x[t, b].tolist()
            from_x = _affine(call.weights.w_ih, call.weights.b_ih, x_t, x_masks, (t, b, gates, H))
            from_h = _affine(
                call.weights.w_hh, call.weights.b_hh, state[0], h_masks, (t, b, gates, H)
            )
            state = step(from_x, from_h, state)
            output[t, b] = torch.tensor(state[0], dtype=torch.float64)
        for part, values in zip(last, state, strict=True):
            part[b] = torch.tensor(values, dtype=torch.float64)
    return output, type(call.state)(*last)


def _affine(weight: Tensor, bias: Tensor | None, value: list, masks: Any, at: tuple) -> list:
    t, b, gates, H = at
    rows, shifts = weight.tolist(), [0.0] * (gates * H) if bias is None else bias.tolist()
    result = []
    for gate in range(gates):
        mask = [1.0] * len(value) if masks is None else masks[t][gate][b]
        seen = [v * m for v, m in zip(value, mask, strict=True)]
        block = range(gate * H, (gate + 1) * H)
        result.append([shifts[r] + _dot(rows[r], seen) for r in block])
    return result


def _dot(a: list, b: list) -> float:
    return sum(v * w for v, w in zip(a, b, strict=True))


@pytest.fixture
def make_call() -> Callable[..., Call]:
    return _make_call


@pytest.fixture
def results_and_gradients() -> Callable[..., dict[str, Tensor]]:
    return _results_and_gradients


@pytest.fixture
def scalar_loop() -> Callable[..., Any]:
    return _scalar_loop
