"""Prepare a table for training: split, learn from the training rows, lay out, list the windows."""

from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file

from lockgate.errors import DataError, count_of, option, quoted
from lockgate.reading.building import building
from lockgate.reading.parquet import check_alike, count_rows, name_of, parquet_files
from lockgate.reading.samples import SAMPLE, sample
from lockgate.reading.zones import wall_clock
from lockgate.scoring.arrays import IntArray
from lockgate.tasks.base import PARTS, Part, Span
from lockgate.tasks.forecasting.choices import Choices
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.known_future import known_after
from lockgate.tasks.forecasting.layout import Layout
from lockgate.tasks.forecasting.learning import learn
from lockgate.tasks.forecasting.linear_path import LinearPath
from lockgate.tasks.forecasting.preprocessing import Arrays, Preprocessing
from lockgate.tasks.forecasting.ridge import MOST_FITTED, Ridge
from lockgate.tasks.forecasting.runs import Runs
from lockgate.tasks.forecasting.slots import Slots
from lockgate.tasks.forecasting.split import Split, split_rows
from lockgate.tasks.forecasting.store import key_of
from lockgate.tasks.forecasting.streamed import STREAMED_ROWS, read_streamed
from lockgate.tasks.forecasting.survey import WholeError
from lockgate.tasks.forecasting.table import Table, read_table
from lockgate.tasks.forecasting.windows import Windows

MOST_JUDGED = 100_000
"""Windows of a part that stop a fit, or that a model is judged on, at most."""
MOST_HELD = 2**20
"""Windows whose origins are held one by one; of more, the runs that they lie in."""
LEARNED: tuple[Span, ...] = ("train", "development")
"""Parts that are learned from; the others are judged."""


@dataclass(frozen=True)
class Prepared:
    """One table, ready to train on: the arrays of its whole series and where its parts end."""

    arrays: Arrays
    split: Split
    preprocessing: Preprocessing
    choices: Choices = field(default_factory=Choices)
    linear: LinearPath | None = None
    """What networks build on whose `linear_path` is on."""

    _made: dict[str, Windows] = field(init=False, repr=False, compare=False, default_factory=dict)

    def windows(self, part: Span) -> Windows:
        """Return the windows of `part`: those with all their targets in it.

        Windows of the validation and the test part may read rows of the parts before them. Of what
        is judged there are `MOST_JUDGED` at most, drawn evenly from all series and times.
        """
        whole = self.every(part)
        return whole if part in LEARNED else whole.sampled(MOST_JUDGED)

    def every(self, part: Span) -> Windows:
        """Return all windows of a part, also of one that is judged."""
        if part not in self._made:
            rows = self.split.rows(part)
            self._made[part] = make_windows(self.arrays, self.preprocessing, rows)
        return self._made[part]

    @property
    def notices(self) -> tuple[str, ...]:
        """What is told of parts that are judged, or learned from, by some of their windows."""
        told = [
            f"the {part} part is judged on {MOST_JUDGED:,} of its {len(self.every(part)):,} "
            "windows, drawn evenly from all series and times"
            for part in PARTS
            if part not in LEARNED and len(self.every(part)) > MOST_JUDGED
        ]
        if (learned := len(self.every("train"))) > MOST_FITTED:
            told.append(
                f"the ridge regression is fitted to {MOST_FITTED:,} of the {learned:,} training "
                "windows, drawn evenly"
            )
        return tuple(told)

    def save(self, folder: Path) -> None:
        """Write the arrays to `folder` so that other processes map them instead of copying."""
        self.arrays.save(folder)
        if self.linear is not None:
            np.save(folder / "linear.npy", self.linear.training.numpy())
            np.save(folder / "linear-origins.npy", self.linear.origins.numpy())
            save_file(self.linear.ridge.tensors(), folder / "ridge.safetensors")

    @staticmethod
    def load(folder: Path, split: Split, preprocessing: Preprocessing) -> "Prepared":
        """Map what `save` wrote."""
        linear = None
        if (folder / "linear.npy").exists():
            ridge = Ridge.of(load_file(folder / "ridge.safetensors"))
            kept = (np.load(folder / f"{name}.npy") for name in ("linear", "linear-origins"))
            linear = LinearPath(ridge, *map(torch.from_numpy, kept))
        return Prepared(Arrays.load(folder), split, preprocessing, linear=linear)


