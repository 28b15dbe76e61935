"""What holds for every layer: dtypes, copies, reports, and what a call may not be."""

import copy
import io
import pickle
import re

import bfloat16
import pytest
import torch
from torch.utils._pytree import tree_map

from lockgate import nn
from lockgate.nn import GRU, LSTM, RNN
from lockgate.ops import kernels
from lockgate.ops.dispatch import backend

BACKENDS = pytest.mark.parametrize("name", ["aten", "reference"])
RATES = {"input_dropout": 0.5, "recurrent_dropout": 0.5, "output_dropout": 0.5}
needs_kernels = pytest.mark.skipif(
    not kernels.BUILT, reason="lockgate is installed without kernels"
)


@BACKENDS
@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str
)
def test_layer_computes_in_the_dtype_of_its_parameters(make, draw, dtype, name: str) -> None:
    layer = make(num_layers=2, bidirectional=True, dtype=dtype)
    exact = make(num_layers=2, bidirectional=True)
    exact.load_state_dict(layer.state_dict())
    x = draw(5, 2, 3).to(dtype)

    with backend(name):
        output, _ = layer(x)

    assert output.dtype == dtype
    steps = 2 * 5 * 8  # layers, time, and a few roundings in each step
    expected = exact(x.double())[0]
    torch.testing.assert_close(
        output.double(), expected, atol=steps * torch.finfo(dtype).eps, rtol=0
    )


@BACKENDS
def test_layer_runs_under_autocast(make, draw, name: str) -> None:
    layer, x = make(dtype=torch.float32, num_layers=2), draw(5, 2, 3).float()
    expected, _ = layer(x)

    with torch.autocast("cpu", dtype=torch.bfloat16), backend(name):
        try:
            output, _ = layer(x)
        except RuntimeError:
            bfloat16.skip_without_lstms()
            raise

    torch.testing.assert_close(output.float(), expected, atol=0.05, rtol=0)


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])  # noqa: S301
def test_copy_computes_the_same_and_shares_nothing(make, draw, copier) -> None:
    layer, x = make(num_layers=2, dropout=[0.5], bidirectional=True, **RATES), draw(5, 2, 3)

    twin = copier(layer)

    assert repr(twin) == repr(layer)
    got, expected = (m(x, generator=torch.Generator().manual_seed(0))[0] for m in (twin, layer))
    assert torch.equal(got, expected)
    with torch.no_grad():
        twin.weight_hh_l0.zero_()
    assert layer.weight_hh_l0.any()


def test_module_pickled_without_its_description_is_read(make, draw) -> None:
    layer, x = make(num_layers=2, bidirectional=True, layer_norm=True), draw(5, 2, 3)
    state = {name: value for name, value in vars(layer).items() if name != "_structure"}
    state["_layout"] = (3, (5, 5), 0, 2, "concat")  # as layers held it before they described it

    twin = type(layer).__new__(type(layer))
    twin.__setstate__(state)

    assert torch.equal(twin(x)[0], layer(x)[0])


def test_saved_state_dict_is_loaded_bit_by_bit(make) -> None:
    layer, other = make(num_layers=2), make(num_layers=2, **RATES)
    with torch.no_grad():
        other.weight_hh_l1.add_(1)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)

    other.load_state_dict(torch.load(file, weights_only=True))

    assert all(map(torch.equal, layer.parameters(), other.parameters()))


def test_layer_is_made_on_the_device_asked_for(make) -> None:
    layer = make(device="meta", init="keras")

    assert {p.device.type for p in layer.parameters()} == {"meta"}


def test_layer_trains_with_its_masks(make, draw) -> None:
    layer, x = make(num_layers=2, dropout=0.2, recurrent_dropout=0.2), draw(6, 8, 3)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.02)
    target = x.cumsum(0).tanh().mean(2, keepdim=True).expand(6, 8, 5)
    torch.manual_seed(0)

    def error() -> torch.Tensor:
        return (layer(x)[0] - target).square().mean()

    before = error().item()
    for _ in range(40):
        optimizer.zero_grad()
        error().backward()
        optimizer.step()

    layer.eval()
    assert error().item() < 0.6 * before


def test_layer_with_masks_runs_inside_vmap_and_grad(make, draw) -> None:
    layer, x = make(recurrent_dropout=0.5), draw(5, 2, 3)
    masks = layer.draw_masks(2)
    parameters = dict(layer.named_parameters())

    def error(parameters, x):
        return torch.func.functional_call(layer, parameters, (x,), {"masks": masks})[0].sum()

    per_sample = torch.func.vmap(torch.func.grad(error), in_dims=(None, 0))(
        parameters, torch.stack([x, -x])
    )

    expected = torch.autograd.grad(error(parameters, -x), list(parameters.values()))
    torch.testing.assert_close([g[1] for g in per_sample.values()], list(expected))


