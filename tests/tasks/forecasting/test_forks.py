"""Forks are the forecasts that a window at each of their origins would get, in one reading."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lockgate.tasks.forecasting.config import ForecastConfig, ForecasterConfig
from lockgate.tasks.forecasting.forks import Forks, forked
from lockgate.tasks.forecasting.linear_path import LinearForecast
from lockgate.tasks.forecasting.network import build
from lockgate.tasks.forecasting.windows import Known, Series, Windows

LOOKBACK, HORIZON, CHANNELS = 9, 3, 3
STARTS = (0, 40, 52)
"""First rows of three series, the second of which is shorter than a window and a horizon."""


def make_windows(rows: int = 90, holes: tuple[int, ...] = ()) -> Windows:
    """Draw windows of three series that read no hole; the short one's are padded."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(rows, CHANNELS, generator=generator)
    target = inputs[:, 0].clone()
    ends = [*STARTS[1:], rows]
    origins = [
        row
        for start, end in zip(STARTS, ends, strict=True)
        for row in range(start + 4, end - HORIZON)
        if not set(range(max(start, row - LOOKBACK + 1), row + HORIZON + 1)) & {*holes}
    ]
    inputs[list(holes)] = 1e6
    starts = np.array(STARTS, dtype=np.int64)
    series = Series(starts, np.arange(3.0), 1.0 + np.arange(3.0))
    return Windows(inputs, target, torch.tensor(origins), LOOKBACK, HORIZON, series)


def with_all(windows: Windows) -> Windows:
    generator = torch.Generator().manual_seed(1)
    linear = torch.randn(len(windows), HORIZON, generator=generator)
    values = torch.randn(len(windows.inputs) + 1, 2, generator=generator)
    known = Known(values, windows.origins + 1)
    return replace(windows, linear=linear, known=known).with_scales()


def origins_of(forks: Forks, index: Tensor) -> list[int]:
    places = [range(first, first + count) for first, count in index.tolist()]
    return [int(forks.windows.origins[place]) for run in places for place in run]


@pytest.mark.parametrize("count", [2, 5, 100])
def test_every_origin_is_in_one_stretch_before_any_is_in_another(count: int) -> None:
    forks = Forks(make_windows(holes=(20, 21, 70)), count, 1)
    origins = forks.windows.origins.tolist()

    # of one window each, as many batches as windows: at least all stretches once
    drawn = torch.cat(list(forks.draw_batches(1, 10_000, torch.Generator().manual_seed(3))))

    for first, number in drawn.tolist():
        run = forks.windows.origins[first : first + number].tolist()
        assert all(after - before == 1 for before, after in pairwise(run))
        assert len(set(forks.windows.series.of(np.array(run)))) == 1
        assert number <= count
    assert len(drawn) == len(origins)
    found: list[int] = []
    for index in drawn:
        if len(found) < len(origins):
            found += origins_of(forks, index[None])
    assert sorted(found) == origins
    in_order = [origin for index in forks.chunks(64) for origin in origins_of(forks, index)]
    assert in_order == origins


def test_stretches_lie_elsewhere_each_time() -> None:
    forks = Forks(make_windows(), 5, 100)
    generator = torch.Generator().manual_seed(0)

    drawn = [forks.draw_batches(10_000, 10_000, generator)[0] for _ in range(20)]

    assert len({int(index[:, 0].min()) for index in drawn}) == 1
    firsts = {int(first) for index in drawn for first in index[:, 0]}
    assert len(firsts) > 3 * len(forks._parted(0))


def test_a_batch_has_room_for_as_many_forecasts_as_without_forks() -> None:
    forks = Forks(make_windows(), 5, 4)
    draw = torch.Generator().manual_seed(0)

    assert [len(one) for one in forks.draw_batches(20, 60, draw)] == [4, 4, 4]
    assert [len(one) for one in forks.draw_batches(34, 68, draw)] == [7, 7]


