"""A layer that is traced, or followed by a mode, gives what the layer gives, or raises."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from lockgate.nn import GRU, LSTM, RNN, Embedding, GRUCell, LSTMCell, RNNCell

CELLS = [RNN, LSTM, GRU]
WHOLE: dict[str, dict[str, Any]] = {  # what torch's own operators compute
    "plain": {},
    "two-directions": {"bidirectional": True, "num_layers": 2, "batch_first": True},
    "mixed": {"bidirectional": [True, False], "merge_mode": "mean"},
    "recompute": {"recompute": True},
    "learnt-state": {"learn_initial_state": True, "residual": True, "num_layers": 2},
}
UNROLLED: dict[str, dict[str, Any]] = {  # what runs in a loop over the steps
    "recurrent-dropout": {"recurrent_dropout": 0.5, "bidirectional": True},
    "per-gate": {"input_dropout": 0.5, "mask_per": "gate"},
    "zoneout-norm": {"zoneout": 0.5, "layer_norm": True},
}
pytestmark = pytest.mark.filterwarnings(
    "ignore:`torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning"
)


@pytest.fixture(autouse=True)
def _fresh_memory_is_nan() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def flat(results: Any) -> list[torch.Tensor]:
    """List the tensors of a call's results, whatever holds them."""
    if isinstance(results, torch.Tensor):
        return [results]
    return [tensor for part in results for tensor in flat(part)]


class Masked(torch.nn.Module):
    """A layer with what a traced function cannot take as a keyword."""

    def __init__(self, layer: torch.nn.Module, **call: Any) -> None:
        super().__init__()
        self.layer, self.call = layer, call

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> Any:
        return self.layer(x, mask=mask, **self.call)


def traced(module: torch.nn.Module, *args: torch.Tensor) -> Any:
    """Trace a module, save it, and load it again."""
    saved = io.BytesIO()
    torch.jit.save(torch.jit.trace(module, args, check_trace=False), saved)
    saved.seek(0)
    return torch.jit.load(saved)


@pytest.mark.parametrize("grad", [False, True], ids=["no-grad", "grad"])
@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("cls", CELLS)
def test_traced_layer_takes_any_batch_and_time(cls: type, kind: str, grad: bool) -> None:
    torch.manual_seed(0)
    layer = cls(3, 3, **WHOLE[kind]).eval()

    with torch.set_grad_enabled(grad):
        loaded = traced(layer, torch.randn(5, 2, 3))

    for shape in ((5, 2, 3), (7, 4, 3), (1, 1, 3)):
        x = torch.randn(shape)
        for _ in range(3):  # the first runs are profiled
            torch.testing.assert_close(flat(loaded(x)), flat(layer(x)))


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("cls", CELLS)
def test_traced_layer_passes_the_check_that_torch_makes(cls: type, kind: str) -> None:
    layer, x = cls(3, 3, **WHOLE[kind]).eval(), torch.randn(7, 4, 3)

    # torch runs it again without gradients, and raises where that differs
    traced = torch.jit.trace(layer, (torch.randn(5, 2, 3),), check_trace=True)

    torch.testing.assert_close(flat(traced(x)), flat(layer(x)))


@pytest.mark.parametrize("grad", [False, True], ids=["no-grad", "grad"])
@pytest.mark.parametrize("padded", [False, True], ids=["whole", "padded"])
@pytest.mark.parametrize("kind", [*WHOLE, *UNROLLED])
@pytest.mark.parametrize("cls", CELLS)
def test_traced_masks_are_right_and_another_time_raises(
    cls: type, kind: str, padded: bool, grad: bool
) -> None:
    torch.manual_seed(0)
    layer = cls(3, 3, **{"batch_first": True, **WHOLE.get(kind, {}), **UNROLLED.get(kind, {})})
    module = Masked(layer, masks=layer.draw_masks(1, 1))
    args = (torch.randn(2, 5, 3), torch.rand(2, 5) < 0.6)[: 1 + padded]

    with torch.set_grad_enabled(grad):
        loaded = traced(module, *args)

    other = [torch.randn(4, 5, 3), torch.rand(4, 5) < 0.6][: 1 + padded]
    for _ in range(3):
        torch.testing.assert_close(flat(loaded(*other)), flat(module(*other)))
    longer = [torch.randn(4, 7, 3), torch.rand(4, 7) < 0.6][: 1 + padded]
    for _ in range(3):
        try:
            results = flat(loaded(*longer))
        except RuntimeError as error:
            assert "Expected 5 elements in a list but found 7" in str(error)  # noqa: PT017
        else:
            torch.testing.assert_close(results, flat(module(*longer)))