def test_layers_of_different_weights_run_at_once_inside_vmap(make, draw) -> None:
    options = {"zoneout": 0.2, "weight_dropout": 0.5, "recurrent_dropout": 0.5}
    ensemble, x = [make(**options) for _ in range(3)], draw(5, 2, 3)
    with torch.no_grad():
        for layer in ensemble[1:]:
            layer.reset_parameters()
    masks = ensemble[0].draw_masks(2, 5)
    stacked, _ = torch.func.stack_module_state(ensemble)

    def run(parameters):
        return torch.func.functional_call(ensemble[0], parameters, (x,), {"masks": masks})[0]

    together = torch.func.vmap(run)(stacked)

    apart = torch.stack([layer(x, masks=masks)[0] for layer in ensemble])
    torch.testing.assert_close(together, apart)
    assert not torch.allclose(apart[0], apart[1])


@pytest.mark.parametrize("shape", [(5,), (5, 2, 4), (0, 2, 3), (5, 2, 3, 1), (0, 3), (5, 4)])
def test_x_of_another_shape_raises(make, shape: tuple) -> None:
    expected = re.escape(
        f"x must have shape (time >= 1, batch, 3), or (time >= 1, 3) unbatched, got {shape}"
    )
    with pytest.raises(ValueError, match=expected):
        make()(torch.zeros(shape, dtype=torch.float64))


def test_shape_of_x_follows_batch_first(make, draw) -> None:
    layer = make(batch_first=True)

    with pytest.raises(ValueError, match=r"x must have shape \(batch, time >= 1, 3\), or"):
        layer(torch.zeros(2, 0, 3, dtype=torch.float64))
    assert layer(torch.zeros(0, 2, 3, dtype=torch.float64))[0].shape == (0, 2, 5)


def test_x_of_another_kind_raises(make) -> None:
    with pytest.raises(TypeError, match="x must be a tensor, got list"):
        make()([[1.0]])
    with pytest.raises(ValueError, match=r"x must be torch.float64, got torch.float32. Convert"):
        make()(torch.zeros(5, 2, 3))
    with pytest.raises(ValueError, match="x must be on cpu, got meta"):
        make()(torch.zeros(5, 2, 3, dtype=torch.float64, device="meta"))


def test_state_of_another_shape_raises(make, draw) -> None:
    layer = make(num_layers=2)
    name, wrap = (r"hx\[0\]", lambda h: (h, h)) if isinstance(layer, LSTM) else ("hx", lambda h: h)

    for shape in [(1, 2, 5), (2, 3, 5), (2, 2, 4), (2, 5)]:
        expected = rf"{name} must have shape \(layers \* directions, batch, hidden_size\) = "
        with pytest.raises(ValueError, match=expected + re.escape(f"(2, 2, 5), got {shape}")):
            layer(draw(6, 2, 3), wrap(draw(*shape)))
    with pytest.raises(ValueError, match=r"hidden_size\) = \(2, 5\), got \(2, 1, 5\)"):
        layer(draw(6, 3), wrap(draw(2, 1, 5)))
    with pytest.raises(ValueError, match=r"must be torch.float64, got torch.float32"):
        layer(draw(6, 2, 3), wrap(draw(2, 2, 5).float()))


def test_state_of_another_kind_raises(draw) -> None:
    x, h = draw(6, 2, 3), draw(1, 2, 5)

    with pytest.raises(TypeError, match=r"hx must be a pair \(h_0, c_0\), got Tensor"):
        LSTM(3, 5, dtype=torch.float64)(x, h)
    with pytest.raises(TypeError, match="hx must be a tensor, got tuple"):
        GRU(3, 5, dtype=torch.float64)(x, (h, h))


@pytest.mark.parametrize("name", ["input_size", "hidden_size", "num_layers"])
def test_size_that_is_none_raises(name: str) -> None:
    sizes = {"input_size": 3, "hidden_size": 5, "num_layers": 1}

    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        LSTM(**{**sizes, name: 0})
    with pytest.raises(TypeError, match=f"{name} must be an integer, got 2.5"):
        LSTM(**{**sizes, name: 2.5})


def test_flag_that_is_none_raises() -> None:
    with pytest.raises(TypeError, match=r"bias must be True or False, got 0.5"):
        LSTM(3, 5, 1, 0.5)
    with pytest.raises(TypeError, match="batch_first must be True or False, got 1"):
        LSTM(3, 5, batch_first=1)


def test_unknown_nonlinearity_raises() -> None:
    with pytest.raises(
        ValueError, match=r"nonlinearity must be one of \['tanh', 'relu'\], got 'sin'"
    ):
        RNN(3, 5, nonlinearity="sin")