def read(source: Any, config: TableConfig, like: Slots | None = None, future: Any = None) -> Table:
    """Read a table as `config` says.

    A table to learn from of several series in more than `STREAMED_ROWS` rows of Parquet is not read
    into memory, but mapped from a store; see `streamed.read_streamed`. A notice tells why one is
    read whole all the same.

    Args:
        source: What `read_table` takes, or `"sample:<name>"` for a table that comes along.
        config: How to read it.
        like: The slots of the table that a model was fitted to; see `read_table`.
        future: Rows of the steps that follow; see `read_table`.
    """
    files = parquet_files(source)
    large = files is not None and count_rows(files) > STREAMED_ROWS
    if files is None or not large or like is not None or future is not None:
        return _read_whole(source, config, like, future)
    check_alike(files)
    try:
        return read_streamed(files, name_of(source), config)
    except WholeError as reason:
        table = _read_whole(source, config, like, future)
        told = f"{count_of(table.rows_read, 'row')} read into memory at once, as {reason}"
        return replace(table, notices=(*table.notices, told))


def _read_whole(source: Any, config: TableConfig, like: Slots | None, future: Any) -> Table:
    name = source if isinstance(source, str) and source.startswith(SAMPLE) else None
    return read_table(
        source if name is None else sample(name.removeprefix(SAMPLE)),
        name=name,
        target=config.target,
        time=config.time,
        time_format=config.time_format,
        row_order=config.row_order,
        resample=config.resample,
        missing=config.missing,
        where=config.where,
        id_columns=config.id,
        align=config.align,
        at_least=config.at_least,
        known_future=config.known_future,
        categorical=config.categorical,
        static=config.static,
        separator=config.separator,
        encoding=config.encoding,
        decimal=config.decimal,
        zone=config.zone,
        calendar=config.calendar,
        like=like,
        future=future,
    )


def prepare(table: Table, config: TableConfig) -> Prepared:
    """Split `table` by time, learn from its training rows and lay it out.

    Raises:
        DataError: If a part would hold no window, with what `learn` and `split_rows` raise.
    """
    return prepare_split(
        table, split_rows(wall_clock(table.layout.axis).to_numpy(), config.split), config
    )


def prepare_split(
    table: Table, split: Split, config: TableConfig, parts: Sequence[Part] = PARTS
) -> Prepared:
    """Learn from the training rows of a table that is split, and lay it out.

    Args:
        table: What is read.
        split: Where its parts end.
        config: How it becomes windows.
        parts: Those that must hold a window; a table that is cut where learning ends has no test
            part.

    Raises:
        DataError: If a part would hold no window, with what `learn` raises.
    """
    preprocessing = learn(table, config, split.train, split.validation)
    prepared = Prepared(_arrays(table, preprocessing), split, preprocessing)
    for part in parts:
        if not len(prepared.windows(part)):
            raise DataError(_why_no_window(table, prepared, part, parts, config.exclude))
    return prepared


def _arrays(table: Table, preprocessing: Preprocessing) -> Arrays:
    """Lay a table out: one that is mapped from a store in a folder there, once for all runs."""
    if table.store is None:
        return preprocessing.apply(table)
    # which days are holidays is what the installed package says
    days = None if preprocessing.holidays is None else version("holidays")
    folder = table.store / f"arrays-{key_of(preprocessing.model_dump_json(), days)}"
    if not folder.exists():
        # another run may have written it meanwhile
        with suppress(FileExistsError), building(folder) as temporary:
            preprocessing.apply(table, temporary).save_rest(temporary)
    return Arrays.load(folder, steps=table.layout.steps)


