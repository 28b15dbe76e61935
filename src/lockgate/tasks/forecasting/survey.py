"""What the first reading of a large table finds: its series, its stamps, what its columns hold."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import polars as pl

from lockgate.errors import listed, quoted
from lockgate.reading.numbers import other_marks, to_number
from lockgate.reading.parquet import batches, schema_of
from lockgate.reading.tables import RawTable, cleaned
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.faulty import Extremes
from lockgate.tasks.forecasting.grid import check_finite, without_sentinels
from lockgate.tasks.forecasting.panel import names_of
from lockgate.tasks.forecasting.placed import AskedTimes, placed
from lockgate.tasks.forecasting.table import Dropped, check_bound, check_free
from lockgate.tasks.forecasting.texts import as_texts

ID, ROW = "unique_id", "\0row"
WHOLE_BY = (
    *("where", "resample", "row_order", "zone", "time_format", "decimal"),
    *("separator", "encoding"),
)
"""Settings that only the reading of whole tables knows; the last are refused of Parquet there."""


class WholeError(Exception):
    """A table can only be read whole, for the reason that is told."""


class Source(NamedTuple):
    """The files of a table, and what their columns are read as."""

    files: tuple[Path, ...]
    name: str
    ids: tuple[str, ...]  # the columns of the names
    time: str
    numbers: tuple[str, ...]  # the target first
    texts: tuple[str, ...]  # read as categories
    ignored: tuple[Dropped, ...]  # left out: texts, and what is neither text nor number
    beside: tuple[str, ...]  # numbers and what is left out, in the order of the files

    @classmethod
    def of(cls, files: tuple[Path, ...], name: str, config: TableConfig) -> "Source":
        """Decide by the types of the columns, and the first rows, what is read as what.

        Raises:
            WholeError: If the table must be read whole.
            DataError: If it cannot be read either way.
        """
        schema = schema_of(files[0])
        if config.id is None and ID not in schema:
            raise WholeError("no column tells several series apart")
        rows = batches(files, list(schema))
        first = next(rows)
        while _blank(first).all() and (after := next(rows, None)) is not None:
            first = after
        head = cleaned(first, name)
        own = placed(head, None, config.target, (), config.id or ID, _asked(config), None)
        times, ids = own.times.columns, tuple(own.ids.columns if own.ids is not None else ())
        if len(times) != 1 or not schema[times[0]].is_temporal():
            raise WholeError("its times are no column of timestamps")
        if not _is_number(schema[config.target]):
            raise WholeError(f"its target is of type {schema[config.target]}")
        others = [one for one in schema if one not in (config.target, *times, ID)]
        texts = [one for one in others if one in config.categorical]
        for one in config.static:
            if one in others and one not in (*ids, *texts) and not _is_number(schema[one]):
                if not _is_text(schema[one]):
                    raise WholeError(f"static column {quoted(one)} is of type {schema[one]}")
                texts.append(one)
        beside = tuple(one for one in others if one not in (*ids, *texts))
        numbers = (one for one in beside if _is_number(schema[one]))
        ignored = tuple(
            Dropped(one, "holds text" if _is_text(schema[one]) else f"holds {schema[one]}")
            for one in beside
            if not _is_number(schema[one])
        )
        told = (config.target, *numbers)
        return cls(files, name, ids, times[0], told, tuple(texts), ignored, beside)

    @property
    def columns(self) -> list[str]:
        """All columns that are looked at."""
        return list(dict.fromkeys((*self.ids, self.time, *self.numbers, *self.texts, *self.beside)))


class Batch(NamedTuple):
    """Some rows as they are read."""

    raw: RawTable
    frame: pl.DataFrame
    """`unique_id`, the number of the row in the source, `ds`, numbers as Float64, texts."""
    sentinels: list[str]  # notices


def asks_for_all(config: TableConfig) -> str | None:
    """Return the setting that needs all rows at once, if one is given."""
    for name in WHOLE_BY:
        if getattr(config, name):
            return f"{name} is given"
    if config.calendar == "irregular":
        return "calendar is irregular"
    several = "," in config.target or config.target == "all"
    return "several columns are the target" if several else None


def typed(source: Source, config: TableConfig) -> Iterator[Batch]:
    """Yield the rows of a table by batches, each column in its type.

    Raises:
        DataError: If a row has no place.
    """
    before = 0
    asked = _asked(config)._replace(time=source.time)
    for each in batches(source.files, source.columns):
        rows = before
        before += each.height
        if _blank(each).all():
            continue
        raw = cleaned(each, source.name)
        raw = raw._replace(rows=raw.rows + rows)
        own = placed(raw, None, config.target, (), ",".join(source.ids), asked, None)
        assert own.ids is not None
        numbers = [to_number(raw.frame[name]) for name in source.numbers]
        texts = [as_texts(raw.frame[name], None, config.missing) for name in source.texts]
        frame = pl.DataFrame([own.times.stamps, *numbers, *texts])
        frame, told = without_sentinels(frame, config.missing)
        frame.insert_column(0, names_of(own.ids)).insert_column(1, raw.rows.rename(ROW))
        yield Batch(raw, frame, told)


@dataclass
class Survey:
    """What is found in all rows together."""

    series: dict[str, int] = field(default_factory=dict)
    """How many rows each series has, in the order in which they come first."""
    stamps: pl.Series = field(default_factory=lambda: pl.Series("ds", [], pl.Datetime("us")))
    """Those that there are, in order."""
    rows_read: int = 0
    extremes: dict[str, Extremes] = field(default_factory=dict)
    observed: dict[str, int] = field(default_factory=dict)
    """Values of each column of numbers, those that stand for missing ones included."""
    missing: dict[float, dict[str, int]] = field(default_factory=dict)
    """How often a number that stands for a missing value is in each column."""

    @classmethod
    def of(cls, source: Source, config: TableConfig) -> "Survey":
        """Read the files once.

        Raises:
            WholeError: If the table must be read whole: a column of text holds numbers.
            DataError: If a row cannot be read.
        """
        found = cls()
        for batch in typed(source, config):
            _check_texts(source, batch.raw)
            check_finite(batch.frame, batch.frame[ROW])
            found._add(source, config, batch)
        if config.id is None and len(found.series) < 2:
            raise WholeError("it holds one series")
        for name in found.read(source)[1:]:
            check_free(name)
        return found

    def read(self, source: Source) -> tuple[str, ...]:
        """Return the columns of numbers that hold any, and the target."""
        return tuple(one for k, one in enumerate(source.numbers) if not k or self.observed[one])

    def ignored(self, source: Source) -> tuple[Dropped, ...]:
        """Return the columns that are left out, in the order of the files."""
        reasons = {one.column: one for one in source.ignored}
        empty = {one: Dropped(one, "holds no values") for one, n in self.observed.items() if not n}
        left_out = reasons | empty
        return tuple(left_out[one] for one in source.beside if one in left_out)

    def _add(self, source: Source, config: TableConfig, batch: Batch) -> None:
        raw, frame = batch.raw, batch.frame
        self.rows_read += frame.height
        for name, rows in frame.group_by(ID, maintain_order=True).len().rows():
            self.series[name] = self.series.get(name, 0) + rows
        stamps = frame["ds"].unique()
        whole = stamps if self.stamps.is_empty() else pl.concat([self.stamps, stamps])
        self.stamps = whole.unique().sort()
        for name in (source.numbers[0], *source.beside):
            held = len(raw.frame) - raw.frame[name].null_count()
            self.observed[name] = self.observed.get(name, 0) + held
        for name in source.numbers:
            own, extremes = raw.frame[name], Extremes.of(frame[name])
            known = self.extremes.get(name)
            self.extremes[name] = extremes if known is None else known.joined(extremes)
            for number in config.missing:
                counts = self.missing.setdefault(number, {})
                counts[name] = counts.get(name, 0) + int((to_number(own) == number).sum())
        if config.at_least is not None:
            target = to_number(raw.frame[config.target])
            check_bound(raw, target, config.missing, config.at_least)

    def sentinels(self, columns: tuple[str, ...]) -> Iterator[str]:
        """Say where the numbers stood that stand for a missing value, as of a whole table."""
        for number, counts in self.missing.items():
            told = [f"{name} ({counts[name]:,})" for name in columns if counts[name]]
            places = f"read as missing in {listed(told)}" if told else "stands in no column"
            yield f"{number:g} {places}"


def _asked(config: TableConfig) -> AskedTimes:
    calendar = None if config.calendar == "auto" else config.calendar
    return AskedTimes(config.time, None, None, None, False, calendar, None)


def _blank(rows: pl.DataFrame) -> pl.Series:
    """Tell which rows hold no value."""
    return rows.select(pl.all_horizontal(pl.all().is_null())).to_series()


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)


def _is_text(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum)


def _check_texts(source: Source, raw: RawTable) -> None:
    """Make sure that columns of text hold no number, which the whole column would decide on."""
    for name in (*source.texts, *(one.column for one in source.ignored)):
        column = raw.frame[name]
        if column.dtype != pl.String:
            continue
        values = column.drop_nulls().unique()
        if len(values) and (to_number(values).null_count() < len(values) or other_marks(values)):
            raise WholeError(f"column {quoted(name)} of text holds numbers")
