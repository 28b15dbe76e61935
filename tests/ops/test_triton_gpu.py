"""What a GPU alone shows: that programs wait for each other, and that the kernels fit in there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from lockgate import nn
from lockgate.ops import lstm
from lockgate.ops._triton import support
from lockgate.ops.dispatch import backend

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available() or not support.INSTALLED or support.interpreted(),
    reason="there is no GPU, or no Triton that compiles for it",
)

KINDS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
# one program; some that wait, with weights held and not; rows in blocks of their own
SIZES = [(5, 9, 64), (16, 33, 256), (3, 17, 401), (150, 9, 520), (7, 5, 1500)]
# float32 in TF32, but for the smallest: kernels without tensor cores take long to compile
ERRORS = {torch.float32: 5e-3, torch.bfloat16: 5e-2, torch.float16: 1e-2}


@pytest.fixture(autouse=True)
def _precision() -> Iterator[None]:
    """Put back how exact products of float32 are, which tests here set."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    yield
    torch.set_float32_matmul_precision(before)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.pairwise
@pytest.mark.parametrize("dtype", ERRORS, ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("mask_per", ["gate", "cell"])
def test_a_gpu_computes_what_the_reference_does(
    kind: str, sizes: tuple[int, int, int], mask_per: str, dtype: torch.dtype
) -> None:
    B, T, H = sizes
    exactly = dtype == torch.float32 and sizes == SIZES[0]
    torch.set_float32_matmul_precision("highest" if exactly else "high")
    layer = make(kind, H, dtype, recurrent_dropout=0.25, mask_per=mask_per, bidirectional=True)
    x = torch.randn(B, T, 8, device="cuda", dtype=dtype, requires_grad=True)
    lengths = torch.randint(1, T + 1, (B,))
    masks = layer.draw_masks(B)

    got = run(layer, x, masks, lengths, "triton")
    exact = run(
        layer.to(torch.float64),
        x.detach().double().requires_grad_(),
        torch.utils._pytree.tree_map_only(Tensor, Tensor.double, masks),
        lengths,
        "reference",
    )

    for name, value in exact.items():
        scale = max(1.0, value.abs().max().item())
        error = (got[name].double() - value).abs().max().item() / scale
        assert error < (1e-5 if exactly else ERRORS[dtype]), name


def test_results_repeat_to_the_bit(kind: str) -> None:
    layer = make(kind, 512, torch.bfloat16, recurrent_dropout=0.25)
    x = torch.randn(40, 50, 8, device="cuda", dtype=torch.bfloat16, requires_grad=True)
    masks = layer.draw_masks(40)

    first, second = (run(layer, x, masks, None, "triton") for _ in range(2))

    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_mask_of_a_cpu_generator_is_the_same_on_a_gpu(kind: str) -> None:
    layer = make(kind, 64, torch.float32, recurrent_dropout=0.25)
    there = layer.draw_masks(3, generator=torch.Generator().manual_seed(1))
    here = layer.cpu().draw_masks(3, generator=torch.Generator().manual_seed(1))

    for ours, theirs in zip(tensors(there), tensors(here), strict=True):
        assert torch.equal(ours.cpu(), theirs)


def test_a_graph_replays_a_training_step(kind: str) -> None:
    layer = make(kind, 256, torch.float32, recurrent_dropout=0.25)
    masks = layer.draw_masks(4)
    x = torch.randn(4, 9, 8, device="cuda")
    step = torch.cuda.make_graphed_callables(Masked(layer, masks), (x,))

    def gradients(call: Callable[[Tensor], Tensor], value: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad(call(value).square().sum(), list(layer.parameters())))

    for _ in range(2):
        value = torch.randn_like(x)
        for ours, theirs in zip(
            gradients(step, value), gradients(Masked(layer, masks), value), strict=True
        ):
            torch.testing.assert_close(ours, theirs)


def test_what_float16_cannot_hold_is_not_hidden(kind: str) -> None:
    layer = make(kind, 64, torch.float16, recurrent_dropout=0.25)
    x = torch.randn(2, 5, 8, device="cuda", dtype=torch.float16, requires_grad=True)
    with backend("triton"):
        output, _ = layer(x)
        (d_x,) = torch.autograd.grad(output, x, torch.full_like(output, 6e4))
        of_nan, _ = layer(torch.full_like(x, float("nan")))

    assert of_nan.isnan().all()
    assert not d_x.isfinite().all()


def test_streams_do_not_meet(kind: str) -> None:
    layer = make(kind, 512, torch.float32, recurrent_dropout=0.25)
    masks = layer.draw_masks(8)
    xs = [torch.randn(8, 40, 8, device="cuda") for _ in range(2)]
    with torch.no_grad(), backend("triton"):
        expected = [layer(x, masks=masks)[0] for x in xs]
    torch.cuda.synchronize()
    found = []
    for x in xs:
        with torch.cuda.stream(torch.cuda.Stream()), torch.no_grad(), backend("triton"):
            found.append(layer(x, masks=masks)[0])
    torch.cuda.synchronize()

    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_autocast_gives_output_and_state_its_type(dtype: torch.dtype) -> None:
    layer = make("lstm", 64, torch.float32, recurrent_dropout=0.25)
    x = torch.randn(4, 9, 8, device="cuda")

    with torch.autocast("cuda", dtype=dtype):
        report = str(layer.backend_report(x))
        output, (h, c) = layer(x)
    output.sum().backward()

    assert "triton" in report
    assert (output.dtype, h.dtype, c.dtype) == (dtype, dtype, dtype)
    assert all(p.grad.dtype == torch.float32 for p in layer.parameters())


def test_compiled_layers_run_the_kernels(kind: str) -> None:
    layer = make(kind, 64, torch.float32, recurrent_dropout=0.25)
    masks = layer.draw_masks(4)
    compiled = torch.compile(
        Masked(layer, masks), backend="aot_eager", fullgraph=True, dynamic=True
    )
    for length in (5, 9):
        x = torch.randn(4, length, 8, device="cuda", requires_grad=True)
        torch.testing.assert_close(compiled(x), Masked(layer, masks)(x))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_cudnn_gives_the_types_of_autocast_or_is_not_taken(dtype: torch.dtype) -> None:
    layer = make("lstm", 64, torch.float32)

    with torch.autocast("cuda", dtype=dtype), torch.no_grad():
        output, (h, c) = layer(torch.randn(4, 9, 8, device="cuda"))

    assert (output.dtype, h.dtype, c.dtype) == (dtype, dtype, dtype)


def test_less_is_kept_for_the_backward_than_by_cudnn() -> None:
    B, T, H = 32, 100, 256
    x = torch.randn(T, B, H, device="cuda", dtype=torch.bfloat16)
    ours = nn.LSTM(H, H, device="cuda", dtype=torch.bfloat16, recurrent_dropout=0.25)
    theirs = torch.nn.LSTM(H, H, device="cuda", dtype=torch.bfloat16)

    def kept(layer: torch.nn.Module) -> int:
        layer(x)
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        output = layer(x)
        torch.cuda.synchronize()
        found = torch.cuda.memory_allocated() - before
        del output
        return found

    assert kept(ours) <= kept(theirs)


def test_plain_calls_go_to_cudnn_where_nothing_faster_was_measured(monkeypatch) -> None:
    monkeypatch.setattr("lockgate.ops.fused.why_faster", lambda *_: None)
    x = torch.zeros(3, 2, 4, device="cuda")
    state = lstm.State(*(torch.zeros(2, 5, device="cuda") for _ in range(2)))
    weights = lstm.Weights(torch.zeros(20, 4, device="cuda"), torch.zeros(20, 5, device="cuda"))

    assert lstm.aten.why_not(x, state, weights, lstm.Masks(), None, lstm.Options()) is None


# ---- helpers ----


def tensors(masks: Any) -> list[Tensor]:
    return [leaf for leaf in torch.utils._pytree.tree_leaves(masks) if leaf is not None]


class Masked(torch.nn.Module):
    """A layer whose masks are drawn before."""

    def __init__(self, layer: torch.nn.Module, masks: Any) -> None:
        super().__init__()
        self.layer, self.masks = layer, masks

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x, masks=self.masks)[0]


def make(kind: str, H: int, dtype: torch.dtype, **options: Any) -> Any:
    torch.manual_seed(0)
    return KINDS[kind](8, H, batch_first=True, device="cuda", dtype=dtype, **options)


def run(layer: Any, x: Tensor, masks: Any, lengths: Tensor | None, by: str) -> dict[str, Tensor]:
    with backend(by):
        output, _ = layer(x, masks=masks, lengths=lengths)
        leaves = {"x": x, **dict(layer.named_parameters())}
        found = torch.autograd.grad(output.square().sum(), list(leaves.values()))
    return {"output": output.detach(), **dict(zip(leaves, found, strict=True))}
