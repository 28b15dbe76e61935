"""The GPU kernels compute what the references say: every mask, padding, size, dtype and plan.

Without a GPU they run in Triton's interpreter, which proves the numbers. It runs the programs of a
launch one after another, so programs that would wait for each other are launched step by step.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from lockgate import nn
from lockgate.ops import gru, lstm, rnn
from lockgate.ops._triton import launch, plan, support
from lockgate.ops.dispatch import BackendUnavailable, backend

pytestmark = pytest.mark.skipif(
    not support.INSTALLED or not support.interpreted(),
    reason="Triton is not installed, or there is a GPU, which test_triton_gpu.py is for",
)

PADDED = pytest.mark.parametrize("padded", [False, True], ids=["dense", "padded"])
REVERSE = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
CELLS = ("rnn", "relu", "lstm", "gru")
SIZES = (3, 5, 4, 7)  # batch, time, input, hidden
EDGES = [
    (0, 3, 2, 4),  # no sequence
    (1, 1, 1, 1),
    (17, 2, 3, 16),  # one row more than a block has
    (2, 3, 33, 17),
]
# three programs for each of two blocks of rows, three chunks of features in each product
SPLIT = (18, 3, 3, 40)


@pytest.fixture(params=["held", "streamed"])
def split(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Share a call out over programs, weights held or read at each step, rows launched in turn."""

    def choose(
        B: int, H: int, gates: int, copies: int, itemsize: int, device: Any
    ) -> plan.LaunchPlan:
        made = plan.make(B, H, gates, itemsize, device, rows=16, units=16)
        assert made.programs == 3
        return made._replace(chunk=16, held=request.param == "held", blocks=1, step_by_step=True)

    monkeypatch.setattr(launch, "choose", choose)


@pytest.mark.pairwise
@PADDED
@REVERSE
def test_kernels_agree_with_reference(make_case, cell: str, masks: str, padded, reverse) -> None:
    case = make_case(cell, SIZES, masks=masks, padded=padded, reverse=reverse)

    case.check(by="triton")


@pytest.mark.pairwise
@PADDED
@pytest.mark.parametrize("masks", ["none", "mixed", "crossed", "step"])
def test_programs_that_share_a_step_agree(split, make_case, cell: str, masks: str, padded) -> None:
    case = make_case(cell, SPLIT, masks=masks, padded=padded, reverse=padded)

    case.check(by="triton")


@pytest.mark.parametrize("sizes", EDGES, ids=str)
def test_sizes_agree(make_case, cell: str, sizes: tuple) -> None:
    make_case(cell, sizes, masks="gate", bias=False).check(by="triton")


@pytest.mark.pairwise
@PADDED
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_sixteen_bits_are_as_near_as_their_rounding(
    make_case, results_and_gradients, cell: str, dtype: torch.dtype, padded
) -> None:
    case = make_case(cell, (5, 9, 4, 19), masks="mixed", padded=padded)
    call = case.call.to(dtype)
    exact = results_and_gradients(
        case.module.reference.run, call.to(torch.float64), [d.double() for d in case.d_results]
    )

    got = results_and_gradients(forced(case.module), call, [d.to(dtype) for d in case.d_results])

    for name, value in exact.items():
        assert got[name].dtype == dtype
        scale = max(1.0, value.abs().max().item())
        # a rounding at each of 9 steps and of 45 terms of a gradient, as a random walk adds up
        error = (got[name].double() - value).abs().max().item()
        assert error < 8 * torch.finfo(dtype).eps * scale, name


def test_c_stays_in_float32_beside_sixteen_bits(make_case) -> None:
    """In bfloat16 2 + 0.006 is 2: a hundred additions would be lost."""
    H, T = 2, 100
    weights = lstm.Weights(torch.zeros(4 * H, 1), torch.zeros(4 * H, H), torch.zeros(4 * H))
    # i and f are 1, so that c grows by g at each step
    weights.b_ih.copy_(torch.tensor([30.0, 30.0, 0.006, 0.0]).repeat_interleave(H))
    weights = lstm.Weights(*(w if w is None else w.bfloat16() for w in weights))
    state = lstm.State(torch.zeros(1, H).bfloat16(), torch.full((1, H), 2.0))

    _, last = forced(lstm)(torch.zeros(T, 1, 1).bfloat16(), state, weights)

    added = T * math.tanh(weights.b_ih[2 * H].item())
    assert last.c.dtype == torch.float32
    torch.testing.assert_close(last.c, torch.full((1, H), 2.0 + added), rtol=1e-5, atol=0)


