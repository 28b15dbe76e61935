"""With every rate 0 a layer is torch's: parameters, shapes, results and gradients."""

import inspect

import pytest
import torch

from lockgate.nn import GRU, LSTM, RNN
from lockgate.ops import kernels
from lockgate.ops.dispatch import backend

CPU = pytest.param(
    "cpu", marks=pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here")
)
BACKENDS = pytest.mark.parametrize("name", ["aten", "reference", CPU])


def dtype_of(name: str) -> torch.dtype:
    """Give the widest type that a backend computes in."""
    return torch.float32 if name == "cpu" else torch.float64


def flat(result) -> list[torch.Tensor]:
    output, state = result
    return [output, *(state if isinstance(state, tuple) else (state,))]


def loss(result) -> torch.Tensor:
    return sum((part * part.cos()).sum() for part in flat(result))


@pytest.mark.pairwise
@BACKENDS
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("layout", ["time-first", "batch-first", "unbatched"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one-way", "both-ways"])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("given", [False, True], ids=["no-hx", "hx"])
def test_results_and_gradients_are_torchs(
    make, make_torch, draw, num_layers, bidirectional, layout, bias, given, name
) -> None:
    options = {"num_layers": num_layers, "bidirectional": bidirectional, "bias": bias}
    options["batch_first"] = layout == "batch-first"
    ours, theirs = make(**options, dtype=dtype_of(name)), make_torch(**options)
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())  # as ours rounded it
    shape = {"time-first": (7, 2, 3), "batch-first": (2, 7, 3), "unbatched": (7, 3)}[layout]
    rows = num_layers * (1 + bidirectional)
    x, h = draw(*shape), draw(rows, 5) if layout == "unbatched" else draw(rows, 2, 5)

    def run(layer, dtype: torch.dtype):
        c = h.sin().float().to(dtype)
        parts = (h.float().to(dtype), c)
        state = None if not given else parts if isinstance(ours, LSTM) else parts[0]
        return layer(x.float().to(dtype), state)

    with backend(name):
        got = run(ours, dtype_of(name))
    expected = run(theirs, torch.float64)

    assert {part.dtype for part in flat(got)} == {dtype_of(name)}
    torch.testing.assert_close(got, expected, check_dtype=False)
    got_gradients = torch.autograd.grad(loss(got), list(ours.parameters()))
    gradients = torch.autograd.grad(loss(expected), list(theirs.parameters()))
    torch.testing.assert_close(got_gradients, gradients, check_dtype=False)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("bias", [True, False])
def test_state_dict_is_exchanged_with_torch_both_ways(
    make, make_torch, num_layers: int, bidirectional: bool, bias: bool
) -> None:
    options = {"num_layers": num_layers, "bidirectional": bidirectional, "bias": bias}
    ours, theirs = make(**options), make_torch(**options)
    own = {name: value.clone() for name, value in ours.state_dict().items()}

    assert list(own) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    assert all(map(torch.equal, ours.state_dict().values(), theirs.state_dict().values()))
    theirs.load_state_dict(own)
    assert all(map(torch.equal, theirs.state_dict().values(), own.values()))


def test_a_seed_draws_the_parameters_that_torch_draws(make, make_torch) -> None:
    ours, theirs = make(num_layers=2), make_torch(num_layers=2)

    torch.manual_seed(5)
    ours.reset_parameters()
    torch.manual_seed(5)
    theirs.reset_parameters()

    assert all(map(torch.equal, ours.parameters(), theirs.parameters()))


@pytest.mark.parametrize("cls", [LSTM, GRU, RNN])
def test_positional_arguments_stand_in_torchs_order(cls) -> None:
    names = ["input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout"]
    if cls is RNN:
        names.insert(3, "nonlinearity")
    parameters = inspect.signature(cls).parameters.values()

    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]

    assert positional == [*names, "bidirectional", *(["proj_size"] if cls is LSTM else [])]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        pytest.param(
            "cpu",
            torch.float32,
            marks=pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here"),
        ),
        ("aten", torch.float64),
        ("reference", torch.float64),
    ],
)
@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")  # of torch's own
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one-way", "both-ways"])
@pytest.mark.parametrize("shape", [(7, 2, 3), (7, 3)], ids=["batch", "unbatched"])
def test_projection_is_torchs(draw, shape: tuple, bidirectional: bool, name: str, dtype) -> None:
    options = {"bidirectional": bidirectional, "proj_size": 4, "dtype": dtype}
    torch.manual_seed(0)
    ours, theirs = LSTM(3, 5, 2, **options), torch.nn.LSTM(3, 5, 2, **options)
    torch.manual_seed(0)
    ours.reset_parameters()
    torch.manual_seed(0)
    theirs.reset_parameters()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert all(map(torch.equal, ours.parameters(), theirs.parameters()))
    rows = 2 * (1 + bidirectional)
    x, *hx = (draw(*size).to(dtype) for size in (shape, *((rows, *shape[1:-1], n) for n in (4, 5))))

    with backend(name):
        got = ours(x, tuple(hx))
    expected = theirs(x, tuple(hx))

    torch.testing.assert_close(got, expected)
    gradients = [
        torch.autograd.grad(loss(r), list(m.parameters()))
        for r, m in ((got, ours), (expected, theirs))
    ]
    torch.testing.assert_close(*gradients)


def test_callers_of_torchs_layers_may_flatten_parameters(make) -> None:
    assert make().flatten_parameters() is None


def test_repr_is_torchs(make, make_torch) -> None:
    options = {"num_layers": 2, "batch_first": True, "dropout": 0.5, "bidirectional": True}
    ours = repr(make(**options)).replace(", nonlinearity='relu'", "")

    assert ours == repr(make_torch(**options))


def test_repr_shows_what_torch_does_not_have() -> None:
    layer = LSTM(3, 5, 2, dropout=[0.1], recurrent_dropout=0.25, mask_per="cell", init="keras")

    assert repr(layer) == (
        "LSTM(3, 5, num_layers=2, dropout=(0.1,), recurrent_dropout=0.25, "
        "mask_per={'input': 'cell', 'recurrent': 'cell'}, init='keras')"
    )


@BACKENDS
def test_last_state_of_both_directions_is_where_each_one_ends(make, draw, name: str) -> None:
    layer = make(bidirectional=True, dtype=dtype_of(name))

    with backend(name):
        output, *states = flat(layer(draw(6, 2, 3).to(dtype_of(name))))

    h_n = states[0]
    torch.testing.assert_close(h_n[0], output[-1, :, :5])
    torch.testing.assert_close(h_n[1], output[0, :, 5:])


def test_batch_of_no_sequence_gives_one_of_no_output(make) -> None:
    output, *states = flat(make()(torch.zeros(4, 0, 3, dtype=torch.float64)))

    assert output.shape == (4, 0, 5)
    assert states[0].shape == (1, 0, 5)


@BACKENDS
def test_gradient_flows_to_x_and_to_the_first_state(make, draw, name: str) -> None:
    layer = make(num_layers=2, bidirectional=True, dtype=dtype_of(name))
    x, h = (draw(*shape).to(dtype_of(name)).requires_grad_() for shape in ((5, 2, 3), (4, 2, 5)))

    with backend(name):
        result = layer(x, (h, h) if isinstance(layer, LSTM) else h)

    assert all(g.abs().min() > 0 for g in torch.autograd.grad(loss(result), [x, h]))
