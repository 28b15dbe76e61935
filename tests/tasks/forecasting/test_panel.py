"""Several series lie on one grid, each as it would lie alone."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.tasks.forecasting.table import Table, read_table

START = datetime(2024, 1, 1)
SHOPS = {"north": (0, 60), "south": (24, 50), "east": (7, 31)}
"""The hour at which each begins, and its hours."""


def rows_of(shop: str, seed: int, holes: int = 4) -> pl.DataFrame:
    first, hours = SHOPS[shop]
    rng = np.random.default_rng(seed)
    kept = np.sort(rng.permutation(np.arange(1, hours - 1))[holes:])
    kept = np.concatenate([[0], kept, [hours - 1]])
    stamps = [START + timedelta(hours=first + int(hour)) for hour in kept]
    values = {"sold": rng.normal(size=len(kept)), "price": rng.normal(size=len(kept))}
    return pl.DataFrame({"shop": [shop] * len(kept), "hour": stamps, **values})


def long_table(seed: int = 0, **options: Any) -> tuple[pl.DataFrame, Table]:
    """All shops in one frame, their rows shuffled, and the table that is read of it."""
    frame = pl.concat([rows_of(shop, seed + k) for k, shop in enumerate(SHOPS)])
    frame = frame.sample(fraction=1.0, shuffle=True, seed=seed)
    return frame, read_table(frame, target="sold", id_columns="shop", **options)


@pytest.mark.parametrize("resample", [None, "3h"])
def test_each_series_lies_as_it_would_alone(resample: str | None) -> None:
    frame, table = long_table(resample=resample)

    assert sorted(table.names) == sorted(SHOPS)
    for shop, own in zip(table.names, table.frame.partition_by("unique_id"), strict=True):
        alone = read_table(
            frame.filter(shop=shop).drop("shop"), target="sold", resample=resample
        ).frame
        assert own.drop("unique_id").equals(alone.drop("unique_id")), shop


def test_steps_are_those_of_one_axis() -> None:
    _, table = long_table()

    steps = table.layout.steps
    assert table.layout.axis.len() == 74  # from the first hour of north to the last of south
    assert table.frame["ds"].to_list() == table.layout.axis.gather(steps).to_list()
    assert table.notices[-1] == "3 series"


def test_series_that_have_no_time_in_common_are_cut_before_their_ends() -> None:
    _, table = long_table(align="end")

    layout = table.layout
    ends = layout.steps[layout.starts + layout.lengths - 1]
    assert ends.tolist() == [59, 59, 59]
    north = table.frame.filter(unique_id="north")  # the longest
    assert layout.axis.to_list() == north["ds"].to_list()
    last = table.between(50, 60)
    assert last.layout.lengths.tolist() == [10, 10, 10]
    assert sorted(last.frame.group_by("unique_id").agg(pl.col("ds").max())["ds"].to_list()) == [
        START + timedelta(hours=hours - 1)
        for hours in sorted(first + hours for first, hours in SHOPS.values())
    ]


def test_what_comes_after_each_last_target_is_kept_apart() -> None:
    frame, table = long_table()
    ends = {"north": 60, "south": 74, "east": 38}
    behind = pl.DataFrame(
        {
            "shop": ["east", "south", "east", "north"],
            "hour": [START + timedelta(hours=hour) for hour in (39, 80, 38, 77)],
            "sold": pl.Series([None] * 4, dtype=pl.Float64),
            "price": [1.0, 2.0, 3.0, 4.0],
        }
    )

    longer = read_table(pl.concat([behind, frame]), target="sold", id_columns="shop")

    assert longer.frame.sort("unique_id", "ds").equals(table.frame.sort("unique_id", "ds"))
    # steps at which nothing was observed are in no part
    assert longer.layout.axis.equals(table.layout.axis)
    later = longer.later.sort("unique_id", "ds")
    assert later.columns == longer.frame.columns
    assert later["unique_id"].to_list() == ["east", "east", "north", "south"]
    assert later["price"].to_list() == [3.0, 1.0, 4.0, 2.0]
    hours = ((later["ds"] - START).dt.total_hours()).to_list()
    assert hours == [38, 39, 77, 80]
    assert all(h >= ends[one] for h, one in zip(hours, later["unique_id"], strict=True))


def test_rows_that_nothing_tells_apart_are_shown() -> None:
    frame = pl.DataFrame(
        {"shop": ["a", "b", "a", "a"], "day": [START] * 3 + [START], "sold": [1.0, 2.0, 3.0, 4.0]}
    )
    later = frame.with_columns(pl.col("day") + timedelta(days=1)).head(2)

    message = (
        r"'shop' and the time must tell the rows apart, got rows 1 and 3, both of 'a' at 2024-01-01"
        r" 00:00:00, and 1 more; leave one of them out, or pass resample \(--resample\)"
    )
    with pytest.raises(DataError, match=message):
        read_table(pl.concat([frame, later]), target="sold", id_columns="shop")


def test_a_series_without_a_target_is_left_out_by_name() -> None:
    frame, _ = long_table()
    blank = pl.col("sold").replace(frame.filter(shop="east")["sold"].to_list(), None)
    holed = frame.with_columns(pl.when(pl.col("shop") == "east").then(blank).otherwise("sold"))

    table = read_table(holed, target="sold", id_columns="shop")

    assert sorted(table.names) == ["north", "south"]
    assert table.notices[-1] == "1 series without any 'sold' left out: east"


def test_rows_in_their_order_are_numbered_within_each_series() -> None:
    frame, _ = long_table()

    table = read_table(frame.drop("hour"), target="sold", id_columns="shop", row_order=True)

    for own in table.frame.partition_by("unique_id"):
        assert own["ds"].to_list() == list(range(1, own.height + 1))


def test_several_series_have_no_steps_of_their_own() -> None:
    with pytest.raises(
        DataError,
        match=r'^calendar must be another than "irregular" for several series, whose steps lie at '
        r'the same times; pass resample="1h"',
    ):
        long_table(calendar="irregular")
