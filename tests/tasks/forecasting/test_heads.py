"""Heads have the likelihoods of torch's distributions, and widths follow what is read."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, distributions

import lockgate
from lockgate.tasks.forecasting.config import COUNTS, ForecasterConfig
from lockgate.tasks.forecasting.heads import (
    NUMBERS,
    QUANTILES,
    Counts,
    Normal,
    Quantiles,
    StudentT,
    forecast_of,
    point_of,
    spread_of,
)
from lockgate.tasks.forecasting.network import ForecastNetwork, build, read_by
from lockgate.tasks.forecasting.task import TASK
from lockgate.training.losses import loss_and_count

HEADS = [head for head in NUMBERS if head != "point"]
B, T, C, HORIZON = 3, 7, 2, 5
SCALES = torch.tensor([[4.0, 2.0], [30.0, 11.0], [0.2, 0.5]])


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_losses_of_numbers_are_those_of_torch_s_distributions() -> None:
    location, scale, y = draw(B, HORIZON), draw(B, HORIZON, seed=1).exp(), 3 * draw(B, HORIZON)
    degrees = torch.tensor(3.7, dtype=torch.float64)

    normal, student = Normal(location, scale), StudentT(location, scale, degrees)

    expected = distributions.Normal(location, scale)
    torch.testing.assert_close(normal.losses(y), -expected.log_prob(y))
    torch.testing.assert_close(normal.spread, expected.stddev)
    heavy = distributions.StudentT(degrees, location, scale)
    torch.testing.assert_close(student.losses(y), -heavy.log_prob(y))
    torch.testing.assert_close(student.spread, heavy.stddev)


def test_the_losses_of_counts_are_those_of_torch_s_distributions() -> None:
    scales = SCALES.double()
    mean = 10.0 * draw(B, HORIZON).exp()
    dispersion = draw(B, HORIZON, seed=1).exp()
    counts = torch.tensor([[0.0, 1.0, 7.0, 40.0, 300.0]] * B, dtype=torch.float64)
    # in float32 a count comes back a little off, as 6.9999 or 7.0001
    y = ((counts - scales[:, :1]) / scales[:, 1:]).float().double()

    poisson, binomial = Counts(mean, scales), Counts(mean, scales, dispersion)

    expected = distributions.Poisson(mean)
    torch.testing.assert_close(poisson.losses(y), -expected.log_prob(counts))
    torch.testing.assert_close(poisson.spread * scales[:, 1:], expected.stddev)
    torch.testing.assert_close(poisson.point * scales[:, 1:] + scales[:, :1], mean)
    failures = 1.0 / dispersion
    wider = distributions.NegativeBinomial(failures, probs=mean / (failures + mean))
    torch.testing.assert_close(binomial.losses(y), -wider.log_prob(counts))
    torch.testing.assert_close(binomial.spread * scales[:, 1:], wider.stddev)


def test_the_loss_of_quantiles_is_twice_the_mean_pinball_loss() -> None:
    values, y = draw(B, HORIZON, 5).sort(dim=-1).values, draw(B, HORIZON, seed=1)

    losses = Quantiles(values).losses(y)

    for window in range(B):
        for step in range(HORIZON):
            parts = []
            for place, share in enumerate(QUANTILES):
                off = float(y[window, step] - values[window, step, place])
                parts.append(share * off if off >= 0 else (share - 1) * off)
            assert float(losses[window, step]) == pytest.approx(2 * np.mean(parts))
    torch.testing.assert_close(Quantiles(values).point, values[..., 2])
    torch.testing.assert_close(Quantiles(values).spread, values[..., 3] - values[..., 1])


@pytest.mark.parametrize("size", [1e-6, 1.0, 50.0, 1e4])
@pytest.mark.parametrize("head", HEADS)
def test_losses_and_gradients_are_finite_whatever_is_written(head: Any, size: float) -> None:
    written = (size * draw(B, HORIZON, NUMBERS[head])).float().requires_grad_()
    degrees = torch.tensor(-size, requires_grad=True)
    y = draw(B, HORIZON, seed=1).float()
    y[0, 0], y[1, 1], y[2, 2] = 1e4, torch.nan, -float(SCALES[2, 0] / SCALES[2, 1])

    level, width = torch.zeros(B, 1), torch.full((B, 1), 0.1)
    told = forecast_of(head, written, level, width, degrees, SCALES)
    loss, count = loss_and_count(told, y, "mae")
    loss.backward()

    assert int(count) == B * HORIZON - 1
    assert math.isfinite(loss.detach())
    assert written.grad is not None
    assert written.grad.isfinite().all()
    assert (written.grad[1, 1] == 0).all()
    assert (told.spread > 0).all()
    if head == "student_t":
        assert degrees.grad is not None
        assert degrees.grad.isfinite()


@pytest.mark.parametrize("seed", range(5))
def test_quantiles_never_cross(seed: int) -> None:
    written = 100.0 * draw(50, HORIZON, 5, seed=seed)

    told = forecast_of("quantiles", written, draw(50, 1), draw(50, 1).exp())

    assert isinstance(told, Quantiles)
    assert (told.values.diff(dim=-1) >= 0).all()
    torch.testing.assert_close(told.point, draw(50, 1) + draw(50, 1).exp() * written[..., 0])


def test_a_mean_of_counts_is_the_level_and_a_change_far_above_0_and_never_below_it() -> None:
    scales = torch.tensor([[100.0, 10.0]]).double()
    written = torch.tensor([0.0, 2.0, -9.0, -60.0]).double()[None, :, None]

    told = forecast_of(
        "poisson", written, torch.ones(1, 1).double(), torch.ones(1, 1), None, scales
    )

    mean = (told.point * 10.0 + 100.0)[0]
    assert mean[:2].tolist() == pytest.approx([110.0, 130.0], abs=1e-3)
    assert 10.0 < float(mean[2]) < 24.0  # 20, a little bent
    assert 0.0 < float(mean[3]) < 1e-3


def test_counts_need_the_scales_of_their_series() -> None:
    written = torch.zeros(2, 3, 1)

    with pytest.raises(ValueError, match="scales must be given to the head poisson, got none"):
        forecast_of("poisson", written, torch.zeros(2, 1), torch.ones(2, 1))


SHAPES: list[dict[str, Any]] = [
    {},
    {"bidirectional": True, "cell": "gru", "normalise": "median_mad"},
    {"segment_length": 4},
    {"segment_length": 3, "segment_head": "positions"},
    {"linear_path": "on", "normalise": "mean_std"},
]


def make_model(head: str, known: int = 0, **settings: Any) -> ForecastNetwork:
    rates = dict.fromkeys(["input_dropout", "dropout", "recurrent_dropout", "output_dropout"], 0.0)
    config = ForecasterConfig(**{"hidden_size": 4, "head": head, **rates, **settings})
    return build(config, C, HORIZON, torch.Generator().manual_seed(0), T, known)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("head", HEADS)
def test_every_network_forecasts_a_point_and_a_spread_of_each_step(head: str, shape: Any) -> None:
    model = make_model(head, known=2, **shape).eval()
    plain = make_model("point", known=2, **shape).eval()
    assert model.ahead is not None
    torch.nn.init.normal_(model.ahead.out.weight, generator=torch.Generator().manual_seed(1))
    x, known = draw(B, T, C).float(), draw(B, HORIZON, 2, seed=2).float()
    other = known.clone()
    other[:, 3] += 5.0

    told, changed = (model(x, None, each, scales=SCALES) for each in (known, other))

    for part in (point_of, spread_of):
        assert part(told).shape == (B, HORIZON)
        differs = (part(told) != part(changed)).any(dim=0)
        assert differs.tolist() == [step == 3 for step in range(HORIZON)]
    # what both have is drawn alike, so that a difference between heads is theirs
    own = model.state_dict()
    for name, weight in plain.state_dict().items():
        assert name == "ahead.out.weight" or torch.equal(own[name], weight)


@pytest.mark.parametrize("head", ["normal", "quantiles", "student_t"])
def test_training_on_top_of_a_ridge_begins_with_its_forecast(head: str) -> None:
    model = make_model(head, linear_path="on").eval()
    linear = draw(B, HORIZON).float()

    torch.testing.assert_close(point_of(model(draw(B, T, C).float(), linear)), linear)


@pytest.mark.parametrize("head", ["normal", "quantiles", "student_t"])
def test_a_window_in_another_unit_has_its_spread_in_it(head: str) -> None:
    model, x = make_model(head, normalise="mean_std").eval(), draw(B, T, C).float()
    louder = x.clone()
    louder[..., 0] = 7.0 + 3.0 * x[..., 0]

    first, other = model(x), model(louder)

    torch.testing.assert_close(spread_of(other), 3.0 * spread_of(first), rtol=5e-3, atol=1e-4)
    torch.testing.assert_close(point_of(other), 7.0 + 3.0 * point_of(first))


@pytest.mark.parametrize("head", HEADS)
def test_a_padded_window_has_the_spread_of_its_rows_alone(head: str) -> None:
    model, x = make_model(head, normalise="mean_std").eval(), draw(B, T, C).float()
    mask = torch.arange(T) >= T - torch.tensor([4, T, 2])[:, None]

    told = model(x.masked_fill(~mask[..., None], 99.0), mask=mask, scales=SCALES)

    for k, rows in enumerate((4, T, 2)):
        alone = model(x[k : k + 1, T - rows :], scales=SCALES[k : k + 1])
        for part in (point_of, spread_of):
            torch.testing.assert_close(part(told)[k : k + 1], part(alone))


def hourly(kind: str, rows: int = 1500) -> pl.DataFrame:
    """Hours of noise without any season, three times as large where `loud`."""
    rng, hours = np.random.default_rng(0), np.arange(rows)
    loud = hours % 24 >= 12 if kind == "by-hour" else rng.random(rows) < 0.5
    size = np.where(loud, 3.0, 1.0)
    y = 10.0 + size * rng.normal(size=rows)
    if kind == "counts":
        y = rng.negative_binomial(3, 3.0 / (3.0 + size**2)).astype(float)
    time = np.datetime64("2024-01-01T00", "us") + hours * np.timedelta64(1, "h")
    return pl.DataFrame({"time": time, "y": y, "loud": loud.astype(float)})


LEARNED = {
    "target": "y",
    "horizon": 4,
    "lookback": 6,
    "cell": "gru",
    "hidden_size": 8,
    "learning_rate": 0.02,
    "max_epochs": 10,
    "validations": 1,
    "members": 1,
    "normalise": "last",
    **dict.fromkeys(["input_dropout", "recurrent_dropout", "output_dropout"], 0.0),
}


def halves(table: pl.DataFrame, out: Path, **settings: Any) -> dict[bool, tuple[float, float]]:
    """Return what intervals of 80 % cover of the test part, and their width, loud and not."""
    fitted, _ = lockgate.train(table, out=out, **{**LEARNED, **settings})
    data = TASK.read(table, fitted.config)
    windows = TASK.prepare(data, fitted.config).windows("test")
    low, high = fitted.quantiles(windows, data, [0.1, 0.9])
    truth = windows.invert(windows.truth().numpy())
    steps = windows.origins.numpy()[:, None] + np.arange(1, windows.horizon + 1)
    loud = table["loud"].to_numpy()[steps] > 0
    inside = (low <= truth) & (truth <= high)
    return {
        half: (inside[loud == half].mean(), (high - low)[loud == half].mean())
        for half in (True, False)
    }


@pytest.mark.parametrize("kind", ["known", "by-hour"])
def test_intervals_of_a_spread_cover_alike_where_noise_is_large_and_small(
    kind: str, tmp_path: Path
) -> None:
    table = hourly(kind)
    told: dict[str, Any] = {"exclude": "loud"} if kind == "by-hour" else {"known_future": "loud"}

    same = halves(table, tmp_path / "point", **told)
    follows = halves(table, tmp_path / "normal", head="normal", **told)

    assert same[True][0] < 0.75
    assert same[False][0] > 0.93
    assert same[True][1] == pytest.approx(same[False][1], rel=0.02)
    for half in (True, False):
        assert follows[half][0] == pytest.approx(0.8, abs=0.08)
    assert follows[True][1] > 1.8 * follows[False][1]


@pytest.mark.parametrize("head", COUNTS)
def test_forecasts_of_counts_are_means_that_are_never_below_0(head: str, tmp_path: Path) -> None:
    table = hourly("counts", 700)
    told = {"known_future": "loud", "at_least": 0, "max_epochs": 4, "mix": False, "members": 2}
    fitted, _ = lockgate.train(table, out=tmp_path / "m", head=head, **{**LEARNED, **told})
    data = TASK.read(table, fitted.config)
    windows = TASK.prepare(data, fitted.config).windows("test")

    forecast, (low, high) = fitted.forecast(windows), fitted.quantiles(windows, data, [0.1, 0.9])

    assert forecast.min() > 0.0
    assert (forecast % 1.0 > 0.0).any()
    assert low.min() >= 0.0
    spreads = fitted.spreads(windows)
    assert spreads is not None
    if head == "poisson":
        roots = np.sqrt(fitted.by_member(windows))
        np.testing.assert_allclose(spreads, roots.mean(axis=0), rtol=1e-4)
    else:
        assert (spreads > 1.05 * np.sqrt(forecast)).mean() > 0.9
    assert read_by(fitted.config.model, windows).scales is not None
    assert read_by(ForecasterConfig(), windows).scales is None
    assert (high > low).all()
