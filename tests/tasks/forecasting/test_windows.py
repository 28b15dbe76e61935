"""Windows are places in one array: gathering them copies what is asked for and nothing else."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lockgate.tasks.forecasting import windows as module
from lockgate.tasks.forecasting.windows import Known, Series, Windows, draw


def make_windows(rows: int = 40, channels: int = 3, lookback: int = 5, horizon: int = 2) -> Windows:
    inputs = torch.arange(rows * channels, dtype=torch.float32).reshape(rows, channels)
    return Windows(
        inputs=inputs,
        target=-torch.arange(rows, dtype=torch.float32),
        origins=torch.arange(lookback - 1, rows - horizon),
        lookback=lookback,
        horizon=horizon,
        series=Series(np.zeros(1, np.int64), np.zeros(1), np.ones(1)),
    )


@pytest.mark.parametrize("horizon", [1, 4])
@pytest.mark.parametrize("lookback", [1, 7])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_holds_the_rows_around_each_origin(
    channels: int, lookback: int, horizon: int
) -> None:
    windows = make_windows(40, channels, lookback, horizon)
    index = torch.tensor([5, 0, len(windows) - 1, 5])

    x, y, *_ = windows.batch(index)

    assert x.shape == (4, lookback, channels)
    for i, origin in enumerate(windows.origins[index].tolist()):
        assert torch.equal(x[i], windows.inputs[origin - lookback + 1 : origin + 1])
        assert torch.equal(y[i], windows.target[origin + 1 : origin + horizon + 1])


def test_a_slice_and_its_numbers_gather_the_same() -> None:
    windows = make_windows()

    some = windows.batch(slice(3, 9)), windows.batch(torch.arange(3, 9))
    for mine, other in zip(*(batch.inputs for batch in some), strict=True):
        assert torch.equal(mine, other)
    assert torch.equal(windows.truth(), windows.batch(slice(None)).y)


def test_some_of_a_batch_are_the_batch_of_some() -> None:
    plain = make_windows()
    rows = len(plain.inputs)
    known = Known(torch.randn(rows, 3), plain.origins - 1, (2,))
    linear = torch.randn(len(plain), plain.horizon)
    windows = replace(plain, linear=linear, known=known).with_scales()

    some = windows.batch(slice(0, 9)).rows(slice(2, 5))

    assert (some.mask, windows.batch(slice(2, 5)).mask) == (None, None)
    whole = windows.batch(slice(2, 5))
    assert some.forks == whole.forks == 1
    for mine, other in zip(
        some._replace(mask=some.y)[:-1], whole._replace(mask=whole.y)[:-1], strict=True
    ):
        assert mine is not None
        assert torch.equal(mine.nan_to_num(9.0), other.nan_to_num(9.0))


def test_linear_forecasts_go_with_their_windows() -> None:
    plain = make_windows()
    windows = replace(plain, linear=torch.arange(4.0 * len(plain)).view(-1, 4))
    index = torch.tensor([5, 0, 7])

    assert len(plain.batch(index).inputs) == 1
    assert torch.equal(windows.batch(index).inputs[1], windows.linear[index])
    few = windows.thinned(4).to(torch.device("cpu"))
    places = [windows.origins.tolist().index(origin) for origin in few.origins]
    assert torch.equal(few.linear, windows.linear[places])


@pytest.mark.parametrize("own", [False, True], ids=["of the inputs", "of its own"])
def test_what_is_known_ahead_is_copied_to_a_device_once(
    own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, copied, to = make_windows(), [], Tensor.to
    values = plain.inputs.clone() if own else plain.inputs
    windows = replace(plain, known=Known(values, plain.origins + 1, columns=torch.tensor([0])))

    def counted(tensor: Tensor, *args: Any) -> Tensor:
        copied.append(tensor)
        return to(tensor, *args)

    monkeypatch.setattr(Tensor, "to", counted)
    moved = windows.to(torch.device("meta"))

    assert sum(one.shape == values.shape for one in copied) == 1 + own
    assert moved.known is not None
    assert (moved.known.values is moved.inputs) is not own
    assert moved.known.values.device == moved.known.first.device == torch.device("meta")


def test_inputs_are_gathered_where_targets_do_not_exist_yet() -> None:
    windows = replace(make_windows(), origins=torch.tensor([39]))

    assert torch.equal(windows.x(slice(None))[0], windows.inputs[35:])


@pytest.mark.parametrize("change", ["part of a larger array", "columns first"])
def test_inputs_may_lie_in_memory_in_any_order(change: str) -> None:
    plain = make_windows()
    larger = torch.cat([torch.full((3, 3), 9.9), plain.inputs])[3:]
    other = larger if "larger" in change else plain.inputs.t().contiguous().t()

    assert torch.equal(
        replace(plain, inputs=other).batch(slice(None)).x, plain.batch(slice(None)).x
    )


def test_gathering_copies_only_the_batch() -> None:
    windows = make_windows(rows=1_000_000, channels=1, lookback=500_000, horizon=3)

    # one copy of every window would be two terabytes
    x = windows.batch(torch.tensor([11, 2])).x

    assert x.untyped_storage().nbytes() == 2 * 500_000 * 4


def test_windows_hold_nothing_that_grows_with_lookback() -> None:
    held = [
        [getattr(make_windows(200, lookback=lookback), f.name) for f in fields(Windows)]
        for lookback in (1, 100)
    ]

    sizes = [
        [t.untyped_storage().nbytes() for t in values if isinstance(t, Tensor)] for values in held
    ]
    assert sizes[0][:2] == sizes[1][:2]  # the arrays
    assert sizes[0][2] > sizes[1][2]  # the origins: a long lookback leaves fewer


@pytest.mark.parametrize("most", [1, 2, 7, 33, 34, 50])
def test_thinned_windows_are_spread_over_the_part(most: int) -> None:
    windows = make_windows()

    thin = windows.thinned(most)

    origins = thin.origins.tolist()
    assert len(origins) == len(set(origins)) == min(most, len(windows))
    assert origins == sorted(origins)
    assert set(origins) <= set(windows.origins.tolist())
    if most > 1:
        gaps = np.diff(origins)
        assert (origins[0], origins[-1]) == (windows.origins[0], windows.origins[-1])
        assert gaps.max() - gaps.min() <= 1
    assert thin.inputs is windows.inputs


def test_windows_move_whole() -> None:
    windows = make_windows()

    moved = windows.to(torch.device("meta"))

    assert {moved.inputs.device, moved.target.device, moved.origins.device} == {
        torch.device("meta")
    }
    assert (len(moved), moved.lookback, moved.horizon) == (len(windows), 5, 2)


def test_each_series_gives_its_own_unit_back() -> None:
    y = np.array([[3.0, np.nan], [1e9, -7.0], [2e-3, 1e-3]])
    means, stds = np.array([1e6, 1e-3]), np.array([2.5, 1e-3])
    series = Series(np.array([0, 100]), means, stds)

    scaled = (y - means[[0, 0, 1], None]) / stds[[0, 0, 1], None]
    back = series.invert(scaled.astype(np.float32), np.array([0, 99, 100]))

    assert back.dtype == np.float64
    np.testing.assert_allclose(back[:2], y[:2], rtol=1e-6, atol=0.1)
    np.testing.assert_allclose(back[2], y[2], rtol=1e-6)


def short_windows() -> Windows:
    """Windows over three series of 2, 9 and 4 rows; 5 are read."""
    starts, origins = np.array([0, 2, 11]), torch.tensor([0, 1, 2, 5, 6, 8, 12, 14])
    plain = make_windows(15, 3)
    series = Series(starts, np.zeros(3), np.ones(3))
    return replace(plain, origins=origins, series=series, horizon=0)


@pytest.mark.parametrize("index", [slice(None), torch.tensor([7, 0, 4, 0]), slice(4, 6)])
def test_what_a_series_lacks_is_its_first_row_and_masked(index: Tensor | slice) -> None:
    windows = short_windows()

    batch = windows.batch(index)

    for i, origin in enumerate(windows.origins[index].tolist()):
        first = max(start for start in (0, 2, 11) if start <= origin)
        for step in range(5):
            row = origin - 4 + step
            assert torch.equal(batch.x[i, step], windows.inputs[max(row, first)])
            assert (batch.mask is None) or batch.mask[i, step] == (row >= first)
    # windows of whole rows alone cost no mask
    assert (batch.mask is None) == (index == slice(4, 6))
    assert len(batch.inputs) == (1 if batch.mask is None else 4)


def test_padding_is_that_of_the_windows_and_the_lookback_at_hand() -> None:
    windows = short_windows()
    assert windows.padding is not None

    assert windows.padding.tolist() == [4, 3, 4, 1, 0, 0, 3, 1]
    assert windows.select(slice(4, 6)).padding is None
    assert windows.thinned(2).padding.tolist() == [4, 1]
    assert replace(windows, lookback=2).padding.tolist() == [1, 0, 1, 0, 0, 0, 0, 0]
    assert windows.to(torch.device("cpu")).padding.tolist() == windows.padding.tolist()
    assert make_windows().padding is None


def test_processes_share_the_rows_of_a_mask() -> None:
    batch = short_windows().batch(slice(None))

    parts = [batch.rows(which) for which in (slice(0, 3), slice(3, 8))]

    assert torch.equal(torch.cat([part.mask for part in parts]), batch.mask)
    assert all(part.inputs[3] is part.mask for part in parts)


def test_a_series_shorter_than_a_window_may_stand_alone() -> None:
    one = Series(np.zeros(1, np.int64), np.zeros(1), np.ones(1))
    windows = replace(make_windows(), origins=torch.tensor([1]), series=one)
    windows = replace(windows, inputs=windows.inputs[:2])

    batch = windows.x(slice(None)), windows.mask(slice(None))

    assert torch.equal(batch[0][0], windows.inputs[[0, 0, 0, 0, 1]])
    assert batch[1].tolist() == [[False, False, False, True, True]]


def of_three_series() -> Windows:
    """Windows of three series, 40, 9 and 1 of them, whose deviations are 1, 4 and 10."""
    series = Series(np.array([0, 50, 70]), np.zeros(3), np.array([1.0, 4.0, 10.0]))
    origins = torch.cat([torch.arange(5, 45), torch.arange(55, 64), torch.tensor([76])])
    return replace(make_windows(80), origins=origins, series=series)


@pytest.mark.parametrize(
    ("by", "shares"),
    [("equal", [1 / 3, 1 / 3, 1 / 3]), ("scale", [40 / 86, 36 / 86, 10 / 86])],
)
def test_windows_are_drawn_as_often_as_their_series_counts(by, shares) -> None:
    windows = of_three_series().weighted(by)
    generator = torch.Generator().manual_seed(0)

    drawn = torch.cat([torch.cat([*windows.draw_batches(7, 999, generator)]) for _ in range(400)])

    assert len(drawn) == 400 * 50
    of_series = windows.series.of(windows.origins[drawn].numpy())
    found = np.bincount(of_series, minlength=3) / len(drawn)
    np.testing.assert_allclose(found, shares, atol=4 * np.sqrt(0.25 / len(drawn)))
    # those of one series are drawn alike
    first = np.bincount(drawn.numpy(), minlength=50)[:40]
    expected = len(drawn) * shares[0] / 40
    assert ((first - expected) ** 2 / expected).sum() < 73  # chi square of 39, 99.9 %


def test_by_length_each_window_is_drawn_once_as_before() -> None:
    windows = of_three_series()
    same = windows.weighted("length")

    drawn = [
        torch.cat([*one.draw_batches(7, 999, torch.Generator().manual_seed(3))])
        for one in (windows, same)
    ]

    assert torch.equal(*drawn)
    assert sorted(drawn[0].tolist()) == list(range(50))


def test_at_most_so_many_are_drawn_and_a_part_keeps_its_shares() -> None:
    windows = of_three_series().weighted("scale")
    few = windows.draw_batches(7, 20, torch.Generator().manual_seed(3))
    assert [len(one) for one in few] == [7, 7, 6]
    part = windows.select(torch.tensor([0, 45, 49]))
    assert part.shares is not None
    assert part.shares.tolist() == [1.0, 4.0, 10.0]


def test_a_sample_lies_in_all_stretches_and_is_the_same_each_time() -> None:
    windows = make_windows(1_007, lookback=3, horizon=2)  # 1,003 windows

    sample = windows.sampled(100)

    places = (sample.origins - windows.origins[0]).numpy()
    assert np.histogram(places, 10, (0, 1_003))[0].tolist() == pytest.approx([10] * 10, abs=1)
    # at no fixed distance, unlike those of `thinned`
    assert len(np.unique(np.diff(places))) > 5
    assert torch.equal(windows.sampled(100).origins, sample.origins)
    assert windows.sampled(1_003) is windows


def test_some_of_very_many_numbers_are_drawn_without_an_order_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def drawn(count: int, most: int) -> list[int]:
        return draw(count, most, torch.Generator().manual_seed(0)).tolist()

    monkeypatch.setattr(module, "MOST_ORDERED", 1_000)

    order = torch.randperm(1_000, generator=torch.Generator().manual_seed(0)).tolist()
    assert drawn(1_000, 30) == order[:30]
    assert sorted(drawn(1_001, 1_001)) == list(range(1_001))
    few = drawn(10**9, 500)
    assert (len(few), max(few) > 9e8, min(few) < 1e8) == (500, True, True)
    assert len(set(few)) > 490
