"""What the rows after the last target tell of the steps that are forecast."""

import numpy as np
import polars as pl
import torch

from lockgate.errors import MOST_LISTED, DataError, count_of, listed, quoted
from lockgate.reading.zones import shown
from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.forecasting.columns import column_values
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.table import Table
from lockgate.tasks.forecasting.windows import Known


def known_words(preprocessing: Preprocessing) -> dict[str, str]:
    """Tell what is known of the steps forecast, if anything is."""
    names = preprocessing.channels_known
    return {"known ahead": listed(names, MOST_LISTED)} if names else {}


def calendar_words(preprocessing: Preprocessing) -> tuple[str, ...]:
    """Tell what stamps alone tell the network."""
    code = preprocessing.holidays
    return (*preprocessing.calendar, *([] if code is None else [f"holidays of {code}"]))


def known_ahead(table: Table, preprocessing: Preprocessing, stamps: pl.Series) -> Known | None:
    """Return what is known of the steps after the last target of each series, if anything is.

    Nothing is filled there, unlike in rows that are learned from: a row that is not there, or one
    step off, is more likely forgotten than like the one before.

    Args:
        table: Whose `later` rows hold it.
        preprocessing: What was learned from another.
        stamps: Of the steps forecast, those of a series side by side, (S * horizon,).

    Raises:
        DataError: If a value of a step is missing; the message names the steps.
    """
    if not preprocessing.channels_ahead:
        return None
    names = list(preprocessing.known_future)
    columns = [preprocessing.columns.index(name) for name in names]
    values = _values(table, names, stamps) if names else np.empty((len(stamps), 0))
    means, stds = np.array(preprocessing.means)[columns], np.array(preprocessing.stds)[columns]
    parts = [(values - means) / stds]
    if preprocessing.calendar_ahead:
        parts.append(preprocessing.of_stamps(stamps))
    known = np.concatenate(parts, axis=1).astype(np.float32)
    first = torch.arange(0, len(known), preprocessing.horizon)
    return Known(torch.from_numpy(known), first)


def _values(table: Table, names: list[str], stamps: pl.Series) -> FloatArray:
    """Return columns at the steps forecast, (S * horizon, K)."""
    series = np.repeat(table.names, len(stamps) // len(table.names)).tolist()
    steps = pl.DataFrame({"unique_id": series, "ds": stamps})
    told = table.later if table.later.width else table.frame.clear()
    joined = steps.join(told, on=["unique_id", "ds"], how="left", maintain_order="left")
    values = column_values(joined, names)
    _check_whole(values, names, steps, table.several)
    return values


def _check_whole(known: FloatArray, names: list[str], steps: pl.DataFrame, several: bool) -> None:
    missing = ~np.isfinite(known)
    if not missing.any():
        return
    lacking = [name for name, holes in zip(names, missing.T, strict=True) if holes.any()]
    rows = np.flatnonzero(missing.any(axis=1))
    first = int(rows[0])
    of_series = f" of {quoted(steps['unique_id'][first])}" if several else ""
    more = f" and {count_of(len(rows) - 1, 'later step')}" if len(rows) > 1 else ""
    if several:
        more = more.replace("later", "more")
    raise DataError(
        f"known_future must hold values of {listed(map(quoted, lacking), 3)} for the steps "
        f"forecast, got none at {shown(steps['ds'], first)}{of_series}{more}; add them to the "
        "table, in rows whose target is empty"
    )
