"""A sweep takes the first steps of a fit at rising rates, and stops where the loss diverges."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lockgate import DataError
from lockgate.tasks.forecasting.config import ForecasterConfig, ForecastTrainingConfig
from lockgate.tasks.forecasting.network import build
from lockgate.tasks.forecasting.windows import Series, Windows
from lockgate.training.streams import Streams
from lockgate.training.sweep import Range, Sweep, has_diverged, sweep

LOOKBACK, HORIZON, CHANNELS = 3, 2, 2
RATES = Range(1e-4, 1e-1, 40)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def make_windows(rows: int = 200) -> Windows:
    generator = torch.Generator().manual_seed(0)
    wave = torch.sin(torch.arange(rows) / 3)
    inputs = wave[:, None] + 0.3 * torch.randn(rows, CHANNELS, generator=generator)
    target = inputs[:, 0].clone()
    target[::17] = torch.nan
    origins = torch.arange(LOOKBACK - 1, rows - HORIZON)
    one = Series(np.zeros(1, np.int64), np.zeros(1), np.ones(1))
    return Windows(inputs, target, origins, LOOKBACK, HORIZON, one)


def make_config(**settings: object) -> ForecastTrainingConfig:
    return ForecastTrainingConfig(**{"device": "cpu", "batch_size": 16, **settings})


def make_network(streams: Streams) -> nn.Module:
    rates = dict.fromkeys(("input_dropout", "recurrent_dropout", "output_dropout"), 0.3)
    config = ForecasterConfig(hidden_size=4, **rates)
    return build(config, CHANNELS, HORIZON, streams.weights, LOOKBACK)


def run(windows: Windows, rates: Range = RATES, **settings: object) -> Sweep:
    streams = Streams.of(0, 0)
    return sweep(make_network(streams), windows, make_config(**settings), streams, rates)


def by_hand(windows: Windows, rates: Range, weight_decay: float, clip: float) -> list[float]:
    """Judge the losses: a loop that knows torch alone, and gathers its windows row by row."""
    streams = Streams.of(0, 0)
    model = make_network(streams)
    batches: list[list[int]] = []
    while len(batches) < rates.batches:
        batches += [
            windows.origins[index].tolist()
            for index in windows.draw_batches(16, 20_000, streams.batches)
        ]
    decayed = [one for one in model.parameters() if one.ndim > 1]
    left = [one for one in model.parameters() if one.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": weight_decay}, {"params": left, "weight_decay": 0.0}]
    )
    losses = []
    model.train()
    for i, origins in enumerate(batches[: rates.batches]):
        for group in optimizer.param_groups:
            group["lr"] = rates.low * (rates.high / rates.low) ** (i / (rates.batches - 1))
        x = torch.stack([windows.inputs[at - LOOKBACK + 1 : at + 1] for at in origins])
        y = torch.stack([windows.target[at + 1 : at + 1 + HORIZON] for at in origins])
        error = (model(x, generator=streams.masks) - y)[y.isfinite()]
        loss = error.abs().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
    return losses


def test_the_losses_are_those_of_a_loop_written_by_hand() -> None:
    windows = make_windows()

    found = run(windows, weight_decay=0.1, clip_norm=0.5)

    expected = by_hand(windows, RATES, 0.1, 0.5)
    assert found.losses == pytest.approx(expected, rel=1e-4)
    assert len({round(loss, 3) for loss in expected}) > 20
    assert [found.rates[i] for i in (0, 13, 26, 39)] == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1])
    assert (found.diverged, found.epochs) == (False, pytest.approx(40 / 13))


def test_it_draws_from_no_stream_but_its_own_and_changes_no_data() -> None:
    windows, before = make_windows(), make_windows()
    streams = Streams.of(0, 0)
    network = make_network(streams)
    state = torch.get_rng_state()

    found = sweep(network, windows, make_config(), streams, RATES)
    assert torch.equal(torch.get_rng_state(), state)

    assert found == run(windows)
    assert torch.equal(windows.inputs, before.inputs)
    assert torch.equal(windows.target.nan_to_num(), before.target.nan_to_num())


def test_a_schedule_changes_nothing() -> None:
    windows = make_windows()

    assert run(windows, schedule="cosine") == run(windows)


def quadratic(curvature: float, rates: Range) -> list[tuple[float, float]]:
    """Descend on curvature / 2 · w² by scalars, which diverges where a rate is above 2 / curvature.

    Give each rate with the loss before its step.
    """
    w, seen = 1.0, []
    for i in range(rates.batches):
        rate = rates.low * (rates.high / rates.low) ** (i / (rates.batches - 1))
        seen.append((rate, 0.5 * curvature * w * w))
        w -= rate * curvature * w
    return seen


@pytest.mark.parametrize("curvature", [0.5, 4.0, 50.0])
def test_divergence_is_seen_beyond_the_rate_where_it_begins_and_soon(curvature: float) -> None:
    seen = quadratic(curvature, Range(0.01 / curvature, 100 / curvature, 60))

    losses = [loss for _, loss in seen]
    ended = next(i for i in range(len(seen)) if has_diverged(losses[: i + 1]))

    assert 2.0 < seen[ended][0] * curvature < 20.0


class Exploding(nn.Module):
    """Gives NaN from some batch on."""

    def __init__(self, first: int) -> None:
        super().__init__()
        self.head, self.left = nn.Linear(LOOKBACK * CHANNELS, HORIZON), first

    def forward(self, x: Tensor, **_: object) -> Tensor:
        self.left -= 1
        forecast: Tensor = self.head(x.flatten(1))
        return forecast * (1.0 if self.left >= 0 else math.nan)


def test_it_ends_before_a_loss_that_is_not_finite() -> None:
    found = sweep(Exploding(7), make_windows(), make_config(), Streams.of(0, 0), RATES)

    assert found.diverged
    assert len(found.losses) == len(found.rates) == 7
    assert all(map(math.isfinite, found.losses))


def test_a_loss_that_is_never_finite_is_refused() -> None:
    with pytest.raises(DataError, match="the loss must be finite before the first step, got none"):
        sweep(Exploding(0), make_windows(), make_config(), Streams.of(0, 0), RATES)


def test_too_few_batches_are_refused() -> None:
    with pytest.raises(
        DataError,
        match=r"batches must be at least 30, ten for each decade from 0.0001 to 0.1, got 29; pass "
        r"batches=30 \(--batches 30\), or rates that lie closer",
    ):
        run(make_windows(), Range(1e-4, 1e-1, 29))


def test_a_fit_of_too_few_batches_is_refused() -> None:
    with pytest.raises(
        DataError,
        match=r"a fit must have at least 30 batches, .*, got 26 in at most 2 epochs of 13; more",
    ):
        run(make_windows(), max_epochs=2)
    with pytest.raises(DataError, match="got 5 in at most"):
        run(make_windows(), max_steps=5)


def test_it_takes_no_more_batches_than_a_fit() -> None:
    assert len(run(make_windows(), max_steps=33).rates) == 33


def test_it_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    streams = Streams.of(0, 0)
    sweep(
        *(make_network(streams), make_windows(), make_config(), streams, RATES),
        on_batch=lambda done, count: told.append((done, count)),
    )
    assert told == [(i + 1, 40) for i in range(40)]
