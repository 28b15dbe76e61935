"""Read a table onto a regular time grid: the joint of reading, times and grid."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from lockgate.errors import DataError, count_of, listed, option, quoted
from lockgate.reading.frequency import Frequency, IrregularError
from lockgate.reading.numbers import MARKS, Numbers, other_marks, read_numbers
from lockgate.reading.panics import no_panics
from lockgate.reading.series import check_one_series
from lockgate.reading.tables import RawTable, read_raw
from lockgate.reading.times import Times
from lockgate.reading.zones import instants, shown, wall_clock, zone_of
from lockgate.tasks.forecasting.described import note_on
from lockgate.tasks.forecasting.faulty import Far, far_values
from lockgate.tasks.forecasting.grid import Grid, to_grid
from lockgate.tasks.forecasting.layout import BLOCK_ROWS, Layout
from lockgate.tasks.forecasting.panel import Align, Panel, to_panel
from lockgate.tasks.forecasting.placed import AskedTimes, placed, read_future
from lockgate.tasks.forecasting.slots import Calendar, Slots
from lockgate.tasks.forecasting.texts import as_texts


class Dropped(NamedTuple):
    """A column that is not read further, and why."""

    column: str
    reason: str


@dataclass(frozen=True)
class Table:
    """One series or several on a regular time grid, with further columns beside them.

    Example:
        >>> from lockgate.reading.samples import sample
        >>> table = read_table(sample("co2"), target="co2", name="co2")
        >>> table.frame.columns, str(table.frequency), table.rows_read, table.frame.height
        (['unique_id', 'ds', 'y'], '1w', 2284, 2284)
    """

    frame: pl.DataFrame
    """`unique_id` (text, the rows of a series side by side), `ds` (Datetime in microseconds, in the
    zone of the stamps if they have one, every slot; where the rows are the steps, their numbers as
    Int64), `y` (the target, Float64), then the further numeric columns by their own names
    (Float64), then those of categories (String). A missing value is null, never NaN."""
    target: str
    """The target's own name in the source."""
    slots: Slots
    """What steps `ds` has, and which slots follow it."""
    layout: Layout
    """Where its series lie."""
    ignored: tuple[Dropped, ...]
    """Columns that were not read, such as text."""
    notices: tuple[str, ...]
    """What was found and done on the way, one clause each."""
    rows_read: int
    """Rows of the source, blank ones apart."""
    source: str
    """File name, or `frame`, or the name that was given."""
    fingerprint: str
    """SHA-256 over the names and values of `ds`, `y` and the further columns."""
    far: tuple[Far, ...] = ()
    """Values of the source, before any average, that look like faults."""
    several: bool = False
    """Whether it is a table of several series, even where one is left."""
    later: pl.DataFrame = field(default_factory=pl.DataFrame)
    """The rows of the source after the last observed target of each series, like `frame`."""
    named: Mapping[str, str] = field(default_factory=dict)
    """What the source calls `ds` and `unique_id`, each where it is one column."""
    store: Path | None = None
    """The folder that `frame` is mapped from; None of a table in memory."""

    @property
    def frequency(self) -> Frequency:
        """The step of `ds`."""
        return self.slots.frequency

    @property
    def names(self) -> list[str]:
        """The names of its series, in their order."""
        return self.frame["unique_id"].gather(self.layout.starts).to_list()

    def block(self, rows: slice) -> "Table":
        """Return a block of `Layout.blocks` as a table of its own, which copies nothing."""
        layout, _ = self.layout.of_block(rows)
        frame = self.frame.slice(rows.start, rows.stop - rows.start)
        return self._cut(frame, layout)

    def between(self, start: int, stop: int) -> "Table":
        """Return the rows from one step of the axis up to another; series without any are gone."""
        layout, rows = self.layout.between(start, stop)
        return self._cut(self.frame[rows], layout)

    def _cut(self, frame: pl.DataFrame, layout: Layout) -> "Table":
        # what comes later than these rows is not known to them
        return replace(self, frame=frame, layout=layout, later=self.later.clear(), store=None)


