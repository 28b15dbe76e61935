"""Labelled data of any form is read by one function, with the parts that are files."""

import gzip
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.tasks.labelling.config import LabelledConfig, owns
from lockgate.tasks.labelling.labelled import Ragged, classes_of
from lockgate.tasks.labelling.sources.read import (
    holds_texts,
    read_labelled,
    read_part,
    read_unlabelled,
)

TS = "@dimensions 1\n@classLabel true a b\n@data\n"


def read(source: Any, **told: Any) -> Any:
    return read_labelled(source, LabelledConfig(**told))


def write_ts(path: Path, rows: int, shift: int = 0) -> Path:
    lines = [f"{i + shift},{i},2:{'ab'[i % 2]}" for i in range(rows)]
    path.write_text(TS + "\n".join(lines) + "\n")
    return path


def steps(path: Path, rows: int, start: int = 0) -> Path:
    values = np.arange(rows) + start
    table = pl.DataFrame({"x": values * 0.5, "tag": ["up" if v % 2 else "down" for v in values]})
    table.write_csv(path)
    return path


def test_a_pair_is_texts_where_it_holds_texts() -> None:
    assert read((["a b", "c"], ["p", "n"])).data.items == ("a b", "c")
    assert read((["a", "b"], ["1.5", "2"]), as_number=True).data.labels.tolist() == [1.5, 2.0]
    several = read((["a", "b"], ["p|n", ""]), several="|").data
    assert several.kind == "classes"
    assert several.labels.tolist() == ["p\x1fn", ""]


def test_a_pair_is_sequences_where_it_holds_arrays() -> None:
    data = read(([[1.0, 2.0], [3.0]], ["a", "b"])).data
    assert data.kind == "class"
    assert data.items.lengths.tolist() == [2, 1]

    tags = read(([[1.0, 2.0], [3.0]], [["a", "b"], ["a"]]), cut=5, at_steps=True).data
    assert tags.kind == "steps"


def test_columns_of_a_frame_are_texts_where_text_is_told() -> None:
    frame = pl.DataFrame({"review": ["a b", "c d"], "label": [1, 0], "who": ["x", "y"]})

    data = read(frame, text="review", label="label", group="who").data

    assert data.items == ("a b", "c d")
    assert data.labels.tolist() == ["1", "0"]
    assert data.groups.tolist() == ["x", "y"]


@pytest.mark.parametrize(
    "labels",
    [
        [1, 0],
        [1.0, 0.0],
        ["1.0", "0.00"],
        np.array([1, 0], dtype=np.int8),
        np.array([1, 0], dtype=np.float32),
        pd.Categorical([1.0, 0.0]),
        pd.Series([1, 0], dtype="Int64"),
        pd.Series(["1", "0"], dtype="category"),
    ],
    ids=["int", "float", "text", "int8", "float32", "categorical", "Int64", "category"],
)
def test_labels_of_one_value_are_one_class_in_all_files(tmp_path: Path, labels: Any) -> None:
    test = tmp_path / "test.parquet"
    pd.DataFrame({"text": ["e", "f"], "label": labels}).to_parquet(test)
    for rest, known in (("1", "0.0"), ("1.0", "0")):
        path = tmp_path / "train.csv"
        path.write_text(f"text,label\na,1\nb,0\nc,{rest}\nd,{known}\n")

        joined = read(path, text="text", label="label", test=str(test))

        assert joined.data.labels.tolist() == ["1", "0"] * 3
        assert "are one class: " in joined.data.notices[-1]


@pytest.mark.parametrize("labels", [["True", "False"], [True, False], np.array([True, False])])
def test_true_and_false_are_one_class_however_they_are_written(tmp_path: Path, labels: Any) -> None:
    test = tmp_path / "test.parquet"
    pd.DataFrame({"text": ["e", "f"], "label": labels}).to_parquet(test)
    path = tmp_path / "train.csv"
    path.write_text("text,label\na,true\nb,FALSE\nc,True\nd,false\n")

    joined = read(path, text="text", label="label", test=str(test))

    assert classes_of(joined.data) in (("FALSE", "True"), ("False", "True"))