def make_windows(arrays: Arrays, preprocessing: Preprocessing, steps: range) -> Windows:
    """Return the windows whose targets all lie in `steps`, whose inputs have no unfilled hole.

    What is known of the steps forecast must have none either. Windows without a single observed
    target are left out.
    """
    lookback, horizon = preprocessing.lookback, preprocessing.horizon
    parts = (
        _origins_in(arrays.block(rows), preprocessing, steps) + rows.start
        for rows in arrays.layout.blocks()
    )
    runs = Runs.joined([Runs.of(part) for part in parts])
    # where they are few, to hold each is faster
    origins = runs[:] if len(runs) <= MOST_HELD else runs
    inputs = torch.from_numpy(arrays.inputs)
    return Windows(
        inputs=inputs,
        target=torch.from_numpy(arrays.target),
        origins=origins,
        lookback=lookback,
        horizon=horizon,
        series=arrays.series,
        known=known_after(inputs, preprocessing, origins),
        categories=preprocessing.sizes,
    )


def _origins_in(arrays: Arrays, preprocessing: Preprocessing, steps: range) -> IntArray:
    """Return the origins of the windows of a block of series, (N,)."""
    lookback, horizon = preprocessing.lookback, preprocessing.horizon
    origins = arrays.layout.within(*possible_origins(arrays.layout, preprocessing, steps))
    begins = arrays.series.starts[arrays.series.of(origins)]
    first = np.maximum(origins - lookback + 1, begins)
    whole = _count(arrays.usable, first, origins + 1) == origins + 1 - first
    whole &= _count(arrays.usable_ahead, origins + 1, origins + horizon + 1) == horizon
    scored = _count(np.isfinite(arrays.target), origins + 1, origins + horizon + 1) > 0
    kept: IntArray = origins[whole & scored]
    return kept


def count_possible(prepared: Prepared, part: Part) -> int:
    """Return how many windows a part would have without holes."""
    layout, steps = prepared.arrays.layout, prepared.split.rows(part)
    first, end = layout.spans(*possible_origins(layout, prepared.preprocessing, steps))
    return int(np.maximum(end - first, 0).sum())


def possible_origins(
    layout: Layout, preprocessing: Preprocessing, steps: range
) -> tuple[range, int | IntArray, int]:
    """Tell where the origins lie of windows whose targets all lie in `steps`, whatever their holes.

    A window has a whole lookback. Of several series those that hold no such window up to the end of
    `steps` have padded ones, from their first row on.

    Returns:
        What `Layout.within` takes: the steps, the rows before (of each series), and those after.
    """
    lookback, horizon = preprocessing.lookback, preprocessing.horizon
    reach = range(steps.start - 1, steps.stop - horizon)
    if not preprocessing.several:
        return reach, lookback - 1, horizon
    rows = np.minimum(layout.lengths, steps.stop - layout.steps[layout.starts])
    return reach, np.where(rows < lookback + horizon, 0, lookback - 1), horizon