@pytest.mark.parametrize("cls", CELLS)
def test_gradients_flow_through_a_traced_layer(cls: type) -> None:
    torch.manual_seed(0)
    layer = cls(3, 4, recurrent_dropout=0.5)
    masks = layer.draw_masks(2)
    module = Masked(layer, masks=masks)
    x = torch.randn(5, 2, 3)
    graph = torch.jit.trace(module, (x,), check_trace=False)

    own = torch.autograd.grad(flat(module(x))[0].sum(), list(layer.parameters()))
    theirs = torch.autograd.grad(flat(graph(x))[0].sum(), list(layer.parameters()))

    torch.testing.assert_close(theirs, own)


@pytest.mark.parametrize("cls", CELLS)
def test_traced_training_draws_anew(cls: type) -> None:
    torch.manual_seed(0)
    layer, x = cls(3, 9, recurrent_dropout=0.5), torch.randn(5, 2, 3)
    graph = traced(layer, x)

    assert not torch.equal(graph(x)[0], graph(x)[0])


def test_generator_in_a_traced_graph_raises() -> None:
    layer = GRU(3, 4, recurrent_dropout=0.5)
    module = Masked(layer, generator=torch.Generator())

    with pytest.raises(ValueError, match="generator must be None in a compiled graph or a traced"):
        torch.jit.trace(module, (torch.randn(5, 2, 3),))


@pytest.mark.parametrize("cls", [RNNCell, LSTMCell, GRUCell])
def test_traced_cell_takes_any_batch(cls: type) -> None:
    torch.manual_seed(0)
    cell, x = cls(3, 4), torch.randn(6, 3)

    with torch.no_grad():
        loaded = traced(cell, torch.randn(2, 3))

    torch.testing.assert_close(flat(loaded(x)), flat(cell(x)))


class Packing(torch.nn.Module):
    """Packs sequences, runs a layer over them and pads what it gives."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = LSTM(3, 4, bidirectional=True)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> Any:
        pack = torch.nn.utils.rnn.pack_padded_sequence
        output, state = self.layer(pack(x, lengths, enforce_sorted=False))
        return torch.nn.utils.rnn.pad_packed_sequence(output)[0], state


@pytest.mark.parametrize("lengths", [[5, 3], [2, 5]])
def test_packed_sequence_in_a_traced_function_is_right(lengths: list[int]) -> None:
    torch.manual_seed(0)
    module = Packing()
    args = torch.randn(5, 2, 3), torch.tensor([5, 4])
    graph = torch.jit.trace(module, args, check_trace=False)
    x, given = torch.randn(5, 2, 3), torch.tensor(lengths)

    torch.testing.assert_close(flat(graph(x, given)), flat(module(x, given)))


def test_forced_kernels_raise_where_a_graph_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKGATE_BACKEND", "cpu")

    with pytest.raises(RuntimeError, match=r"cpu cannot run this call: torch\.jit cannot trace it"):
        torch.jit.trace(LSTM(3, 4), (torch.randn(5, 2, 3),))


# ---- the older exporter of ONNX ----


def test_embedding_with_words_for_each_sequence_traces_for_any_batch() -> None:
    embedding = Embedding(9, 3, embedding_dropout=0.5, dropout_per="sample", batch_first=True)

    loaded = traced(embedding, torch.randint(9, (2, 5)))

    assert loaded(torch.randint(9, (4, 6))).shape == (4, 6, 3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("cls", CELLS)
def test_older_exporter_keeps_the_layer_whole(cls: type, kind: str) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    torch.manual_seed(0)
    layer, saved = cls(3, 3, **WHOLE[kind]).eval(), io.BytesIO()
    holder = torch.nn.Sequential(layer)  # the exporter hands keywords over as if they were none

    axes = {"x": {0: "time", 1: "batch"}}
    torch.onnx.export(
        holder, (torch.randn(5, 2, 3),), saved, dynamo=False, input_names=["x"], dynamic_axes=axes
    )

    graph = onnx.load_from_string(saved.getvalue())
    operators = [node.op_type for node in graph.graph.node]
    assert operators.count(cls.__name__) == sum(
        parameter.startswith("weight_hh") for parameter in layer.state_dict()
    )
    session = runtime.InferenceSession(saved.getvalue(), providers=["CPUExecutionProvider"])
    for shape in ((5, 2, 3), (7, 4, 3)):
        x = torch.randn(shape)
        found = [torch.from_numpy(array) for array in session.run(None, {"x": x.numpy()})]
        torch.testing.assert_close(found, flat(layer(x)), rtol=1e-4, atol=1e-5)


# ---- modes ----


class Functions(TorchFunctionMode):
    """Writes down what is called."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.seen.append(str(function))
        return function(*args, **(kwargs or {}))


