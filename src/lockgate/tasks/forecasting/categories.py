"""Columns of categories: their values as text, and the numbers that stand for them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from lockgate.errors import DataError, nearest, quoted
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.table import Dropped, Table
from lockgate.tasks.forecasting.texts import as_texts


class Vocabulary(NamedTuple):
    """The values of a column that training rows hold; the first stands for 1, 0 for any other.

    Example:
        >>> weather = Vocabulary("weather", ("rain", "sun"))
        >>> weather.codes(pl.Series(["sun", "snow", None, "rain"])).tolist()
        [2.0, 0.0, 0.0, 1.0]
    """

    column: str
    values: tuple[str, ...]

    @property
    def size(self) -> int:
        """Numbers that there are, 0 among them."""
        return len(self.values) + 1

    def codes(self, texts: pl.Series) -> npt.NDArray[np.float32]:
        """Return the number of each text; missing is what was never seen, too."""
        numbers = {value: number for number, value in enumerate(self.values, 1)}
        found = texts.replace_strict(numbers, default=0, return_dtype=pl.Float32)
        return found.fill_null(0).to_numpy()


def choose_categories(
    table: Table, train: Iterable[pl.DataFrame], config: TableConfig
) -> tuple[tuple[Vocabulary, ...], tuple[Dropped, ...]]:
    """Return what is learned of each column of categories, and the columns that are no use.

    `train` are the training rows in blocks, which are gone through several times.

    Raises:
        DataError: If `config` names one that cannot be read.
    """
    texts = text_columns(table)
    others = [*(c for c in table.frame.columns[3:]), *(one.column for one in table.ignored)]
    for name in config.categorical:
        if name == table.target:
            raise DataError(f"categorical must not name the target, got {quoted(name)}")
        if name in config.exclude:
            raise DataError(
                f"categorical must name columns that are read, got {quoted(name)}, which exclude "
                "leaves out; leave it out of one of them"
            )
        if name not in (*texts, "unique_id"):
            raise DataError(
                f"categorical must name columns of the table, got {quoted(name)}; "
                f"{nearest(name, others)}"
            )
    found = dict.fromkeys([*config.categorical, *(c for c in texts if c not in config.exclude)])
    kept, dropped = [], []
    for name in found:
        parts = [frame[name].drop_nulls().unique() for frame in train]
        values = pl.concat(parts).unique().sort().to_list()
        if len(values) > 1:
            kept.append(Vocabulary(name, tuple(values)))
            continue
        reason = "constant" if values else "all missing"
        dropped.append(Dropped(name, f"{reason} in the training part"))
    return tuple(kept), tuple(dropped)


def text_columns(table: Table) -> list[str]:
    """Name the columns that were read as categories."""
    columns = table.frame.drop("unique_id", "ds")
    return [name for name, dtype in columns.schema.items() if dtype == pl.String]


def codes_of(
    frame: pl.DataFrame, vocabularies: Sequence[Vocabulary], static: Sequence[str]
) -> npt.NDArray[np.float32]:
    """Return the numbers of the categories of each row, (T, Q).

    What never changes in a series holds from the first row that has it on.
    """
    codes = np.empty((frame.height, len(vocabularies)), np.float32)
    for place, vocabulary in enumerate(vocabularies):
        name = vocabulary.column
        # a name is not to be read as a number: "001" would become "1"
        told = frame[name] if name == "unique_id" else as_texts(frame[name])
        texts = frame.select("unique_id", text=told)
        if name in static:
            texts = texts.with_columns(pl.col("text").forward_fill().over("unique_id"))
        codes[:, place] = vocabulary.codes(texts["text"])
    return codes
