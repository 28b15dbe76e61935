"""The forecaster is a recurrent stack, a level and a linear head on the last state."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from lockgate.tasks.forecasting.config import ForecasterConfig
from lockgate.tasks.forecasting.network import ForecastNetwork, build

RATES = ["input_dropout", "dropout", "recurrent_dropout", "output_dropout"]
TORCH = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
B, T, C, H, HORIZON = 3, 7, 2, 4, 5


def make_config(**settings: object) -> ForecasterConfig:
    rates = dict.fromkeys(RATES, 0.0)
    return ForecasterConfig(**{"hidden_size": H, "init": "torch", **rates, **settings})


def make_model(**settings: object) -> ForecastNetwork:
    generator = torch.Generator().manual_seed(0)
    return build(make_config(**settings), C, HORIZON, generator)


def make_x(seed: int = 1) -> Tensor:
    return torch.randn(B, T, C, generator=torch.Generator().manual_seed(seed))


def torch_forecast(model: ForecastNetwork, x: Tensor, layers: int, bidirectional: bool) -> Tensor:
    """Run torch's own layers, one for each layer and direction, as `normalise="none"` does."""
    kind = TORCH[type(model.stack).__name__.lower()]
    for layer in range(layers):
        outputs, last = [], []
        for suffix in ("", "_reverse")[: 1 + bidirectional]:
            one = kind(x.shape[2], H, batch_first=True)
            names = one.state_dict().keys()
            own = model.stack.state_dict()
            one.load_state_dict({n: own[n.replace("l0", f"l{layer}{suffix}")] for n in names})
            output, _ = one(x.flip(1) if suffix else x)
            last.append(output[:, -1])  # of the reverse direction: after the first step of x
            outputs.append(output.flip(1) if suffix else output)
        x = torch.cat(outputs, dim=2)
    return torch.cat(last, dim=1) @ model.head.weight.T + model.head.bias


