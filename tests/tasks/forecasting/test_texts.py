"""Cells of one meaning are one text."""

from datetime import date

import polars as pl
import pytest

from lockgate.tasks.forecasting.texts import as_texts


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([1, 2, None], ["1", "2", None]),
        ([1.0, 2.5, float(10**6)], ["1", "2.5", "1000000"]),
        (["01", "1.0", "+1"], ["1", "1", "1"]),
        (["1", "a", " b "], ["1", "a", "b"]),
        (["", "  ", "x"], [None, None, "x"]),
        ([None, None], [None, None]),
        ([True, False], ["1", "0"]),
        ([date(2024, 1, 2)], ["2024-01-02"]),
    ],
    ids=str,
)
def test_cells_become_texts(cells: list[object], expected: list[str | None]) -> None:
    texts = as_texts(pl.Series("x", cells, strict=False))

    assert texts.name == "x"
    assert texts.dtype == pl.String
    assert texts.to_list() == expected


def test_a_decimal_comma_and_a_number_that_is_missing_are_read_as_in_numbers() -> None:
    cells = pl.Series("x", ["1,5", "2", "-9"])

    assert as_texts(cells, ",", [-9.0]).to_list() == ["1.5", "2", None]