def test_texts_without_a_label_are_left_out_and_told() -> None:
    data = read((["a", "b", "c"], ["x", None, "y"])).data

    assert data.items == ("a", "c")
    assert data.notices == ("1 text without a label left out, row 2",)


def test_a_given_test_file_is_read_likewise(tmp_path: Path) -> None:
    train, test = write_ts(tmp_path / "a.ts", 6), write_ts(tmp_path / "b.ts", 4, shift=9)

    joined = read(train, test=str(test))

    assert joined.test.tolist() == [6, 7, 8, 9]
    assert joined.validation is None
    assert joined.data.names[6] == "b.ts row 1"
    assert joined.data.items[6].ravel().tolist() == [9.0, 0.0, 2.0]


def test_all_three_parts_may_be_files(tmp_path: Path) -> None:
    paths = [write_ts(tmp_path / f"{i}.ts", 4, shift=10 * i) for i in range(3)]

    joined = read(paths[0], validation=str(paths[1]), test=str(paths[2]))

    assert joined.validation.tolist() == [4, 5, 6, 7]
    assert joined.test.tolist() == [8, 9, 10, 11]


def test_one_long_sequence_of_tags_is_cut_to_have_parts(tmp_path: Path) -> None:
    path = steps(tmp_path / "a.csv", 950)

    data = read(path, label="tag", at_steps=True).data

    assert data.kind == "steps"
    assert data.items.lengths.tolist() == [100] * 9 + [50]
    assert len(data.labels) == 950
    assert read(path, label="tag", at_steps=True, cut=500).data.items.lengths.tolist() == [500, 450]


def test_given_parts_of_tags_are_cut_by_themselves(tmp_path: Path) -> None:
    train, test = steps(tmp_path / "a.csv", 250), steps(tmp_path / "b.csv", 130, start=1000)

    joined = read(train, label="tag", at_steps=True, test=str(test), validation=str(test))

    assert isinstance(joined.data.items, Ragged)
    assert joined.data.items.lengths.tolist() == [100, 100, 50, 100, 30, 100, 30]
    assert joined.test.tolist() == [5, 6]
    whole = Ragged(joined.data.labels, joined.data.items.starts)
    for i in (0, 2, 5, 6):
        values = (joined.data.items[i][:, 0] * 2).astype(int)
        assert whole[i].tolist() == ["up" if v % 2 else "down" for v in values]


def test_many_sequences_of_tags_stay_whole_where_nothing_is_told() -> None:
    X, y = [np.zeros(150)] * 20, [["a"] * 150] * 20

    assert read((X, y), at_steps=True).data.items.lengths.tolist() == [150] * 20
    assert read((X[:19], y[:19]), at_steps=True).data.items.lengths.max() == 100


def test_parts_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    train = write_ts(tmp_path / "a.ts", 6)
    (tmp_path / "b.ts").write_text("@dimensions 2\n@classLabel true a b\n@data\n1,2:3,4:a\n")
    (tmp_path / "c.txt").write_text("a some words\nb other words\n")

    with pytest.raises(DataError, match=r"a.ts and b.ts must have the same channels"):
        read(train, test=str(tmp_path / "b.ts"))
    with pytest.raises(DataError, match=r"got sequences with a class in a.ts and texts with"):
        read(train, test=str(tmp_path / "c.txt"))
    with pytest.raises(FileNotFoundError, match=r"no\.ts"):
        read(train, test=str(tmp_path / "no.ts"))


def test_paths_that_can_hold_only_labelled_data_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "classes"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "1.txt").write_text("words")

    assert owns(folder)
    assert holds_texts(folder)
    assert holds_texts(tmp_path)
    assert not holds_texts(folder / "a")
    assert holds_texts("x.txt.gz")
    for name in ("a.ts", "a.ts.gz", "a.zip", "a.tar", "a.TAR.gz", "a.tgz"):
        assert owns(name)
        assert not holds_texts(name)
    for name in ("a.all", "raw.train.gz", "a.DEV", "a.test", "a.jsonl", "a.ndjson.gz"):
        assert owns(name)
        assert holds_texts(name)
    for other in ("a.csv", "a.txt", "a.parquet", pl.DataFrame(), None):
        assert not owns(other)
    assert owns(([1], [2]))


