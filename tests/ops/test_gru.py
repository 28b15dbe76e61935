"""The reference is a GRU with one mask per gate, and every backend agrees with it."""

import math

import pytest
import torch

from lockgate.ops import gru
from lockgate.ops.gru import reference
from lockgate.ops.masks import Masks

# test_cpu.py judges `cpu`, which computes in float32 alone, and test_triton.py judges `triton`
JUDGED = ("cpu", "triton", "reference")
KERNELS = [backend for backend in gru.BACKENDS if backend.name not in JUDGED]
SIZES = [(1, 1, 1, 1), (2, 7, 3, 5), (3, 33, 9, 17)]  # batch, time, input, hidden: odd on purpose


def sigmoid(a: float) -> float:
    return 1.0 / (1.0 + math.exp(-a))


def scalar_step(from_x: list, from_h: list, state: list) -> list:
    """Write the GRU of torch and cuDNN out, unit by unit: the carry reads h without a mask."""
    h_new = []
    for j, h in enumerate(state[0]):
        r = sigmoid(from_x[0][j] + from_h[0][j])
        z = sigmoid(from_x[1][j] + from_h[1][j])
        n = math.tanh(from_x[2][j] + r * from_h[2][j])
        h_new.append((1.0 - z) * n + z * h)
    return [h_new]


@pytest.mark.parametrize("padded", [False, True], ids=["dense", "padded"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("masks", ["none", "cell", "gate", "step"])
def test_reference_is_the_cell_written_out(
    make_call, scalar_loop, masks: str, reverse: bool, padded: bool
) -> None:
    call = make_call(gru, masks=masks, reverse=reverse, padded=padded)

    expected = scalar_loop(scalar_step, call, gru.GATES)

    torch.testing.assert_close(reference.run(*call), expected)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
def test_reference_agrees_with_torch(make_call, bias: bool) -> None:
    call = make_call(gru, (3, 11, 5, 7), bias=bias)
    layer = torch.nn.GRU(5, 7, bias=bias, dtype=torch.float64)
    weights = [weight for weight in call.weights if weight is not None]
    layer.load_state_dict(dict(zip(layer.state_dict(), weights, strict=True)))

    output, last = reference.run(*call)
    expected, h_n = layer(call.x, call.state.h[None])

    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(last.h, h_n[0])


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("masks", ["none", "input", "gate"])
@pytest.mark.parametrize("sizes", SIZES, ids=lambda s: "B{}-T{}-I{}-H{}".format(*s))
@pytest.mark.parametrize("backend", KERNELS, ids=lambda b: b.name)
def test_backend_agrees_with_reference(
    make_call, results_and_gradients, backend, sizes, masks: str, reverse: bool, bias: bool
) -> None:
    call = make_call(gru, sizes, masks=masks, bias=bias, reverse=reverse)
    if reason := backend.why_not(*call):
        pytest.skip(f"{backend.name}: {reason}")

    got = results_and_gradients(backend.run, call)

    torch.testing.assert_close(got, results_and_gradients(reference.run, call))


@pytest.mark.parametrize("masks", ["none", "gate"])
def test_reference_is_differentiable_twice(make_call, masks: str) -> None:
    call = make_call(gru, (1, 2, 2, 2), masks=masks, padded=False)

    def run(*leaves):
        output, last = reference.run(*call.with_leaves(leaves))
        return output, *last

    leaves = tuple(call.leaves().values())
    assert torch.autograd.gradcheck(run, leaves)
    assert torch.autograd.gradgradcheck(run, leaves)


def test_carry_reads_h_without_its_mask(make_call) -> None:
    call = make_call(gru, masks="gate")
    closed = torch.full_like(call.weights.b_hh, 100.0)  # z = 1: h is carried whole
    nothing = Masks(None, torch.zeros(1, 1, 1, 4, dtype=torch.float64))

    output, last = reference.run(
        *call._replace(weights=call.weights._replace(b_hh=closed), masks=nothing)
    )

    torch.testing.assert_close(output, call.state.h.expand_as(output))
    torch.testing.assert_close(last.h, call.state.h)
