"""What is made has the rows and the series that were asked for, sorted or not."""

import numpy as np
import polars as pl
import pytest

from benchmarks.scale import generate
from lockgate.reading.tables import read_raw


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_table_has_its_rows_and_series(tmp_path, shuffled, monkeypatch):
    monkeypatch.setattr(generate, "PART_ROWS", 4_000)

    generate.make(tmp_path / "sales", 10_000, 20, shuffled=shuffled)

    frame = read_raw(tmp_path / "sales").frame
    assert len([*(tmp_path / "sales").iterdir()]) == 3
    assert (frame.height, frame["unique_id"].n_unique()) == (10_000, 20)
    own = frame.group_by("unique_id").agg(
        rows=pl.len(), first=pl.col("ds").min(), last=pl.col("ds").max(), one=pl.n_unique("size")
    )
    assert (own["rows"].min() < 500 < own["rows"].max(), own["last"].n_unique()) == (True, 1)
    assert own["first"].n_unique() > 15
    assert own["one"].to_list() == [1] * 20
    by_hour = (own["last"] - own["first"]).dt.total_hours() + 1
    assert by_hour.to_list() == own["rows"].to_list()
    assert frame.equals(frame.sort("unique_id", "ds")) is not shuffled


def test_lengths_sum_to_the_rows():
    lengths = generate.lengths_of(1_003, 7, np.random.default_rng(0))

    assert sum(lengths) == 1_003
    assert len(lengths) == 7