def test_lines_that_begin_with_a_label_of_fasttext_are_labelled(tmp_path: Path) -> None:
    content = b"__label__a x\n__label__b y\n"
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + content)
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(content))
    (tmp_path / "c.txt.gz").write_bytes(content)
    (tmp_path / "d.txt").write_text("label,x\n")

    assert [owns(path) for path in sorted(tmp_path.iterdir())] == [True, True, False, False]


@pytest.fixture(params=["folder", "zip", "tar", "tar.gz", "tgz"])
def parted(request: Any, tmp_path: Path) -> Path:
    """Reviews as people hand them round: folders of classes in train and test."""
    root = tmp_path / "reviews"
    for i, place in enumerate(("train/pos", "train/neg", "train/unsup", "test/pos", "test/neg")):
        (root / place).mkdir(parents=True)
        for name in ("1.txt", "2.txt"):
            (root / place / name).write_text(f"text {i} {name}")
    (root / "README").write_text("by hand")
    if request.param == "folder":
        return root
    path = tmp_path / f"reviews.{request.param}"
    if request.param == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in root.rglob("*"):
                archive.write(file, file.relative_to(tmp_path))
        return path
    with tarfile.open(path, "w" if request.param == "tar" else "w:gz") as tar:
        tar.add(root, arcname="./reviews")
    return path


def test_folders_of_classes_in_train_and_test_are_the_parts(parted: Path) -> None:
    joined = read(parted)

    assert joined.data.labels.tolist() == ["neg", "neg", "pos", "pos"] * 2
    assert joined.test.tolist() == [4, 5, 6, 7]
    assert joined.data.items[4] == "text 4 1.txt"
    assert joined.validation is None
    assert joined.data.notices[1] == f"1 other file in {parted.name} left out"
    assert joined.data.notices[2].startswith("2 texts without a label left out, ")
    assert len(read_unlabelled(parted, LabelledConfig())) == 10


def test_parts_are_neither_given_twice_nor_scored_as_one(parted: Path) -> None:
    with pytest.raises(DataError, match="test and validation must be left out for reviews"):
        read(parted, test="other.csv")
    with pytest.raises(DataError, match=r"must be one part, got .*; (name|unpack) one") as raised:
        read_part(parted, LabelledConfig())
    if parted.is_dir():
        test = read_part(str(raised.value).rpartition(": ")[2], LabelledConfig())
        assert test.labels.tolist() == ["neg", "neg", "pos", "pos"]


def test_an_archive_with_a_file_of_labels_is_of_sequences(tmp_path: Path) -> None:
    for name in ("waves/1.txt", "waves/2.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x\n1\n2\n")
    (tmp_path / "labels.csv").write_text("file,kind\n1,a\n2,b\n")

    data = read(tmp_path, labels="labels.csv", label="kind").data

    assert data.labels.tolist() == ["a", "b"]
    assert data.channels == ("x",)


