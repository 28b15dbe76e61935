"""What the rows after the last target tell of the steps that are forecast."""

import numpy as np
import polars as pl
import torch
from torch import Tensor

from lockgate.errors import MOST_LISTED, DataError, count_of, listed, quoted
from lockgate.reading.zones import shown
from lockgate.scoring.arrays import AnyFloatArray
from lockgate.tasks.forecasting.categories import codes_of
from lockgate.tasks.forecasting.columns import column_values
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.runs import Runs
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


def category_words(preprocessing: Preprocessing) -> dict[str, str]:
    """Tell of the columns of categories, if there are any."""
    words = [f"{one.column} ({len(one.values):,} values)" for one in preprocessing.categories]
    return {"categories": listed(words, MOST_LISTED)} if words else {}


def known_after(
    inputs: Tensor, preprocessing: Preprocessing, origins: Tensor | Runs
) -> Known | None:
    """Return what is known of the steps after some rows of a table that holds them, if anything.

    Args:
        inputs: Those of the whole table. `Arrays.usable_ahead` tells where a value is missing.
        preprocessing: What was learned of it.
        origins: Rows, (N,), each with a horizon of its series behind it.
    """
    if not (ahead := preprocessing.channels_ahead):
        return None
    return Known(inputs, origins + 1, preprocessing.sizes_known, torch.tensor(ahead))


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
    told = _told(table, preprocessing, stamps)
    names = list(preprocessing.numbers_known)
    columns = [preprocessing.columns.index(name) for name in names]
    means, stds = np.array(preprocessing.means)[columns], np.array(preprocessing.stds)[columns]
    values = column_values(told, names) if names else np.empty((len(stamps), 0))
    parts: list[AnyFloatArray] = [(values - means) / stds]
    if preprocessing.calendar_ahead:
        parts.append(preprocessing.of_stamps(stamps))
    categories = [preprocessing.categories[place] for place in preprocessing.categories_known]
    parts.append(codes_of(told, categories, ()))
    known = np.concatenate(parts, axis=1).astype(np.float32)
    first = torch.arange(0, len(known), preprocessing.horizon)
    return Known(torch.from_numpy(known), first, preprocessing.sizes_known)


def _told(table: Table, preprocessing: Preprocessing, stamps: pl.Series) -> pl.DataFrame:
    """Return the rows of the steps forecast, (S * horizon), whole in what is to be known."""
    series = np.repeat(table.names, len(stamps) // len(table.names)).tolist()
    steps = pl.DataFrame({"unique_id": series, "ds": stamps})
    told = table.later if table.later.width else table.frame.clear()
    joined = steps.join(told, on=["unique_id", "ds"], how="left", maintain_order="left")
    names = list(preprocessing.known_future)
    if names:
        _check_whole(joined.select(pl.col(names).is_null()), steps, table.several)
    return joined


def _check_whole(missing: pl.DataFrame, steps: pl.DataFrame, several: bool) -> None:
    lacking = [holes.name for holes in missing if holes.any()]
    if not lacking:
        return
    rows = np.flatnonzero(missing.select(pl.any_horizontal(pl.all())).to_series())
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
