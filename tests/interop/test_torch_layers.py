"""Layers of torch.nn come in and go out with what they compute."""

import itertools
from typing import Any

import pytest
import torch
from torch import nn as torch_nn
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lockgate import nn
from lockgate.interop import from_torch, to_torch

CELLS = {
    "rnn": (torch_nn.RNN, nn.RNN, {}),
    "rnn-relu": (torch_nn.RNN, nn.RNN, {"nonlinearity": "relu"}),
    "lstm": (torch_nn.LSTM, nn.LSTM, {}),
    "lstm-proj": (torch_nn.LSTM, nn.LSTM, {"proj_size": 4}),
    "gru": (torch_nn.GRU, nn.GRU, {}),
}
SHARED = [
    {"num_layers": layers, "bias": bias, "batch_first": first, "bidirectional": two}
    for layers, bias, first, two in itertools.product(
        (1, 3), (True, False), (True, False), (True, False)
    )
]


def name_of(options: dict[str, Any]) -> str:
    return "-".join(
        [str(options["num_layers"]), *(name for name, on in options.items() if on is True)]
    )


def results(layer: Any, x: torch.Tensor, **options: Any) -> list[torch.Tensor]:
    output, last = layer(x, **options)
    return [output, *(last if isinstance(last, tuple) else (last,))]


