"""Columns are described, and a target guessed, before anything is asked for."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.tasks.forecasting.described import describe_columns, guess_target

HOURS = [datetime(2024, 1, 1) + timedelta(hours=k) for k in range(6)]
CHINESE = "时间,气温（度）,风向,湿度\n" + "".join(
    f"{t},{k * k},东北,{k % 2}\n" for k, t in enumerate(HOURS)
)
DATA: dict[str, list[Any]] = {
    "when": [str(t) for t in HOURS],
    "load": ["1", "2.5", "NA", "4", "5", "6"],
    "x": ["0", "1", "0", "1", "0", "-9999"],
    "wind": ["NW", "SE", "NW", "NW", "SE", "NW"],
}


def frame_of(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame(DATA | columns)


def test_columns_are_described_without_a_target() -> None:
    notes = describe_columns(frame_of(few=["1", "x", "3", "4", "5", "6"], none=[None] * 6))

    assert [tuple(note) for note in notes] == [
        ("when", "time", "", "2024-01-01 00:00:00"),
        ("load", "number", "1 missing", "1"),
        ("x", "number", "", "0"),
        ("wind", "text", "holds text", "NW"),
        ("few", "mixed", "holds text in 1 row, the first row 2: 'x'", "1"),
        ("none", "empty", "holds no values", ""),
    ]
    parts = describe_columns(pl.DataFrame({"a": [2024], "b": [1]}), time="a,b")
    assert [note.kind for note in parts] == ["time", "time"]


@pytest.mark.parametrize(
    ("columns", "guess"),
    [
        ({}, "x"),
        ({"n": range(6)}, "x"),
        ({"n": range(6), "still": [1] * 6, "few": ["1", "x", "3", "4", "5", "6"]}, "x"),
        ({"Value": [1, 2, 4, 3, 5, 6], "z": [1, 2, 4, 3, 5, 7]}, "Value"),
        ({"value": [1, 2, 4, 3, 5, 6], "y": [1, 2, 4, 3, 5, 7]}, "y"),
        ({"z": [1, 2, 4, 3, 5, 7]}, "z"),
    ],
)
def test_target_is_guessed(columns: dict[str, Any], guess: str) -> None:
    assert guess_target(frame_of(**columns)) == guess


def test_no_guess_raises() -> None:
    frame = pl.DataFrame({"when": HOURS, "n": range(1, 7), "c": 1})

    with pytest.raises(DataError, match=r"target must be named, got no column of varying numbers"):
        guess_target(frame)


@pytest.mark.parametrize("look", [describe_columns, guess_target])
def test_a_wrong_encoding_is_told(tmp_path: Path, look: Callable[..., Any]) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(CHINESE.encode("gb18030"))

    with pytest.raises(DataError, match=r"must be text in utf-8, got .*encoding=\"gb18030\""):
        look(path, encoding="utf-8")
