"""Every difference from torch that docs/layer.md lists is as it says, and no other is listed."""

import inspect
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.utils import parametrize
from torch.nn.utils.rnn import pack_padded_sequence

from lockgate import nn
from lockgate.interop import from_torch, to_torch

PAGE = Path(__file__).parents[2] / "docs" / "layer.md"
KINDS = ["LSTM", "GRU", "RNN"]
X = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))
HELD: dict[str, list[Callable[..., Any]]] = {}


def row(of_torch: str) -> Callable[[Any], Any]:
    """Say which row of the page a test holds, by its first cell."""

    def mark(test: Any) -> Any:
        HELD.setdefault(of_torch, []).append(test)
        return test

    return mark


class Model(torch.nn.Module):
    """A model of a user's around a layer."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer, self.head = layer, torch.nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output, _ = self.layer(x)
        return self.head(output)


def models(kind: str) -> tuple[Model, Model]:
    """Give a model with our layer, and the same with what `to_torch` makes of it."""
    torch.manual_seed(0)
    ours = Model(getattr(nn, kind)(3, 4, num_layers=2)).eval()
    plain = Model(to_torch(ours.layer))
    plain.head = ours.head
    return ours, plain.eval()


def test_every_row_of_the_page_is_held_by_a_test() -> None:
    page = PAGE.read_text(encoding="utf-8")
    table = page[page.index("| torch.nn | lockgate.nn |") :].split("\n\n")[0]

    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()[2:]]

    assert rows == list(HELD)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [True, False])
def test_seed_draws_the_weights_of_torch(kind, bidirectional) -> None:
    options = {"num_layers": 2, "bidirectional": bidirectional}
    torch.manual_seed(0)
    ours = getattr(nn, kind)(3, 4, **options).state_dict()
    torch.manual_seed(0)
    judges = getattr(torch.nn, kind)(3, 4, **options).state_dict()

    assert list(ours) == list(judges)
    assert all(torch.equal(ours[name], judges[name]) for name in ours)


@row("`dropout=p` draws at every step")
def test_dropout_between_layers_is_held_or_drawn_at_every_step() -> None:
    held = nn.GRU(3, 4, 2, dropout=0.5).draw_masks(2, 5).cells[1].x
    drawn = nn.GRU(3, 4, 2, dropout=0.5, mask_over={"between": "step"}).draw_masks(2, 5).cells[1].x

    assert held.shape[0] == 1
    assert drawn.shape[0] == 5
    assert not torch.equal(drawn[0], drawn[1])


@row("`dropout > 0` with one layer warns")
@pytest.mark.parametrize("kind", KINDS)
def test_dropout_with_one_layer_raises(kind) -> None:
    with pytest.warns(UserWarning, match="num_layers"):
        getattr(torch.nn, kind)(3, 4, dropout=0.5)
    with pytest.raises(ValueError, match="dropout must be 0"):
        getattr(nn, kind)(3, 4, dropout=0.5)


@row("`dropout=1` is allowed")
def test_rate_of_one_raises() -> None:
    torch.nn.GRU(3, 4, 2, dropout=1.0)
    with pytest.raises(ValueError, match=r"dropout must be in \[0, 1\), got 1.0"):
        nn.GRU(3, 4, 2, dropout=1.0)


@row("packed sequences for padding")
def test_packed_sequences_work_and_lengths_spare_them() -> None:
    layer = nn.GRU(3, 4)
    packed, _ = layer(pack_padded_sequence(X, [5, 3]))

    output, _ = layer(X, lengths=[5, 3])

    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(packed)
    torch.testing.assert_close(output, expected)
    with pytest.raises(RuntimeError, match="greater than 0"):
        pack_padded_sequence(X, [5, 0])
    assert not layer(X, lengths=[5, 0])[0][:, 1].any()


@row("`nn.LSTMCell` in a loop")
def test_loop_over_cells_is_written_with_masks_or_a_stepper() -> None:
    cell, layer, state = nn.LSTMCell(3, 4, recurrent_dropout=0.5), nn.LSTM(3, 4), None
    layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    masks = cell.draw_masks(2)
    for x in X:
        state = cell(x, state, masks=masks)
    assert state[0].shape == (2, 4)

    step, hx = layer.eval().stepper(), None
    for x in X:
        output, hx = step(x, hx)

    torch.testing.assert_close(output, layer(X)[0][-1].detach())


@row("parametrize `weight_hh_l0` for weight dropout")
def test_parametrized_weights_and_weight_dropout_both_drop() -> None:
    layer = nn.GRU(3, 4)
    parametrize.register_parametrization(layer, "weight_hh_l0", torch.nn.Dropout(0.5))
    assert not torch.equal(layer(X)[0], layer(X)[0])
    assert torch.equal(layer.eval()(X)[0], layer(X)[0])

    masks = nn.GRU(3, 4, num_layers=2, bidirectional=True, weight_dropout=0.5).draw_masks(2)

    assert all(mask is not None for mask in masks.weights)


@row("wrong shapes raise `RuntimeError` or `ValueError`")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(5, 2, 4), (0, 2, 3), (1, 5, 2, 3)])
def test_wrong_shape_raises_what_torch_raises(kind, shape) -> None:
    with pytest.raises((RuntimeError, ValueError)) as of_torch:
        getattr(torch.nn, kind)(3, 4)(torch.zeros(shape))

    with pytest.raises(nn.ShapeError) as ours:
        getattr(nn, kind)(3, 4)(torch.zeros(shape))

    assert isinstance(ours.value, of_torch.type)


@row("`flatten_parameters()`")
def test_flattening_changes_nothing() -> None:
    layer = nn.LSTM(3, 4)
    before = layer.weight_ih_l0.data_ptr()

    assert layer.flatten_parameters() is None

    assert layer.weight_ih_l0.data_ptr() == before


@row("`isinstance(layer, nn.RNNBase)`")
@pytest.mark.parametrize("kind", KINDS)
def test_initialisers_that_go_by_names_reach_the_layer(kind) -> None:
    ours, plain = models(kind)
    assert isinstance(plain.layer, torch.nn.RNNBase)
    assert not isinstance(ours.layer, torch.nn.RNNBase)

    for model in (ours, plain):
        for module in model.modules():
            if isinstance(module, (torch.nn.RNNBase, getattr(nn, kind))):
                for name, parameter in module.named_parameters():
                    torch.nn.init.constant_(parameter, 0.1 if "weight" in name else 0.0)

    torch.testing.assert_close(ours(X), plain(X))
    torch.manual_seed(0)
    h = getattr(nn, kind)(3, 4, init="keras").weight_hh_l0
    torch.testing.assert_close(h.t() @ h, torch.eye(4))


@row("`all_weights`, `mode`")
@pytest.mark.parametrize(
    "judge",
    [
        torch.nn.LSTM(3, 4),
        torch.nn.LSTM(3, 4, bidirectional=True, proj_size=2),
        torch.nn.GRU(3, 4, num_layers=2, bias=False),
        torch.nn.RNN(3, 4, bidirectional=True),
        torch.nn.RNN(3, 4, nonlinearity="relu"),
    ],
    ids=str,
)
def test_weights_and_mode_are_named_as_in_torch(judge) -> None:
    layer = from_torch(judge)

    assert layer.mode == judge.mode
    for ours, theirs in zip(layer.all_weights, judge.all_weights, strict=True):
        assert all(isinstance(weight, torch.nn.Parameter) for weight in ours)
        assert all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))
    assert not hasattr(layer, "_flat_weights")


def test_weights_of_layers_that_differ_are_listed_too() -> None:
    layer = nn.LSTM(3, [4, 5], bidirectional=[True, False], layer_norm=True)

    listed = [weight for cell in layer.all_weights for weight in cell]

    named = [p for name, p in layer.named_parameters() if not name.startswith("ln_")]
    assert [id(weight) for weight in listed] == [id(parameter) for parameter in named]


@row("`torch.jit.script`")
@pytest.mark.filterwarnings(
    "ignore:`torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning"
)
@pytest.mark.parametrize("kind", KINDS)
def test_script_takes_what_to_torch_gives(kind) -> None:
    ours, plain = models(kind)
    with pytest.raises(torch.jit.frontend.NotSupportedError):
        torch.jit.script(ours)

    torch.testing.assert_close(torch.jit.script(plain)(X), ours(X))
    torch.testing.assert_close(torch.jit.trace(ours, (X,))(X), ours(X))


class KeepsLayers(torch.fx.Tracer):
    def is_leaf_module(self, module: torch.nn.Module, name: str) -> bool:
        return isinstance(module, nn.LSTM | nn.GRU | nn.RNN) or super().is_leaf_module(module, name)


@row("`torch.fx.symbolic_trace`")
@pytest.mark.parametrize("kind", KINDS)
def test_fx_takes_what_to_torch_gives_or_keeps_the_layer_whole(kind) -> None:
    ours, plain = models(kind)
    with pytest.raises(TypeError, match="x must be a tensor, got Proxy"):
        torch.fx.symbolic_trace(ours)

    torch.testing.assert_close(torch.fx.symbolic_trace(plain)(X), ours(X))
    graph = torch.fx.GraphModule(ours, KeepsLayers().trace(ours))
    torch.testing.assert_close(graph(X), ours(X))
    torch.testing.assert_close(torch.export.export(ours, (X,)).module()(X), ours(X))


@row("`quantize_dynamic`")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_quantising_takes_what_to_torch_gives(kind) -> None:
    kinds = {getattr(torch.nn, kind), getattr(nn, kind)}
    ours, plain = models(kind)

    kept, quantised = (
        torch.ao.quantization.quantize_dynamic(model, kinds) for model in (ours, plain)
    )

    assert type(kept.layer) is getattr(nn, kind)
    assert "quantized" in type(quantised.layer).__module__
    torch.testing.assert_close(quantised(X), ours(X), atol=0.02, rtol=0.1)


@row("`torch.onnx.export(dynamo=True)`")
@pytest.mark.filterwarnings("ignore")  # torch's exporter warns of torch
@pytest.mark.parametrize("kind", KINDS)
def test_newer_exporter_takes_what_to_torch_gives(kind) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    ours, plain = models(kind)
    with pytest.raises(torch.onnx.OnnxExporterError):
        torch.onnx.export(ours, (X,), dynamo=True, verbose=False)

    saved = io.BytesIO()
    torch.onnx.export(plain, (X,), dynamo=True, verbose=False).save(saved)

    session = runtime.InferenceSession(saved.getvalue(), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {session.get_inputs()[0].name: X.numpy()})
    torch.testing.assert_close(torch.from_numpy(output), ours(X).detach())


@row("`torch.onnx.export(dynamo=False)`")
@pytest.mark.filterwarnings("ignore")
def test_older_exporter_writes_what_torch_lacks_as_a_loop() -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    saved: dict[bool, Any] = {}
    for norm in (False, True):
        model, buffer = Model(nn.LSTM(3, 4, layer_norm=norm)).eval(), io.BytesIO()
        torch.onnx.export(model, (X,), buffer, dynamo=False)
        saved[norm] = [n.op_type for n in onnx.load_from_string(buffer.getvalue()).graph.node]

    assert saved[False].count("LSTM") == 1
    assert "LSTM" not in saved[True]
    assert saved[True].count("Tanh") == 2 * len(X)


@row("`nn.Embedding` begins at N(0, 1)")
def test_vectors_begin_small_and_have_no_norm_to_keep() -> None:
    weight = nn.Embedding(1000, 8).weight

    assert 0.09 < weight.abs().max() <= 0.1
    arguments = set(inspect.signature(nn.Embedding).parameters)
    assert not arguments & {"max_norm", "norm_type", "scale_grad_by_freq", "sparse"}


@row("`nn.Sequential`")
def test_container_of_torch_hands_on_the_pair() -> None:
    layer, tanh = nn.GRU(3, 4), torch.nn.Tanh()
    with pytest.raises(TypeError, match="tuple"):
        torch.nn.Sequential(layer, tanh)(X)

    assert torch.equal(nn.Sequential(layer, tanh)(X), layer(X)[0].tanh())


def test_page_is_read_as_a_table() -> None:
    assert len(HELD) > 10
    assert all(re.search(r"\w", first) for first in HELD)