def test_gru_carries_h_in_float32_beside_sixteen_bits() -> None:
    """An update gate of 0.998 moves h by less than bfloat16 tells apart."""
    H, T = 2, 200
    b_ih = torch.tensor([0.0, 6.25, 30.0]).repeat_interleave(H)
    weights = gru.Weights(torch.zeros(3 * H, 1), torch.zeros(3 * H, H), b_ih)
    weights = gru.Weights(*(w if w is None else w.bfloat16() for w in weights))
    z = torch.tensor(6.25).sigmoid().item()

    _, last = forced(gru)(
        torch.zeros(T, 1, 1).bfloat16(), gru.State(torch.zeros(1, H).bfloat16()), weights
    )

    torch.testing.assert_close(last.h.float(), torch.full((1, H), 1 - z**T), rtol=2**-8, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_autocast_gives_output_and_state_its_type(cell: str, dtype: torch.dtype) -> None:
    layer = make_layer(cell, recurrent_dropout=0.5)
    x = torch.randn(3, 5, 4, requires_grad=True)
    masks = layer.draw_masks(3)

    with backend("triton"), torch.autocast("cpu", dtype=dtype):
        output, last = layer(x, masks=masks)
    output.sum().backward()

    expected, _ = layer.to(torch.float64)(x.double(), masks=to(masks, torch.float64))
    h, c = last if isinstance(last, tuple) else (last, None)
    assert output.dtype == h.dtype == dtype
    assert c is None or c.dtype == dtype
    assert x.grad.dtype == torch.float32
    torch.testing.assert_close(output.double(), expected, rtol=0, atol=8 * torch.finfo(dtype).eps)


@pytest.mark.filterwarnings("ignore:overflow encountered in exp")  # the interpreter's numpy
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("value", [1e4, -1e4, math.inf, -math.inf])
def test_saturated_gates_are_no_nan(cell: str, value: float) -> None:
    layer = make_layer(cell)
    with torch.no_grad():
        layer.bias_ih_l0.fill_(value)

    with backend("triton"):
        output, _ = layer(torch.randn(2, 4, 4))
    output.sum().backward()

    assert output.isfinite().all()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


def test_nan_under_padding_reaches_nothing(make_case, cell: str) -> None:
    case = make_case(cell, SIZES, masks="mixed", padded=True)
    x = case.call.x.detach().clone()
    x[~case.call.valid] = math.nan
    dirty = case._replace(call=case.call._replace(x=x.requires_grad_()))

    clean, got = case.compute(by="triton"), dirty.compute(by="triton")

    for name, value in clean.items():
        assert torch.equal(got[name], value), name


@pytest.mark.parametrize(
    "cell",
    # all add up by the same code; test_triton_gpu.py asks each of them, where it may fail
    [pytest.param(name, marks=() if name == "lstm" else pytest.mark.slow) for name in CELLS],
)
def test_results_repeat_to_the_bit(split, make_case, cell: str) -> None:
    case = make_case(cell, SPLIT, masks="mixed")

    first, second = case.compute(by="triton"), case.compute(by="triton")

    assert all(torch.equal(first[name], second[name]) for name in first)


def test_tensors_need_not_lie_in_order(make_case, results_and_gradients, cell: str) -> None:
    case = make_case(cell, SIZES, masks="gate", padded=True)
    strange = case._replace(
        call=case.call.with_leaves(
            [shuffled(leaf) for leaf in case.call.leaves().values()]
        )._replace(valid=case.call.valid.t().contiguous().t()),
        d_results=[shuffled(d).detach() for d in case.d_results],
    )

    strange.check(by="triton")


def test_second_derivatives_come_from_the_reference(make_case, cell: str) -> None:
    case = make_case(cell, (2, 3, 2, 3), masks="mixed")

    def penalty(run: Callable[..., Any], call: Any) -> Tensor:
        output, _ = run(*call)
        (d_x,) = torch.autograd.grad(output.square().sum(), call.x, create_graph=True)
        return torch.autograd.grad(d_x.square().sum(), call.weights.w_hh)[0]

    exact = penalty(case.module.reference.run, case.call.to(torch.float64))
    torch.testing.assert_close(
        penalty(forced(case.module), case.call).double(), exact, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_second_derivatives_under_autocast_come_from_the_reference(cell: str) -> None:
    layer = make_layer(cell, recurrent_dropout=0.5)
    masks = layer.draw_masks(3)
    x = torch.randn(3, 5, 4, requires_grad=True)

    def penalty(by: str) -> Tensor:
        with backend(by), torch.autocast("cpu", dtype=torch.bfloat16):
            output, _ = layer(x, masks=masks)
        (d_x,) = torch.autograd.grad(output.float().square().sum(), x, create_graph=True)
        return torch.autograd.grad(d_x.square().sum(), layer.weight_hh_l0)[0]

    ours, theirs = penalty("triton"), penalty("reference")
    assert (ours - theirs).abs().max() < 0.05 * theirs.abs().max()


def test_gradients_are_laid_out_as_graphs_expect(make_case, cell: str) -> None:
    """A compiled graph checks strides; batch-first input comes with others than its gradient's."""
    a = make_case(cell, SIZES, masks="mixed").call
    x = a.x.detach().transpose(0, 1).contiguous().transpose(0, 1).requires_grad_()
    h, *c = (part.detach().requires_grad_() for part in a.state)
    weights = [w.detach().requires_grad_() for w in a.weights[:4]]
    masks = [None if mask is None else mask.detach() for mask in a.masks]
    flat = (x, h, c[0] if c else None, *weights, *[None] * 5, *masks, None)
    operator = getattr(torch.ops.lockgate, "rnn" if cell == "relu" else cell).default

    for by in ("triton", "reference"):
        with backend(by):
            cell_ = {"rnn": "rnn", "relu": "rnn"}.get(cell, cell)
            module = {"rnn": rnn, "lstm": lstm, "gru": gru}[cell_]
            arguments = launch.Arguments(*flat, False, True, False, False)
            save = module.operator.run._save(arguments, by == "triton")
            torch.library.opcheck(
                operator,
                (*arguments, save),
                test_utils=("test_schema", "test_faketensor"),
            )
            output, last_h, last_c, saved = operator(*arguments, save)
            d_last_c = torch.ones_like(last_c) if c else None
            backward = getattr(torch.ops.lockgate, f"{cell_}_backward").default
            given = (torch.ones_like(output), torch.ones_like(last_h), d_last_c, output, saved)
            wanted = [True, True, bool(c), *[True] * 4, *[False] * 5]
            torch.library.opcheck(
                backward,
                (*(g if g is None else g.detach() for g in given), *arguments, wanted),
                test_utils=("test_schema", "test_faketensor"),
            )


def test_compiled_layers_run_the_kernels(cell: str) -> None:
    layer = make_layer(cell, recurrent_dropout=0.5)
    masks = layer.draw_masks(2)
    compiled = torch.compile(
        lambda x, masks: layer(x, masks=masks)[0], backend="aot_eager", fullgraph=True, dynamic=True
    )

    for length in (4, 7):
        x = torch.randn(2, length, 4)
        with backend("triton"):
            expected = gradients(layer(x, masks=masks)[0], layer)
            got = gradients(compiled(x, masks), layer)
        torch.testing.assert_close(got, expected)


def test_layers_say_that_the_kernels_run_and_why_not(cell: str) -> None:
    layer = make_layer(cell, recurrent_dropout=0.5)
    x = torch.randn(2, 3, 4)

    with backend("triton"):
        assert "triton" in str(layer.backend_report(x))
    with backend("reference"):
        assert "not triton: reference is forced" in str(layer.backend_report(x))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"recompute": True}, "it saves every step for the backward, and recompute is asked for"),
        ({"dtype": torch.float64}, "it computes in float32, bfloat16 and float16"),
    ],
)
def test_kernels_say_why_they_cannot_run(cell: str, change: dict, reason: str) -> None:
    layer = make_layer(cell, **change)
    x = torch.randn(2, 3, 4, dtype=change.get("dtype"))

    with backend("triton"), pytest.raises(BackendUnavailable, match=reason):
        layer(x)


