"""Targets that lie side by side are read as the series that they are."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.tasks.forecasting.table import read_table

DAYS = [datetime(2024, 1, 1) + timedelta(days=day) for day in range(8)]
WIDE = pl.DataFrame(
    {
        "day": DAYS,
        "north": [1.0, 2.0, None, 4.0, 5.0, 6.0, 7.0, 8.0],
        "south": [None, 20, 30, 40, 50, 60, 70, None],
        "price": ["1.5"] * 4 + ["2.5"] * 4,
        "note": ["x"] * 8,
    }
)


def test_each_target_is_a_series_with_the_columns_beside_it() -> None:
    table = read_table(WIDE, target="north, south")

    assert (table.names, table.several, table.target) == (["north", "south"], True, "north, south")
    north, south = table.frame.partition_by("unique_id")
    assert north["y"].to_list() == WIDE["north"].to_list()
    assert south["y"].to_list() == WIDE["south"].to_list()[1:-1]
    assert south["ds"].to_list() == DAYS[1:-1]
    assert south["price"].to_list() == [1.5] * 3 + [2.5] * 3
    assert table.rows_read == 8


def test_a_long_table_of_the_same_is_the_same() -> None:
    long = pl.concat(
        [
            WIDE.select(
                "day", "price", pl.lit(name).alias("shop"), pl.col(name).cast(float).alias("t")
            )
            for name in ("north", "south")
        ]
    )

    wide, told = (
        read_table(WIDE, target="north,south"),
        read_table(long, target="t", id_columns="shop"),
    )

    assert wide.frame.equals(told.frame.select(wide.frame.columns))


def test_all_are_the_columns_of_numbers() -> None:
    assert read_table(WIDE, target="all").names == ["north", "south", "price"]
    # a column of that name is meant where there is one
    assert read_table(WIDE.rename({"south": "all"}), target="all").names == ["all"]


def test_rows_in_their_order_are_those_of_each() -> None:
    table = read_table(WIDE.drop("day"), target="north,south", row_order=True)

    assert table.frame.filter(unique_id="south")["ds"].to_list() == list(range(2, 8))


@pytest.mark.parametrize(
    ("target", "frame", "message"),
    [
        ("north,suth", WIDE, r"target must name a column of the table, got 'suth'; did you mean"),
        ("north,north", WIDE, r"target must name each column once, got north twice"),
        ("north,day", WIDE, r"target must be another column than the time, got 'day'"),
        ("north,note", WIDE, r"must be numeric, got 'x' in row 1"),
        ("all", WIDE.select("day", "note"), r"got all of a table without any"),
        (
            "north,south",
            WIDE.with_columns(unique_id=pl.Series(["a", "b"] * 4)),
            r"must name one column of a table whose series are told apart by unique_id, got north",
        ),
    ],
)
def test_what_are_no_targets_is_refused(target: str, frame: pl.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_table(frame, target=target)