@pytest.mark.parametrize("by", ["equal", "scale"])
def test_forks_are_drawn_by_the_shares_of_their_windows(by: Any) -> None:
    windows = make_windows(rows=2000).weighted(by)
    forks = Forks(windows, 5, 3_000)
    assert windows.shares is not None
    of_series = windows.series.of(windows.origins.numpy())
    expected = np.bincount(of_series, windows.shares.numpy()) / float(windows.shares.sum())

    drawn = forks.draw_batches(15_000, 15_000, torch.Generator().manual_seed(0))[0]

    origins = windows.origins[drawn[:, 0]].numpy()
    shares = np.bincount(windows.series.of(origins), drawn[:, 1].numpy()) / int(drawn[:, 1].sum())
    np.testing.assert_allclose(shares, expected, atol=0.03)


@pytest.mark.parametrize("holes", [(), (20, 21, 70)], ids=["whole", "holes"])
def test_a_fork_has_the_targets_of_its_window_and_reads_its_rows(holes: tuple[int, ...]) -> None:
    windows = with_all(make_windows(holes=holes))
    forks = Forks(windows, 4, 5)

    for index in forks.draw_batches(8, 10_000, torch.Generator().manual_seed(2)):
        batch = forks.batch(index)
        every = batch.y.unflatten(0, (len(index), batch.forks))
        for k, (first, number) in enumerate(index.tolist()):
            assert torch.isnan(every[k, number:]).all()
            for j in range(number):
                own, place = windows.batch(torch.tensor([first + j])), k * batch.forks + j
                assert torch.equal(batch.y[place], own.y[0])
                for mine, other in (
                    (batch.linear, own.linear),
                    (batch.known, own.known),
                    (batch.scales, own.scales),
                ):
                    assert mine is not None
                    assert other is not None
                    assert torch.equal(mine[place], other[0])
                # the window, and before it what the stretch has read already
                assert torch.equal(batch.x[k, j : j + LOOKBACK], own.x[0]) or own.mask is not None
                assert batch.x[k, : j + LOOKBACK].abs().max() < 1e5


def judge(network: Any, x: Tensor, fork: int, mask: Tensor | None) -> Tensor:
    """Forecast from one origin of a stretch: from all rows up to it, in the first one's level."""
    changes, level, spread = network.split_level(x, mask, LOOKBACK)
    rows = slice(None, LOOKBACK + fork)
    own = None if mask is None else mask[:, rows]
    written = network.forecast_changes(changes[:, rows], mask=own)
    last = changes[:, LOOKBACK + fork - 1, :1]
    begins = last if network.normalise.startswith("last") else torch.zeros_like(last)
    forecast: Tensor = level + spread * (begins + written)
    return forecast


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("normalise", ["last", "last_std", "none", "mean_std", "median_mad"])
@pytest.mark.parametrize("padded", [False, True])
def test_forks_are_the_forecasts_of_all_rows_up_to_them(
    cell: str, normalise: str, padded: bool
) -> None:
    config = ForecasterConfig(cell=cell, hidden_size=7, num_layers=2, normalise=normalise)
    network = build(config, CHANNELS, HORIZON).eval()
    x = torch.randn(5, LOOKBACK + 3, CHANNELS)
    mask = None
    if padded:
        mask = torch.arange(LOOKBACK + 3) >= torch.tensor([0, 4, 8, 0, 2])[:, None]
        # as windows give it: padding holds the first row
        x = torch.where(mask[..., None], x, x[torch.arange(5), (~mask).sum(1)][:, None])

    with torch.no_grad():
        forecasts = network(x, mask=mask, forks=4).unflatten(0, (5, 4))
        for fork in range(4):
            expected = judge(network, x, fork, mask)
            torch.testing.assert_close(forecasts[:, fork], expected, rtol=1e-4, atol=1e-5)
        first = None if mask is None else mask[:, :LOOKBACK]
        torch.testing.assert_close(forecasts[:, 0], network(x[:, :LOOKBACK], mask=first))