class Dispatched(TorchDispatchMode):
    """Writes down what is dispatched."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.seen.append(str(function))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("mode", [Functions, Dispatched])
@pytest.mark.parametrize("rate", [0.0, 0.5])
@pytest.mark.parametrize("cls", CELLS)
def test_mode_sees_one_operator_and_changes_nothing(cls: type, rate: float, mode: Any) -> None:
    torch.manual_seed(0)
    layer, x = cls(3, 4, recurrent_dropout=rate), torch.randn(5, 2, 3, requires_grad=True)
    masks = layer.draw_masks(2)
    expected = layer(x, masks=masks)
    gradients = torch.autograd.grad(expected[0].sum(), [x, *layer.parameters()])

    with mode() as watching:
        results = layer(x, masks=masks)
        found = torch.autograd.grad(results[0].sum(), [x, *layer.parameters()])

    torch.testing.assert_close(flat(results), flat(expected))
    torch.testing.assert_close(found, gradients)
    assert f"lockgate.{cls.__name__.lower()}.default" in watching.seen
    assert not any("data_ptr" in name for name in watching.seen)


def test_default_device_is_no_mode_that_draws_other_masks() -> None:
    layer = LSTM(3, 4, recurrent_dropout=0.5)
    torch.manual_seed(0)
    expected = layer.draw_masks(2).cells[0].h

    torch.manual_seed(0)
    with torch.device("cpu"):
        masks = layer.draw_masks(2).cells[0].h

    torch.testing.assert_close(masks, expected)


class Wrapped(torch.Tensor):
    """A tensor without memory of its own, which runs what it is given on another."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> "Wrapped":
        own = torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)
        own.inner = inner
        return own

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        def unwrap(value: Any) -> Any:
            return value.inner if isinstance(value, cls) else value

        def wrap(value: Any) -> Any:
            return cls(value) if isinstance(value, torch.Tensor) else value

        args, kwargs = torch.utils._pytree.tree_map(unwrap, (args, kwargs or {}))
        return torch.utils._pytree.tree_map(wrap, function(*args, **kwargs))


@pytest.mark.parametrize("name", ["x", "weight_hh_l0", "bias_ih_l0"])
@pytest.mark.parametrize("cls", CELLS)
def test_tensor_of_another_class_takes_part_wherever_it_stands(cls: type, name: str) -> None:
    torch.manual_seed(0)
    layer, x = cls(3, 4), torch.randn(5, 2, 3)
    expected = layer(x)

    with torch.no_grad():
        if name == "x":
            x = Wrapped(x)
        else:
            own = getattr(layer, name).data
            delattr(layer, name)
            setattr(layer, name, Wrapped(own))
        results = layer(x)

    found = [getattr(result, "inner", result) for result in flat(results)]
    torch.testing.assert_close(found, [result.detach() for result in flat(expected)])


@pytest.mark.parametrize("kind", [*WHOLE, *UNROLLED])
@pytest.mark.parametrize("cls", CELLS)
def test_layer_on_meta_gives_shapes_alone(cls: type, kind: str) -> None:
    options = {**WHOLE.get(kind, {}), **UNROLLED.get(kind, {})}
    layer, empty = cls(3, 3, **options), cls(3, 3, device="meta", **options)
    x, batch_first = torch.randn(5, 2, 3), options.get("batch_first", False)
    lengths = [5, 3] if not batch_first else [2, 1, 0, 2, 2]

    results, expected = empty(x.to("meta"), lengths=lengths), layer(x, lengths=lengths)

    assert all(result.is_meta for result in flat(results))
    shapes = [result.shape for result in flat(expected)]
    assert [result.shape for result in flat(results)] == shapes


@pytest.mark.parametrize("cls", CELLS)
def test_stepper_under_a_mode_is_the_stepper(cls: type) -> None:
    torch.manual_seed(0)
    step, x = cls(3, 4).eval().stepper(), torch.randn(2, 3)
    expected = step(x, step(x)[1])

    with Functions() as watching:
        results = step(x, step(x)[1])

    torch.testing.assert_close(flat(results), flat(expected))
    assert not any("data_ptr" in name for name in watching.seen)
