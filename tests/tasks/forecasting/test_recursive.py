"""A recursive decoder goes on with the stack, each step read before the next is written."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from pydantic import ValidationError
from torch import nn

import lockgate
from lockgate import DataError
from lockgate.tasks.forecasting.config import ForecasterConfig
from lockgate.tasks.forecasting.network import ForecastNetwork, build

B, T, C, H, HORIZON, K = 3, 9, 2, 5, 4, 2
STACKS: dict[str, dict[str, Any]] = {
    "lstm": {"cell": "lstm"},
    "stacked-gru": {"cell": "gru", "num_layers": 2},
    "both-ways-rnn": {"cell": "rnn", "bidirectional": True},
    "sizes-lstm": {"cell": "lstm", "hidden_size": (6, 4)},
}
RATES = ("input_dropout", "dropout", "recurrent_dropout", "output_dropout")


def make_model(known: int = 0, **settings: Any) -> ForecastNetwork:
    told = {"hidden_size": H, "decoder": "recursive", **settings}
    config = ForecasterConfig.model_validate(told)
    return build(config, C, HORIZON, torch.Generator().manual_seed(0), known=known)


def make_x(seed: int = 1) -> torch.Tensor:
    return torch.randn(B, T, C, generator=torch.Generator().manual_seed(seed))


def make_known() -> torch.Tensor:
    return torch.randn(B, HORIZON, K, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("with_known", [False, True])
def test_it_is_the_cell_run_on_by_hand(*, with_known: bool) -> None:
    told = {"cell": "gru", "init": "torch", "normalise": "none"}
    model = make_model(K if with_known else 0, **told).eval()
    x, known = make_x(), make_known() if with_known else None
    cell = nn.GRUCell(C, H)
    own = model.stack.state_dict()
    cell.load_state_dict({name: own[f"{name}_l0"] for name in cell.state_dict()})

    with torch.no_grad():
        found = model(x, None, known)
        h = torch.zeros(B, H)
        for step in range(T):
            h = cell(x[:, step], h)
        last, expected = x[:, -1, 0], []
        for step in range(HORIZON):
            read = [last[:, None]] if known is None else [last[:, None], known[:, step]]
            token = torch.cat(read, dim=1) @ model.recursive.token.weight.T
            h = cell(token + model.recursive.token.bias, h)
            last = (h @ model.head.weight.T + model.head.bias)[:, 0]
            expected.append(last)

    torch.testing.assert_close(found, torch.stack(expected, dim=1))


@pytest.mark.parametrize("head", ["point", "quantiles", "normal"])
@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)
def test_every_stack_goes_on_and_all_its_weights_learn(stack: Any, head: str) -> None:
    model = make_model(K, **stack, head=head).train()

    forecast = model(make_x(), None, make_known(), generator=torch.Generator().manual_seed(0))

    loss = forecast if head == "point" else forecast.point + forecast.spread
    loss.square().sum().backward()
    assert loss.shape == (B, HORIZON)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_a_step_reads_nothing_known_of_later_ones() -> None:
    model = make_model(K, cell="gru").eval()
    known = make_known().requires_grad_()
    forecast = model(make_x(), None, known)
    for step in range(HORIZON):
        (grad,) = torch.autograd.grad(forecast[:, step].sum(), known, retain_graph=True)
        reached = grad.abs().sum(dim=(0, 2)) > 0
        assert reached.tolist() == [True] * (step + 1) + [False] * (HORIZON - step - 1)


def test_masks_hold_over_the_window_and_the_steps_after_it() -> None:
    rates = dict.fromkeys(RATES, 0.0)
    model = make_model(cell="gru", **{**rates, "recurrent_dropout": 0.5}, normalise="none").train()
    seen: list[Any] = []
    plain = type(model.stack).forward

    def spying(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(kwargs["masks"].cells[0].h)
        return plain(self, *args, **kwargs)

    model.stack.forward = spying.__get__(model.stack)
    model(make_x(), generator=torch.Generator().manual_seed(0))

    assert len(seen) == 1 + HORIZON
    assert all(torch.equal(one, seen[0]) for one in seen)
    assert not seen[0].all()


def test_masks_of_steps_are_drawn_for_each() -> None:
    model = make_model(cell="gru", mask_over="step").train()
    one, other = (model(make_x(), generator=torch.Generator().manual_seed(seed)) for seed in (0, 0))
    assert torch.equal(one, other)
    assert not torch.equal(one, model(make_x(), generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"segment_length": 3}, "decoder must be direct with segments, got segment_length=3"),
        ({"zoneout": 0.1}, "zoneout must be 0 with decoder=recursive, got 0.1"),
    ],
)
def test_what_cannot_go_on_is_refused(settings: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ForecasterConfig(decoder="recursive", **settings)


@pytest.mark.parametrize("linear_path", ["off", "on"])
def test_it_is_trained_saved_and_loaded(tmp_path: Any, linear_path: str) -> None:
    rng, days = np.random.default_rng(0), 500
    promo = (rng.uniform(size=days) < 0.2).astype(float)
    sold = 10 + 3 * np.sin(np.arange(days) * 2 * np.pi / 7) + 5 * promo + rng.normal(size=days)
    day = np.datetime64("2020-01-01", "us") + np.arange(days) * np.timedelta64(1, "D")
    kind = ["a", "b"] * (days // 2)
    table = pl.DataFrame({"day": day, "sold": sold, "promo": promo, "kind": kind})
    told: dict[str, Any] = {"target": "sold", "horizon": 3, "lookback": 14, "cell": "gru"}
    told |= {"known_future": "promo,kind", "categorical": "kind", "hidden_size": 8}
    told |= {"max_epochs": 30, "learning_rate": 0.01, "members": 1, "mix": False}
    out = tmp_path / "model"

    model, _ = lockgate.train(table, out=out, decoder="recursive", linear_path=linear_path, **told)

    naive = next(one for one in model.metrics["baselines"] if one["name"] == "seasonal naive 7")
    assert model.metrics["test"]["mae"] < 0.6 * naive["test"]["mae"]
    later = table.with_columns(sold=pl.when(pl.int_range(pl.len()) < days - 3).then(pl.col("sold")))
    forecasts = [one.predict(later)["forecast"] for one in (lockgate.load(out), model)]
    np.testing.assert_allclose(*forecasts, rtol=1e-6)
    config = out / "config.json"
    config.write_text(config.read_text().replace('"recursive"', '"direct"'))
    with pytest.raises(DataError, match=r"head\.weight must have shape \(3, 8\), got \(1, 8\)"):
        lockgate.load(out)
