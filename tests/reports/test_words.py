"""Numbers and times read well and are never made up."""

from typing import Any

import pytest

from lockgate.reports import words


def pair(**more: Any) -> dict[str, Any]:
    return {"outcome": "helps", "smallest_visible": 2.1, "excluded": []} | more


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
    assert words.decimals_for(values) == expected


def test_a_missing_value_is_a_dash() -> None:
    assert words.number(None, 3) == "–"
    assert words.percent(None, -1.0, 1.0) == "–"
    assert words.duration(None) == "–"
    assert words.moment(None) == "–"


def test_an_interval_needs_both_ends() -> None:
    assert words.interval(None, 2.0, 1) == ""
    assert words.interval(1.0, None, 1) == ""
    assert words.interval(-1.26, 2.0, 1) == "[−1.3, 2.0]"
    assert words.percent(3.14) == "+3.1\xa0%"


def test_zero_has_no_sign() -> None:
    assert words.number(-0.0004, 2) == "0.00"
    assert words.percent(0.04, -0.04, 0.5) == "0.0\xa0% [0.0, +0.5]"


def test_thousands_are_parted_and_the_minus_is_true() -> None:
    assert words.number(-12345.6, 1) == "−12,345.6"
    assert words.number(21784) == "21,784"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (59.6, "1 min 0 s"), (3599.7, "1 h 0 min")],
)
def test_a_duration_carries_over(seconds: float, expected: str) -> None:
    assert words.duration(seconds).replace("\xa0", " ") == expected


def test_a_time_stamp_loses_only_zeros() -> None:
    assert words.moment("2020-05-12T06:30:15") == "2020-05-12 06:30:15"
    assert words.moment("2020-05-12T00:30:00") == "2020-05-12 00:30"
    assert words.moment("2020-05-12") == "2020-05-12"
    assert words.moment("2020-05-12 06:00:00.000000") == "2020-05-12 06:00"
    assert words.moment("2020-05-12T06:00:00+02:00") == "2020-05-12 06:00+02:00"


def test_words_are_counted_in_english() -> None:
    assert [words.times(1), words.times(3)] == ["once", "3 times"]
    assert [words.plural(1, "seed"), words.plural(5200, "row")] == ["1 seed", "5,200 rows"]
    assert words.listed([24]) == "24"
    assert words.listed([0, 2, 3]) == "0, 2 and 3"
    assert words.numbered("seed", [3]) == "seed 3"


def test_a_remark_names_what_qualifies_the_outcome() -> None:
    assert words.remark(pair()) == ""
    assert "less than 2.1\xa0% could not" in words.remark(pair(outcome="undecided"))
    assert words.remark(pair(outcome="undecided", smallest_visible=None)) == ""
    cut = words.remark(pair(outcome="undecided (budget)", excluded=[1, 4]))
    assert cut.startswith("The time budget cut training")
    assert cut.endswith("Seeds 1 and 4 diverged and are left out.")


def test_no_line_breaks_inside_a_number_with_its_unit_or_interval() -> None:
    held = words.tied("helps: −4.0 % MAE [−6.1, −2.0] against lstm, 5 % of it")
    assert held == "helps: −4.0\xa0% MAE [−6.1,\xa0−2.0] against lstm, 5\xa0% of it"
