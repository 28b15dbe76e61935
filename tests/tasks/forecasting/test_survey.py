"""A first reading finds what must be known of all rows, whatever the batches they come in."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.reading import parquet
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.survey import Source, Survey, WholeError, typed
from lockgate.tasks.forecasting.table import Dropped

FRAME = pl.DataFrame(
    {
        "ds": [datetime(2024, 1, 1) + timedelta(hours=k // 2) for k in range(20)],
        "note": [f"note {k}" for k in range(20)],
        "shop": ["b", "a"] * 10,
        "sold": [None if k == 3 else float(k) for k in range(20)],
        "size": [7] * 20,
        "span": [timedelta(k) for k in range(20)],
        "void": pl.Series([None] * 20, dtype=pl.Float64),
        "kind": ["x", None] * 10,
    }
)
CONFIG = TableConfig(
    target="sold", id="shop", horizon=2, missing=(7.0, 99.0), categorical=("kind",)
)


def survey(
    frame: pl.DataFrame, config: TableConfig, folder: Path, rows: int
) -> tuple[Source, Survey]:
    path = folder / "sales.parquet"
    frame.write_parquet(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet.batches, "__defaults__", (rows,))
        source = Source.of((path,), "sales", config)
        return source, Survey.of(source, config)


@pytest.mark.parametrize("rows", [1, 6, 100])
def test_what_is_found_does_not_depend_on_batches(tmp_path: Path, rows: int) -> None:
    source, found = survey(FRAME, CONFIG, tmp_path, rows)

    assert found.series == {"b": 10, "a": 10}
    assert list(found.series) == ["b", "a"]
    assert found.stamps.to_list() == FRAME["ds"].unique().sort().to_list()
    assert found.rows_read == 20
    assert found.read(source) == ("sold", "size")
    assert source.texts == ("kind",)
    assert found.ignored(source) == (
        Dropped("note", "holds text"),
        Dropped("span", "holds Duration(time_unit='us')"),
        Dropped("void", "holds no values"),
    )
    assert [*found.sentinels(("sold", "size"))] == [
        "7 read as missing in sold (1), size (20)",
        "99 stands in no column",
    ]
    assert found.extremes["sold"].least == ((0.0, 1), (1.0, 1))
    assert found.extremes["sold"].greatest == ((19.0, 1), (18.0, 1))


def test_rows_keep_their_numbers_and_blank_ones_are_left_out(tmp_path: Path) -> None:
    blank = FRAME.clear(3)
    frame = pl.concat([FRAME.head(4), blank, FRAME.slice(4)])

    source, found = survey(frame, CONFIG, tmp_path, 2)

    numbers = [row for batch in typed(source, CONFIG) for row in batch.frame["\0row"]]
    assert numbers == [1, 2, 3, 4, *range(8, 24)]
    assert found.rows_read == 20


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"id": "store"}, "id must name columns of the table, got 'store'"),
        ({"time": "when"}, "time must name columns of the table, got 'when'"),
        ({"target": "price"}, "target"),
        ({"at_least": 1.0}, r"must be at least 1, .* got 0 in row 1"),
    ],
)
def test_what_cannot_be_read_either_way_is_refused(
    tmp_path: Path, update: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        survey(FRAME, CONFIG.model_copy(update=update), tmp_path, 5)


def test_one_series_and_none_are_read_whole(tmp_path: Path) -> None:
    with pytest.raises(WholeError, match="no column tells several series apart"):
        survey(FRAME, CONFIG.model_copy(update={"id": None}), tmp_path, 5)
    one = FRAME.rename({"shop": "unique_id"}).filter(unique_id="a")
    with pytest.raises(WholeError, match="it holds one series"):
        survey(one, CONFIG.model_copy(update={"id": None}), tmp_path, 5)


def test_a_number_in_a_late_text_is_found(tmp_path: Path) -> None:
    frame = FRAME.with_columns(
        note=pl.when(pl.int_range(pl.len()) == 17).then(pl.lit("4")).otherwise("note")
    )

    with pytest.raises(WholeError, match="column 'note' of text holds numbers"):
        survey(frame, CONFIG, tmp_path, 5)
