"""What a user should know of a table before anything is fitted to it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl

from lockgate.errors import count_of, option, quoted
from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.forecasting.columns import column_values
from lockgate.tasks.forecasting.prepare import Prepared
from lockgate.tasks.forecasting.table import Table

LONG_LOOKBACK = 200
"""Steps over which recurrent networks still learn well."""
MANY_MISSING = 0.05
"""Share of the target that is missing in long gaps, from which on a user is told."""
FAR = 2.0
"""How far from all others a value is to lie, in units of the spread of the others, to look wrong"""
MOST_FAR = 0.01
"""Largest share of a column that can look wrong: more are part of what it measures."""
MOST_NAMED = 3
"""Columns with faulty values that are named one by one."""


class Far(NamedTuple):
    """Equal values that lie far from all others of their column."""

    column: str
    value: float
    rows: int
    low: float
    high: float  # the others lie from `low` to `high`


def advice(table: Table, prepared: Prepared) -> tuple[str, ...]:
    """Say what speaks against a good forecast, with what can be done about it."""
    return (
        *_of_lookback(prepared),
        *_of_gaps(table, prepared),
        *_of_faulty_values(table, prepared),
    )


def far_values(name: str, values: FloatArray) -> Iterator[Far]:
    """Yield the least and the greatest value of a column, where it lies far from all others.

    Such as ten temperatures of 0 K, or a counter's overflow: no others lie between it and them, and
    the gap is `FAR` times as wide as nearly all of the others spread.
    """
    seen = np.sort(values[np.isfinite(values)])
    for value in dict.fromkeys((seen[0], seen[-1])) if len(seen) else ():
        others = seen[seen != value]
        count = len(seen) - len(others)
        if len(others) < 2 or count > MOST_FAR * len(seen):
            continue
        low, high = np.quantile(others, (0.01, 0.99))
        distance = max(others[0] - value, value - others[-1])
        if distance > FAR * (high - low) > 0:
            yield Far(name, float(value), count, float(others[0]), float(others[-1]))


def _of_lookback(prepared: Prepared) -> Iterator[str]:
    preprocessing = prepared.preprocessing
    lookback, horizon = preprocessing.lookback, preprocessing.horizon
    if lookback > LONG_LOOKBACK:
        in_rows = isinstance(preprocessing.last_seen, int)
        remedy = "" if in_rows else "; --resample to a longer step makes it shorter"
        yield (
            f"lookback is {lookback} steps: recurrent networks learn slowly over more than "
            f"{LONG_LOOKBACK}{remedy}"
        )
    longer = [season for season in preprocessing.seasons if lookback < season <= horizon]
    fitting = [season for season in longer if season + horizon <= prepared.split.train // 2]
    if fitting:
        yield (
            f"lookback is {lookback} steps, less than the season of {fitting[0]} that the horizon "
            f"of {horizon} holds: {option('lookback', fitting[0])} reads a whole one"
        )


def _of_gaps(table: Table, prepared: Prepared) -> Iterator[str]:
    missing = table.frame["y"].is_null()
    runs = missing.rle().struct.unnest().with_columns(start=pl.col("len").cum_sum() - pl.col("len"))
    long = runs.filter(pl.col("value") & (pl.col("len") > prepared.preprocessing.max_gap))
    steps = int(long["len"].sum())
    if steps < MANY_MISSING * len(missing):
        return
    longest = long.row(int(long["len"].arg_max() or 0), named=True)
    yield (
        f"{count_of(long.height, 'gap')} of {quoted(table.target)} that no window reads across "
        f"hold "
        f"{steps / len(missing):.0%} of the steps, the longest {count_of(longest['len'], 'step')} "
        f"from {table.frame['ds'][longest['start']]}: what is told holds for the rest"
    )


def _of_faulty_values(table: Table, prepared: Prepared) -> Iterator[str]:
    target, *others = prepared.preprocessing.columns
    names = {target: "y", **{name: name for name in others}}
    arrays = {shown: column_values(table.frame, [own])[:, 0] for shown, own in names.items()}
    found = [far for name, values in arrays.items() for far in far_values(name, values)]
    for far in found[:MOST_NAMED]:
        yield (
            f"{count_of(far.rows, 'value')} of {far.value:g} in {quoted(far.column)}, where "
            f"all others "
            f"lie from {far.low:g} to {far.high:g}: {_remedy(far, arrays)}"
        )
    if len(found) > MOST_NAMED:
        more = count_of(len(found) - MOST_NAMED, "more column")
        yield f"{more} with values that lie far from all others"


def _remedy(far: Far, arrays: dict[str, FloatArray]) -> str:
    """Name the setting that takes the values out, if it takes out no others."""
    elsewhere = [n for n, values in arrays.items() if n != far.column and far.value in values]
    if elsewhere:
        return "if they are faults, leave these cells empty"
    return f"if they are faults, {option('missing', f'{far.value:g}')} reads them as missing"
