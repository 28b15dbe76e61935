"""The reference is an LSTM with one mask per gate, and every backend agrees with it."""

import math

import pytest
import torch

from lockgate.ops import lstm
from lockgate.ops.lstm import aten, reference
from lockgate.ops.masks import Masks

# test_cpu.py judges `cpu`, which computes in float32 alone, and test_triton.py judges `triton`
JUDGED = ("cpu", "triton", "reference")
KERNELS = [backend for backend in lstm.BACKENDS if backend.name not in JUDGED]
SIZES = [(1, 1, 1, 1), (2, 7, 3, 5), (3, 33, 9, 17)]  # batch, time, input, hidden: odd on purpose


def sigmoid(a: float) -> float:
    return 1.0 / (1.0 + math.exp(-a))


def scalar_step(from_x: list, from_h: list, state: list) -> list:
    """Write the LSTM of the paper out, unit by unit."""
    h_new, c_new = [], []
    for j, c in enumerate(state[1]):
        i, f, g, o = (from_x[gate][j] + from_h[gate][j] for gate in range(4))
        c_new.append(sigmoid(f) * c + sigmoid(i) * math.tanh(g))
        h_new.append(sigmoid(o) * math.tanh(c_new[-1]))
    return [h_new, c_new]


@pytest.mark.parametrize("padded", [False, True], ids=["dense", "padded"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("masks", ["none", "cell", "gate", "step"])
def test_reference_is_the_cell_written_out(
    make_call, scalar_loop, masks: str, reverse: bool, padded: bool
) -> None:
    call = make_call(lstm, masks=masks, reverse=reverse, padded=padded)

    expected = scalar_loop(scalar_step, call, lstm.GATES)

    torch.testing.assert_close(reference.run(*call), expected)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
def test_reference_agrees_with_torch(make_call, bias: bool) -> None:
    call = make_call(lstm, (3, 11, 5, 7), bias=bias)
    layer = torch.nn.LSTM(5, 7, bias=bias, dtype=torch.float64)
    weights = [weight for weight in call.weights if weight is not None]
    layer.load_state_dict(dict(zip(layer.state_dict(), weights, strict=True)))

    output, last = reference.run(*call)
    expected, (h_n, c_n) = layer(call.x, tuple(part[None] for part in call.state))

    torch.testing.assert_close(output, expected)
    torch.testing.assert_close((last.h, last.c), (h_n[0], c_n[0]))


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("masks", ["none", "input", "gate"])
@pytest.mark.parametrize("sizes", SIZES, ids=lambda s: "B{}-T{}-I{}-H{}".format(*s))
@pytest.mark.parametrize("backend", KERNELS, ids=lambda b: b.name)
def test_backend_agrees_with_reference(
    make_call, results_and_gradients, backend, sizes, masks: str, reverse: bool, bias: bool
) -> None:
    call = make_call(lstm, sizes, masks=masks, bias=bias, reverse=reverse)
    if reason := backend.why_not(*call):
        pytest.skip(f"{backend.name}: {reason}")

    got = results_and_gradients(backend.run, call)

    torch.testing.assert_close(got, results_and_gradients(reference.run, call))


@pytest.mark.parametrize("masks", ["none", "gate"])
def test_reference_is_differentiable_twice(make_call, masks: str) -> None:
    call = make_call(lstm, (1, 2, 2, 2), masks=masks, padded=False)

    def run(*leaves):
        output, last = reference.run(*call.with_leaves(leaves))
        return output, *last

    leaves = tuple(call.leaves().values())
    assert torch.autograd.gradcheck(run, leaves)
    assert torch.autograd.gradgradcheck(run, leaves)


def test_c_is_carried_without_a_mask(make_call) -> None:
    call = make_call(lstm, masks="gate")
    H = call.state.c.shape[1]
    # input gate shut, forget gate open
    shut, wide = torch.full((H,), -100.0), torch.full((H,), 100.0)
    bias = torch.cat([shut, wide, shut, wide]).double()
    nothing = Masks(None, torch.zeros(1, 1, 1, H, dtype=torch.float64))

    _, last = reference.run(*call._replace(weights=call.weights._replace(b_hh=bias), masks=nothing))

    torch.testing.assert_close(last.c, call.state.c)


def test_mask_scales_the_recurrent_columns(make_call) -> None:
    call = make_call(lstm, (1, 6, 3, 5), masks="cell")
    scaled = call.weights._replace(w_hh=call.weights.w_hh * call.masks.h.view(1, 5))

    expected = aten.run(*call._replace(weights=scaled, masks=Masks(call.masks.x)))

    torch.testing.assert_close(reference.run(*call), expected)
