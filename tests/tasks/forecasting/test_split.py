"""A split cuts the rows in three, by fractions or at dates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.errors import DataError
from lockgate.tasks.base import PARTS
from lockgate.tasks.forecasting.split import Split, split_rows


def days(count: int) -> np.ndarray:
    return np.datetime64("2020-01-01", "us") + np.arange(count) * np.timedelta64(1, "D")


@settings(deadline=None, max_examples=50)
@given(rows=st.integers(10, 400), cuts=st.tuples(st.integers(10, 45), st.integers(55, 90)))
def test_fractions_share_out_every_row_once(rows: int, cuts: tuple[int, int]) -> None:
    first, second = cuts
    fractions = [first / 100, (second - first) / 100, (100 - second) / 100]

    split = split_rows(days(rows), tuple(str(f) for f in fractions))

    assert [row for part in PARTS for row in split.rows(part)] == list(range(rows))
    for part, fraction in zip(PARTS, fractions, strict=True):
        assert abs(len(split.rows(part)) - fraction * rows) <= 1


def test_a_date_is_the_first_of_its_part() -> None:
    ds = days(100)

    split = split_rows(ds, ("2020-02-03", "2020-03-07 00:00"))

    assert ds[split.rows("validation")[0]] == np.datetime64("2020-02-03")
    assert ds[split.rows("test")[0]] == np.datetime64("2020-03-07")


def test_a_date_between_two_rows_begins_with_the_later() -> None:
    assert split_rows(days(9), ("2020-01-03T07", "2020-01-07")) == Split(3, 6, 9)


@pytest.mark.parametrize(
    "split", [("0.7", "0.2", "0.2"), ("1", "-0.5", "0.5"), ("nan", "0.5", "0.5")]
)
def test_fractions_that_do_not_sum_to_one_raise(split: tuple[str, ...]) -> None:
    message = f"split must be three fractions above 0 that sum to 1, got {','.join(split)}"
    with pytest.raises(DataError, match=message):
        split_rows(days(9), split)


@pytest.mark.parametrize("split", [("0.7", "0.3"), ("a", "b", "c"), ("2020-01-03",), ()], ids=str)
def test_neither_fractions_nor_dates_raises(split: tuple[str, ...]) -> None:
    message = (
        r"split must be three fractions \(0.7,0.15,0.15\) or the two dates at which the validation "
        r"and the test part begin \(2020-01-07,2020-01-09\), got "
    )
    with pytest.raises(DataError, match=message):
        split_rows(days(9), split)


def test_dates_that_are_advised_cut_these_rows() -> None:
    fiftieths = np.datetime64("2024-05-01T08", "us") + np.arange(90) * np.timedelta64(20, "ms")

    with pytest.raises(DataError) as error:
        split_rows(fiftieths, ("a", "b"))

    advised = str(error.value).split("begin (")[1].split(")")[0]
    assert split_rows(fiftieths, tuple(advised.split(","))) == Split(63, 76, 90)
    with pytest.raises(DataError, match=r"fractions \(0.7,0.15,0.15\), got a,b$"):
        split_rows(fiftieths[:2], ("a", "b"))


def test_numbers_of_rows_are_cut_by_fractions_alone() -> None:
    rows = np.arange(1, 101)

    assert split_rows(rows, ("0.7", "0.15", "0.15")) == Split(70, 85, 100)
    message = r"fractions \(0.7,0.15,0.15\) where the rows have no dates, got 2020-01-01,2021-01-01"
    with pytest.raises(DataError, match=message):
        split_rows(rows, ("2020-01-01", "2021-01-01"))


def test_dates_out_of_order_raise() -> None:
    with pytest.raises(DataError, match="split must name two ascending dates, got 2020-01-07,2020"):
        split_rows(days(9), ("2020-01-07", "2020-01-03"))


@pytest.mark.parametrize("date", ["2020-01-03T00:00+02:00", "2020-01-03 00Z", "2020-01-03T00-0500"])
def test_a_date_with_an_offset_raises(date: str) -> None:
    with pytest.raises(DataError, match="split must name dates on the clock of the stamps, wit"):
        split_rows(days(9), (date, "2020-01-07"))


def test_an_empty_part_is_named() -> None:
    message = (
        "split must leave rows in every part, got 2020-01-03,2021-01-01 with no row for test of 9"
    )
    with pytest.raises(DataError, match=message):
        split_rows(days(9), ("2020-01-03", "2021-01-01"))


def test_a_gap_belongs_to_no_part() -> None:
    split = Split(train=10, validation=17, test=24, gap=3)

    assert [split.rows(part) for part in PARTS] == [range(10), range(13, 17), range(20, 24)]
    assert [*split.rows("stopping"), *split.rows("mixing")] == [*split.rows("validation")]