def test_kernels_say_why_they_do_not_mix_types(make_case) -> None:
    call = make_case("lstm", SIZES).call
    mixed = call._replace(x=call.x.bfloat16())

    with backend("triton"), pytest.raises(BackendUnavailable) as error:
        lstm.lstm(*mixed)

    assert "cannot run this call: x is torch.bfloat16, and there is torch.float32" in str(error)


def test_a_graph_traced_for_the_kernels_does_not_run_on_another_backend(make_case) -> None:
    class OnGpu:
        device = torch.device("cuda:0")

    operator = lstm.operator.run
    arguments = make_case("lstm", SIZES).call
    flat = launch.Arguments(
        *(
            OnGpu(),
            *arguments.state,
            *arguments.weights[:4],
            *[None] * 9,
            None,
            False,
            True,
            False,
            False,
        )
    )

    with pytest.raises(BackendUnavailable, match="was traced for triton"):
        operator._forward_by_reference(flat, save=16)


# ---- helpers ----


def forced(module: Any) -> Callable[..., Any]:
    """Give a cell's operator on these kernels alone."""
    name = module.__name__.rsplit(".", 1)[-1]

    def run(*args: Any) -> Any:
        with backend("triton"):
            return getattr(module, name)(*args)

    return run


def make_layer(cell: str, **options: Any) -> nn.RNN | nn.LSTM | nn.GRU:
    torch.manual_seed(0)
    kind = {"rnn": nn.RNN, "relu": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell]
    if cell == "relu":
        options["nonlinearity"] = "relu"
    return kind(4, 7, batch_first=True, **options)


def to(masks: Any, dtype: torch.dtype) -> Any:
    return torch.utils._pytree.tree_map_only(Tensor, lambda mask: mask.to(dtype), masks)


def gradients(output: Tensor, layer: torch.nn.Module) -> list[Tensor]:
    return [output, *torch.autograd.grad(output.square().sum(), list(layer.parameters()))]


def shuffled(value: Tensor) -> Tensor:
    """Give the same values with the dimensions stored in another order."""
    stored = value.detach().permute(*reversed(range(value.ndim))).contiguous()
    return stored.permute(*reversed(range(value.ndim))).requires_grad_(value.requires_grad)


@pytest.fixture(autouse=True)
def _no_leftover_compilation() -> Iterator[None]:
    yield
    torch.compiler.reset()
