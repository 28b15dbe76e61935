"""A column is numbers where all of it agrees how they are written; what is in doubt is none."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.reading.numbers import other_marks, read_numbers, to_number


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (["11,790.89", "14.5", "7"], [11790.89, 14.5, 7]),
        (["1,234,567", "1,234"], [1234567, 1234]),
        (["12,34,567.5", "1,234"], [1234567.5, 1234]),  # lakhs
        (["1.234,56", "0,5"], [1234.56, 0.5]),
        (["1 234", "5", None], [1234, 5, None]),
        (["1\u202f234,5", "3"], [1234.5, 3]),
        (["1\u00a0234", "12\u2009345"], [1234, 12345]),
        (["1'234.5", "1’000"], [1234.5, 1000]),
        (["$1,200.50", "-$5", "$-7"], [1200.5, -5, -7]),
        (["12.5 €", "7€"], [12.5, 7]),
        (["R$ 1.234,50", "R$ 3,00"], [1234.5, 3]),
        (["(1,200.5)", "300"], [-1200.5, 300]),
        (["($5)", "$(6)", "$7"], [-5, -6, 7]),
        (["12 %", "3.5%", "0"], [12, 3.5, 0]),
        (["−5.5", "–3", "+2"], [-5.5, -3, 2]),
        (["1,234.5", "1e5"], [1234.5, 100000]),
    ],
    ids=str,
)
def test_numbers_are_read_as_people_write_them(
    written: list[str | None], values: list[float | None]
) -> None:
    numbers = read_numbers(pl.Series("x", written))

    assert numbers.values.to_list() == values
    assert numbers.values.name == "x"
    assert "is read as" in numbers.notice


@pytest.mark.parametrize(
    "written",
    [
        ["1,234", "2,345"],  # thousands or thousandths
        ["$1.234", "$2.345"],
        ["(1,200)", "300"],
        ["12,5", "7"],
        ["0,123", "1,234"],
        ["12 %", "0.5"],
        ["$5", "5 €"],
        ["$5", "6"],
        ["1,234.5", "1.234,5"],
        ["1 234.5", "1,234.5"],
        ["12,34"],
        ["1.2.3"],
        ["192.168.1.1"],
        ["((5)"],
        ["(-5)"],
        ["--5"],
        ["$5%"],
        ["5)"],
        ["%"],
        ["$"],
        [","],
        ["1,234.5", "none of it"],
    ],
    ids=str,
)
def test_what_is_in_doubt_is_no_number(written: list[str]) -> None:
    numbers = read_numbers(pl.Series(written))

    assert numbers.values.null_count()
    assert not numbers.notice


def test_decimal_decides_what_a_lone_mark_means() -> None:
    commas, points = pl.Series(["1,234", "2,345"]), pl.Series(["1.234", "2.345"])

    assert to_number(commas, ".").to_list() == [1234, 2345]
    assert to_number(commas, ",").to_list() == [1.234, 2.345]
    assert other_marks(commas) == (".", ",")
    assert to_number(points).to_list() == to_number(points, ".").to_list() == [1.234, 2.345]
    assert to_number(points, ",").to_list() == [1234, 2345]
    assert to_number(pl.Series(["1.234,5"]), ".").to_list() == [None]
    assert other_marks(pl.Series(["1.234,5", "2.345.678"]), ".") == (",",)


def test_notice_shows_what_was_read_how() -> None:
    def notice(*written: str) -> str:
        return read_numbers(pl.Series("x", written)).notice

    assert notice("7", "1,790.89") == "column 'x': '1,790.89' is read as 1790.89"
    assert notice("12,345.5", "(5)") == (
        "column 'x': '12,345.5' is read as 12345.5 and '(5)' is read as -5"
    )
    assert notice("12 %").endswith("'12 %' is read as 12, percent are not divided by 100")
    assert notice("7", "1e-3", "inf") == notice("true", "false") == ""


@given(st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1), st.sampled_from(",.'\u202f"))
def test_parted_thousands_read_back(values: list[float], parted: str) -> None:
    decimal = "," if parted == "." else "."
    text = [f"{value:,}".replace(",", "_").replace(".", decimal) for value in values]
    column = pl.Series([one.replace("_", parted) for one in text])

    assert to_number(column, decimal).to_list() == [float(value) for value in values]


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False), min_size=1), st.sampled_from([".", ","]))
def test_numbers_read_back(values: list[float], decimal: str) -> None:
    text = pl.Series([repr(value).replace(".", decimal) for value in values])

    assert to_number(text, decimal).to_list() == values


def test_what_is_no_number_is_null() -> None:
    words = pl.Series(["1", "1_000", "1,000.5", "0x10", "1 2", "1,5", "abc", None, "True"])

    assert to_number(words).to_list() == [1.0] + [None] * 8
    assert to_number(pl.Series(["1.23,5", "1,5", "2"]), ",").to_list() == [None, 1.5, 2.0]
    assert to_number(pl.Series([[1.0]])).to_list() == [None]


def test_truths_are_numbers() -> None:
    assert to_number(pl.Series([True, None, False])).to_list() == [1.0, None, 0.0]
    assert to_number(pl.Series(["True", None, "false"])).to_list() == [1.0, None, 0.0]
