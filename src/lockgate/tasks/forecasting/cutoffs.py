"""At which steps of a table to forecast as if nothing later were known, and what is fitted when."""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import numpy as np

from lockgate.errors import DataError, count_of, option
from lockgate.reading.zones import shown
from lockgate.tasks.forecasting.config import FRACTIONS, BacktestSettings, TableConfig
from lockgate.tasks.forecasting.learning import LONGEST_LOOKBACK
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.split import split_rows
from lockgate.tasks.forecasting.table import Table

_SHARES_OF = 10_000


class Refit(NamedTuple):
    """A fit before a cutoff, and the steps of the axis that it learns from."""

    number: int
    """From 0."""
    steps: range


class Cutoff(NamedTuple):
    """A step of the axis after which nothing is known."""

    number: int
    """From 0, the earliest."""
    step: int
    """The last step that is known."""
    refit: Refit | None
    """What forecasts from here; None is the model that was given."""


def cutoff_steps(rows: int, horizon: int, n_windows: int, step: int) -> list[int]:
    """Return the cutoffs of so many steps: the horizon of the last ends with them.

    Example:
        >>> cutoff_steps(20, horizon=3, n_windows=3, step=5)
        [6, 11, 16]
    """
    last = rows - 1 - horizon
    return [last - step * before for before in range(n_windows - 1, -1, -1)]


def lay_cutoffs(
    table: Table,
    config: TableConfig,
    asked: BacktestSettings,
    given: Preprocessing | None = None,
) -> tuple[Cutoff, ...]:
    """Lay the cutoffs of a backtest out, the earliest first.

    Args:
        table: What is forecast.
        config: How it becomes windows.
        asked: How many cutoffs, how far apart, and when to fit anew.
        given: What was learned with a model that is there already; None where the first cutoff is
            fitted at any rate.

    Raises:
        DataError: If the table is too short for so many, or the model has learned from later rows
            than the first.
    """
    if given is not None and not asked.refit_every and asked.window != "expanding":
        raise DataError(
            f"window must be expanding where nothing is fitted anew, got {asked.window}; pass "
            f"{option('refit_every', 1)} too"
        )
    rows = len(table.layout.axis)
    horizon = table.slots.steps(config.horizon, "horizon")
    step = horizon if asked.step is None else table.slots.steps(asked.step, "step")
    gap = table.slots.steps(asked.gap, "gap") if asked.gap else 0
    steps = cutoff_steps(rows, horizon, asked.n_windows, step)
    if given is not None and not asked.refit_every:
        _check_most(steps, rows, horizon, step, 1 if given.several else given.lookback, "to read")
        _check_not_seen(table, steps, gap, given)
        return tuple(Cutoff(number, at, None) for number, at in enumerate(steps))
    lookback = None if config.lookback is None else table.slots.steps(config.lookback, "lookback")
    # of several series short ones are read too
    least = least_learned(horizon, 1 if table.several else lookback, config.split)
    _check_most(steps, rows, horizon, step, least + gap, "to learn from")
    return tuple(_with_refits(steps, gap, asked))


def _with_refits(steps: list[int], gap: int, asked: BacktestSettings) -> Iterator[Cutoff]:
    first = steps[0] + 1 - gap
    refit = Refit(0, range(first))
    for number, at in enumerate(steps):
        if number and asked.refit_every and number % asked.refit_every == 0:
            stop = at + 1 - gap
            start = stop - first if asked.window == "rolling" else 0
            refit = Refit(refit.number + 1, range(start, stop))
        yield Cutoff(number, at, refit)


def held_steps(rows: int, split: tuple[str, ...]) -> int:
    """Return how many of the rows that are learned from are the validation part, at their end.

    It is the share that `split` gives to validation beside training; where `split` names dates,
    which say nothing of what lies before a cutoff, the usual share.

    Example:
        >>> held_steps(170, ("0.7", "0.15", "0.15")), held_steps(170, ("2020-01-01", "2020-02-01"))
        (30, 30)
    """
    return round(rows * _share_held(split))


def _share_held(split: tuple[str, ...]) -> float:
    fractions = split if len(split) == 3 else FRACTIONS
    # the fractions are checked there; of so many rows they are exact to a hundredth of a per cent
    parts = split_rows(np.arange(_SHARES_OF).astype("datetime64[D]"), fractions)
    return (parts.validation - parts.train) / parts.validation


def least_learned(horizon: int, lookback: int | None, split: tuple[str, ...]) -> int:
    """Return the fewest rows of which both parts hold a window.

    Where the lookback is left to the data it is taken to be as long as it may become.

    Example:
        >>> least_learned(3, 7, ("0.7", "0.15", "0.15"))
        15
    """
    share = _share_held(split)
    for rows in count(1):
        held = round(rows * share)
        train = rows - held
        longest = max(1, min(LONGEST_LOOKBACK, train // 10)) if lookback is None else lookback
        if held >= horizon and train >= longest + horizon:
            return rows
    raise AssertionError("rows have no end")


def _check_most(
    steps: list[int], rows: int, horizon: int, step: int, before: int, what: str
) -> None:
    """Refuse more cutoffs than leave so many rows up to the first."""
    if steps[0] + 1 >= before:
        return
    most = (rows - horizon - before) // step + 1
    if most < 1:
        raise DataError(
            f"the table must hold {before} rows {what} and {horizon} to forecast, got "
            f"{count_of(rows, 'row')}"
        )
    raise DataError(
        f"n_windows must leave {before} rows {what} up to the first cutoff, got {len(steps)}, "
        f"{count_of(step, 'step')} apart in {count_of(rows, 'row')}; at most {most} fit, "
        f"{option('n_windows', most)}"
    )


def _check_not_seen(table: Table, steps: list[int], gap: int, given: Preprocessing) -> None:
    """Refuse cutoffs before the last row that a model has learned from."""
    seen = table.layout.steps[given.seen(table)]
    least = int(seen.max()) + gap if len(seen) else -1
    if steps[0] >= least:
        return
    enough = sum(step >= least for step in steps)
    fewer = f", or pass {option('n_windows', enough)}" if enough else ""
    beyond = f" and a gap of {count_of(gap, 'step')}" if gap else ""
    raise DataError(
        f"no cutoff must lie before {given.seen_until}, the last that the model has learned "
        f"from{beyond}, got the first at {shown(table.layout.axis, steps[0])}; fit anew for each, "
        f"{option('refit_every', 1)}{fewer}"
    )
