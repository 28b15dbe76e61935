"""A table of many rows in a folder, whose files are mapped and not read into memory."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl

from lockgate.files import take_room, write_text
from lockgate.reading.kept import stores
from lockgate.scoring.arrays import IntArray
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.faulty import Far
from lockgate.tasks.forecasting.layout import Layout
from lockgate.tasks.forecasting.slots import Slots
from lockgate.tasks.forecasting.table import Dropped, Table

VERSION = 2
READ_BY = (
    *("target", "time", "missing", "id", "align", "at_least", "categorical", "static"),
    "calendar",
)
"""Settings by which a store is read; those of others are the same store."""
FRAME, LATER, AXIS, STEPS, REST = (
    *("table.arrow", "later.arrow", "axis.arrow"),
    *("steps.npy", "table.json"),
)


def place_of(files: tuple[Path, ...], name: str, config: TableConfig) -> Path:
    """Return the folder of the store of some files: another one where they or settings change."""
    stats = [(str(path.resolve()), path.stat()) for path in files]
    of_files = [[path, stat.st_size, stat.st_mtime_ns] for path, stat in stats]
    settings = {one: getattr(config, one) for one in READ_BY}
    return stores() / f"{name.split('.')[0]}-{key_of(of_files, settings)}"


def key_of(*parts: Any) -> str:
    """Return what names something that is kept: another version of lockgate writes its own."""
    told = json.dumps([VERSION, version("lockgate"), *parts])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


@contextmanager
def writing(folder: Path) -> "Iterator[Writer]":
    """Yield what writes the frame of a table into the folder of its store."""
    with (folder / FRAME).open("wb") as sink:
        writer = Writer(sink)
        yield writer
        writer.close()


class Writer:
    """Writes the rows of a table by blocks of series."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink
        self._file: Any = None

    def write(self, frame: pl.DataFrame) -> None:
        """Write the rows of the next block."""
        # imported here because most tables are not stored
        import pyarrow as pa

        rows: Any = frame.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
        if self._file is None:
            self._file = pa.ipc.new_file(self._sink, rows.schema)
        self._file.write_table(rows)

    def close(self) -> None:
        """End the file."""
        if self._file is not None:
            self._file.close()


def write_rest(folder: Path, table: Table, first: IntArray) -> None:
    """Write what is kept of a table beside its frame.

    Args:
        folder: Of its store.
        table: Whose layout has starts and an axis; its steps are told by the next.
        first: The step of the first row of each series, (S,).
    """
    layout, rows = table.layout, table.frame.height
    steps = new_mapped(folder / STEPS, "i8", (rows,))
    edges = np.append(layout.starts, rows)
    for start, stop, step in zip(edges[:-1], edges[1:], first, strict=True):
        steps[start:stop] = np.arange(step, step + stop - start)
    steps.flush()
    table.later.write_ipc(folder / LATER)
    layout.axis.to_frame().write_ipc(folder / AXIS)
    rest = {
        "version": VERSION,
        "target": table.target,
        "slots": table.slots.model_dump(mode="json"),
        "starts": layout.starts.tolist(),
        "ignored": table.ignored,
        "notices": table.notices,
        "rows_read": table.rows_read,
        "source": table.source,
        "fingerprint": table.fingerprint,
        "far": table.far,
        "named": table.named,
    }
    write_text(folder / REST, json.dumps(rest))


def opened(folder: Path) -> Table:
    """Map the table of a store."""
    rest = json.loads((folder / REST).read_text(encoding="utf-8"))
    # copy on write: torch asks for writable memory, nothing is ever written
    steps = np.load(folder / STEPS, mmap_mode="c", allow_pickle=False)
    axis = pl.read_ipc(folder / AXIS).to_series()
    return Table(
        frame=mapped(folder / FRAME),
        target=rest["target"],
        slots=Slots.model_validate(rest["slots"]),
        layout=Layout(np.array(rest["starts"], dtype=np.int64), steps, axis),
        ignored=tuple(Dropped(*one) for one in rest["ignored"]),
        notices=tuple(rest["notices"]),
        rows_read=rest["rows_read"],
        source=rest["source"],
        fingerprint=rest["fingerprint"],
        far=tuple(Far(*one) for one in rest["far"]),
        several=True,
        later=pl.read_ipc(folder / LATER),
        named=rest["named"],
        store=folder,
    )


def new_mapped(path: Path, dtype: str, shape: tuple[int, ...]) -> "np.memmap[Any, np.dtype[Any]]":
    """Return an array in a new file, which has the room that it needs.

    Raises:
        OSError: If there is none.
    """
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.dtype(dtype), shape=shape)
    # before anything is written, which would kill the process
    take_room(path)
    return array


def mapped(path: Path) -> pl.DataFrame:
    """Return the frame of an Arrow file, whose columns are the pages of the file."""
    # imported here because most tables are not stored
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        frame = pl.from_arrow(pa.ipc.open_file(source).read_all(), rechunk=False)
    assert isinstance(frame, pl.DataFrame)
    return frame
