"""A stored table is mapped: its rows are pages of a file, and nothing of it is a copy."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lockgate.reading.kept import stores_in
from lockgate.tasks.forecasting import store
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.faulty import Far
from lockgate.tasks.forecasting.store import (
    FRAME,
    mapped,
    opened,
    place_of,
    write_rest,
    writing,
)
from lockgate.tasks.forecasting.table import Table, read_table

ROWS = 200_000


def anonymous_bytes() -> int:
    """Return the memory of this process that no file backs."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def make_table() -> Table:
    frame = pl.DataFrame(
        {"shop": ["a"] * ROWS + ["b"] * ROWS, "ds": [*range(ROWS), *range(5, ROWS + 5)]}
    ).with_columns(sold=pl.int_range(pl.len()) % 1_000, kind=pl.lit("one kind of them"))
    frame[7, "sold"] = None
    return read_table(frame, target="sold", id_columns="shop", row_order=True, categorical=["kind"])


def write(table: Table, folder: Path) -> None:
    with writing(folder) as writer:
        for start in range(0, table.frame.height, 150_000):
            writer.write(table.frame.slice(start, 150_000))
    write_rest(folder, table, table.layout.steps[table.layout.starts])


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    table = make_table()
    object.__setattr__(table, "far", (Far("sold", 1.0, 2, 0.0, 3.0, everywhere=False),))
    write(table, tmp_path)

    found = opened(tmp_path)

    assert found.frame.equals(table.frame)
    assert found.frame.schema == table.frame.schema
    assert found.layout.steps.tolist() == table.layout.steps.tolist()
    assert found.layout.starts.tolist() == table.layout.starts.tolist()
    assert found.layout.axis.equals(table.layout.axis)
    assert found.later.equals(table.later)
    for name in ("slots", "ignored", "notices", "rows_read", "source", "fingerprint", "far"):
        assert getattr(found, name) == getattr(table, name)
    assert found.several
    assert found.store == tmp_path


def test_a_mapped_frame_takes_no_memory(tmp_path: Path) -> None:
    write(make_table(), tmp_path)
    size = (tmp_path / FRAME).stat().st_size
    assert size > 10_000_000
    mapped(tmp_path / FRAME)  # what is imported at first

    before = anonymous_bytes()
    frame = mapped(tmp_path / FRAME)
    total = frame["y"].sum()
    held = anonymous_bytes() - before

    assert total > 0
    assert held < size / 4
    assert isinstance(opened(tmp_path).layout.steps, np.memmap)


def test_a_place_is_of_files_and_of_what_they_are_read_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sales.parquet"
    path.write_bytes(b"one")
    config = TableConfig(target="sold", horizon=3)

    def place(**settings: object) -> str:
        with stores_in(tmp_path):
            found = place_of((path,), path.name, config.model_copy(update=settings))
        assert found.parent == tmp_path
        return found.name

    first = place()
    assert first.startswith("sales-")
    assert place(horizon=9, lookback=4) == first
    assert place(target="sold2") != first
    monkeypatch.setattr(store, "version", lambda _: "another")
    assert place() != first
    monkeypatch.undo()
    assert place() == first
    path.write_bytes(b"others")
    assert place() != first
