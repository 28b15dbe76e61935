"""The reference is an RNN with one mask per gate, and every backend agrees with it."""

import math
from functools import partial

import pytest
import torch

from lockgate.ops import rnn
from lockgate.ops.rnn import reference

# test_cpu.py judges `cpu`, which computes in float32 alone, and test_triton.py judges `triton`
JUDGED = ("cpu", "triton", "reference")
KERNELS = [backend for backend in rnn.BACKENDS if backend.name not in JUDGED]
SIZES = [(1, 1, 1, 1), (2, 7, 3, 5), (3, 33, 9, 17)]  # batch, time, input, hidden: odd on purpose


def scalar_step(from_x: list, from_h: list, state: list, nonlinearity: str) -> list:
    """Write the RNN out, unit by unit."""
    sums = [x + h for x, h in zip(from_x[0], from_h[0], strict=True)]
    return [[max(a, 0.0) if nonlinearity == "relu" else math.tanh(a) for a in sums]]


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("padded", [False, True], ids=["dense", "padded"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("masks", ["none", "cell", "gate", "step"])
def test_reference_is_the_cell_written_out(
    make_call, scalar_loop, masks: str, reverse: bool, padded: bool, nonlinearity: str
) -> None:
    call = make_call(rnn, masks=masks, reverse=reverse, padded=padded, nonlinearity=nonlinearity)

    expected = scalar_loop(partial(scalar_step, nonlinearity=nonlinearity), call, rnn.GATES)

    torch.testing.assert_close(reference.run(*call), expected)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
def test_reference_agrees_with_torch(make_call, bias: bool, nonlinearity: str) -> None:
    call = make_call(rnn, (3, 11, 5, 7), bias=bias, nonlinearity=nonlinearity)
    layer = torch.nn.RNN(5, 7, bias=bias, dtype=torch.float64, nonlinearity=nonlinearity)
    weights = [weight for weight in call.weights if weight is not None]
    layer.load_state_dict(dict(zip(layer.state_dict(), weights, strict=True)))

    output, last = reference.run(*call)
    expected, h_n = layer(call.x, call.state.h[None])

    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(last.h, h_n[0])


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("masks", ["none", "input", "gate"])
@pytest.mark.parametrize("sizes", SIZES, ids=lambda s: "B{}-T{}-I{}-H{}".format(*s))
@pytest.mark.parametrize("backend", KERNELS, ids=lambda b: b.name)
def test_backend_agrees_with_reference(
    make_call,
    results_and_gradients,
    backend,
    sizes,
    masks: str,
    reverse: bool,
    bias: bool,
    nonlinearity: str,
) -> None:
    call = make_call(rnn, sizes, masks=masks, bias=bias, reverse=reverse, nonlinearity=nonlinearity)
    if reason := backend.why_not(*call):
        pytest.skip(f"{backend.name}: {reason}")

    got = results_and_gradients(backend.run, call)

    torch.testing.assert_close(got, results_and_gradients(reference.run, call))


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("masks", ["none", "gate"])
def test_reference_is_differentiable_twice(make_call, masks: str, nonlinearity: str) -> None:
    call = make_call(rnn, (1, 2, 2, 2), masks=masks, padded=False, nonlinearity=nonlinearity)

    def run(*leaves):
        output, last = reference.run(*call.with_leaves(leaves))
        return output, *last

    leaves = tuple(call.leaves().values())
    assert torch.autograd.gradcheck(run, leaves)
    assert torch.autograd.gradgradcheck(run, leaves)
