"""First and second derivatives of every cell and regulariser are those of finite differences."""

from typing import Any

import pytest
import torch

from lockgate.nn import GRU, LSTM, RNN
from lockgate.ops import kernels
from lockgate.ops.dispatch import backend

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "held": {"input_dropout": 0.5, "recurrent_dropout": 0.5, "output_dropout": 0.5},
    "step": {"input_dropout": 0.5, "recurrent_dropout": 0.5, "mask_over": "step"},
    "weights": {"weight_dropout": 0.5},
    "zoneout": {"zoneout": 0.5},
    "norm": {"layer_norm": True},
    "all": {
        "recurrent_dropout": 0.5,
        "weight_dropout": 0.5,
        "zoneout": 0.5,
        "layer_norm": True,
        "bidirectional": True,
        "learn_initial_state": True,
        "merge_mode": "mul",
    },
}
OWN: list[tuple[type, dict[str, Any]]] = [
    (LSTM, {"proj_size": 1, "zoneout": (0.5, 0.5)}),
    (LSTM, {"proj_size": 1, "layer_norm": True}),
    (GRU, {"reset_after": False, "recurrent_dropout": 0.5}),
]
CASES = [(cls, options) for cls in (RNN, LSTM, GRU) for options in OPTIONS.values()] + OWN


def name(value: object) -> str:
    if isinstance(value, type):
        return value.__name__
    return ",".join(value) if isinstance(value, dict) else str(value)


def function_of(layer: Any, T: int = 2) -> tuple[Any, tuple[torch.Tensor, ...]]:
    """Give what a layer computes of x and its parameters under masks that stay the same."""
    generator = torch.Generator().manual_seed(0)
    masks = layer.draw_masks(2, T, generator=generator)
    x = torch.randn(T, 2, 2, dtype=torch.float64, generator=generator, requires_grad=True)
    mask = torch.tensor([[True] * T, [True] * (T - 1) + [False]])
    names = [n for n, _ in layer.named_parameters()]

    def run(x: torch.Tensor, *values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        own = dict(zip(names, values, strict=True))
        call = torch.func.functional_call(layer, own, (x,), {"mask": mask, "masks": masks})
        output, state = call
        return output, *(state if isinstance(state, tuple) else (state,))

    return run, (x, *(p.detach().requires_grad_() for p in layer.parameters()))


@pytest.mark.parametrize(("cls", "options"), CASES, ids=name)
def test_gradients_are_those_of_finite_differences(cls: type, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    run, inputs = function_of(cls(2, 2, dtype=torch.float64, **options))

    assert torch.autograd.gradcheck(run, inputs)


@pytest.mark.parametrize(("cls", "options"), CASES, ids=name)
def test_second_derivatives_are_those_of_finite_differences(
    cls: type, options: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    run, inputs = function_of(cls(2, 2, dtype=torch.float64, bias=False, **options))

    assert torch.autograd.gradgradcheck(lambda *args: run(*args)[0], inputs)


@pytest.mark.parametrize("cls", [RNN, LSTM, GRU])
@pytest.mark.parametrize("by", ["aten", "cpu", "reference"])
def test_gradient_penalty_is_the_same_by_every_backend(cls: type, by: str) -> None:
    if by == "cpu" and not kernels.BUILT:
        pytest.skip("lockgate has no kernels here")
    torch.manual_seed(0)
    layer, x = cls(3, 5), torch.randn(6, 2, 3, requires_grad=True)

    def penalty(name: str) -> tuple[torch.Tensor, ...]:
        with backend(name):
            output, _ = layer(x)
        (d_x,) = torch.autograd.grad(output.square().sum(), x, create_graph=True)
        return torch.autograd.grad((d_x.norm() - 1).square(), list(layer.parameters()))

    expected = penalty("reference")
    torch.testing.assert_close(penalty(by), expected, atol=1e-4, rtol=1e-4)
