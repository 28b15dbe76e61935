"""What a user should know of a table before anything is fitted to it."""

from collections.abc import Iterator

import polars as pl

from lockgate.errors import count_of, option, quoted
from lockgate.tasks.forecasting.prepare import Prepared
from lockgate.tasks.forecasting.table import Table

LONG_LOOKBACK = 200
"""Steps over which recurrent networks still learn well."""
MANY_MISSING = 0.05
"""Share of the target that is missing in long gaps, from which on a user is told."""
MOST_NAMED = 3
"""Columns with faulty values that are named one by one."""


def advice(table: Table, prepared: Prepared) -> tuple[str, ...]:
    """Say what speaks against a good forecast, with what can be done about it."""
    return (
        *_of_lookback(prepared),
        *_of_gaps(table, prepared),
        *_of_faulty_values(table, prepared),
    )


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
    found = [far for far in table.far if far.column in prepared.preprocessing.columns]
    for far in found[:MOST_NAMED]:
        remedy = "leave these cells empty"
        if far.everywhere:  # the setting takes a value out of all columns
            remedy = f"{option('missing', f'{far.value:.15g}')} reads them as missing"
        yield (
            f"{count_of(far.rows, 'value')} of {far.value:.15g} in {quoted(far.column)}, where all "
            f"others lie from {far.low:g} to {far.high:g}: if they are faults, {remedy}"
        )
    if len(found) > MOST_NAMED:
        more = count_of(len(found) - MOST_NAMED, "more column")
        yield f"{more} with values that lie far from all others"
