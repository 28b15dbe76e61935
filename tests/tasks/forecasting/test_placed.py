"""Rows get their times and series, or lie in their order."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.tasks.forecasting.table import read_table

HOURS = [datetime(2024, 1, 1) + timedelta(hours=k) for k in range(6)]


def frame_of(**columns: Any) -> pl.DataFrame:
    data: dict[str, Any] = {"when": [str(t) for t in HOURS], "load": [1, 2, None, 4, 5, 6]}
    return pl.DataFrame(data | {"x": [0, 1, 0, 1, 0, 1]} | columns)


def test_one_of_several_series_is_read_where_it_is_chosen() -> None:
    two = pl.concat([frame_of(load=range(6)), frame_of(load=range(10, 16))])
    frame = two.with_columns(unique_id=pl.Series(["A"] * 6 + ["B"] * 6))
    shop = frame.rename({"unique_id": "shop"})

    table = read_table(frame, target="load", where=("unique_id=B",))

    assert table.frame["unique_id"].unique().to_list() == ["B"]
    assert table.frame["y"].to_list() == [10, 11, 12, 13, 14, 15]
    assert (table.rows_read, table.notices) == (6, ("6 rows with unique_id=B of 12",))
    with pytest.raises(
        DataError,
        match=r"told apart by 'shop' \(A, B\); forecast all, id=.shop. .* where=.shop=A",
    ):
        read_table(shop, target="load")
    assert read_table(shop, target="load", where=("shop=A",)).frame["y"].to_list() == [*range(6)]


def test_rows_in_their_order_are_equal_steps() -> None:
    frame = pl.DataFrame({"load": [1.0, None, 3.0, 4.0], "x": [5.0, None, 6.0, 7.0]})

    table = read_table(frame, target="load", row_order=True)

    assert table.frame["ds"].to_list() == [1, 2, 3, 4]
    assert table.frame["y"].to_list() == [1, None, 3, 4]
    assert str(table.frequency) == "1 row"
    assert table.notices == ("1 gap, 1 step in all, the longest 1 step from 2",)
    assert read_table(frame_of(), target="load", row_order=True).frame.columns[2:] == ["y", "x"]


@pytest.mark.parametrize("told", [{"time": "when"}, {"time_format": "%Y"}, {"resample": "1h"}])
def test_rows_in_their_order_have_no_times(told: dict[str, str]) -> None:
    message = rf"row_order must not be given with {next(iter(told))}: .*; leave one out"
    with pytest.raises(DataError, match=message):
        read_table(frame_of(), target="load", row_order=True, **told)


def test_numbers_of_steps_in_ds_are_the_steps() -> None:
    frame = pl.DataFrame({"ds": [3, 1, 2, 6], "y": [3.0, 1.0, 2.0, 6.0]})

    table = read_table(frame, target="y", row_order=True)

    assert table.frame["ds"].to_list() == [1, 2, 3, 4, 5, 6]
    assert table.frame["y"].to_list() == [1.0, 2.0, 3.0, None, None, 6.0]
    both = pl.concat([frame.with_columns(unique_id=pl.lit(name)) for name in "ba"])
    assert read_table(both, target="y", row_order=True).layout.lengths.tolist() == [6, 6]
