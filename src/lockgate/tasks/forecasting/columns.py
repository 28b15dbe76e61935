"""Choose the columns whose past is worth reading, from the training rows alone."""

import numpy as np
import polars as pl

from lockgate.errors import DataError, nearest, quoted
from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.table import Dropped, Table


def column_values(frame: pl.DataFrame, names: list[str]) -> FloatArray:
    """Return columns of a table's frame as float64, (T, C), NaN where missing."""
    return frame.select(pl.col(names).cast(pl.Float64).fill_null(float("nan"))).to_numpy()


def choose_columns(
    table: Table, train: pl.DataFrame, config: TableConfig
) -> tuple[list[str], tuple[Dropped, ...]]:
    """Return the names in `table.frame` of the columns to read, "y" first, and those dropped.

    Raises:
        DataError: If the target does not vary, or `config` names a column that cannot be read.
    """
    inputs = [c for c in train.columns if c not in ("unique_id", "ds", "y")]
    known = config.known_future
    _check_known(config, table, inputs)
    named = isinstance(config.inputs, tuple)
    _check_names("exclude", config.exclude, table, inputs)
    if table.target in config.exclude:
        raise DataError(f"exclude must not name the target, got {quoted(table.target)}")
    if isinstance(config.inputs, tuple):
        _check_names("inputs", config.inputs, table, inputs)
        inputs = [c for c in dict.fromkeys(config.inputs) if c != table.target]
    elif config.inputs == "target":
        inputs = []
    inputs = list(dict.fromkeys([*(c for c in inputs if c not in config.exclude), *known]))

    if reason := _why_useless(train, "y", counts_too=False):
        raise DataError(
            f"target must vary in the training part, got {quoted(table.target)}, which is "
            f"{reason} there"
        )
    # a count of the rows that was asked for by name is read
    reasons = {
        name: _why_useless(train, name, counts_too=not (named or name in known)) for name in inputs
    }
    dropped = {name: reason for name, reason in reasons.items() if reason}
    # what is known ahead may be rare: the training part of a fold need not hold any
    if named and (useless := [name for name in dropped if name not in known]):
        name, reason = useless[0], dropped[useless[0]]
        raise DataError(
            f"inputs must be columns that vary in the training part, got {quoted(name)}, "
            f"which is {reason} there"
        )
    kept = [name for name in inputs if name not in dropped]
    return ["y", *kept], tuple(
        Dropped(name, f"{reason} in the training part") for name, reason in dropped.items()
    )


def _check_known(config: TableConfig, table: Table, numeric: list[str]) -> None:
    _check_names("known_future", config.known_future, table, numeric)
    for name in config.known_future:
        if name == table.target:
            raise DataError(f"known_future must not name the target, got {quoted(name)}")
        if name in config.exclude:
            raise DataError(
                f"known_future must name columns that are read, got {quoted(name)}, which exclude "
                "leaves out; leave it out of one of them"
            )


def _why_useless(train: pl.DataFrame, name: str, *, counts_too: bool = True) -> str | None:
    values = column_values(train, [name])[:, 0]
    values = values[np.isfinite(values)]
    if not len(values):
        return "all missing"
    if values.min() == values.max():
        return "constant"
    steps = np.diff(values)
    if counts_too and len(steps) > 1 and np.allclose(steps, steps[0], rtol=1e-6, atol=0.0):
        return "a count of the rows"
    return None


def _check_names(option: str, names: tuple[str, ...], table: Table, numeric: list[str]) -> None:
    ignored = {d.column: d.reason for d in table.ignored}
    for name in names:
        if name in numeric or name == table.target:
            continue
        if name in ignored:
            if option == "exclude":
                continue
            raise DataError(
                f"{option} must name numeric columns, got {quoted(name)}: {ignored[name]}"
            )
        raise DataError(
            f"{option} must name columns of the table, got {quoted(name)}; {nearest(name, numeric)}"
        )