def assert_alike(one: Any, other: Any, options: dict[str, Any]) -> None:
    """Compare two layers on a batch, with a state, unbatched, and packed."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 6, 3, dtype=torch.float64, generator=generator)
    first = [torch.randn(t.shape, dtype=t.dtype, generator=generator) for t in results(one, x)[1:]]
    hx = tuple(first) if len(first) > 1 else first[0]
    batch = x.shape[0 if options["batch_first"] else 1]
    lengths = torch.tensor([2, 4, 1, 3, 4, 1])[:batch]
    packed = pack_padded_sequence(x, lengths, options["batch_first"], enforce_sorted=False)

    torch.testing.assert_close(results(one, x), results(other, x))
    torch.testing.assert_close(results(one, x, hx=hx), results(other, x, hx=hx))
    torch.testing.assert_close(results(one, x[0]), results(other, x[0]))
    (ours, *last), (theirs, *expected) = results(one, packed), results(other, packed)
    torch.testing.assert_close(pad_packed_sequence(ours), pad_packed_sequence(theirs))
    torch.testing.assert_close(last, expected)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("options", SHARED, ids=name_of)
@pytest.mark.parametrize("cell", CELLS)
def test_a_layer_of_torch_comes_in(cell: str, options: dict[str, Any]) -> None:
    theirs, ours, fixed = CELLS[cell]
    module = theirs(3, 5, dtype=torch.float64, **fixed, **options)

    layer = from_torch(module)

    assert type(layer) is ours
    assert_alike(layer, module, options)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("options", SHARED, ids=name_of)
@pytest.mark.parametrize("cell", CELLS)
def test_a_layer_goes_out_to_torch(cell: str, options: dict[str, Any]) -> None:
    theirs, ours, fixed = CELLS[cell]
    rates = {"input_dropout": 0.5, "recurrent_dropout": 0.5, "output_dropout": 0.5}
    layer = ours(3, 5, dtype=torch.float64, weight_dropout=0.5, **rates, **fixed, **options).eval()

    module = to_torch(layer)

    assert type(module) is theirs
    assert not module.training
    assert_alike(module, layer, options)


@pytest.mark.parametrize("way", [from_torch, lambda m: to_torch(from_torch(m))])
def test_dtype_mode_and_what_is_frozen_stay_and_weights_are_copies(way: Any) -> None:
    module = torch_nn.GRU(3, 5, dtype=torch.float32).eval()
    module.weight_hh_l0.requires_grad_(False)

    got = way(module)

    with torch.no_grad():
        module.weight_ih_l0.zero_()
    assert not got.training
    assert got.weight_ih_l0.dtype == torch.float32
    assert got.weight_ih_l0.device == module.weight_ih_l0.device
    assert got.weight_ih_l0.abs().min() > 0.0
    assert {name for name, p in got.named_parameters() if not p.requires_grad} == {"weight_hh_l0"}


def test_nothing_is_drawn_from_the_generator() -> None:
    module = torch_nn.LSTM(3, 5)
    before = torch.get_rng_state()

    to_torch(from_torch(module))

    assert torch.equal(torch.get_rng_state(), before)


def test_a_layer_on_another_device_stays_there() -> None:
    module = torch_nn.LSTM(3, 5, device="meta")

    assert to_torch(from_torch(module)).weight_ih_l0.device.type == "meta"


def test_a_parametrized_weight_comes_in_as_it_is_used() -> None:
    module = parametrizations.weight_norm(torch_nn.LSTM(3, 5), "weight_hh_l0")
    x = torch.randn(4, 2, 3)

    torch.testing.assert_close(from_torch(module)(x)[0], module(x)[0])


def test_dropout_of_torch_is_drawn_at_every_step() -> None:
    layer = from_torch(torch_nn.LSTM(3, 8, num_layers=3, dropout=0.25))

    assert layer.dropout == 0.25
    assert layer.mask_over["between"] == "step"
    assert layer.draw_masks(2, 6).cells[1].x.shape == (6, 1, 2, 8)
    assert layer.draw_masks(2, 6).cells[0].x is None


@pytest.mark.filterwarnings("ignore:dropout option adds dropout")
def test_dropout_of_one_layer_has_no_effect_in_torch_and_is_none() -> None:
    assert from_torch(torch_nn.LSTM(3, 8, dropout=0.25)).dropout == 0.0


STEP = {"between": "step"}


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"dropout": 0.25, "mask_over": STEP}, 0.25),
        ({"dropout": [0.25, 0.25], "mask_over": STEP}, 0.25),
        ({"dropout": [0.25, 0.5], "mask_over": STEP}, 0.0),
        ({"dropout": 0.25}, 0.0),
        ({"dropout": 0.25, "mask_over": STEP, "mask_per": "gate"}, 0.0),
        ({"dropout": 0.25, "mask_over": STEP, "mask_for": "batch"}, 0.0),
    ],
)
def test_dropout_goes_out_where_torch_has_it(options: dict[str, Any], kept: float) -> None:
    assert to_torch(nn.GRU(3, 8, num_layers=3, **options)).dropout == kept


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (nn.LSTM, {"layer_norm": True}, "layer_norm must be False, got True"),
        (nn.LSTM, {"zoneout": (0.0, 0.1)}, r"zoneout must be 0, got \(0.0, 0.1\)"),
        (nn.LSTM, {"num_layers": 2, "residual": True}, "residual must be False, got True"),
        (
            nn.LSTM,
            {"bidirectional": True, "merge_mode": "none"},
            "merge_mode must be \"concat\", got 'none'",
        ),
        (nn.LSTM, {"learn_initial_state": True}, "learn_initial_state must be False, got True"),
        (nn.LSTM, {"nonlinearity": "relu"}, "nonlinearity must be \"tanh\", got 'relu'"),
        (nn.GRU, {"reset_after": False}, "reset_after must be True, got False"),
        (
            nn.RNN,
            {"bidirectional": [True, False]},
            r"bidirectional must be the same for all layers, got \[True, False\]",
        ),
    ],
)
def test_what_torch_lacks_is_refused(cls: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}: torch.nn has no such layer. Keep the"):
        to_torch(cls(3, 5, **options))


def test_all_that_torch_lacks_is_named_at_once() -> None:
    layer = nn.GRU(3, [5, 6], zoneout=0.1, reset_after=False, learn_initial_state=True)

    message = (
        "learn_initial_state must be False, got True; zoneout must be 0, got 0.1; "
        r"hidden_size must be the same for all layers, got \[5, 6\]; "
        "reset_after must be True, got False: torch.nn has no such layer. Keep the lockgate "
        "layer, or train one without."
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        to_torch(layer)


@pytest.mark.parametrize(
    "options",
    [
        {"merge_mode": "sum"},
        {"residual": True},
        {"hidden_size": [5]},
        {"zoneout": (0.0, 0.0)},
        {"bidirectional": [True, True]},
    ],
    ids=str,
)
def test_what_makes_no_difference_is_not_refused(options: dict[str, Any]) -> None:
    layer = nn.LSTM(3, options.pop("hidden_size", 5), **options)
    x = torch.randn(4, 2, 3)

    torch.testing.assert_close(to_torch(layer)(x)[0], layer(x)[0])


def test_the_dropout_of_torch_of_rate_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dropout must be in \[0, 1\), got 1.0"):
        from_torch(torch_nn.LSTM(3, 5, 2, dropout=1.0))


def test_other_things_are_refused() -> None:
    with pytest.raises(TypeError, match=r"module must be a torch.nn.RNN, LSTM or GRU, got Linear"):
        from_torch(torch_nn.Linear(2, 3))
    with pytest.raises(TypeError, match=r"layer must be a lockgate.nn.RNN, LSTM or GRU, got LSTM"):
        to_torch(torch_nn.LSTM(2, 3))
