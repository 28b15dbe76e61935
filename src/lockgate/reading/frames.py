"""Give a result back as the kind of frame that the question came in."""

from typing import Any

import narwhals as nw
import polars as pl


def like(frame: pl.DataFrame, source: Any, *, row_by_row: bool = False) -> Any:
    """Turn a frame into the kind that `source` is.

    pandas and pyarrow get their own; of all else, such as a path or a list, it stays polars.

    Args:
        frame: The result.
        source: What was given.
        row_by_row: Whether there is a row for each row of the source, whose index of pandas it
            then takes over.

    Example:
        >>> import pandas as pd
        >>> labels = pl.DataFrame({"label": ["a"]})
        >>> like(labels, pd.Series(["some text"], index=[7]), row_by_row=True)
          label
        7     a
    """
    native = nw.from_native(source, pass_through=True, allow_series=True)
    if not isinstance(native, nw.DataFrame | nw.Series):
        return frame
    if native.implementation.is_pandas():
        pandas = frame.to_pandas()
        alike = row_by_row and len(pandas) == len(source)  # rows may have been left out
        return pandas.set_index(source.index) if alike else pandas
    return frame.to_arrow() if native.implementation.is_pyarrow() else frame


def like_series(frame: pl.DataFrame, source: Any, time: str, value: str) -> Any:
    """Turn a frame of values over time into a pandas Series, where `source` is one; else `like`.

    Args:
        frame: Holds the columns `time` and `value`.
        source: What was given; its name becomes that of the series.
        time: The column that becomes the index.
        value: The column of the values.
    """
    if not nw.dependencies.is_pandas_series(source):
        return like(frame, source)
    series = frame.to_pandas().set_index(time)[value]
    series.name, series.index.name = source.name, source.index.name
    return series
