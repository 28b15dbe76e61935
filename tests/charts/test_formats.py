"""Numbers and times read well and are never made up."""

import pytest

from lockgate.charts import formats


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.4123, 0.39], 3),
        ([2.31, 15.0], 2),
        ([1234.0, 998.2], 0),
        ([1e-4, 5.0, 6.0], 4),  # the one small value would ask for 6
        ([0.00123], 5),
        ([None, 0.0], 2),
        ([], 2),
        ([1e-30], 12),
    ],
    ids=str,
)
def test_a_table_shows_three_digits_of_its_smallest_value(
    values: list[float | None], expected: int
) -> None:
    assert formats.decimals_for(values) == expected


def test_a_missing_value_is_a_dash() -> None:
    assert formats.number(None, 3) == "–"
    assert formats.percent(None, -1.0, 1.0) == "–"
    assert formats.duration(None) == "–"
    assert formats.moment(None) == "–"


def test_an_interval_needs_both_ends() -> None:
    assert formats.interval(None, 2.0, 1) == ""
    assert formats.interval(1.0, None, 1) == ""
    assert formats.interval(-1.26, 2.0, 1) == "[−1.3, 2.0]"
    assert formats.percent(3.14) == "+3.1\xa0%"
    assert formats.percent(1234.5, -20.0, 99_999.4) == "+1,234\xa0% [−20.0, +99,999]"


def test_zero_has_no_sign() -> None:
    assert formats.number(-0.0004, 2) == "0.00"
    assert formats.percent(0.04, -0.04, 0.5) == "0.0\xa0% [0.0, +0.5]"


def test_thousands_are_parted_and_the_minus_is_true() -> None:
    assert formats.number(-12345.6, 1) == "−12,345.6"
    assert formats.number(21784) == "21,784"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (59.6, "1 min 0 s"), (3599.7, "1 h 0 min")],
)
def test_a_duration_carries_over(seconds: float, expected: str) -> None:
    assert formats.duration(seconds).replace("\xa0", " ") == expected


def test_a_time_stamp_loses_only_zeros() -> None:
    assert formats.moment("2020-05-12T06:30:15") == "2020-05-12 06:30:15"
    assert formats.moment("2020-05-12T00:30:00") == "2020-05-12 00:30"
    assert formats.moment("2020-05-12") == "2020-05-12"
    assert formats.moment("2020-05-12 06:00:00.000000") == "2020-05-12 06:00"
    assert formats.moment("2020-05-12T06:00:00+02:00") == "2020-05-12 06:00+02:00"


def test_words_are_counted_in_english() -> None:
    assert [formats.times(1), formats.times(3)] == ["once", "3 times"]
    assert [formats.plural(1, "seed"), formats.plural(5200, "row")] == ["1 seed", "5,200 rows"]
    assert formats.enumerated([24]) == "24"
    assert formats.enumerated([0, 2, 3]) == "0, 2 and 3"
    assert formats.numbered("seed", [3]) == "seed 3"


def test_no_line_breaks_inside_a_number_with_its_unit_or_interval() -> None:
    held = formats.tied("helps: −4.0 % MAE [−6.1, −2.0] against lstm, 5 % of it")
    assert held == "helps: −4.0\xa0% MAE [−6.1,\xa0−2.0] against lstm, 5\xa0% of it"