def _count(
    flags: npt.NDArray[np.bool_], start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    before = np.concatenate([[0], np.cumsum(flags)])
    return np.asarray(before[stop] - before[start])


def _why_no_window(
    table: Table,
    prepared: Prepared,
    part: Part,
    parts: Sequence[Part],
    excluded: tuple[str, ...],
) -> str:
    rows = prepared.split.rows(part)
    lookback, horizon = prepared.preprocessing.lookback, prepared.preprocessing.horizon
    before = 1 if prepared.preprocessing.several else lookback
    needed = horizon + (before if part == "train" else 0)
    if len(rows) < needed:
        return (
            f"horizon {horizon} and lookback {lookback} must fit the {part} part, "
            f"got {len(rows)} rows there{_shorter(prepared, parts)}"
        )
    held = prepared.arrays.layout.within(rows, 0, 0)
    if not np.isfinite(prepared.arrays.target[held]).any():
        return (
            f"the {part} part must hold values of the target {quoted(table.target)}, got none "
            f"in its "
            f"{count_of(len(rows), 'row')}"
        )
    if not count_possible(prepared, part):
        return (
            f"the horizon of {count_of(horizon, 'step')} must fit a series in the {part} part, "
            "with a row before it, got no series so long there; pass a shorter one"
        )
    # windows of the later parts look back into the part before
    read = range(max(0, rows.start - lookback), rows.stop)
    worst, share = prepared.preprocessing.worst_column(table, read)
    return (
        f"the {part} part must hold a window without a hole longer than max_gap "
        f"{prepared.preprocessing.max_gap}, got none; the column with most holes is "
        f"{quoted(worst)}, "
        f"missing in {share:.0%} of the {len(read)} rows that it reads, after filling"
        f"{_fewer_holes(table, prepared, parts, excluded)}"
    )


def _shorter(prepared: Prepared, parts: Sequence[Part]) -> str:
    """Return the horizon and the lookback of which each alone gives all parts a window."""
    train, *later = (len(prepared.split.rows(part)) for part in parts)
    settings = prepared.preprocessing
    before = 1 if settings.several else settings.lookback
    most = {
        "horizon": min(train - before, *later),
        "lookback": train - settings.horizon,
    }
    helpful = [
        f"a {name} of at most {steps}"
        for name, steps in most.items()
        if 0 < steps < getattr(settings, name)
        and _all_hold(
            prepared.arrays, settings.model_copy(update={name: steps}), prepared.split, parts
        )
    ]
    return f"; pass {' or '.join(helpful)}" if helpful else ""


def _all_hold(
    arrays: Arrays, preprocessing: Preprocessing, split: Split, parts: Sequence[Part]
) -> bool:
    return all(len(make_windows(arrays, preprocessing, split.rows(part))) for part in parts)


def _fewer_holes(
    table: Table, prepared: Prepared, parts: Sequence[Part], excluded: tuple[str, ...]
) -> str:
    """Return the columns to exclude, and the gap to fill, of which each alone gives windows."""
    settings, split = prepared.preprocessing, prepared.split
    ages = settings.ages(table)
    known = [settings.columns.index(name) for name in settings.numbers_known]
    oldest_ahead = ages[:, known].max(axis=1, initial=0)

    def hold(ages: npt.NDArray[np.int64], max_gap: int) -> bool:
        usable = {"usable": ages <= max_gap, "usable_ahead": oldest_ahead <= max_gap}
        return _all_hold(prepared.arrays._replace(**usable), settings, split, parts)

    holes = (ages[:, 1:] > settings.max_gap).sum(axis=0)
    by_holes = (1 + np.argsort(holes, kind="stable")).tolist()
    must = [0, *known]  # what cannot be excluded
    order = [*must, *(place for place in by_holes if place not in must)]
    # these, then the columns with fewest holes: the oldest value of each row
    oldest = np.maximum.accumulate(ages[:, order], axis=1)
    kept = next(
        (
            count
            for count in range(len(order), len(must) - 1, -1)
            if hold(oldest[:, count - 1], settings.max_gap)
        ),
        0,
    )
    helpful = []
    if kept:
        names = [*excluded, *(settings.columns[i] for i in sorted(order[kept:]))]
        helpful.append(option("exclude", ",".join(names)))
    gaps = np.unique(oldest[:, -1])
    gaps = gaps[(gaps > settings.max_gap) & (gaps <= settings.lookback)]
    enough = bisect_left(gaps, True, key=lambda gap: hold(oldest[:, -1], gap))
    if enough < len(gaps):
        helpful.append(option("max_gap", gaps[enough]))
    return f"; pass {' or '.join(helpful)}" if helpful else ""
