"""A table that is read by batches into a store is the one that is read whole, to the bit."""

import errno
import os
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.files import DiskFullError
from lockgate.reading import parquet
from lockgate.reading.kept import stores_in
from lockgate.tasks.forecasting import layout, store, streamed
from lockgate.tasks.forecasting import prepare as preparing
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.prepare import prepare, read
from lockgate.tasks.forecasting.preprocessing import Arrays
from lockgate.tasks.forecasting.store import READ_BY
from lockgate.tasks.forecasting.survey import WHOLE_BY, asks_for_all
from lockgate.tasks.forecasting.table import Table
from lockgate.tasks.forecasting.task import TASK

HOURS = 120
CONFIG = TableConfig(target="sold", id="shop", horizon=3, lookback=6, known_future="promo")


def make_frame(**columns: Any) -> pl.DataFrame:
    """Hours of shops that begin late, in no order, with gaps, holes and steps yet to come."""
    rng = np.random.default_rng(0)
    time = np.datetime64(datetime(2024, 1, 1), "us") + np.arange(HOURS) * np.timedelta64(1, "h")
    parts = []
    for number, first in enumerate([0, 30, 0, 71, 100, 3, 118]):
        hours = np.arange(first, HOURS)
        hours = hours[(rng.random(len(hours)) > 0.05) | (hours == first)]
        sold = rng.normal(10 * (number + 1), 3, len(hours)).round(2)
        sold[rng.random(len(hours)) < 0.04] = np.nan
        sold[-2:] = np.nan if number != 6 else 5.0
        part: dict[str, Any] = {"shop": f"shop {number}", "time": time[hours], "sold": sold}
        part["promo"] = (rng.random(len(hours)) < 0.2).astype(np.int8)
        part["size"] = np.float32(number) / 3
        part["region"] = rng.choice(["east", "west", "N/A"], len(hours))
        part["empty"] = pl.Series([None] * len(hours), dtype=pl.Int64)
        part["note"] = f"of {number}"
        part["code"] = rng.integers(1, 4, len(hours))
        parts.append(pl.DataFrame(part))
    nothing = pl.DataFrame(
        {"shop": "never", "time": time[:9], "sold": [None] * 9, "promo": 0, "note": "?!"}
    )
    whole = pl.concat([*parts, nothing], how="diagonal_relaxed").with_columns(**columns)
    return whole.sample(fraction=1.0, shuffle=True, seed=4)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[pl.DataFrame], Path]:
    """Write a frame in files of a folder, and read what is large there by few rows at a time."""
    monkeypatch.setattr(preparing, "STREAMED_ROWS", 50)
    monkeypatch.setattr(parquet.batches, "__defaults__", (70,))

    def write(frame: pl.DataFrame) -> Path:
        folder = tmp_path / "sales"
        folder.mkdir()
        for number in range(3):
            part = frame.slice(number * 150, 150 if number < 2 else None)
            part.write_parquet(folder / f"{number}.parquet", row_group_size=60)
        return folder

    return write


def both(folder: Path, config: TableConfig, monkeypatch: pytest.MonkeyPatch) -> tuple[Table, Table]:
    """Read a folder by batches, and whole."""
    with stores_in(folder.parent / "stores"):
        mapped = read(folder, config)
    monkeypatch.setattr(preparing, "STREAMED_ROWS", 10**9)
    return mapped, read(folder, config)


@pytest.mark.parametrize("block", [1, 150, 10**6])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"align": "end"},
        {"categorical": ("region", "shop", "code"), "static": ("size",)},
        {"static": ("note", "size"), "missing": (-9.0, 12.0), "at_least": -30.0},
        {"id": "shop,note", "calendar": "always"},
    ],
    ids=["plain", "end", "categories", "sentinels", "two ids"],
)
def test_what_is_streamed_is_what_is_read_whole(
    written: Callable[[pl.DataFrame], Path],
    settings: dict[str, Any],
    block: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streamed, "BLOCK_ROWS", block)
    monkeypatch.setattr(streamed, "MOST_WAITING", block)
    frame = make_frame()
    if "at_least" in settings:  # a fault, far from all others, in two columns
        code = pl.when(pl.col("code") == 3).then("code")
        at = (pl.int_range(pl.len()) == 7) & pl.col("sold").is_not_nan()
        frame = frame.with_columns(
            sold=pl.when(at).then(9e6).otherwise("sold"), code=code.cast(pl.Float64)
        )
    config = CONFIG.model_copy(update=settings)

    mapped, whole = both(written(frame), config, monkeypatch)

    assert mapped.frame.equals(whole.frame)
    assert mapped.frame.schema == whole.frame.schema
    assert [*mapped.notices[:-1]] == [*whole.notices]
    assert "rows laid out in " in mapped.notices[-1]
    for name in ("starts", "steps"):
        own, other = (getattr(one.layout, name) for one in (mapped, whole))
        assert own.tolist() == other.tolist()
    assert mapped.layout.axis.equals(whole.layout.axis)
    by = ["unique_id", "ds"]
    assert mapped.later.sort(by).equals(whole.later.sort(by))
    apart = {"frame", "layout", "notices", "later", "store"}
    compared = {one.name for one in fields(Table)} - apart
    for name in compared:
        assert getattr(mapped, name) == getattr(whole, name), name


