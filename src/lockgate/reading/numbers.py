"""Read a column as numbers as people write them: thousands parted, money, percent, accounts."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from lockgate.errors import quoted

MARKS = (".", ",")
"""What may be the decimal mark."""
_PARTED = (",", ".", " ", "'")  # what may part thousands, as `_tidy` writes it
_SIGN = r"(?P<{}>[-+])?"
_UNIT = r"(?P<{}>[A-Z]{{0,3}}\p{{Sc}}|%)?"
_FORM = (
    rf"^(?P<open>\()?{_SIGN.format('outer')} ?{_UNIT.format('before')} ?(?P<inner_open>\()?"
    rf"{_SIGN.format('inner')} ?(?P<body>[0-9.,](?:[0-9., ']*[0-9.,])?(?:[eE][-+]?[0-9]+)?)"
    rf" ?{_UNIT.format('after')}(?P<close>\))?$"
)


class Numbers(NamedTuple):
    """A column as numbers."""

    values: pl.Series
    """Float64, null where a value is missing or no number."""
    notice: str = ""
    """What was read otherwise than a computer writes it, by an example; mostly empty."""


class _Parts(NamedTuple):
    """The values of a column that are there, taken apart."""

    bodies: pl.Series
    """Digits and marks alone."""
    negative: pl.Series
    percent: bool


def to_number(column: pl.Series, decimal: str | None = None) -> pl.Series:
    """Turn a column into Float64; null where a value is no number. See `read_numbers`.

    Example:
        >>> to_number(pl.Series(["$1,250.50", "($300)"])).to_list()
        [1250.5, -300.0]
    """
    return read_numbers(column, decimal).values


def read_numbers(column: pl.Series, decimal: str | None = None) -> Numbers:
    """Turn a column into numbers, and tell what was read how.

    Booleans, also written as text, become 0 and 1. Where the whole column agrees on it, a number
    may have parted thousands (`1,234.5`, `1.234,5`, `1 234`, `1'234`), a sign of money or percent
    (`$5`, `12.5 €`, `12 %`, which is 12), a minus of typography, or parentheses that make it
    negative. What a lone comma or point means is not guessed: a point is the decimal mark unless
    `decimal` or another number of the column says otherwise, a comma is none.

    Args:
        column: The values.
        decimal: The decimal mark, `"."` or `","`; the other may part thousands. Default: as the
            column shows.
    """
    if column.dtype != pl.String:
        if column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null):
            return Numbers(column.cast(pl.Float64))
        return Numbers(pl.Series(column.name, [None] * len(column), pl.Float64))
    plain = to_plain_number(column, decimal or ".")
    faulty = plain.is_null() & column.is_not_null()
    if not faulty.any():
        return Numbers(plain)
    # most columns of text are told by one value
    if _taken_apart(column.filter(faulty).head(1)) is not None:
        written = _read_written(column, decimal, faulty)
        if written is not None:
            return written
    return Numbers(plain if plain.null_count() < len(plain) else _truths(column))


def to_plain_number(column: pl.Series, decimal: str = ".") -> pl.Series:
    """Turn text into Float64 where it is a number as a computer writes it."""
    if decimal == ",":
        text = pl.col(column.name)
        column = column.to_frame().select(
            pl.when(~text.str.contains(".", literal=True)).then(
                text.str.replace(",", ".", literal=True)
            )
        )[column.name]
    return column.cast(pl.Float64, strict=False)


def other_marks(column: pl.Series, decimal: str | None = None) -> tuple[str, ...]:
    """Return the decimal marks by which a column that is none with `decimal` is one of numbers."""
    present = column.drop_nulls()
    others = [mark for mark in MARKS if mark != decimal]
    return tuple(mark for mark in others if not to_number(present, mark).null_count())


def _truths(column: pl.Series) -> pl.Series:
    """Turn `true` and `false`, in any case, into 1 and 0, and all else into null."""
    return column.str.to_lowercase().replace_strict(
        {"true": 1.0, "false": 0.0}, default=None, return_dtype=pl.Float64
    )


def _tidy(column: pl.Series) -> pl.Series:
    """Write every minus, space and apostrophe of typography as that of a keyboard."""
    return (
        column.str.replace_all("[−‒–﹣－]", "-")
        .str.replace_all(r"\s", " ")
        .str.replace_all("[’ʼ´]", "'")
    )


def _taken_apart(column: pl.Series) -> _Parts | None:
    """Take the values of a column apart, if each is written as a number and all in one unit."""
    present = column.drop_nulls()
    parts = _tidy(present).str.extract_groups(_FORM).struct.unnest()
    if parts["body"].null_count():
        return None
    flags = parts.select(
        opened=pl.col("open").is_not_null() | pl.col("inner_open").is_not_null(),
        closed=pl.col("close").is_not_null(),
        twice=pl.sum_horizontal(
            pl.col("open", "inner_open", "outer", "inner").is_not_null().cast(pl.Int8)
        )
        > 1,
        units=pl.all_horizontal(pl.col("before", "after").is_not_null()),
        negative=pl.any_horizontal(pl.col("open", "inner_open").is_not_null())
        | pl.any_horizontal((pl.col("outer", "inner") == "-").fill_null(value=False)),
        unit=pl.coalesce(pl.col("before"), pl.col("after"), pl.lit("")),
        nought=pl.col("body").str.contains(r"^0(?:[.,]0*)?$"),
    )
    if (flags["opened"] != flags["closed"]).any() or flags["twice"].any() or flags["units"].any():
        return None
    units = flags.filter(~pl.col("nought") | (pl.col("unit") != ""))["unit"].unique()
    if len(units) > 1:
        return None
    return _Parts(parts["body"], flags["negative"], units.to_list() == ["%"])


def _read_written(column: pl.Series, decimal: str | None, faulty: pl.Series) -> Numbers | None:
    """Read a column of numbers as people write them; None where it is none, or in doubt.

    `faulty` are those that a computer would not read.
    """
    parts = _taken_apart(column)
    if parts is None:
        return None
    fits = {mark: parted for mark, parted in _fits(parts.bodies) if decimal in (None, mark)}
    if len(fits) > 1 and not parts.bodies.str.contains("[.,]").any():
        fits.pop(",")  # without a mark both say the same
    if len(fits) != 1:
        return None
    mark, parted = next(iter(fits.items()))
    if mark == "," and decimal is None and not parted:
        return None  # a lone comma is a matter of `decimal`
    bodies = parts.bodies.str.replace_all(parted, "", literal=True) if parted else parts.bodies
    numbers = bodies.str.replace(mark, ".", literal=True).cast(pl.Float64, strict=False)
    signed = pl.select(pl.when(parts.negative).then(-numbers).otherwise(numbers)).to_series()
    values = pl.Series(column.name, [None], pl.Float64).new_from_index(0, len(column))
    values = values.scatter(column.is_not_null().arg_true(), signed)
    return Numbers(values, _notice(column.filter(faulty), values.filter(faulty), parts.percent))


def _fits(bodies: pl.Series) -> Iterator[tuple[str, str]]:
    """Yield each decimal mark by which all bodies are numbers, with what parts their thousands."""
    for mark in MARKS:
        for parted in ("", *_PARTED):
            if parted != mark and bodies.str.contains(_body(mark, parted)).all():
                yield mark, parted
                break


def _body(mark: str, parted: str) -> str:
    """Return the pattern of a number; thousands in groups of three, or in lakhs and crores."""
    m, p = re.escape(mark), re.escape(parted)
    whole = "[0-9]+"
    if parted:
        groups = f"[1-9][0-9]{{0,2}}(?:{p}[0-9]{{3}})+|[1-9][0-9]?(?:{p}[0-9]{{2}})+{p}[0-9]{{3}}"
        whole = f"{whole}|{groups}"
    return f"^(?:(?:{whole})(?:{m}[0-9]*)?|{m}[0-9]+)(?:[eE][-+]?[0-9]+)?$"


def _notice(texts: pl.Series, numbers: pl.Series, percent: bool) -> str:
    """Show by the longest value, and by one in parentheses, what was read how."""
    places = [int(texts.str.len_chars().arg_max() or 0)]
    places += texts.str.contains("(", literal=True).arg_true().head(1).to_list()
    shown = [f"{quoted(texts[i])} is read as {numbers[i]:.15g}" for i in dict.fromkeys(places)]
    divided = ", percent are not divided by 100" if percent else ""
    return f"column {quoted(texts.name)}: {' and '.join(shown)}{divided}"