@no_panics
def read_table(
    source: Any,
    *,
    target: str,
    time: str | Sequence[str] | None = None,
    time_format: str | None = None,
    row_order: bool = False,
    resample: str | None = None,
    missing: Iterable[float] = (),
    where: Iterable[str] = (),
    id_columns: str | None = None,
    align: Align = "time",
    at_least: float | None = None,
    known_future: Sequence[str] = (),
    categorical: Sequence[str] = (),
    static: Sequence[str] = (),
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    zone: str | None = None,
    calendar: Calendar = "auto",
    like: Slots | None = None,
    future: Any = None,
    name: str | None = None,
) -> Table:
    """Read one series or several with their time stamps onto a regular grid. Nothing is filled.

    A series begins with its first observed target and ends with the last, so that forecasts follow
    the last observation; a notice tells of steps before and after that are left out.

    Args:
        source: Path of a CSV or Parquet file or of a folder of Parquet files, or a frame; see
            `lockgate.reading.tables.read_raw`.
        target: The column to forecast; or several joined by commas, or `all` of numbers, each of
            which is a series.
        time: The time column or its parts; see `times.find_times`.
        time_format: `strptime` format of the stamps. Default: detected from the values.
        row_order: Whether the rows are equal steps in their order: `ds` are their numbers.
        resample: Duration over which to average; see `grid.to_grid`.
        missing: Numbers that stand for a missing value, in every column.
        where: The rows to keep, `("item=A",)`.
        id_columns: The column that tells several series apart, or columns joined by commas.
            Default: `unique_id`, where it does.
        align: Where parts of several series are cut; see `panel.to_panel`.
        at_least: What no value of the target may be below.
        known_future: Columns that are known for the steps forecast; see `Table.later`.
        categorical: Columns that are read as text.
        static: Others of which those are that hold no numbers.
        separator: Column separator of a CSV file. Default: detected from the file.
        encoding: Encoding of a CSV file. Default: detected from its bytes.
        decimal: Decimal mark of numbers in text, `"."` or `","`. Default: as each column shows, see
            `lockgate.reading.numbers.read_numbers`.
        zone: Time zone of the stamps; see `times.find_times`.
        calendar: Which steps there are: `"auto"` leaves out what is regularly closed, `"always"`
            nothing, `"observed"` and `"irregular"` take each observed stamp as the next step; see
            `grid.to_grid`.
        like: The slots of the table that a model was fitted to: stamps are converted to their zone
            and laid on their calendar.
        future: Rows that follow those of the source, read as it is: their times, the names of their
            series and what is known ahead, without targets.
        name: What to call the source. Default: its file name, or `frame`.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If an argument has another type than stated.
        DataError: If anything in the data or the options stands against it; the message says where
            and what to do.
    """
    if decimal not in (None, *MARKS):
        raise DataError(f'decimal must be "." or ",", got {quoted(decimal)}')
    if not isinstance(target, str):
        raise TypeError(f"target must be the name of a column, got {quoted(target)}")
    text = {"separator": separator, "encoding": encoding}
    whole = read_raw(source, **text)
    asked = AskedTimes(
        time=time,
        time_format=time_format,
        zone=zone,
        # offsets of another table need no guess: they lead to the zone of the model's
        usual_zone=like.zone if like else None,
        row_order=row_order,
        calendar=None if calendar == "auto" else calendar,
        resample=resample,
    )
    behind = None if future is None else read_future(future, where, **text)
    raw, times, ids = placed(whole, behind, target, where, id_columns, asked, decimal)
    if resample is None and ids is None:
        check_one_series(raw, times, target)
    apart = (*times.columns, *([] if ids is None else ids.columns))
    sentinels = floats_of(missing)
    told = [name for name in raw.frame.columns if name not in (target, *times.columns)]
    named = [name for name in static if name in told and name not in apart]
    texts = [name for name in told if name in categorical and name != "unique_id"]
    texts += [c for c in named if c not in texts and _holds_text(raw, c, decimal)]
    columns, ignored, notices = _numeric_columns(raw, target, (*apart, *texts), decimal)
    if at_least is not None:
        check_bound(raw, columns[0], sentinels, at_least)
        notices = (*notices, *bound_told(at_least))
    stamps, converted = _like(times, like, named=zone is not None)
    of_texts = [as_texts(raw.frame[name], decimal, sentinels) for name in texts]
    values = pl.DataFrame([stamps, *columns, *of_texts])
    if ids is None:
        with _irregular_told(like):
            grid = to_grid(
                *(values, raw.rows),
                resample=resample,
                missing=sentinels,
                calendar=calendar,
                like=like,
            )
        check_observed(grid.frame[target], target)
        laid_out = _as_panel(grid, _series_name(raw, target), target, known_future)
    else:
        check_observed(columns[0], target)
        laid_out = to_panel(
            *(values, ids, target, raw.rows),
            resample=resample,
            missing=sentinels,
            calendar=calendar,
            like=like,
            align=align,
        )
    return Table(
        frame=laid_out.frame.rename({target: "y"}),
        target=target,
        slots=laid_out.slots,
        layout=laid_out.layout,
        ignored=ignored,
        notices=(*raw.notices, *times.notices, *converted, *notices, *laid_out.notices),
        rows_read=raw.rows_read,
        source=name or raw.source,
        fingerprint=fingerprint_of(laid_out.frame, named=ids is not None),
        far=far_values([column.set(column.is_in(sentinels), None) for column in columns]),
        several=ids is not None,
        later=laid_out.later.rename({target: "y"}),
        named=own_names(times.columns, () if ids is None else ids.columns),
    )