def test_both_are_prepared_alike_and_the_arrays_are_mapped(
    written: Callable[[pl.DataFrame], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "BLOCK_ROWS", 150)
    mapped, whole = both(written(make_frame()), CONFIG, monkeypatch)

    own, other = (prepare(table, CONFIG) for table in (mapped, whole))

    assert own.preprocessing == other.preprocessing
    for name in Arrays._fields:
        np.testing.assert_array_equal(getattr(own.arrays, name), getattr(other.arrays, name))
    assert isinstance(own.arrays.inputs, np.memmap)
    assert TASK.test_fingerprint(mapped, own) == TASK.test_fingerprint(whole, other)
    assert mapped.store is not None
    assert len([*mapped.store.glob("arrays-*")]) == 1
    again = prepare(mapped, CONFIG)
    assert again.arrays.inputs.filename == own.arrays.inputs.filename
    assert prepare(mapped.between(0, 100), CONFIG).arrays.steps.max() < 100


def test_arrays_are_laid_out_anew_by_another_version_and_by_other_holidays(
    written: Callable[[pl.DataFrame], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, dated = written(make_frame()), CONFIG.model_copy(update={"holidays": "DE"})
    with stores_in(tmp_path / "stores"):
        table = read(folder, CONFIG)
    assert table.store is not None

    def arrays(config: TableConfig = CONFIG) -> int:
        prepare(table, config)
        assert table.store is not None
        return len([*table.store.glob("arrays-*")])

    assert [arrays(), arrays(), arrays(dated)] == [1, 1, 2]
    monkeypatch.setattr(preparing, "version", lambda _: "other holidays")
    assert [arrays(), arrays(dated)] == [2, 3]
    monkeypatch.setattr(store, "version", lambda _: "another lockgate")
    assert arrays() == 4


@pytest.mark.parametrize("after", range(7))
def test_a_disk_that_is_full_is_told_before_memory_is_written_to(
    written: Callable[[pl.DataFrame], Path],
    after: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, room = written(make_frame()), [None] * after

    def take(*_: int) -> None:
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room.pop()

    monkeypatch.setattr(os, "posix_fallocate", take, raising=False)

    with stores_in(tmp_path / "stores"):
        if after == 6:  # steps, inputs, target, two of what is usable, stamps
            prepare(read(folder, CONFIG), CONFIG)
            return
        with pytest.raises(DiskFullError, match="cannot be written, as its disk is full"):
            prepare(read(folder, CONFIG), CONFIG)
    assert not [*(tmp_path / "stores").rglob("arrays-*"), *(tmp_path / "stores").rglob(".*")]


def test_a_store_is_written_once_for_files_and_settings(
    written: Callable[[pl.DataFrame], Path], tmp_path: Path
) -> None:
    frame = make_frame()
    folder = written(frame)

    def stores(**settings: Any) -> int:
        with stores_in(tmp_path / "stores"):
            read(folder, CONFIG.model_copy(update=settings))
        return len([*(tmp_path / "stores").iterdir()])

    assert [stores(), stores(), stores(horizon=9), stores(missing=(0.0,))] == [1, 1, 1, 2]
    frame.slice(300, 40).write_parquet(folder / "2.parquet")
    assert stores() == 3


def test_rows_that_repeat_are_named_by_their_numbers(
    written: Callable[[pl.DataFrame], Path], tmp_path: Path
) -> None:
    frame = make_frame()
    folder = written(pl.concat([frame, frame[33]]))

    with (
        stores_in(tmp_path),
        pytest.raises(
            DataError,
            match=rf"tell the rows apart, got rows 34 and {frame.height + 1}, both of 'shop",
        ),
    ):
        read(folder, CONFIG)
    assert not [*tmp_path.glob("sales-*")]


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.slice(300, 40),
        lambda frame: pl.concat([frame.slice(300), frame.slice(0, 1)]),
        lambda frame: frame.slice(300).with_columns(shop=pl.lit("new")),
        lambda frame: frame.slice(300).with_columns(sold=pl.lit(1.0)),
    ],
    ids=["fewer rows", "more rows", "another series", "other values"],
)
def test_files_that_change_as_they_are_read_leave_no_store(
    written: Callable[[pl.DataFrame], Path],
    change: Callable[[pl.DataFrame], pl.DataFrame],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = make_frame()
    folder, gathered = written(frame), streamed.gathered

    def change_before(*args: Any) -> Any:
        change(frame).write_parquet(folder / "2.parquet")
        return gathered(*args)

    monkeypatch.setattr(streamed, "gathered", change_before)

    with (
        stores_in(tmp_path / "stores"),
        pytest.raises(DataError, match="files of sales must stay as they are while they are read"),
    ):
        read(folder, CONFIG)
    assert not [*(tmp_path / "stores").iterdir()]


def test_a_first_batch_without_a_value_is_passed_over(
    written: Callable[[pl.DataFrame], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = make_frame()
    blank = frame.clear(80)  # more than are read at a time

    mapped, whole = both(written(pl.concat([blank, frame])), CONFIG, monkeypatch)

    assert mapped.store is not None
    assert mapped.frame.equals(whole.frame)


@pytest.mark.parametrize(
    ("columns", "settings", "reason"),
    [
        ({}, {"resample": "2h"}, "resample is given"),
        ({}, {"where": ("region=east",)}, "where is given"),
        ({"note": pl.lit("7")}, {}, "column 'note' of text holds numbers"),
        ({"time": pl.col("time").dt.to_string()}, {}, "its times are no column of timestamps"),
        ({"sold": pl.col("sold").fill_nan(None).cast(pl.String)}, {}, "its target is of type Str"),
    ],
    ids=["resample", "where", "numbers in text", "times in text", "target in text"],
)
def test_why_a_large_table_is_read_whole_is_told(
    written: Callable[[pl.DataFrame], Path],
    columns: dict[str, Any],
    settings: dict[str, Any],
    reason: str,
    tmp_path: Path,
) -> None:
    folder = written(make_frame(**columns))

    with stores_in(tmp_path / "stores"):
        table = read(folder, CONFIG.model_copy(update=settings))

    assert table.store is None
    assert f" rows read into memory at once, as {reason}" in table.notices[-1]
    assert not (tmp_path / "stores").exists() or not [*(tmp_path / "stores").iterdir()]


@pytest.mark.parametrize(
    "settings",
    [{"resample": "2h"}, {"where": ("region=east",)}, {"zone": "Europe/Berlin"}],
    ids=["resample", "where", "zone"],
)
def test_a_store_that_is_there_is_not_taken_for_what_must_be_read_whole(
    written: Callable[[pl.DataFrame], Path],
    settings: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, config = written(make_frame()), CONFIG.model_copy(update=settings)

    with stores_in(tmp_path / "stores"):
        plain, table = read(folder, CONFIG), read(folder, config)

    monkeypatch.setattr(preparing, "STREAMED_ROWS", 10**9)
    whole = read(folder, config)
    assert plain.store is not None
    assert table.store is None
    assert table.frame.equals(whole.frame)
    assert not table.frame.equals(plain.frame)
    assert f"as {next(iter(settings))} is given" in table.notices[-1]


def test_whatever_reading_goes_by_names_the_store_or_has_the_table_read_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: set[str] = set()

    class Watched(TableConfig):
        def __getattribute__(self, name: str) -> Any:
            if name in TableConfig.model_fields:
                asked.add(name)
            return super().__getattribute__(name)

    config = Watched(target="sold", horizon=3)
    monkeypatch.setattr(preparing, "read_table", lambda *_, **__: None)
    asked.clear()
    preparing._read_whole("sales", config, None, None)

    # what is known ahead changes the words on a table of one series alone
    assert asked == {*READ_BY, *WHOLE_BY, "known_future"}
    for name in WHOLE_BY:
        assert asks_for_all(CONFIG.model_copy(update={name: "given"})) == f"{name} is given"