def test_size_of_each_layer_may_be_its_own(draw) -> None:
    layer = GRU(3, [5, 4], bidirectional=True, dtype=torch.float64)

    output, h_n = layer(draw(6, 2, 3))
    again, _ = layer(draw(6, 2, 3), h_n)

    assert layer.num_layers == 2
    assert output.shape == (6, 2, 8)
    assert [part.shape for part in h_n] == [(2, 2, 5), (2, 2, 4)]
    assert not torch.equal(again, output)
    assert repr(layer) == "GRU(3, [5, 4], bidirectional=True)"


def test_sizes_and_options_that_do_not_fit_raise(draw) -> None:
    with pytest.raises(
        ValueError, match=r"num_layers must be 2 with hidden_size=\[5, 4\], .* got 3"
    ):
        LSTM(3, [5, 4], 3)
    with pytest.raises(
        TypeError, match=r"hidden_size must be an integer or a list of them, got \[\]"
    ):
        LSTM(3, [])
    with pytest.raises(ValueError, match=r"hidden_size\[1\] must be at least 1, got 0"):
        LSTM(3, [5, 0])
    with pytest.raises(ValueError, match="proj_size must be below hidden_size=5, got 5"):
        LSTM(3, 5, proj_size=5)
    with pytest.raises(
        ValueError, match="residual must be False where layers differ in width, got"
    ):
        LSTM(3, [5, 4], residual=True)
    with pytest.raises(
        ValueError, match="reset_after must be True with layer_norm=True, got False"
    ):
        GRU(3, 5, reset_after=False, layer_norm=True)
    with pytest.raises(ValueError, match=r"merge_mode must be one of \['concat', .* got 'ave'"):
        LSTM(3, 5, merge_mode="ave")
    with pytest.raises(TypeError, match="zoneout must be one number where the state is h alone"):
        GRU(3, 5, zoneout=(0.1, 0.2))
    with pytest.raises(ValueError, match=r"zoneout\[1\] must be in \[0, 1\), got 1.0"):
        LSTM(3, 5, zoneout=(0.1, 1.0))
    with pytest.raises(ValueError, match=r"mask_over\['input'\] must be \"sequence\" or \"step\""):
        LSTM(3, 5, mask_over={"input": "batch"})
    layer = LSTM(3, [5, 4], dtype=torch.float64)
    with pytest.raises(
        TypeError, match=r"hx\[0\] must be a tuple of 2 tensors, one for each layer"
    ):
        layer(draw(6, 2, 3), (draw(2, 2, 5), draw(2, 2, 5)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("name", ["reference", None])
def test_autocast_gives_output_and_state_its_type(make, draw, name, dtype) -> None:
    layer = make(dtype=torch.float32, num_layers=2, recurrent_dropout=0.5, bias=False)
    x, masks = draw(9, 2, 3).float(), layer.draw_masks(2)
    expected, _ = layer(x, masks=masks)

    with torch.autocast("cpu", dtype=dtype):
        output, state = layer(x, masks=masks)
        layer(x, state, masks=masks)

    h_n = state[0] if isinstance(state, tuple) else state
    assert output.dtype == h_n.dtype == dtype
    if isinstance(state, tuple):
        assert state[1].dtype == dtype
    torch.testing.assert_close(output.float(), expected, atol=0.05, rtol=0)
    output.float().square().sum().backward()
    assert {p.grad.dtype for p in layer.parameters()} == {torch.float32}


@pytest.mark.parametrize("name", ["RNN", "LSTM"])
def test_autocast_to_bfloat16_gives_the_types_of_torchs_layer(name: str) -> None:
    if name == "LSTM":
        bfloat16.skip_without_lstms()
    ours, theirs = getattr(nn, name)(3, 5), getattr(torch.nn, name)(3, 5)
    x = torch.randn(7, 2, 3)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        kinds = [tree_map(lambda result: result.dtype, layer(x)) for layer in (ours, theirs)]

    assert kinds[0] == kinds[1]


@pytest.mark.parametrize(
    ("module", "size"),
    [(nn.LSTM(3, 4), (5, 2, 3)), (nn.GRUCell(3, 4), (2, 3)), (nn.Embedding(9, 3), None)],
    ids=["layer", "cell", "embedding"],
)
def test_x_may_be_called_input_as_in_torch(module, size) -> None:
    x = torch.tensor([[1, 2]]) if size is None else torch.randn(size)

    torch.testing.assert_close(module(input=x), module(x))
    with pytest.raises(TypeError, match=r"must be given once, as (x|tokens) or as input, got both"):
        module(x, input=x)
    with pytest.raises(TypeError, match=r"must be given once, as (x|tokens) or as input, got none"):
        module()