def test_all_that_a_window_is_forecast_by_is_that_of_the_fork() -> None:
    settings = {"linear_path": "on", "head": "normal", "hidden_size": 5}
    sizes, known = (3, 4), 2
    told = (None, LOOKBACK, known, sizes, (1,))
    network = build(ForecasterConfig(**settings), CHANNELS, HORIZON, *told).eval()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    assert isinstance(network.linear, LinearForecast)
    codes = [torch.randint(size, (4, LOOKBACK, 1)).float() for size in sizes]
    x = torch.cat([torch.randn(4, LOOKBACK, CHANNELS), *codes], dim=2)
    ahead = torch.cat(
        [torch.randn(8, HORIZON, known), torch.randint(4, (8, HORIZON, 1)).float()], dim=2
    )
    # of two forks the second goes on from a row like the last: the same window, a step on
    longer = torch.cat([x, x[:, -1:]], dim=1)

    with torch.no_grad():
        both = network(longer, None, ahead, forks=2)
        first = network(x, None, ahead[::2])
        given = torch.randn(8, HORIZON)
        linear = network(longer, given, ahead, forks=2)

    for mine, other in ((both.point, first.point), (both.spread, first.spread)):
        torch.testing.assert_close(mine[::2], other)
    windows = longer.unfold(1, LOOKBACK, 1).flatten(0, 1).mT
    own = network.linear(windows, ahead)
    torch.testing.assert_close(linear.point - given, both.point - own, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "training", "count"),
    [
        ({}, {}, LOOKBACK // 2),
        ({}, {"forks": 3}, 3),
        ({}, {"forks": 1}, 1),
        ({"bidirectional": True}, {}, 1),
        ({"num_layers": 2, "bidirectional": (False, True)}, {}, 1),
        ({"segment_length": 3}, {}, 1),
        ({"decoder": "recursive"}, {}, 1),
    ],
)
def test_networks_that_cannot_fork_read_each_window_by_itself(
    settings: dict[str, Any], training: dict[str, Any], count: int
) -> None:
    data = {"target": "y", "horizon": 3}
    config = ForecastConfig.model_validate({"data": data, "model": settings, "training": training})

    found = forked(make_windows(), config)

    assert (found.count if isinstance(found, Forks) else 1) == count


def test_some_stretches_of_a_batch_are_the_batch_of_some() -> None:
    forks = Forks(with_all(make_windows()), 4, 6)
    index = forks.draw_batches(8, 10_000, torch.Generator().manual_seed(0))[0]

    some, whole = forks.batch(index).rows(slice(1, 4)), forks.batch(index[1:4])

    for mine, other in zip(some.inputs, whole.inputs, strict=True):
        assert mine is other or torch.equal(torch.as_tensor(mine), torch.as_tensor(other))
    assert torch.equal(some.y.nan_to_num(9.0), whole.y.nan_to_num(9.0))


def test_thinned_forks_are_spread_over_all_and_stay_the_same() -> None:
    forks = Forks(make_windows(rows=900), 5, 6).thinned(60)

    assert len(forks) <= 60
    assert len(forks) == sum(len(origins_of(forks, index)) for index in forks.chunks(10))
    batches = torch.cat(list(forks.draw_batches(16, 10_000, torch.Generator())))
    assert {tuple(one) for one in batches.tolist()} <= {
        tuple(one) for one in forks.chunks(999)[0].tolist()
    }
    origins = origins_of(forks, forks.chunks(999)[0])
    assert origins[-1] - origins[0] > 800


def test_sampled_forks_begin_at_every_hour_alike_and_are_whole_stretches() -> None:
    windows = make_windows(rows=24_000)
    forks = Forks(windows, 5, 6)
    most = int(len(windows) / 1.2)

    sample = forks.sampled(most)

    assert sample.chosen is not None
    assert 0.99 * most < len(sample) <= most
    assert forks.sampled(len(windows)) is forks
    assert torch.equal(sample.chosen, forks.sampled(most).chosen)
    begun = np.bincount(sample.chosen[:, 0].numpy() % 24, minlength=24)
    # 167 each, of 200 that there are
    assert abs(begun - 166.7).max() < 5 * (200 * (1 / 6) * (5 / 6)) ** 0.5
    apart = np.diff(np.flatnonzero(np.isin(forks.chunks(10**6)[0][:, 0], sample.chosen[:, 0])))
    # which stretches are left out follows no turn
    skipped = np.flatnonzero(apart > 1)
    assert len(np.unique(np.diff(skipped))) > 5