def own_names(times: Sequence[str], ids: Sequence[str]) -> dict[str, str]:
    """Tell the names that a source has for `ds` and `unique_id`, each where it is one column."""
    return {name: own[0] for name, own in (("ds", times), ("unique_id", ids)) if len(own) == 1}


@contextmanager
def _irregular_told(like: Slots | None) -> Iterator[None]:
    """Name the calendar that needs no common step, where no model has one already."""
    try:
        yield
    except IrregularError as error:
        if like is not None:
            raise
        told = f"{error}{', or ' if '; pass ' in str(error) else '; pass '}"
        raise DataError(f"{told}{option('calendar', 'irregular')}") from None


def _like(times: Times, like: Slots | None, *, named: bool) -> tuple[pl.Series, tuple[str, ...]]:
    """Put stamps on the clock of the table that a model was fitted to, or say why not."""
    stamps, what = times.stamps, f"time {','.join(times.columns)!r}"
    if like is None:
        return stamps, ()
    if like.zone is None:
        if zone_of(stamps) is None:
            return stamps, ()
        if like.forgets_zone:
            return instants(stamps), (f"{what} tells its time zone: all stamps converted to UTC",)
        raise DataError(
            f"{what} must tell no time zone, as the table that the model was fitted to, got stamps "
            f"such as {shown(stamps)}; leave the zone away, or fit the model to stamps with theirs"
        )
    if not (times.tells_zone or named):
        raise DataError(
            f"{what} must tell its time zone, as the table that the model was fitted to, which is "
            f"in {like.zone}, got {shown(wall_clock(stamps))}; write stamps with their offset, "
            f"such as {shown(stamps)}"
        )
    return stamps.dt.convert_time_zone(like.zone), ()


def _series_name(raw: RawTable, target: str) -> str:
    """Return the one value of `unique_id`, or else the target's name."""
    return str(raw.frame["unique_id"][0]) if "unique_id" in raw.frame.columns else target


def _as_panel(grid: Grid, name: str, target: str, known_future: Sequence[str]) -> Panel:
    """Return a grid as a panel of one series, from its first target to its last."""
    named = grid.frame.insert_column(0, pl.lit(name).alias("unique_id"))
    whole, later, cut = _between_targets(named, target, known_future)
    layout = Layout.of_one(whole["ds"])
    return Panel(whole, layout, grid.slots, (*grid.notices, *cut), later)


def _numeric_columns(
    raw: RawTable, target: str, apart: tuple[str, ...], decimal: str | None
) -> tuple[list[pl.Series], tuple[Dropped, ...], tuple[str, ...]]:
    """Return the target and the further columns as numbers; with them those left out."""
    found = [_target_numbers(raw, target, decimal)]
    ignored, notices = [], []
    for column in raw.frame:
        if column.name in (target, *apart, "unique_id"):
            continue
        note = note_on(column, raw, (), decimal)
        if note.kind == "number":
            check_free(column.name)
            found.append(read_numbers(column, decimal))
            continue
        ignored.append(Dropped(column.name, note.note))
        if note.kind == "mixed":
            notices.append(f"column {quoted(column.name)} {note.note}; ignored")
    told = [numbers.notice for numbers in found if numbers.notice]
    return [numbers.values for numbers in found], tuple(ignored), (*told, *notices)


def _holds_text(raw: RawTable, name: str, decimal: str | None) -> bool:
    return note_on(raw.frame[name], raw, (), decimal).kind in ("text", "mixed")


def _target_numbers(raw: RawTable, target: str, decimal: str | None) -> Numbers:
    column = raw.frame[target]
    numbers = read_numbers(column, decimal)
    faulty = column.is_not_null() & numbers.values.is_null()
    if not faulty.any():
        return numbers
    if column.dtype != pl.String:
        raise DataError(
            f"target {quoted(target)} must be numeric, got values of type {column.dtype}"
        )
    value = column.filter(faulty)[0]
    remedy = "leave the cell empty where the value is missing, or choose another target"
    if marks := other_marks(column, decimal):
        names = {",": "comma", ".": "point"}
        lone = "," if "," in value else "."
        meanings = [
            f"if the {names[lone]} {'is the decimal mark' if mark == lone else 'parts thousands'}, "
            f"pass {option('decimal', mark)}"
            for mark in sorted(marks, key=lambda mark: mark != lone)
        ]
        remedy = "; ".join(meanings)
    raise DataError(
        f"target {quoted(target)} must be numeric, got {quoted(value)} in row "
        f"{raw.rows.filter(faulty)[0]}; "
        f"{remedy}"
    )