@pytest.mark.parametrize(
    "told", [{"header": False}, {"text": "text", "label": "kind"}], ids=["columns", "header"]
)
def test_columns_without_names_are_advised_by_their_places(
    tmp_path: Path, told: dict[str, Any]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1,17,a film that is better than most\n0,18,no film\n" * 2)

    with pytest.raises(DataError, match=r"number its columns \(--text 3 --label 1 --no-header\)"):
        read(path, **told)

    advised = read(path, text="3", label="1", header=False).data
    assert advised.labels.tolist() == ["1", "0"] * 2
    assert advised.items[1] == "no film"


def test_sequences_without_header_are_refused_and_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1,2\n3,4\n")

    with pytest.raises(DataError, match=r"got none; add a header line to a table of sequences$"):
        read(path, header=False, at_steps=True, label="2")
    with pytest.raises(FileNotFoundError, match="source must be an existing file"):
        read(tmp_path / "absent.csv", header=False)


def test_a_table_in_a_txt_file_is_read_as_any_other(tmp_path: Path) -> None:
    path = steps(tmp_path / "a.txt", 30)

    assert read(path, label="tag", at_steps=True).data.channels == ("x",)
    with pytest.raises(DataError, match=r"id must name .* pass at_steps=True \(--at-steps\)"):
        read(path, label="tag")


@pytest.mark.parametrize("labels", [True, False], ids=["labels", "none"])
def test_lists_are_read_without_labels(labels: bool) -> None:
    frame = pl.DataFrame({"x": [[1.0, 2.0], [3.0]], "y": [[0.0, 1.0], [2.0]], "kind": ["a", "b"]})
    config = LabelledConfig(label="kind")

    data = read_unlabelled(frame if labels else frame.drop("kind"), config)

    assert (data.channels, data.labels.tolist()) == (("x", "y"), ["", ""])
    assert data.items.lengths.tolist() == [2, 1]


@pytest.mark.parametrize("labels", [True, False], ids=["labels", "none"])
def test_a_long_table_is_read_without_labels_groups_and_times(labels: bool) -> None:
    frame = pl.DataFrame(
        {
            "who": [1, 1, 2],
            "x": [1.0, 2.0, 3.0],
            "kind": [0, 1, 0],
            "set": [1, 1, 2],
            "at": [1, 1, 2],
        }
    )
    config = LabelledConfig(id="who", label="kind", group="set", time="at")

    data = read_unlabelled(frame if labels else frame.select("who", "x"), config)

    assert (data.channels, data.names) == (("x",), ("1", "2"))
    assert data.groups is data.times is None


def test_texts_are_read_without_labels(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("good one\nbad one\n")
    frame = pl.DataFrame({"text": ["good one", "bad one"]})
    (tmp_path / "plain.jsonl").write_text('{"text": "good one"}\n{"text": "bad one"}\n')
    told = LabelledConfig(text="text", label="gone", several=",")

    read = [
        read_unlabelled(tmp_path / "plain.txt", LabelledConfig()),
        read_unlabelled(tmp_path / "plain.jsonl", told),
        read_unlabelled(frame, told),
        read_unlabelled(["good one", "bad one"], LabelledConfig()),
    ]

    for data in read:
        assert data.items == ("good one", "bad one")
        assert data.labels.tolist() == ["", ""]


def test_the_encoding_reaches_every_form_of_file(tmp_path: Path) -> None:
    codec = "utf-16-le"
    contents = {
        "a.ts": "@classLabel true 上 下\n@data\n1:上\n2:下\n",
        "long.csv": "谁,值,类\n甲,1,上\n乙,2,下\n",
        "texts.csv": "文,类\n好,上\n坏,下\n",
        "lines.txt": "上 好\n下 坏\n",
        "files/1.csv": "值\n1\n",
        "files/2.csv": "值\n2\n",
        "files/类.csv": "谁,类\n1,上\n2,下\n",
    }
    (tmp_path / "files").mkdir()
    for name, text in contents.items():
        (tmp_path / name).write_bytes(text.encode(codec))
    options: dict[str, dict[str, Any]] = {
        "a.ts": {},
        "long.csv": {"id": "谁", "label": "类"},
        "texts.csv": {"text": "文", "label": "类"},
        "lines.txt": {},
        "files": {"labels": "类.csv"},
    }

    for name, told in options.items():
        config = LabelledConfig(encoding=codec, test=str(tmp_path / name), **told)
        data = read_labelled(tmp_path / name, config).data
        assert data.labels.tolist() == ["上", "下"] * 2
        assert len(read_unlabelled(tmp_path / name, config)) == 2


@pytest.mark.parametrize("drop_empty", [False, True])
def test_no_blank_text_is_left_out_of_what_is_to_be_predicted(
    tmp_path: Path, drop_empty: bool
) -> None:
    config = LabelledConfig(text="text", label="label", drop_empty=drop_empty)
    (tmp_path / "a.csv").write_text('text,label\ngood,x\n" ",y\n,x\n')

    assert read_unlabelled(tmp_path / "a.csv", config).items == ("good", " ", "")
    assert read_unlabelled(["good", " ", None], config).items == ("good", " ", "")
    assert len(read((["a", " ", "b"], ["x", "y", "x"]), drop_empty=True).data) == 2


def test_what_is_to_be_predicted_must_hold_something() -> None:
    with pytest.raises(DataError, match="must hold examples, got none"):
        read_unlabelled([], LabelledConfig())


def of_steps(tmp_path: Path) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Give three sequences in every form, of which the last has no label and the first two some."""
    x = [[1.0, 2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]
    y = [["a", None, "b"], ["b", "a"], [None, None]]
    long = pl.DataFrame({"x": x, "y": y, "n": ["p", "q", "r"]}).explode("x", "y")
    long.write_csv(tmp_path / "long.csv")
    with zipfile.ZipFile(tmp_path / "tags.zip", "w") as archive:
        for name in "pqr":
            archive.writestr(f"{name}.csv", long.filter(n=name).drop("n").write_csv())
    told = {"label": "y", "at_steps": True}
    return {
        "arrays": (([np.array(row) for row in x], [*y[:2], None]), {"at_steps": True}),
        "NaN": ((x, [["a", np.nan, "b"], ["b", "a"], [np.nan] * 2]), {"at_steps": True}),
        "lists": (pl.DataFrame({"x": x, "y": y}), told),
        "null list": (pl.DataFrame({"x": x, "y": [*y[:2], None]}), told),
        "long": (str(tmp_path / "long.csv"), {**told, "id": "n"}),
        "archive": (str(tmp_path / "tags.zip"), told),
    }


FORMS = ("arrays", "NaN", "lists", "null list", "long", "archive")


@pytest.mark.parametrize("form", FORMS)
def test_steps_may_lack_a_label_and_sequences_without_any_are_left_out(
    tmp_path: Path, form: str
) -> None:
    source, told = of_steps(tmp_path)[form]

    data = read(source, cut=5, **told).data

    assert data.labels.tolist() == ["a", "", "b", "b", "a"]
    assert data.items.lengths.tolist() == [3, 2]
    _, steps, sequences = data.notices
    assert steps == "no label at 3 of 7 steps: they count in no loss and no score"
    assert sequences.startswith("1 sequence without a label left out, ")
    assert sequences.endswith("; a class called ?, -, none or NA needs another name")


def of_sequences(tmp_path: Path) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Give five sequences in every form, of which the second and the last have no label."""
    x, y = [[float(i), 2.0] for i in range(5)], ["1", None, "2", "1", None]
    table = pl.DataFrame({"x": x, "y": y, "n": list("pqrst")})
    long = table.explode("x")
    # the first step alone tells the label of r
    long = long.with_columns(y=pl.when((pl.col("n") != "r") | (pl.col("x") == 2.0)).then("y"))
    (tmp_path / "a.ts").write_text(
        TS.replace("a b", "1 2") + "".join(f"{i},2:{y[i] or '?'}\n" for i in range(5))
    )
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("target.csv", table.select("n", "y").write_csv())
        for name in "pqrst":
            archive.writestr(f"{name}.csv", long.filter(n=name).select("x").write_csv())
    return {
        "arrays": ((x, y), {}),
        "NaN": ((x, [1.0, np.nan, 2.0, 1.0, np.nan]), {}),
        "blank": ((x, np.array(["1", "", "2", "1", " "])), {}),
        "lists": (table.drop("n"), {"label": "y"}),
        "long": (long, {"label": "y", "id": "n"}),
        "ts": (str(tmp_path / "a.ts"), {}),
        "archive": (str(tmp_path / "a.zip"), {"labels": "target.csv"}),
    }


@pytest.mark.parametrize("as_number", [False, True])
@pytest.mark.parametrize("form", ["arrays", "NaN", "blank", "lists", "long", "ts", "archive"])
def test_sequences_without_a_label_are_left_out_by_name(
    tmp_path: Path, form: str, as_number: bool
) -> None:
    source, told = of_sequences(tmp_path)[form]

    data = read(source, as_number=as_number, **told).data

    assert data.labels.tolist() == ([1.0, 2.0, 1.0] if as_number else ["1", "2", "1"])
    assert data.items.values[::2, 0].tolist() == [0.0, 2.0, 3.0]
    assert data.notices[-1].startswith("2 sequences without a label left out, ")


def test_labels_that_are_all_missing_are_refused() -> None:
    expected = "labels must be there, got none for 2 sequences of X; name the column that .*--label"
    for y in ([None, None], [[None], [None, None]]):
        with pytest.raises(DataError, match=expected):
            read(([[1.0], [2.0, 3.0]], y))


NAN = float("nan")
X = np.array(
    [[[1, 2], [NAN, 4], [NAN] * 2], [[5, 6], [NAN] * 2, [7, NAN]], [[8, 9], *[[NAN] * 2] * 2]]
)


def padded(tmp_path: Path, form: str) -> tuple[Any, dict[str, Any]]:
    """Give sequences of 2, 3 and 1 steps of two channels, all padded to 3."""
    y, names = ["a", "b", "a"], ["p", "q", "r"]
    wide = pl.DataFrame({"u": X[:, :, 0].tolist(), "v": X[:, :, 1].tolist(), "y": y, "n": names})
    long = wide.explode("u", "v")
    if form == "array":
        return (X, y), {}
    if form == "list":
        return ([*X], np.array(y)), {}
    if form == "lists":
        return wide.drop("n"), {"label": "y"}
    if form == "steps":
        return (X, [["a", "b"], ["b", "b", "a"], ["a"]]), {"at_steps": True, "cut": 5}
    if form == "long":
        return long, {"label": "y", "id": "n"}
    if form == "archive":
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("target.csv", wide.select("n", "y").write_csv())
            for name in names:
                own = long.filter(n=name).select("u", "v").with_columns(k=pl.int_range(pl.len()))
                archive.writestr(f"{name}.csv", own.fill_nan(None).write_csv())
        return str(tmp_path / "a.zip"), {"labels": "target.csv", "inputs": ("u", "v")}
    rows = [":".join(",".join(map(str, channel)) for channel in row.T) for row in X]
    lines = "".join(f"{row}:{label}\n" for row, label in zip(rows, y, strict=True))
    (tmp_path / "a.ts").write_text(TS.replace("1", "2", 1) + lines.replace("nan", "?"))
    return str(tmp_path / "a.ts"), {}


@pytest.mark.parametrize("form", ["array", "list", "lists", "steps", "long", "archive", "ts"])
def test_a_sequence_ends_at_the_last_step_that_holds_a_value(tmp_path: Path, form: str) -> None:
    source, told = padded(tmp_path, form)

    labelled = read(source, **told).data
    alone = read_unlabelled(source, LabelledConfig(**told))

    for data in (labelled, alone):
        assert data.items.lengths.tolist() == [2, 3, 1]
        expected = np.concatenate([X[0, :2], X[1], X[2, :1]])
        np.testing.assert_array_equal(data.items.values, expected)
    ended = "2 sequences shortened: the steps at their end hold no value"
    assert ended in labelled.notices
    assert ended in alone.notices
    if form == "steps":
        assert labelled.labels.tolist() == ["a", "b", "b", "b", "a", "a"]


def test_a_sequence_without_any_value_is_refused_by_name() -> None:
    X = [np.ones((3, 1)), np.full((2, 1), np.nan)]
    with pytest.raises(DataError, match="must hold something, got 1 empty one: row 2; take it out"):
        read_unlabelled(X, LabelledConfig())


def test_a_list_that_is_missing_is_missing_at_every_step() -> None:
    frame = pl.DataFrame({"u": [[1.0, 2.0], None], "v": [None, [3.0, 4.0, 5.0]], "y": ["a", "b"]})

    data = read(frame, label="y").data

    assert data.items.lengths.tolist() == [2, 3]
    assert np.isnan(data.items[0][:, 1]).all()
    assert np.isnan(data.items[1][:, 0]).all()
    assert data.items[1][:, 1].tolist() == [3.0, 4.0, 5.0]
