"""What stands in a window before the first row of a short series has no effect."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lockgate.tasks.forecasting.config import ForecasterConfig
from lockgate.tasks.forecasting.network import ForecastNetwork, build
from lockgate.tasks.forecasting.padding import hold_first
from lockgate.tasks.forecasting.windows import Series, Windows
from lockgate.training.group import Group
from lockgate.training.losses import mean_loss

T, C, H, HORIZON, SEGMENT = 12, 3, 4, 5, 4
ROWS = (1, 4, 8, 11, 12)  # of each window; segments are of 4
RATES = dict.fromkeys(["input_dropout", "dropout", "recurrent_dropout", "output_dropout"], 0.0)
KINDS: dict[str, dict[str, Any]] = {
    "rnn": {"cell": "rnn"},
    "lstm": {"cell": "lstm", "normalise": "mean"},
    "gru": {"cell": "gru", "normalise": "mean_std"},
    "both ways": {"bidirectional": True, "normalise": "median_mad"},
    "stacked": {"cell": "gru", "num_layers": 3, "normalise": "none"},
    "stacked both ways": {"num_layers": 2, "bidirectional": True},
    "segments": {"segment_length": SEGMENT, "normalise": "mean_std"},
    "positions": {"segment_length": SEGMENT, "segment_head": "positions", "cell": "gru"},
    "layer norm": {"layer_norm": True},
}


def make_model(known: int = 0, sizes: tuple[int, ...] = (), **settings: Any) -> ForecastNetwork:
    config = ForecasterConfig(**{"hidden_size": H, "init": "torch", **RATES, **settings})
    generator = torch.Generator().manual_seed(0)
    model = build(config, C, HORIZON, generator, T, known, sizes, tuple(range(len(sizes[:1]))))
    if model.ahead is not None:
        torch.nn.init.normal_(model.ahead.out.weight, generator=generator)
    return model.eval()


def windows(value: float = 0.0) -> tuple[Tensor, Tensor]:
    """Windows that hold `ROWS`, with a value before them, and their mask."""
    x = torch.randn(len(ROWS), T, C, generator=torch.Generator().manual_seed(1))
    mask = torch.arange(T) >= T - torch.tensor(ROWS)[:, None]
    return x.masked_fill(~mask[..., None], value), mask


def test_padding_holds_the_first_row() -> None:
    x, mask = windows(math.nan)

    held = hold_first(x, mask)

    for k, rows in enumerate(ROWS):
        for step in range(T):
            assert torch.equal(held[k, step], x[k, max(step, T - rows)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_padded_window_is_forecast_as_its_rows_alone(kind: str) -> None:
    model = make_model(**KINDS[kind])
    x, mask = windows()

    forecast = model(x, mask=mask)

    for k, rows in enumerate(ROWS):
        torch.testing.assert_close(forecast[k : k + 1], model(x[k : k + 1, T - rows :]))
    assert not torch.allclose(forecast, model(x), atol=1e-3)


def test_an_lstm_over_a_padded_window_is_that_of_a_scalar_loop() -> None:
    model = make_model(cell="lstm", normalise="mean_std")
    x, mask = windows(math.nan)

    forecast = model(x, mask=mask)

    weights = {name: w.detach().double().numpy() for name, w in model.stack.named_parameters()}
    for k, rows in enumerate(ROWS):
        own = x[k, T - rows :].double().numpy()
        level = sum(own[:, 0]) / rows
        spread = max(math.sqrt(sum((value - level) ** 2 for value in own[:, 0]) / rows), 0.1)
        h, c = [0.0] * H, [0.0] * H
        for row in own:
            read = [(row[0] - level) / spread, *row[1:]]
            gates = [
                weights["bias_ih_l0"][j]
                + weights["bias_hh_l0"][j]
                + sum(weights["weight_ih_l0"][j, n] * read[n] for n in range(C))
                + sum(weights["weight_hh_l0"][j, n] * h[n] for n in range(H))
                for j in range(4 * H)
            ]
            i, f, o = ([1 / (1 + math.exp(-gates[g * H + n])) for n in range(H)] for g in (0, 1, 3))
            c = [f[n] * c[n] + i[n] * math.tanh(gates[2 * H + n]) for n in range(H)]
            h = [o[n] * math.tanh(c[n]) for n in range(H)]
        head, bias = model.head.weight.detach().numpy(), model.head.bias.detach().numpy()
        expected = [
            level + spread * (bias[step] + sum(head[step, n] * h[n] for n in range(H)))
            for step in range(HORIZON)
        ]
        np.testing.assert_allclose(forecast[k].detach().numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30, -7.0])
@pytest.mark.parametrize("kind", [*KINDS, "linear path"])
def test_what_is_in_the_padding_changes_nothing(kind: str, value: float, training: bool) -> None:
    settings = {"linear_path": "on"} if kind == "linear path" else KINDS[kind]
    rates = {"input_dropout": 0.3, "recurrent_dropout": 0.3, "output_dropout": 0.3}
    model = make_model(known=2, **{**settings, **rates}).train(training)
    if model.linear is not None:
        torch.nn.init.normal_(model.linear.weight, generator=torch.Generator().manual_seed(2))
        torch.nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(3))
    known = torch.randn(len(ROWS), HORIZON, 2, generator=torch.Generator().manual_seed(4))
    results = []
    for filled in (0.0, value):
        x, mask = windows(filled)
        x.requires_grad_()
        model.zero_grad()
        forecast = model(x, None, known, mask, generator=torch.Generator().manual_seed(5))
        forecast.square().sum().backward()
        assert not x.grad[~mask].any()
        gradients = [p.grad.clone() for p in model.parameters()]
        results.append([forecast.detach(), x.grad, *gradients])

    for plain, other in zip(*results, strict=True):
        assert torch.isfinite(other).all()
        assert torch.equal(plain, other)


def test_categories_in_the_padding_change_nothing() -> None:
    model = make_model(known=1, sizes=(3, 4))
    x, mask = windows()
    codes = torch.randint(3, (*x.shape[:2], 2), generator=torch.Generator().manual_seed(6))
    known = torch.cat([torch.ones(len(ROWS), HORIZON, 1), torch.ones(len(ROWS), HORIZON, 1)], 2)

    plain = model(torch.cat([x, codes], dim=2), None, known, mask)
    # no such category is there
    strange = codes.masked_fill(~mask[..., None], 1_000_000)

    assert torch.equal(model(torch.cat([x, strange], dim=2), None, known, mask), plain)


def test_a_linear_path_reads_a_constant_past_before_the_first_row() -> None:
    model = make_model(linear_path="on")
    torch.nn.init.normal_(model.linear.weight, generator=torch.Generator().manual_seed(2))
    x, mask = windows(math.nan)

    forecast = model(x, mask=mask)

    weight = model.linear.weight.double().numpy()
    for k, rows in enumerate(ROWS):
        own = x[k].double().numpy()
        last = own[-1, 0]
        expected = np.full(HORIZON, last)
        for step in range(T):
            row = own[max(step, T - rows)]
            for channel in range(C):
                value = row[channel] - (last if channel == 0 else 0.0)
                expected += value * weight[step * C + channel]
        np.testing.assert_allclose(forecast[k].detach().numpy(), expected, rtol=1e-4, atol=1e-4)


def test_processes_take_the_steps_of_one_where_some_windows_are_padded() -> None:
    inputs = torch.randn(40, C, generator=torch.Generator().manual_seed(0))
    series = Series(np.array([0, 5, 30]), np.zeros(3), np.ones(3))
    origins = torch.tensor([1, 3, 17, 18, 19, 20, 30, 36])
    batch = Windows(inputs, inputs[:, 0], origins, T, 3, series).batch(slice(None))
    model = make_model(cell="gru", normalise="mean_std")
    model.horizon = 3

    whole = mean_loss(model(*batch.inputs), batch, "mae")
    shares = [Group(rank, 3, rank).share(batch, "mae") for rank in range(3)]

    # the rows in the middle have no padding of their own
    assert [int((~share.batch.mask).sum()) > 0 for share in shares] == [True, False, True]
    losses = [
        share.weight * mean_loss(model(*share.batch.inputs), share.batch, "mae") for share in shares
    ]
    torch.testing.assert_close(sum(losses), whole)
