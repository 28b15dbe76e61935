"""Several series in one table are told apart by name, and one of them can be chosen."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.reading.series import check_one_series, keep_rows, series_ids
from lockgate.reading.tables import RawTable, read_raw
from lockgate.reading.times import find_times

DAYS = [datetime(2024, 1, 1) + timedelta(days=i) for i in range(40)]


def panel(**names: list[object]) -> RawTable:
    """Return 40 days of each row of `names`."""
    keys = pl.DataFrame(names)
    frame = keys.join(pl.DataFrame({"day": DAYS}), how="cross", maintain_order="left")
    wave = (pl.int_range(pl.len()) * 7919 % 1000) / 8
    return read_raw(frame.with_columns(units=wave, country=pl.lit("AT")))


def told_of(raw: RawTable) -> str | None:
    """Return what a table of several series is refused with, None if it passes."""
    try:
        check(raw)
    except DataError as error:
        return str(error)
    return None


def check(raw: RawTable) -> None:
    check_one_series(raw, find_times(raw, "day"), "units")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (
            panel(item=["A", "B"]),
            "got 2, told apart by 'item' (A, B); forecast all, id=\"item\" (--id item), or "
            'choose one, where="item=A"',
        ),
        (
            panel(item=["A", "A", "B", "B"], store=[1, 2, 1, 2]),
            "got 4, told apart by 'item' and 'store' (A and 1, A and 2, B and 1 and 1 more); "
            'forecast all, id="item,store" (--id item,store), or '
            'choose one, where="item=A,store=1" (--where item=A,store=1)',
        ),
        # of two that tell them apart the one of fewer values; nested names add nothing
        (
            panel(kind=["x", "x", "y", "y"], item=["A", "B", "C", "D"]),
            "got 4, told apart by 'item' (A, B, C and 1 more)",
        ),
    ],
    ids=["one", "two", "nested"],
)
def test_columns_that_tell_series_apart_are_named(raw: RawTable, told: str) -> None:
    with pytest.raises(DataError) as error:
        check(raw)

    assert told in str(error.value)
    where = str(error.value).split('where="')[1].split('"')[0].split(",")
    chosen = keep_rows(raw, where)
    assert chosen.frame["day"].to_list() == DAYS
    check(chosen)


def test_a_missing_part_of_the_time_is_named_and_reads_the_table() -> None:
    hours = panel(hour=list(range(6)))

    with pytest.raises(
        DataError,
        match=r"got 40 different stamps in 240 rows; name all its parts, "
        r"time=\"day,hour\" \(--time day,hour\)$",
    ):
        check(hours)

    assert find_times(hours, "day,hour").stamps.n_unique() == 240


def test_a_part_that_cannot_be_read_is_not_advised() -> None:
    shifts = panel(hour=["early", "late", "night"])

    assert told_of(shifts) is None


def test_values_tell_no_series_apart() -> None:
    readings = panel(same=[1, 1, 1])
    frame = readings.frame.with_columns(depth=pl.int_range(pl.len()) / 4)

    assert told_of(readings._replace(frame=frame)) is None


def test_a_few_repeated_stamps_are_no_series() -> None:
    raw = panel(item=["A"])
    few = pl.concat([raw.frame, raw.frame.head(2).with_columns(item=pl.lit("B"))])

    assert told_of(raw._replace(frame=few)) is None


def test_rows_are_kept_by_every_condition() -> None:
    raw = panel(item=["A", "B", "A"], store=[1.0, 1.0, 2.0])

    kept = keep_rows(raw, ("item=A", "store=2"))

    assert kept.frame.height == kept.rows_read == 40
    assert kept.rows.to_list() == list(range(81, 121))
    assert kept.notices == ("40 rows with item=A and store=2 of 120",)
    assert keep_rows(raw, ()) is raw


def test_equals_signs_may_be_part_of_names_and_values() -> None:
    raw = read_raw(pl.DataFrame({"a=b": ["c=d", "e"], "x": [1, 2]}))

    assert keep_rows(raw, ("a=b=c=d",)).frame["x"].to_list() == [1]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (("itm=A",), "where must name a column of the table, got 'itm'; did you mean 'item'?"),
        (("item=Appel",), "name a value of 'item', got 'Appel'; did you mean 'Apple'?"),
        (("store=7",), "where must name a value of 'store', got '7'; the values are 1, 2"),
        (("item",), "where must be columns with a value each, item=A, got 'item'"),
        (("item=Apple", "store=2"), "must leave rows, got none of 'frame' with item=Apple and sto"),
    ],
    ids=str,
)
def test_conditions_that_choose_nothing_raise(where: tuple[str, ...], message: str) -> None:
    raw = read_raw(pl.DataFrame({"item": ["Apple", "Pear"], "store": [1, 2]}))

    with pytest.raises(DataError) as error:
        keep_rows(raw, where)

    assert message in str(error.value)


LONG = pl.DataFrame({"store": [1, 1, 2], "item": ["a", "b", "a"], "sold": [1.0, 2.0, 3.0]})


def raw_of(frame: pl.DataFrame) -> RawTable:
    return RawTable(frame, pl.Series(range(1, frame.height + 1)), "frame")


def test_series_are_named_by_a_column_or_by_several() -> None:
    one, two = series_ids(raw_of(LONG), "store"), series_ids(raw_of(LONG), "store, item")

    assert one is not None
    assert one["store"].to_list() == ["1", "1", "2"]
    assert two is not None
    assert two.rows() == [("1", "a"), ("1", "b"), ("2", "a")]
    assert series_ids(raw_of(LONG), None) is None
    named = LONG.rename({"item": "unique_id"})
    assert series_ids(raw_of(named), None) is not None
    assert series_ids(raw_of(named.filter(unique_id="a")), None) is None  # one series, as before


@pytest.mark.parametrize(
    ("columns", "frame", "message"),
    [
        ("itm", LONG, r"id must name columns of the table, got 'itm'; did you mean 'item'"),
        ("store,itm", LONG, r"got 'itm'"),
        (
            "item",
            LONG.with_columns(item=pl.Series(["a", None, "a"])),
            r"id 'item' must name the series of every row, got none in row 2; fill it in",
        ),
        ("item", LONG.with_columns(item=pl.Series([[1]] * 3)), "must name columns of single value"),
    ],
)
def test_what_names_no_series_is_refused(columns: str, frame: pl.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        series_ids(raw_of(frame), columns)
