"""What is learned is the same however a table is parted into blocks, but for rounding of sums."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.tasks.forecasting import layout
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.learning import Moments, default_lookback, learn
from lockgate.tasks.forecasting.preprocessing import Arrays
from lockgate.tasks.forecasting.table import Table, read_table

LENGTHS = (300, 41, 7, 260, 300, 120)
CONFIG = TableConfig(
    target="sold", id="shop", horizon=4, lookback=8, known_future="promo", categorical="kind"
)


def make_table() -> Table:
    """Hours of shops that begin late, with holes, a size each, and a kind."""
    rng = np.random.default_rng(0)
    time = np.datetime64(datetime(2024, 1, 1), "us") + np.arange(300) * np.timedelta64(1, "h")
    parts = []
    for number, rows in enumerate(LENGTHS):
        hours = np.arange(300 - rows, 300)
        y = 50 * (number + 1) + 9 * np.sin(2 * np.pi * hours / 24) + rng.normal(size=rows)
        y[1:-1][rng.random(rows - 2) < 0.03] = np.nan
        size = np.where(rng.random(rows) < 0.3, np.nan, 10.0 * number)
        part = {"shop": [f"s{number}"] * rows, "day": time[hours], "sold": y, "size": size}
        part["promo"] = (rng.random(rows) < 0.2).astype(float)
        part["kind"] = rng.choice(["a", "b", f"c{number}"], rows)
        parts.append(pl.DataFrame(part))
    return read_table(pl.concat(parts), target="sold", id_columns="shop", categorical=["kind"])


@pytest.mark.parametrize("rows", [1, 130, 350])
def test_a_table_in_blocks_is_learned_and_laid_out_as_in_one(
    rows: int, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    table = make_table()
    whole = learn(table, CONFIG, 200, 250)
    expected = whole.apply(table)

    monkeypatch.setattr(layout, "BLOCK_ROWS", rows)
    assert len(table.layout.blocks()) > 1
    in_blocks = learn(table, CONFIG, 200, 250)

    rounded = {"means", "stds"}  # of all series, whose sums are put together
    assert in_blocks.model_dump(exclude=rounded) == whole.model_dump(exclude=rounded)
    np.testing.assert_allclose(in_blocks.means, whole.means, rtol=1e-12)
    np.testing.assert_allclose(in_blocks.stds, whole.stds, rtol=1e-12)
    for arrays in (whole.apply(table), whole.apply(table, tmp_path)):
        for name in Arrays._fields:
            np.testing.assert_array_equal(getattr(arrays, name), getattr(expected, name))
    assert isinstance(arrays.inputs, np.memmap)


@pytest.mark.parametrize("rows", [1, 10**6])
def test_a_static_column_that_changes_is_named_with_its_first_series(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "BLOCK_ROWS", rows)
    table = make_table()
    config = CONFIG.model_copy(update={"static": ("size",)})
    s3 = pl.when((pl.col("unique_id") == "s3") & (pl.int_range(pl.len()) % 7 == 0))
    changed = replace(table, frame=table.frame.with_columns(size=s3.then(8.0).otherwise("size")))

    assert "size" in learn(table, config, 200, 250).static
    with pytest.raises(DataError, match=r"got 'size', which has 30 and 8 in 's3'"):
        learn(changed, config, 200, 250)


def test_moments_of_parts_are_those_of_the_whole() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(1e3, 1.0, (90, 3))
    values[rng.random(values.shape) < 0.2] = np.nan
    values[:30, 1] = np.nan

    found = Moments.joined([Moments.of(part) for part in np.split(values, [30, 31, 70])])

    np.testing.assert_array_equal(found.counts, np.isfinite(values).sum(axis=0))
    np.testing.assert_allclose(found.means, np.nanmean(values, axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.stds, np.nanstd(values, axis=0), rtol=1e-12)


@pytest.mark.parametrize(
    ("seasons", "horizon", "rows", "lookback"),
    [
        ((24, 168), 1, 9_999, 48),
        ((24,), 30, 9_999, 60),
        ((168,), 1, 9_999, 168),
        ((24,), 100, 9_999, 168),
        ((), 1, 9_999, 24),
        ((), 24, 9_999, 48),
        ((24,), 30, 300, 30),
        ((24,), 1, 7, 1),
    ],
    ids=str,
)
def test_default_lookback_is_two_seasons_or_horizons_within_bounds(
    seasons: tuple[int, ...], horizon: int, rows: int, lookback: int
) -> None:
    assert default_lookback(seasons, horizon, rows) == lookback
