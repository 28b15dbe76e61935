"""Choose the columns whose past is worth reading, from the training rows alone."""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from lockgate.errors import DataError, nearest, option, quoted
from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.table import Dropped, Table


def column_values(frame: pl.DataFrame, names: list[str]) -> FloatArray:
    """Return columns of a table's frame as float64, (T, C), NaN where missing."""
    return frame.select(pl.col(names).cast(pl.Float64).fill_null(float("nan"))).to_numpy()


def choose_columns(
    table: Table, train: Iterable[pl.DataFrame], config: TableConfig
) -> tuple[list[str], tuple[Dropped, ...]]:
    """Return the names in `table.frame` of the columns to read, "y" first, and those dropped.

    `train` are the training rows in blocks of whole series, which are gone through several times.

    Raises:
        DataError: If the target does not vary, or `config` names a column that cannot be read.
    """
    columns = [c for c in table.frame.columns if c not in ("unique_id", "ds", "y")]
    inputs = [c for c in columns if table.frame.schema[c] == pl.Float64]
    known = config.known_future
    beside = [name for name in (*known, *config.static) if name in inputs]
    _check_beside("known_future", known, config, table, columns)
    _check_beside("static", config.static, config, table, columns)
    named = isinstance(config.inputs, tuple)
    _check_names("exclude", config.exclude, table, columns)
    if table.target in config.exclude:
        raise DataError(f"exclude must not name the target, got {quoted(table.target)}")
    if isinstance(config.inputs, tuple):
        _check_names("inputs", config.inputs, table, columns)
        inputs = [c for c in dict.fromkeys(config.inputs) if c in inputs]
    elif config.inputs == "target":
        inputs = []
    inputs = list(dict.fromkeys([*(c for c in inputs if c not in config.exclude), *beside]))

    if reason := _why_useless(train, "y", counts_too=False):
        raise DataError(
            f"target must vary in the training part, got {quoted(table.target)}, which is "
            f"{reason} there"
        )
    # a count of the rows that was asked for by name is read
    reasons = {
        name: _why_useless(train, name, counts_too=not (named or name in beside)) for name in inputs
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


def static_columns(
    table: Table, train: Iterable[pl.DataFrame], names: Sequence[str], config: TableConfig
) -> tuple[str, ...]:
    """Return the columns that have one value in each series, of those that are read.

    Args:
        table: In which those that are named by `config.static` must never change.
        train: Its training rows, in which others are found, but for what is known ahead; in blocks
            of whole series.
        names: The columns that are read, without the target.
        config: The settings.

    Raises:
        DataError: If one that is named has several values in a series, or there is one series.
    """
    if not table.several:
        if config.static:
            raise DataError(
                f"static must be left out of a table of one series, got {','.join(config.static)}"
            )
        return ()
    for name in config.static:
        frames = (table.block(rows).frame for rows in table.layout.blocks())
        if (own := _several_values(frames, name)) is not None:
            one, other = (f"{v:g}" if isinstance(v, float) else quoted(v) for v in own[name][:2])
            raise DataError(
                f"static must name columns with one value in each series, got {quoted(name)}, "
                f"which has {one} and {other} in {quoted(own['unique_id'][0])}"
            )
    if config.static:
        return tuple(name for name in names if name in config.static)
    others = (name for name in names if name not in ("unique_id", *config.known_future))
    return tuple(name for name in others if _several_values(train, name) is None)


def _several_values(frames: Iterable[pl.DataFrame], name: str) -> pl.DataFrame | None:
    """Return the values in a series that has several, None if each has one at most.

    A series is whole in one of the frames, so that a column of many values is told by the first.
    """
    for frame in frames:
        values = frame.select("unique_id", name).drop_nulls().unique(maintain_order=True)
        again = values["unique_id"].is_duplicated()
        if again.any():
            return values.filter(unique_id=values["unique_id"].filter(again)[0])
    return None


def _check_beside(
    setting: str, names: tuple[str, ...], config: TableConfig, table: Table, numeric: list[str]
) -> None:
    _check_names(setting, names, table, numeric)
    for name in names:
        if name == table.target:
            raise DataError(f"{setting} must not name the target, got {quoted(name)}")
        if name in config.exclude:
            raise DataError(
                f"{setting} must name columns that are read, got {quoted(name)}, which exclude "
                "leaves out; leave it out of one of them"
            )
        if name in config.static and name in config.known_future:
            raise DataError(
                f"static and known_future must name different columns, got {quoted(name)} in both; "
                "one that never changes needs no value at the steps forecast"
            )


def _why_useless(
    train: Iterable[pl.DataFrame], name: str, *, counts_too: bool = True
) -> str | None:
    low, high, last = np.inf, -np.inf, np.empty(0)
    first, steps = 0.0, 0
    for frame in train:
        values = column_values(frame, [name])[:, 0]
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        low, high = min(low, values.min()), max(high, values.max())
        apart, last = np.diff(np.concatenate([last, values])), values[-1:]
        first = apart[0] if len(apart) and not steps else first
        steps += len(apart)
        counts_too = counts_too and np.allclose(apart, first, rtol=1e-6, atol=0.0)
        if low < high and not counts_too:
            return None
    if low > high:
        return "all missing"
    if low == high:
        return "constant"
    return "a count of the rows" if counts_too and steps > 1 else None


def _check_names(setting: str, names: tuple[str, ...], table: Table, numeric: list[str]) -> None:
    ignored = {d.column: d.reason for d in table.ignored}
    for name in names:
        if name in numeric or name == table.target:
            continue
        if name in ignored:
            if setting == "exclude":
                continue
            remedy = f"; {option('categorical', name)} reads it as categories"
            raise DataError(
                f"{setting} must name numeric columns, got {quoted(name)}: {ignored[name]}"
                f"{remedy if setting == 'known_future' else ''}"
            )
        raise DataError(
            f"{setting} must name columns of the table, got {quoted(name)}; "
            f"{nearest(name, numeric)}"
        )
