"""Cells as the texts of categories."""

from collections.abc import Sequence

import polars as pl

from lockgate.reading.numbers import to_number


def as_texts(
    column: pl.Series, decimal: str | None = None, missing: Sequence[float] = ()
) -> pl.Series:
    """Return cells as text without space around it; null where there is none.

    A column of numbers gives each in one way, so that 1 and 1.0 are one category.

    Args:
        column: Of any kind.
        decimal: Decimal mark of numbers in text.
        missing: Numbers that stand for a missing value.

    Example:
        >>> as_texts(pl.Series(["1", "1.0", None, "2.5", "-9999"]), missing=[-9999.0]).to_list()
        ['1', '1', None, '2.5', None]
        >>> as_texts(pl.Series([" rain", "", "sun "])).to_list()
        ['rain', None, 'sun']
    """
    numbers = to_number(column, decimal)
    if numbers.null_count() == column.null_count():
        numbers = numbers.cast(pl.Float64)
        told = numbers.set(numbers.is_in(list(missing)), None) if missing else numbers
        return told.cast(pl.String).str.strip_suffix(".0").alias(column.name)
    texts = column.cast(pl.String).str.strip_chars()
    return texts.set(texts == "", None)
