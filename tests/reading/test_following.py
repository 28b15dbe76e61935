"""Rows that follow a table are joined to it as they are meant, or refused in a sentence."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.reading.following import check_follows, followed_by
from lockgate.reading.tables import RawTable, read_raw
from lockgate.reading.times import Times

FIRST = datetime(2024, 1, 1)


def frame(start: int, rows: int, **columns: Any) -> pl.DataFrame:
    days = [FIRST + timedelta(days=start + row) for row in range(rows)]
    return pl.DataFrame({"day": days, **columns})


def joined(table: pl.DataFrame, future: pl.DataFrame) -> RawTable:
    raw, behind = read_raw(table), read_raw(future)
    behind = behind._replace(rows=behind.rows + raw.rows[-1])
    return followed_by(raw, behind, ["day"], ["sold"])


TABLE = frame(0, 3, sold=[1.5, 2.5, 3.5], promo=[0, 1, 0], rain=[0.1, 0.2, 0.3])


def test_rows_stand_behind_those_of_the_table_and_lack_all_else() -> None:
    raw = joined(TABLE, frame(3, 2, promo=[1, 1], unknown=["a", "b"]))

    assert raw.frame.columns == TABLE.columns
    assert raw.frame.head(3).equals(TABLE)
    assert raw.frame.tail(2).rows() == [
        (FIRST + timedelta(days=3), None, 1, None),
        (FIRST + timedelta(days=4), None, 1, None),
    ]
    assert raw.rows.to_list() == [1, 2, 3, 4, 5]
    assert raw.rows_read == 5


@pytest.mark.parametrize(
    "columns",
    [
        {"promo": [1.0, 0.0]},
        {"promo": [True, False]},
        {"promo": [1, 0], "sold": [None, None]},
        {"promo": [1, 0], "sold": ["", "nan"]},
        {"promo": [1, 0], "day": [date(2024, 1, 4), date(2024, 1, 5)]},
        {"promo": [1, 0], "day": pl.Series([FIRST, FIRST]).cast(pl.Datetime("ns"))},
    ],
    ids=["float", "bool", "null-target", "blank-target", "date", "nanoseconds"],
)
def test_types_of_one_kind_go_together(columns: dict[str, Any]) -> None:
    raw = joined(TABLE, frame(3, 2, **{"promo": [1, 0], **columns}))

    assert raw.frame["promo"].cast(pl.Float64).to_list() == [0, 1, 0, 1, 0]
    assert raw.frame["sold"].to_list() == [1.5, 2.5, 3.5, None, None]
    assert raw.frame["day"].dtype.is_temporal()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"promo": ["1", "0"]}, "future must hold 'promo' in the type that .* Int64, got String;"),
        ({"day": [1, 2]}, "future must hold 'day' in the type that the table has, Datetime.*Int64"),
        (
            {"day": [datetime(2024, 1, day, tzinfo=UTC) for day in (4, 5)]},
            "future must hold 'day' .* got Datetime.*UTC.*; give both as files of text, or both",
        ),
        (
            {"sold": [None, 7.5]},
            "future must leave the target 'sold' empty, got 7.5; rows whose target is known belong",
        ),
    ],
    ids=["text", "numbers-for-times", "zone", "target"],
)
def test_values_that_do_not_go_with_the_table_are_refused(
    columns: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        joined(TABLE, frame(3, 2, **{"promo": [1, 0], **columns}))


def test_a_column_that_places_the_rows_must_be_there() -> None:
    message = "future must hold the columns 'day', as the table does, got 'promo'; add 'day'"

    with pytest.raises(DataError, match=message):
        joined(TABLE, pl.DataFrame({"promo": [1, 0]}))


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (None, "future must hold rows that the table does not hold, got one of 2024-01-02 00:00:00"
        " in both; leave it out of one of them"),
        (["a", "a", "a", "a"], "got one of 2024-01-02 00:00:00 of 'a' in both"),
        (["a", "a", "a", "b"], None),
    ],
    ids=["one-series", "same-series", "other-series"],
)  # fmt: skip
def test_a_row_must_not_be_in_both(names: list[str] | None, told: str | None) -> None:
    stamps = pl.Series("ds", [FIRST + timedelta(days=day) for day in (0, 1, 2, 1)])
    ids = None if names is None else pl.DataFrame({"ds": names})
    rows = pl.Series([1, 2, 3, 4])

    if told is None:
        check_follows(rows, 3, Times(stamps, ("day",)), ids)
        return
    with pytest.raises(DataError, match=told):
        check_follows(rows, 3, Times(stamps, ("day",)), ids)
