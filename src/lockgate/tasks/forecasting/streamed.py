"""Read a large table of Parquet files by batches of rows, and lay it out in a store."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import polars as pl

from lockgate.errors import DataError, count_of
from lockgate.reading.building import building
from lockgate.scoring.arrays import IntArray
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.faulty import far_in
from lockgate.tasks.forecasting.grid import Grid, common_grid
from lockgate.tasks.forecasting.layout import BLOCK_ROWS, Layout
from lockgate.tasks.forecasting.panel import (
    check_repeats,
    first_rows,
    lay_out,
    told_of,
    without_steps,
)
from lockgate.tasks.forecasting.store import FRAME, mapped, opened, place_of, write_rest, writing
from lockgate.tasks.forecasting.survey import (
    ID,
    ROW,
    Source,
    Survey,
    WholeError,
    asks_for_all,
    typed,
)
from lockgate.tasks.forecasting.table import (
    Table,
    bound_told,
    check_observed,
    fingerprint_of,
    own_names,
)

STREAMED_ROWS = 5_000_000
"""Rows of Parquet from which on several series are not read into memory."""
MOST_WAITING = 4 * BLOCK_ROWS
"""Rows that wait in memory for others of their block; more of them wait on disk."""
_BLOCK = "\0block"


def read_streamed(files: tuple[Path, ...], name: str, config: TableConfig) -> Table:
    """Return the table of some files, mapped from a store that is written if there is none.

    It is the table that `read_table` gives, to the bit, with a notice more. The files are read
    twice, by batches of rows: for what must be known of all rows, and to lay each series out.

    Args:
        files: Parquet files of the same columns.
        name: What the table is called.
        config: How to read it.

    Raises:
        WholeError: If the table must be read whole.
        DataError: As `read_table` does.
    """
    # before a store is looked for: it is named by no setting that is refused here
    if reason := asks_for_all(config):
        raise WholeError(reason)
    folder = place_of(files, name, config)
    if not folder.exists():
        source = Source.of(files, name, config)
        # another run may have written it meanwhile
        with suppress(FileExistsError), building(folder) as temporary:
            _write(temporary, folder, source, config)
            if place_of(files, name, config) != folder:
                raise _changed(source)
    return opened(folder)


class _Written(NamedTuple):
    """What was written of all blocks."""

    lengths: IntArray  # (S,)
    first: IntArray  # (S,) step of the first row of each series
    empty: list[str]
    later: pl.DataFrame


def _write(temporary: Path, folder: Path, source: Source, config: TableConfig) -> None:
    survey = Survey.of(source, config)
    if not survey.observed[config.target]:
        check_observed(pl.Series([None]), config.target)
    numbers = survey.read(source)
    grid = common_grid(survey.stamps, None, config.calendar, None)
    found = _blocks_written(temporary, source, config, survey, grid)
    frame = mapped(temporary / FRAME)
    layout, first = _layout(found, grid, config)
    told = (
        *bound_told(config.at_least),
        *survey.sentinels(numbers),
        *grid.notices,
        *told_of(len(found.lengths), found.empty, config.target),
        f"{count_of(survey.rows_read, 'row')} laid out in {folder}, and mapped from there",
    )
    table = Table(
        frame=frame,
        target=config.target,
        slots=grid.slots,
        layout=layout,
        ignored=survey.ignored(source),
        notices=told,
        rows_read=survey.rows_read,
        source=source.name,
        fingerprint=fingerprint_of(frame.rename({"y": config.target}), named=True),
        far=far_in(
            {one: survey.extremes[one] for one in numbers},
            lambda column, value: _holds(source, config, column, value),
        ),
        several=True,
        later=found.later,
        named=own_names([source.time], source.ids),
    )
    write_rest(temporary, table, first)


def _blocks_written(
    folder: Path, source: Source, config: TableConfig, survey: Survey, grid: Grid
) -> _Written:
    """Lay out and write the rows of one block of series after another."""
    columns = [ID, "ds", *survey.read(source), *source.texts]
    lengths, first, empty, later = [], [], [], []
    with writing(folder) as writer:
        for order, rows in gathered(source, config, survey.series, folder):
            check_repeats(rows, rows[ROW], list(source.ids))
            placed = rows.select(columns).with_columns(grid.slots.ruler(rows["ds"]))
            own = lay_out(placed, grid, order, config.target)
            writer.write(own.frame.rename({config.target: "y"}))
            lengths.append(own.lengths)
            first.append(own.steps[first_rows(own.lengths)])
            empty += own.empty
            later.append(own.later.rename({config.target: "y"}))
    whole = without_steps(pl.concat(later))
    return _Written(np.concatenate(lengths), np.concatenate(first), empty, whole)


def gathered(
    source: Source, config: TableConfig, series: dict[str, int], folder: Path
) -> Iterator[tuple[pl.Series, pl.DataFrame]]:
    """Yield all rows of the series of one block after another, with the names of these.

    A block is given as soon as all its rows are there, so that files that are sorted by series are
    gone through with little in memory; what waits of others is put on disk meanwhile.

    Args:
        source: The files.
        config: How they are read.
        series: How many rows each series has, in the order in which they are given.
        folder: Where rows wait, in a folder of their own that is gone at the end.

    Raises:
        DataError: If there are other rows than there were: the files have changed meanwhile.
    """
    order, rows = pl.Series(ID, list(series)), np.array(list(series.values()))
    numbers = np.diff(first_rows(rows) // BLOCK_ROWS, prepend=-1) != 0
    blocks = pl.DataFrame({ID: order, _BLOCK: np.cumsum(numbers) - 1})
    missing = np.bincount(blocks[_BLOCK].to_numpy(), rows).astype(np.int64)
    with TemporaryDirectory(dir=folder) as name:
        waiting, block = _Waiting(Path(name)), 0
        for batch in typed(source, config):
            placed = batch.frame.join(blocks, on=ID, how="left", maintain_order="left")
            if placed[_BLOCK].has_nulls():  # a series that was not there before
                raise _changed(source)
            for (number,), part in placed.partition_by(_BLOCK, as_dict=True).items():
                waiting.add(int(number), part.drop(_BLOCK))
                missing[int(number)] -= part.height
            while block < len(missing) and not missing[block]:
                yield order.filter(blocks[_BLOCK] == block), waiting.take(block)
                block += 1
            waiting.spill()
        if missing.any():
            raise _changed(source)


def _changed(source: Source) -> DataError:
    return DataError(
        f"the files of {source.name} must stay as they are while they are read, got some that "
        "changed meanwhile; read them again when nothing writes to them"
    )


class _Waiting:
    """Rows of blocks that are not whole yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: dict[int, list[pl.DataFrame]] = {}
        self._files: dict[int, list[Path]] = {}

    def add(self, block: int, rows: pl.DataFrame) -> None:
        """Keep rows of a block."""
        self._parts.setdefault(block, []).append(rows)

    def take(self, block: int) -> pl.DataFrame:
        """Give the rows of a block in their order, and forget them."""
        files = self._files.pop(block, [])
        parts = [pl.read_ipc(path) for path in files] + self._parts.pop(block, [])
        for path in files:
            path.unlink()
        return pl.concat(parts)

    def spill(self) -> None:
        """Put all rows on disk, if too many wait."""
        if sum(part.height for parts in self._parts.values() for part in parts) <= MOST_WAITING:
            return
        for block, parts in self._parts.items():
            files = self._files.setdefault(block, [])
            path = self._folder / f"{block}-{len(files)}.arrow"
            pl.concat(parts).write_ipc(path)
            files.append(path)
        self._parts.clear()


def _layout(found: _Written, grid: Grid, config: TableConfig) -> tuple[Layout, IntArray]:
    """Return the layout of what was written, its steps left out; and the first step of each."""
    lengths, first, ds = found.lengths, found.first, grid.frame["ds"]
    axis = ds.head(int((first + lengths).max(initial=0)))
    if config.align == "end":
        longest = int(np.argmax(lengths))
        most = int(lengths[longest])
        axis, first = ds.slice(int(first[longest]), most), most - lengths
    return Layout(first_rows(lengths), np.empty(0, np.int64), axis), first


def _holds(source: Source, config: TableConfig, column: str, value: float) -> bool:
    only = source._replace(numbers=(config.target, column), texts=(), beside=(column,))
    return any((batch.frame[column] == value).any() for batch in typed(only, config))