@pytest.mark.parametrize("bidirectional", [False, True], ids=["one way", "both ways"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", TORCH)
def test_the_head_reads_the_last_state_of_every_direction(
    cell: str, layers: int, bidirectional: bool
) -> None:
    shape = {"cell": cell, "num_layers": layers, "bidirectional": bidirectional}
    model = make_model(**shape, normalise="none").eval()

    forecast = model(make_x())

    assert forecast.shape == (B, HORIZON)
    torch.testing.assert_close(forecast, torch_forecast(model, make_x(), layers, bidirectional))


def test_the_backward_direction_has_read_the_whole_window() -> None:
    model = make_model(bidirectional=True, normalise="none").eval()
    with torch.no_grad():
        model.head.weight[:, :H] = 0  # the forward half is not looked at
    first = make_x()
    first[:, 0] += 1

    assert (model(first) - model(make_x())).abs().amax(dim=1).min() > 1e-4


@pytest.mark.parametrize("mode", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("normalise", ["last", "mean"])
def test_a_shifted_target_shifts_the_forecast(normalise: str, mode: bool) -> None:
    model = make_model(normalise=normalise, **dict.fromkeys(RATES, 0.3)).train(mode)
    shifted = make_x()
    shifted[..., 0] += 7

    plain, higher = (
        model(x, generator=torch.Generator().manual_seed(2)) for x in (make_x(), shifted)
    )

    torch.testing.assert_close(higher, plain + 7, rtol=0, atol=1e-5)


def test_without_a_level_the_forecast_is_not_tied_to_the_target() -> None:
    model = make_model(normalise="none").eval()
    shifted = make_x()
    shifted[..., 0] += 7

    assert ((model(shifted) - model(make_x())).abs() < 6).all()


@pytest.mark.parametrize("normalise", ["mean_std", "median_mad"])
def test_a_target_in_another_unit_has_its_forecast_in_it(normalise: str) -> None:
    model = make_model(normalise=normalise).eval()
    scaled = torch.cat([3 * make_x()[..., :1] - 7, make_x()[..., 1:]], dim=2)

    torch.testing.assert_close(model(scaled), 3 * model(make_x()) - 7)


def test_a_choice_is_made_before_a_network_is_built() -> None:
    with pytest.raises(ValueError, match="normalise must be chosen before a network is built"):
        make_model(normalise="auto")


@pytest.mark.parametrize("normalise", ["last", "mean", "none", "mean_std"])
def test_another_channel_has_no_level(normalise: str) -> None:
    model = make_model(normalise=normalise).eval()
    shifted = make_x()
    shifted[..., 1] += 7

    assert ((model(shifted) - model(make_x())).abs() > 1e-4).any()
    assert ((model(shifted) - model(make_x())).abs() < 6).all()


@pytest.mark.parametrize(
    ("normalise", "level"), [("last", lambda y: y[:, -1:]), ("mean", lambda y: y.mean(1, True))]
)
def test_a_head_of_zeros_forecasts_the_level(normalise: str, level) -> None:
    model = make_model(normalise=normalise).eval()
    nn.init.zeros_(model.head.weight)

    expected = level(make_x()[..., 0]).expand(B, HORIZON)
    torch.testing.assert_close(model(make_x()), expected)


@pytest.mark.parametrize("rate", RATES)
def test_every_rate_acts_in_training_only(rate: str) -> None:
    shape = {"num_layers": 2, "bidirectional": True}
    plain, dropped = make_model(**shape), make_model(**shape, **{rate: 0.99})
    generator = torch.Generator().manual_seed(0)

    assert not torch.equal(dropped(make_x(), generator=generator), plain(make_x()))
    assert torch.equal(dropped.eval()(make_x(), generator=generator), plain.eval()(make_x()))


def test_dropout_between_layers_is_of_no_effect_with_one_layer() -> None:
    assert torch.equal(make_model(dropout=0.9)(make_x()), make_model()(make_x()))


@pytest.mark.parametrize("rate", RATES)
def test_masks_are_drawn_from_the_generator_alone(rate: str) -> None:
    model = make_model(num_layers=2, **{rate: 0.5})
    torch.manual_seed(0)
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(3)

    first, second = model(make_x(), generator=generator), model(make_x(), generator=generator)
    again = model(make_x(), generator=generator.manual_seed(3))

    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_output_mask_scales_the_last_state() -> None:
    model = make_model(output_dropout=0.5, normalise="none")
    plain = make_model(normalise="none")
    with torch.no_grad():
        model.head.weight.copy_(torch.eye(HORIZON, H))
        plain.head.weight.copy_(torch.eye(HORIZON, H))

    ratio = (model(make_x()) / plain(make_x()))[:, :H].detach()

    close = torch.isclose(ratio, torch.zeros(())) | torch.isclose(ratio, torch.full((), 2.0))
    assert close.all()
    assert 0 < (ratio > 1).sum() < ratio.numel()
    assert ratio.unique(dim=0).shape[0] > 1  # each window has a mask of its own


@pytest.mark.parametrize("init", ["keras", "torch"])
@pytest.mark.parametrize("cell", TORCH)
def test_weights_depend_on_their_generator_alone(cell: str, init: str) -> None:
    states = []
    for elsewhere, own in ((1, 0), (2, 0), (1, 1)):
        torch.manual_seed(elsewhere)
        generator = torch.Generator().manual_seed(own)
        states.append(build(make_config(cell=cell, init=init), C, HORIZON, generator).state_dict())

    same, other = states[1], states[2]
    assert all(torch.equal(value, same[name]) for name, value in states[0].items())
    assert not torch.equal(states[0]["stack.weight_hh_l0"], other["stack.weight_hh_l0"])
    assert not torch.equal(states[0]["head.weight"], other["head.weight"])


def test_the_head_begins_glorot_uniform_without_bias() -> None:
    model = ForecastNetwork(C, 24, make_config(hidden_size=200), torch.Generator().manual_seed(0))

    limit = (6 / (200 + 24)) ** 0.5
    assert model.head.bias.abs().max() == 0
    assert 0.98 * limit < model.head.weight.abs().max() <= limit


@pytest.mark.parametrize("mask_per", ["gate", "cell"])
def test_the_config_reaches_the_stack(mask_per: str) -> None:
    config = make_config(
        cell="gru",
        num_layers=2,
        bidirectional=True,
        mask_per=mask_per,
        init="keras",
        **{rate: 0.1 * place for place, rate in enumerate(RATES, 1)},
    )

    stack = build(config, C, HORIZON).stack

    assert (stack.input_dropout, stack.dropout, stack.recurrent_dropout) == (0.1, 0.2, 0.1 * 3)
    assert stack.output_dropout == 0  # the head's own mask takes its place
    assert stack.mask_per == {"input": mask_per, "recurrent": mask_per}
    assert (stack.num_layers, stack.bidirectional, stack.init) == (2, True, "keras")


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
def test_a_rate_is_in_0_to_1(rate: str, value: float) -> None:
    with pytest.raises(ValidationError, match=rate):
        ForecasterConfig(**{rate: value})
