"""Rows of a long table become sequences by their identity, in the order of their steps."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.tasks.labelling.labelled import Labelled, check_labelled
from lockgate.tasks.labelling.sources.sequences import read_sequences

WALKS = pl.DataFrame(
    {
        "who": ["b", "a", "b", "a", "a"],
        "t": [2, 3, 1, 1, 2],
        "x": [20.0, 33.0, 10.0, 31.0, 32.0],
        "y": [1, 2, 3, 4, 5],
        "on": ["day"] * 5,
        "walk": ["slow", "fast", "slow", "fast", "fast"],
        "house": [7.0, 8.0, 7.0, 8.0, 8.0],
    }
)


def walks(**options: object) -> Labelled:
    return read_sequences(WALKS, **{"label": "walk", "id": "who", **options})


def test_rows_are_gathered_by_id_and_sorted_by_step() -> None:
    data = walks(step="t", group="house", time="t")

    assert data.names == ("b", "a")
    assert data.items[0].tolist() == [[10, 3], [20, 1]]
    assert data.items[1].tolist() == [[31, 4], [32, 5], [33, 2]]
    assert (data.labels.tolist(), data.kind) == (["slow", "fast"], "class")
    assert data.channels == ("x", "y")
    assert data.groups is not None
    assert data.groups.tolist() == ["7", "8"]
    assert data.times is not None
    assert data.times.tolist() == [1, 1]
    assert data.notices == ("not read as inputs: 'on' (text)",)
    assert data.items.values.dtype == np.float32


def test_without_step_rows_keep_their_order() -> None:
    assert walks(inputs=("x",)).items[1].tolist() == [[33], [31], [32]]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_files_are_read_as_frames_are(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"walks{suffix}"
    if suffix == ".parquet":
        WALKS.write_parquet(path)
    else:
        WALKS.write_csv(path, separator="," if suffix == ".csv" else "\t")

    options = {"label": "walk", "id": "who", "step": "t", "group": "house"}
    data, frame = read_sequences(path, **options), walks(step="t", group="house")

    assert data.fingerprint == frame.fingerprint
    assert data.names == frame.names
    assert data.source == path.name


def test_inputs_and_labels_may_be_numbers_as_people_write_them() -> None:
    frame = WALKS.with_columns(
        x=pl.Series(["$1,020.5", "$33", "$10", "$31", "$32"]),
        walk=pl.Series(["5 %", "7 %", "5 %", "7 %", "7 %"]),
    )

    data = read_sequences(frame, label="walk", id="who", inputs=("x",), as_number=True)

    assert data.items[0].tolist() == [[1020.5], [10]]
    assert data.labels.tolist() == [5, 7]
    assert data.notices == (
        "column 'x': '$1,020.5' is read as 1020.5",
        "column 'walk': '5 %' is read as 5, percent are not divided by 100",
    )


def test_pandas_frames_are_read() -> None:
    frame = pd.DataFrame(WALKS.to_dict(as_series=False))

    data = read_sequences(frame, label="walk", id="who", step="t")

    assert data.fingerprint == walks(step="t").fingerprint


def test_steps_may_be_times() -> None:
    days = [datetime(2024, 1, day) for day in WALKS["t"]]
    texts = [str(day) for day in days]
    frames = [WALKS.with_columns(t=pl.Series(days)), WALKS.with_columns(t=pl.Series(texts))]

    for frame in frames:
        data = read_sequences(frame, label="walk", id="who", step="t", time="t", inputs=("x",))

        assert data.items[0].tolist() == [[10], [20]]
        assert data.times is not None
        assert data.times.tolist() == [datetime(2024, 1, 1)] * 2


def test_label_at_every_step_goes_along() -> None:
    frame = WALKS.with_columns(walk=pl.Series(["b2", "a3", "b1", "a1", "a2"]))

    data = read_sequences(frame, label="walk", id="who", step="t", at_steps=True)

    assert (data.kind, data.labels.tolist()) == ("steps", ["b1", "b2", "a1", "a2", "a3"])


def test_without_id_there_is_one_sequence(tmp_path: Path) -> None:
    path = tmp_path / "room.csv"
    path.write_text("t,x,busy\n2,20,no\n1,10,yes\n3,30,no\n")

    data = read_sequences(path, label="busy", step="t", at_steps=True)

    assert data.items.values[:, 0].tolist() == [10, 20, 30]
    assert (data.labels.tolist(), data.names) == (["yes", "no", "no"], ("room.csv",))
    assert check_labelled(data) is data


def test_a_column_of_texts_is_named_where_sequences_cannot_be_told_apart() -> None:
    texts = {"kind": ["one", "two"], "title": ["a b", "c d"], "body": ["so it is", "or not"]}
    numbers = {"at": ["2024-01-01 10:00", "2024-01-01 11:00"], "x": [1, 2]}

    with pytest.raises(DataError, match=r'; or, for texts, text="body" \(--text body\)$'):
        read_sequences(pl.DataFrame({**texts, "y": [0, 1]}), label="y")
    with pytest.raises(DataError, match=r"at_steps=True .* at every step of one sequence$"):
        read_sequences(pl.DataFrame({**numbers, "y": [0, 1]}), label="y")


def test_the_label_is_no_input() -> None:
    assert read_sequences(WALKS, label="y", id="who", at_steps=True).channels == ("t", "x", "house")
    with pytest.raises(DataError, match="inputs must not name the label, got 'y'"):
        read_sequences(WALKS, label="y", id="who", inputs=("x", "y"), at_steps=True)


def test_labels_may_be_numbers_or_several() -> None:
    number = walks(label="house", as_number=True)
    frame = WALKS.with_columns(walk=pl.Series(["p|q", None, "p|q", None, None]))
    several = read_sequences(frame, label="walk", id="who", several="|")

    assert (number.kind, number.labels.tolist()) == ("number", [7.0, 8.0])
    assert (several.kind, several.labels.tolist()) == ("classes", ["p\x1fq", ""])


def test_missing_values_are_read_as_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,x,y\n1,1,a\n1,NA,a\n2,3,b\n2,4,b\n3,1,a\n4,1,b\n")

    values = read_sequences(path, id="id", label="y").items.values[:, 0]

    np.testing.assert_array_equal(values, [1.0, np.nan, 3.0, 4.0, 1.0, 1.0])


CHINESE = "病人,步,气温,标签\n甲,1,36.5,正常\n甲,2,36.7,正常\n乙,1,39,发烧\n"


@pytest.mark.parametrize(
    ("codec", "named"),
    [("gb18030", None), ("gb18030", "gb18030"), ("utf-16", None), ("utf-16-le", "utf-16-le")],
)
def test_chinese_is_read_from_any_encoding(tmp_path: Path, codec: str, named: str | None) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(CHINESE.encode(codec))
    columns = {"id": "病人", "step": "步", "label": "标签"}

    data = read_sequences(path, encoding=named, **columns)

    assert (data.names, data.channels) == (("甲", "乙"), ("气温",))
    assert data.labels.tolist() == ["正常", "发烧"]
    assert len(data.notices) == (named is None)


def changed(**columns: list[object]) -> pl.DataFrame:
    return WALKS.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (WALKS, {"label": None}, "label must name a column of 'frame', got none; its columns are"),
        (WALKS, {"label": "wolk"}, "label must name a column .* got 'wolk'; did you mean 'walk'"),
        (WALKS, {"id": None}, r"id must name the column .* at_steps=True \(--at-steps\)"),
        (WALKS, {"id": "walk"}, "id must be another column than the label, got 'walk' for both"),
        (WALKS, {"step": "walk"}, "step must be another column than the label, got 'walk'"),
        (WALKS, {"step": "who"}, "step must be another column than the id, got 'who' for both"),
        (WALKS, {"inputs": ("on",)}, "inputs must be numbers, got 'day' in row 1, column 'on'"),
        (WALKS, {"inputs": ()}, "inputs must name a column of 'frame', got none"),
        (changed(t=[1, 1, 2, 3, 1]), {"step": "t"}, "step must differ .* got 1 twice in 'a'"),
        (changed(t=[1, None, 2, 3, 1]), {"step": "t"}, "step must hold a value .* row 2"),
        (changed(who=["a", None, "b", "b", "b"]), {}, "id must hold a value .* row 2 of 'frame'"),
        (changed(house=[7, None, 7, 8, 8]), {"group": "house"}, "group must hold .* row 2"),
        (changed(house=[7, 8, 7, 8, 9]), {"group": "house"}, "group 'house' must be one .* 'a'"),
        (changed(walk=["s", "f", "s", "f", "g"]), {}, "must be one for each .* 'f' and 'g' in 'a'"),
        (WALKS, {"as_number": True}, "every label must be a number, got 'slow' in row 1"),
        (WALKS, {"as_number": True, "at_steps": True}, "of one kind, got at_steps and as_number"),
        (WALKS, {"several": ""}, "several must be the text that parts labels"),
        (WALKS, {"step": "on"}, "step 'on' must hold time stamps .* got 'day' in row 1"),
        (WALKS, {"labels": "b.csv"}, r"labels must be left out but for .* \(--label\)"),
        (WALKS.select("who", "walk"), {}, "inputs must be columns of numbers, got none"),
        (
            changed(x=["1", "2", "3", "4", "five"]),
            {},
            "inputs must be numbers, got 'five' in row 5, column 'x' of 'frame'",
        ),
    ],
)
def test_table_that_is_not_as_told_raises(frame, options, message) -> None:
    with pytest.raises(DataError, match=message):
        read_sequences(frame, **{"label": "walk", "id": "who", **options})
