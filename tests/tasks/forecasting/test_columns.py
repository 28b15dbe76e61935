"""Columns that cannot help are dropped by name, and columns that cannot be read are refused."""

from datetime import datetime

import numpy as np
import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.tasks.forecasting.columns import choose_columns, column_values
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.table import Table, read_table

TRAIN, ROWS = 40, 60


def make_table() -> Table:
    rng = np.random.default_rng(0)
    late = np.arange(ROWS) >= TRAIN
    columns = {
        "T": rng.normal(size=ROWS),
        "wind": rng.normal(size=ROWS),
        "still": np.where(late, rng.normal(size=ROWS), 7.0),
        "unseen": np.where(late, rng.normal(size=ROWS), np.nan),
        "row": np.where(late, 0.0, 5.0 + 3.0 * np.arange(ROWS)),
        "sky": np.array(["blue", "grey"] * (ROWS // 2)),
    }
    time = pl.datetime_range(
        datetime(2024, 1, 1), interval="1h", eager=True, end=datetime(2024, 1, 3, 11)
    )
    return read_table(pl.DataFrame({"time": time, **columns}), target="T")


@pytest.mark.parametrize("rows", [1, 3, 16])
def test_columns_in_blocks_are_judged_as_in_one(rows: int) -> None:
    table = make_table()
    train = table.frame.head(TRAIN)
    blocks = [train.slice(start, rows) for start in range(0, TRAIN, rows)]
    config = TableConfig(target="T", horizon=1)

    assert choose_columns(table, blocks, config) == choose_columns(table, [train], config)


def choose(table: Table, **settings: object) -> tuple[list[str], dict[str, str]]:
    config = TableConfig(target="T", horizon=1, **settings)
    names, dropped = choose_columns(table, [table.frame.head(TRAIN)], config)
    return names, dict(dropped)


def test_what_is_useless_in_training_is_dropped_and_named() -> None:
    names, dropped = choose(make_table())

    assert names == ["y", "wind"]
    assert dropped == {
        "still": "constant in the training part",
        "unseen": "all missing in the training part",
        "row": "a count of the rows in the training part",
    }


def test_a_count_of_the_rows_is_seen_across_absent_rows() -> None:
    table = make_table()
    holes = pl.int_range(pl.len()).is_in([7, 8, 20])
    row = pl.when(~holes).then((~holes).cum_sum().cast(pl.Float64)).alias("row")

    _, dropped = choose_columns(
        table, [table.frame.head(TRAIN).with_columns(row)], TableConfig(target="T", horizon=1)
    )

    assert "row" in dict(dropped)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"inputs": "target"}, ["y"]),
        ({"inputs": ("wind",)}, ["y", "wind"]),
        ({"inputs": ("T", "wind", "wind")}, ["y", "wind"]),
        ({"exclude": ("wind", "still")}, ["y"]),
        ({"exclude": ("sky",)}, ["y", "wind"]),
    ],
    ids=str,
)
def test_inputs_and_exclude_choose(settings: dict, names: list[str]) -> None:
    assert choose(make_table(), **settings)[0] == names


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inputs": ("sky",)}, "inputs must name numeric columns, got 'sky': "),
        (
            {"inputs": ("wnd",)},
            r"inputs must name columns of the table, got 'wnd'; did you mean 'wind'\?",
        ),
        (
            {"exclude": ("wnd",)},
            r"exclude must name columns of the table, got 'wnd'; did you mean 'wind'\?",
        ),
        (
            {"inputs": ("wind", "still")},
            "inputs must be columns that vary in the training part, got 'still', which is constant",
        ),
    ],
    ids=str,
)
def test_a_column_that_cannot_be_read_is_refused(settings: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        choose(make_table(), **settings)


@pytest.mark.parametrize(("value", "reason"), [(3.0, "constant"), (None, "all missing")])
def test_a_target_that_does_not_vary_in_training_is_refused(
    value: float | None, reason: str
) -> None:
    table = make_table()
    train = table.frame.head(TRAIN).with_columns(pl.lit(value, pl.Float64).alias("y"))

    message = f"target must vary in the training part, got 'T', which is {reason} there"
    with pytest.raises(DataError, match=message):
        choose_columns(table, [train], TableConfig(target="T", horizon=1))


def test_a_target_may_rise_by_equal_steps() -> None:
    table = make_table()
    train = table.frame.head(TRAIN).with_columns(pl.int_range(pl.len()).cast(pl.Float64).alias("y"))

    assert choose_columns(table, [train], TableConfig(target="T", horizon=1))[0] == ["y", "wind"]


def test_missing_values_are_nan() -> None:
    frame = pl.DataFrame({"a": [1.0, None], "b": [None, 2.0]})

    np.testing.assert_array_equal(column_values(frame, ["b", "a"]), [[np.nan, 1], [2, np.nan]])


def test_the_target_cannot_be_excluded() -> None:
    with pytest.raises(DataError, match="exclude must not name the target, got 'T'"):
        choose(make_table(), exclude=("T",))


def test_a_count_of_the_rows_is_read_where_it_is_named() -> None:
    names, _ = choose(make_table(), inputs=("row",))

    assert names == ["y", "row"]