def check_free(name: str) -> None:
    """Refuse a further column by a name that the table needs for the time or the target."""
    role = {"ds": "time", "y": "target"}.get(name)
    if role:
        other = f", or pass {option(role, name)}" if role == "target" else ""
        raise DataError(
            f"column names must leave {quoted(name)} to the {role}, got another column of that "
            f"name; rename it{other}"
        )


def floats_of(missing: Iterable[float]) -> tuple[float, ...]:
    numbers = tuple(missing)
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise TypeError(f"missing must be numbers, got {quoted(number)}")
    return tuple(float(number) for number in numbers)


def bound_told(at_least: float | None) -> tuple[str, ...]:
    """Say that forecasts have a bound, if they have one."""
    if at_least is None:
        return ()
    return (f"no forecast, baselines' neither, is below {at_least:g} (at_least)",)


def check_bound(
    raw: RawTable, values: pl.Series, missing: Sequence[float], at_least: float
) -> None:
    below = ((values < at_least) & ~values.is_in(missing)).fill_null(value=False)
    if below.any():
        least = float(values.filter(below).min())  # type: ignore[arg-type]
        raise DataError(
            f"target {quoted(values.name)} must be at least {at_least:g}, as at_least says, got "
            f"{values.filter(below)[0]:g} in row {raw.rows.filter(below)[0]}; mend the row, pass "
            f"another bound, {option('at_least', f'{least:g}')}, or leave it out"
        )


def check_observed(values: pl.Series, target: str) -> None:
    if values.null_count() == len(values):
        raise DataError(f"target {quoted(target)} must hold values, got only missing ones")


def _between_targets(
    frame: pl.DataFrame, target: str, known_future: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """Leave out the steps before the first observed target, and cut off those after the last."""
    observed = frame[target].is_not_null().arg_true()
    first, last = int(observed[0]), int(observed[-1])
    notices = []
    if first:
        notices.append(
            f"no {quoted(target)} is observed in the first {count_of(first, 'step')}, before "
            f"{shown(frame['ds'], first)}: left out"
        )
    later = frame.slice(last + 1)
    if behind := len(later):
        left_out = "" if known_future else "left out, "
        notices.append(
            f"no {quoted(target)} is observed in the last {count_of(behind, 'step')}, after "
            f"{shown(frame['ds'], last)}: {left_out}forecasts begin there"
            f"{_what_is_known(later, known_future)}"
        )
    return frame.slice(first, last + 1 - first), later, notices


def _what_is_known(later: pl.DataFrame, known_future: Sequence[str]) -> str:
    """Tell of the columns that hold values after the last target, and whether they are read."""
    values = later.drop("unique_id", "ds")
    filled = [column.name for column in values if column.null_count() < len(column)]
    if read := [name for name in filled if name in known_future]:
        return f"; {listed(read, 3)} known there"
    if filled and not known_future:
        named = ",".join(filled[:3])
        reads = option("known_future", named)
        return f"; a model fitted with {reads} reads what is known there"
    return ""


def fingerprint_of(frame: pl.DataFrame, *, named: bool) -> str:
    """Hash the names and values of a grid; a missing value is one NaN, whatever its bits.

    The name of one series alone says nothing of it.
    """
    digest = hashlib.sha256()
    if named:
        for text in _joined(frame["unique_id"]):
            digest.update(text)
    for column in frame.drop("unique_id"):
        digest.update(f"{column.name}\0".encode())
        of_column = _joined(column) if column.dtype == pl.String else _bytes_of(column)
        for values in of_column:
            digest.update(values)
    return digest.hexdigest()


def _joined(texts: pl.Series) -> Iterator[bytes]:
    """Yield texts with a zero between each two, some at a time; many alike follow each other."""
    between = ""
    for start in range(0, len(texts), BLOCK_ROWS):
        runs = texts.slice(start, BLOCK_ROWS).fill_null("").rle().struct.unnest()
        joined = "".join(f"\0{text}" * rows for rows, text in runs.select("len", "value").rows())
        yield (joined if between else joined[1:]).encode()
        between = "\0"


def _bytes_of(column: pl.Series) -> Iterator[bytes]:
    for start in range(0, len(column), BLOCK_ROWS):
        part = column.slice(start, BLOCK_ROWS)
        part = part.to_physical() if part.name == "ds" else part.fill_null(float("nan"))
        yield np.ascontiguousarray(part.to_numpy()).tobytes()
