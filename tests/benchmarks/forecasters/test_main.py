"""Forecasts of every library are scored on the same windows, whatever their order."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from benchmarks.forecasters.__main__ import page, scores
from benchmarks.forecasters.sets import Set, laid_out, write_for_peers


@pytest.fixture
def laid(tmp_path: Any) -> Any:
    """A table of 300 hours with a hole, cut as `lockgate train` cuts it."""
    rng = np.random.default_rng(0)
    hours = pl.datetime_range(
        pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 13, 11), "1h", eager=True
    )
    y = pl.Series(rng.normal(5.0, 2.0, len(hours)))
    hole = pl.int_range(0, len(hours), eager=True).is_in([100, 101, 290])
    table = pl.DataFrame(
        {"ds": hours, "y": y.set(hole, None), "helper": rng.normal(size=len(hours))}
    )
    table.write_csv(tmp_path / "table.csv")
    return laid_out(Set("table.csv", {"target": "y", "horizon": 3, "lookback": 6}), tmp_path)


def test_the_grid_is_the_table_filled_forward_with_every_input(laid: Any, tmp_path: Any) -> None:
    table, prepared, _ = laid

    write_for_peers(prepared, tmp_path / "grid")

    grid = pl.read_parquet(tmp_path / "grid" / "grid.parquet")
    expected = table.frame["y"].fill_null(strategy="forward")
    np.testing.assert_allclose(grid["y"], expected, rtol=1e-5)
    assert grid.width == 1 + prepared.arrays.inputs.shape[1]
    np.testing.assert_array_equal(grid["x1"], prepared.arrays.inputs[:, 1])


def test_scores_are_those_of_the_observed_points(laid: Any) -> None:
    _, prepared, _ = laid
    rng, first = np.random.default_rng(1), prepared.split.validation - 1
    y = prepared.arrays.series.invert(prepared.arrays.target[:, None], np.arange(300))[:, 0]
    origins = np.arange(first, 300 - 3)
    forecast = rng.normal(5.0, 1.0, (len(origins), 3))
    order = rng.permutation(len(origins))
    told = {"origins": origins[order], "forecast": forecast[order]}
    told |= {"lo80": forecast[order] - 2.0, "hi80": forecast[order] + 1.0}

    found = scores(told, prepared)

    off = [
        (y[origin + step] - forecast[row, step - 1])
        for row, origin in enumerate(origins)
        for step in (1, 2, 3)
        if np.isfinite(y[origin + step]) and origin in prepared.windows("test").origins
    ]
    assert found["mae"] == pytest.approx(np.abs(off).mean())
    assert found["coverage80"] == pytest.approx(np.mean([-2.0 <= one <= 1.0 for one in off]))
    assert "coverage95" not in found


def test_the_page_has_means_over_seeds_and_over_sets() -> None:
    spent = {"processor_seconds": 10.0, "megabytes": 500.0}
    rows = [
        {"set": name, "model": "lockgate", "seed": seed, "mae": mae, "coverage80": share, **spent}
        for name, seed, mae, share in (
            ("ETTh1 24 h", 0, 1.0, 0.7),
            ("ETTh1 24 h", 1, 2.0, 0.8),
            ("taxi 24 h", 0, 5.0, 0.85),
        )
    ]
    rows.append({"set": "taxi 24 h", "model": "darts LSTM", "seed": 0, "mae": 6.0, **spent})

    written = page(rows)

    for line in (
        "| ETTh1 24 h | 1.5 | – |",
        "| taxi 24 h | 5 | 6 |",
        "| ETTh1 24 h | 75.0 % | – |",
        "On average over sets: lockgate 80.0 %.",
    ):
        assert line in written
