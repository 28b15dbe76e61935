"""`lockgate::<cell>` is an operator of torch: checked by it, traced, exported, differentiated."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from lockgate.nn import GRU, LSTM, RNN
from lockgate.ops import kernels
from lockgate.ops.dispatch import BackendUnavailable, backend
from lockgate.ops.kernels import DIFFERENTIABLE, Arguments

needs_kernels = pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here")
LAYERS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
EVERY_LAYER = pytest.mark.parametrize("cls", LAYERS.values(), ids=LAYERS)


# ---- the operator itself ----


def flat(case, *, recompute: bool = False) -> Arguments:
    call = case.call
    c = call.state[1] if len(call.state) > 1 else None
    return Arguments(
        *(call.x, call.state.h, c, *call.weights, *call.masks, call.valid),
        *kernels.flags_of(call.options._replace(recompute=recompute)),
    )


def operator_of(case) -> tuple[Any, kernels.Cell]:
    cell = case.module.operator.CELL
    return getattr(torch.ops.lockgate, cell.name).default, cell


KINDS = {
    "bare": {"bias": False},
    "biases": {},
    "norm": {"norm": True, "masks": "gate"},
    "everything": {"masks": "gate", "zoneout": "drawn", "padded": True, "reverse": True},
}


@pytest.mark.pairwise
@pytest.mark.parametrize("recompute", [False, True], ids=["save", "recompute"])
@pytest.mark.parametrize("kind", KINDS)
def test_operator_passes_torchs_own_check(make_case, cell: str, kind: str, recompute) -> None:
    # what is saved is compared too, so no line of it may be left half empty
    case = make_case(cell, (16 if kind == "norm" else 2, 3, 4, 8), **KINDS[kind])
    op, kernel = operator_of(case)
    arguments = flat(case, recompute=recompute)
    save = kernels.saved_size(kernel, arguments) if kernels.BUILT else 0

    torch.library.opcheck(op, (*arguments, save))


@pytest.mark.parametrize("recompute", [False, True], ids=["save", "recompute"])
def test_operator_with_a_projection_passes_torchs_own_check(make_case, recompute: bool) -> None:
    case = make_case("lstm", (2, 3, 4, 8), **KINDS["everything"], projected=True)
    op, kernel = operator_of(case)
    arguments = flat(case, recompute=recompute)
    save = kernels.saved_size(kernel, arguments) if kernels.BUILT else 0

    torch.library.opcheck(op, (*arguments, save))


@pytest.mark.parametrize("kind", KINDS)
def test_operator_without_gradients_passes_torchs_own_check(make_case, cell, kind) -> None:
    case = make_case(cell, (2, 3, 4, 8), **KINDS[kind])
    op, _ = operator_of(case)
    detached = [v.detach() if isinstance(v, Tensor) else v for v in flat(case)]

    torch.library.opcheck(op, (*detached, 0))


@pytest.mark.parametrize(
    "wanted", [[True] * DIFFERENTIABLE, [False, True, True, True, *[False, True] * 4]]
)
def test_backward_operator_passes_torchs_own_check(make_case, cell: str, wanted) -> None:
    case = make_case(cell, (2, 3, 4, 8), **KINDS["everything"])
    op, kernel = operator_of(case)
    backward = getattr(torch.ops.lockgate, f"{kernel.name}_backward").default
    arguments = Arguments(*(v.detach() if isinstance(v, Tensor) else v for v in flat(case)))
    save = kernels.saved_size(kernel, arguments) if kernels.BUILT else 0
    output, _, _, saved = op(*arguments, save)
    d_last_c = case.d_results[2] if kernel.has_c else None
    # what no input is has no gradient
    wanted = [
        want and v is not None for want, v in zip(wanted, arguments[:DIFFERENTIABLE], strict=True)
    ]

    torch.library.opcheck(
        backward,
        (*case.d_results[:2], d_last_c, output, saved, *arguments, wanted),
        test_utils=("test_schema", "test_faketensor"),
    )


def test_operator_in_float64_is_the_reference(make_case, results_and_gradients, cell: str) -> None:
    case = make_case(cell, (2, 3, 4, 8), **KINDS["everything"], norm=True)
    call = case.call.to(torch.float64)
    d_results = [d.double() for d in case.d_results]

    # operator.run goes through the operator, whatever can compute it
    got = results_and_gradients(case.module.operator.run, call, d_results)

    torch.testing.assert_close(got, case.expected)


# ---- derivatives ----


@needs_kernels
@pytest.mark.parametrize("padded", [False, True], ids=["dense", "padded"])
def test_second_derivative_is_the_references(
    make_case, by_kernels, assert_agrees, cell: str, padded: bool
) -> None:
    case = make_case(cell, (2, 3, 4, 5), masks="gate", padded=padded)

    def second(run: Callable, call) -> dict[str, Tensor]:
        leaves = {name: leaf for name, leaf in call.leaves().items() if leaf.requires_grad}
        output, last = run(*call)
        d_results = [d.to(output.dtype) for d in case.d_results]
        wrt = list(leaves.values())
        first = torch.autograd.grad((output, *last), wrt, d_results, create_graph=True)
        squares = sum(gradient.square().sum() for gradient in first)
        return dict(zip(leaves, torch.autograd.grad(squares, wrt), strict=True))

    got = second(by_kernels(case.module), case.call)

    expected = second(case.module.reference.run, case.call.to(torch.float64))
    assert_agrees(got, expected, case.call, "second derivative by")


@needs_kernels
def test_gradient_with_a_graph_is_the_gradient_without(make_case, by_kernels, cell: str) -> None:
    case = make_case(cell, (2, 3, 4, 5), masks="gate", padded=True)
    leaves = [leaf for leaf in case.call.leaves().values() if leaf.requires_grad]
    output, last = by_kernels(case.module)(*case.call)

    with_graph = torch.autograd.grad((output, *last), leaves, case.d_results, create_graph=True)
    without = torch.autograd.grad((output, *last), leaves, case.d_results)

    torch.testing.assert_close(with_graph, without)


# ---- traced ----


def compiled(function: Callable, **options: Any) -> Callable:
    torch._dynamo.reset()
    return torch.compile(function, fullgraph=True, **options)


def loss_and_gradients(layer, run: Callable, x: Tensor, masks=None) -> list[Tensor]:
    output, state = run(x, masks=masks)
    loss = output.square().sum() + sum(part.sum() for part in state)
    return [output.detach(), *torch.autograd.grad(loss, list(layer.parameters()))]


@needs_kernels
@EVERY_LAYER
def test_traced_layer_is_whole_and_takes_any_batch_and_time(cls) -> None:
    torch.manual_seed(0)
    layer = cls(3, 5, 2, bidirectional=True, recurrent_dropout=0.5)
    graphs = []

    def keep(graph, inputs):
        graphs.append(graph)
        return graph

    run = compiled(layer, backend=keep, dynamic=True)
    # the first sizes differ from all others of the layer: of equal ones dynamo makes one
    for T, B in ((7, 6), (9, 4), (2, 3)):
        x, masks = torch.randn(T, B, 3), layer.draw_masks(B)
        got = loss_and_gradients(layer, run, x, masks)
        expected = loss_and_gradients(layer, layer, x, masks)
        assert all(map(torch.equal, got, expected))

    assert len(graphs) == 1
    names = [str(node.target) for node in graphs[0].graph.nodes]
    assert names.count(f"lockgate.{cls.__name__.lower()}.default") == 4


@needs_kernels
@pytest.mark.filterwarnings("ignore:.torch.jit.script")  # torch warns of itself
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++")
@EVERY_LAYER
def test_compiled_layer_trains_as_the_layer_does(cls) -> None:
    torch.manual_seed(0)
    layer = cls(3, 5, recurrent_dropout=0.5)
    run = compiled(layer, dynamic=True)

    for T, B in ((7, 6), (9, 4)):
        x, masks = torch.randn(T, B, 3), layer.draw_masks(B)
        got = loss_and_gradients(layer, run, x, masks)
        torch.testing.assert_close(got, loss_and_gradients(layer, layer, x, masks))


@EVERY_LAYER
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_exported_layer_takes_any_batch_and_time(cls, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    layer = cls(3, 5, 2, bidirectional=True, dtype=dtype).eval()
    time, batch = torch.export.Dim("time", min=1), torch.export.Dim("batch")

    exported = torch.export.export(
        layer, (torch.randn(5, 2, 3, dtype=dtype),), dynamic_shapes={"x": {0: time, 1: batch}}
    )

    names = [str(node.target) for node in exported.graph.nodes]
    assert names.count(f"lockgate.{cls.__name__.lower()}.default") == 4
    for T, B in ((5, 2), (11, 3), (2, 7)):
        x = torch.randn(T, B, 3, dtype=dtype)
        got, expected = exported.module()(x), layer(x)
        torch.testing.assert_close(got, expected)


@needs_kernels
@EVERY_LAYER
def test_backward_after_a_forced_reference_is_right(cls) -> None:
    torch.manual_seed(0)
    layer, x = cls(3, 5, recurrent_dropout=0.5), torch.randn(4, 2, 3)
    masks = layer.draw_masks(2)
    expected = loss_and_gradients(layer, layer, x, masks)
    run = compiled(layer, backend="aot_eager")

    def in_parts(forward: str, later: str) -> list[Tensor]:
        with backend(forward):
            output, state = run(x, masks=masks)
            loss = output.square().sum() + sum(part.sum() for part in state)
        with backend(later):
            return [output.detach(), *torch.autograd.grad(loss, list(layer.parameters()))]

    torch.testing.assert_close(in_parts("reference", "cpu"), expected)
    torch.testing.assert_close(in_parts("cpu", "reference"), expected)


@needs_kernels
def test_traced_call_that_the_forced_backend_cannot_run_raises() -> None:
    layer = LSTM(3, 5, dtype=torch.float64)
    run = compiled(layer, backend="eager")

    reason = "cannot run this call: it computes in float32, and there is torch.float64"
    with backend("cpu"), pytest.raises(BackendUnavailable, match=reason):
        run(torch.zeros(4, 2, 3, dtype=torch.float64))


@pytest.mark.parametrize("cls", [RNN, LSTM, GRU])
def test_profiler_shows_the_operators(cls) -> None:
    layer, x = cls(3, 4), torch.randn(5, 2, 3)

    with torch.profiler.profile() as profile:
        layer(x)[0].sum().backward()

    shown = {event.key for event in profile.key_averages()}
    name = f"lockgate::{cls.__name__.lower()}"
    assert {name, f"{name}_backward"} <= shown
