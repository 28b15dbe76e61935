"""Texts with labels are read from every form that people keep them in; faults name their row."""

import gzip
import json
import os
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate import DataError
from lockgate.reading import tables as reading
from lockgate.tasks.labelling.labelled import check_labelled
from lockgate.tasks.labelling.sources.text_sources import class_files
from lockgate.tasks.labelling.sources.texts import read_texts

NAMED = {"text": "text", "label": "label"}
TEXTS = ("none", ' "so", he said ', "two\nlines", "-", "naïve 好")
LABELS = ["a", "b", "a", "NA", "none"]
RECORDS = [{"label": label, "text": text} for label, text in zip(LABELS, TEXTS, strict=True)]
FRAME = pl.DataFrame(RECORDS)
INDEXED = pd.DataFrame(RECORDS, index=list("vwxyz"))


def write(folder: Path, text: str | bytes, name: str) -> Path:
    data = text.encode() if isinstance(text, str) else text
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def csv_of(separator: str) -> str:
    rows = [
        "label,text",
        "a,none",
        'b," ""so"", he said "',
        'a,"two\nlines"',
        "NA,-",
        "none,naïve 好",
    ]
    return "\n".join(row.replace(",", separator, 1) for row in rows) + "\n"


JSON = "".join(json.dumps(record) + "\n" for record in RECORDS)
FILES = [
    ("a.csv", csv_of(",")),
    ("a.csv.gz", csv_of(",")),
    ("a.tsv", csv_of("\t")),
    ("a.tsv.gz", csv_of("\t")),
    ("a.txt", csv_of(";")),
    ("a.jsonl", JSON),
    ("a.ndjson.gz", JSON.replace("\n", "\r\n\r\n")),
]


@pytest.mark.parametrize(("name", "content"), FILES, ids=[name for name, _ in FILES])
def test_every_kind_of_file_holds_the_same(tmp_path: Path, name: str, content: str) -> None:
    data = read_texts(write(tmp_path, content, name), **NAMED)

    assert data.items == TEXTS
    assert data.labels.tolist() == LABELS
    assert (data.kind, data.source, data.is_text) == ("class", name, True)
    assert data.notices == (f"{name} is read as UTF-8",)
    assert data.fingerprint


def test_rows_are_numbered_from_below_the_header(tmp_path: Path) -> None:
    table = read_texts(write(tmp_path, csv_of(","), "a.csv"), **NAMED)
    lines = read_texts(write(tmp_path, "a x\n\nb y\n", "a.txt"))

    assert table.names == ("row 1", "row 2", "row 3", "row 4", "row 5")
    assert lines.names == ("row 1", "row 3")


@pytest.mark.parametrize(
    "frame",
    [
        FRAME,
        FRAME.lazy(),
        FRAME.to_arrow(),
        FRAME.to_pandas(),
        INDEXED,
    ],
    ids=["polars", "lazy", "pyarrow", "pandas", "index"],
)
def test_frames_hold_the_same(frame: Any) -> None:
    data = read_texts(frame, **NAMED)

    assert data.items == TEXTS
    assert data.labels.tolist() == LABELS
    assert (data.source, data.names[1]) == ("frame", "row 2")


def test_parquet_holds_the_same(tmp_path: Path) -> None:
    FRAME.cast({"label": pl.Categorical}).write_parquet(tmp_path / "a.parquet")

    data = read_texts(tmp_path / "a.parquet", **NAMED)

    assert data.items == TEXTS
    assert data.labels.tolist() == LABELS


@pytest.mark.parametrize("make", [list, tuple, np.array, pd.Series, pl.Series, pa.array])
def test_pairs_hold_the_same(make: Any) -> None:
    data = read_texts((make(TEXTS), make(LABELS)))

    assert data.items == TEXTS
    assert data.labels.tolist() == LABELS


def test_pandas_columns_may_be_numbers() -> None:
    data = read_texts(pd.DataFrame([["x", 1], ["y", 0]]), text="0", label="1")

    assert data.labels.tolist() == ["1", "0"]


@pytest.mark.parametrize(
    ("labels", "read"),
    [
        ([1, 0], ["1", "0"]),
        ([1.0, 0.0], ["1", "0"]),
        ([1.5, 0.0], ["1.5", "0"]),
        ([True, False], ["true", "false"]),
        ([" good", "bad\n"], ["good", "bad"]),
        (["1.0", "01"], ["1.0", "01"]),
    ],
)
def test_labels_are_text_as_written(labels: list[Any], read: list[str]) -> None:
    assert read_texts((["x", "y"], labels)).labels.tolist() == read


def test_columns_without_a_header_are_numbered(tmp_path: Path) -> None:
    path = write(tmp_path, "x, 1\t1\ny\t0\n", "dev.txt.gz")

    data = read_texts(path, text="1", label="2", header=False)

    assert data.items == ("x, 1", "y")
    assert data.labels.tolist() == ["1", "0"]


def test_a_folder_holds_a_folder_for_each_class(tmp_path: Path) -> None:
    folder = tmp_path / "train"
    write(folder, "\nfine\nfilm\r\n", "pos/1.txt")
    write(folder, "", "pos/2.TXT")
    write(folder, "bad\ufeff", "neg/10.txt")
    for name in ("README", "pos/notes.md", "pos/.hidden.txt", ".git/x.txt"):
        write(folder, "no text", name)

    data = read_texts(folder)

    assert data.items == ("bad\ufeff", "fine\nfilm", "")
    assert data.labels.tolist() == ["neg", "pos", "pos"]
    assert data.names == ("neg/10.txt", "pos/1.txt", "pos/2.TXT")
    assert data.source == "train"
    assert data.notices == ("train is read as UTF-8", "2 other files in train left out")


def test_folders_of_classes_are_found_wherever_they_lie() -> None:
    assert class_files(["a/b/pos/1.txt", "a/b/neg/1.TXT", "a/b/README.txt", "x.csv"]) == {
        "pos/1.txt": "a/b/pos/1.txt",
        "neg/1.TXT": "a/b/neg/1.TXT",
    }
    assert list(class_files(["d/Train/pos/1.txt", "d/val/pos/1.txt", "d/test/neg/1.txt"])) == [
        *("Train/pos/1.txt", "val/pos/1.txt", "test/neg/1.txt"),
    ]
    assert list(class_files(["train/pos/1.txt", "train/neg/1.txt"])) == ["pos/1.txt", "neg/1.txt"]
    assert class_files(["1.txt", "a/b.csv"]) == class_files([]) == {}


def test_folders_of_classes_in_several_folders_are_refused_with_one_to_name(tmp_path: Path) -> None:
    for folder in ("de", "en"):
        for name in ("pos/1.txt", "pos/2.txt", "neg/1.txt", "neg/2.txt"):
            write(tmp_path / folder, f"x {name}", name)

    with pytest.raises(DataError, match=r"got them in 'de', 'en' of .*; name one: (.*)$") as raised:
        read_texts(tmp_path)

    assert len(read_texts(str(raised.value).rpartition(": ")[2])) == 4
    for names in (["test/a/1.txt", "dev/a/1.txt"], ["train/a/1.txt", "training/a/1.txt"]):
        with pytest.raises(DataError, match="a folder for each class, or such folders in train"):
            class_files(names)


def test_texts_in_a_folder_for_what_has_no_label_have_none(tmp_path: Path) -> None:
    for name in ("pos/1.txt", "neg/1.txt", "unsup/1.txt", "Unlabeled/1.txt"):
        write(tmp_path, name, name)

    assert read_texts(tmp_path).labels.tolist() == ["", "neg", "pos", ""]


def test_files_of_a_folder_are_told_together(tmp_path: Path) -> None:
    write(tmp_path, "距离川沙公路较近，".encode("gb18030"), "a/1.txt")
    write(tmp_path, "很".encode("gb18030"), "a/2.txt")
    write(tmp_path, "好", "b/1.txt")
    write(tmp_path, "好".encode("utf-16"), "b/2.txt")

    data = read_texts(tmp_path)

    assert data.items == ("距离川沙公路较近，", "很", "好", "好")
    assert "2 files of" in data.notices[0]
    assert "(a/1.txt first): read as GB18030" in data.notices[0]


def test_lines_begin_with_their_label(tmp_path: Path) -> None:
    text = "0 a\x85b \n__label__1\tc\u2028d\r\n\n0\n"

    data = read_texts(write(tmp_path, text, "TREC.all"))

    assert data.items == ("a\x85b ", "c\u2028d", "")
    assert data.labels.tolist() == ["0", "__label__1", "0"]


def test_encoding_is_told_and_can_be_forced(tmp_path: Path) -> None:
    path = write(tmp_path, "0 crème\n1 brûlée\n".encode("latin-1"), "a.all.gz")

    told, forced = read_texts(path), read_texts(path, encoding="cp850")

    assert told.items == ("crème", "brûlée")
    assert told.notices[0].startswith("a.all.gz is not valid UTF-8: read as Latin-1")
    assert forced.items != told.items
    assert forced.notices == ()


def test_several_labels_are_parted(tmp_path: Path) -> None:
    text = 'text,label\nx,"a, b,a"\ny,\nz,c\n'

    data = read_texts(write(tmp_path, text, "a.csv"), **NAMED, several=",")
    lists = read_texts((["x", "y", "z"], [["a", "b"], [], ["c"]]))

    assert data.kind == lists.kind == "classes"
    assert data.labels.tolist() == lists.labels.tolist() == ["a\x1fb", "", "c"]


def test_labels_may_be_numbers_as_people_write_them(tmp_path: Path) -> None:
    path = write(tmp_path, 'text,label\nx,"1,250.5 €"\ny,3 €\n', "a.csv")

    data = read_texts(path, **NAMED, as_number=True)

    assert data.labels.tolist() == [1250.5, 3]
    assert data.notices[1:] == ("column 'label': '1,250.5 €' is read as 1250.5",)


def test_labels_can_be_numbers(tmp_path: Path) -> None:
    data = read_texts(
        write(tmp_path, "text,label\nx, 1.5\ny,-2e3\n", "a.csv"), **NAMED, as_number=True
    )

    assert data.kind == "number"
    assert data.labels.tolist() == [1.5, -2000.0]


def test_empty_texts_are_kept_or_dropped(tmp_path: Path) -> None:
    path = write(tmp_path, 'text,label\nx,a\n,a\n" \t",\ny,b\n', "a.csv")

    data = read_texts(path, **NAMED, drop_empty=True)

    assert data.items == ("x", "y")
    assert data.names == ("row 1", "row 4")
    assert data.notices[1] == "2 empty texts dropped (row 2, row 3)"
    with pytest.raises(DataError, match=r"got 1 empty one: row 2; drop it \(--drop-empty\)"):
        check_labelled(read_texts((["x", None, "y", "z"], list("aabb"))))


def test_groups_and_times_are_read(tmp_path: Path) -> None:
    text = "text,label,who,when\nx,a, p,2024-03-01\ny,b,q,2024-01-01\n"
    path = write(tmp_path, text, "a.csv")

    data = read_texts(path, **NAMED, group="who", time="when")
    pair = read_texts((["x", "y"], ["a", "b"]), group=[1, 2], time=[3, 1.5])

    assert data.groups is not None
    assert data.times is not None
    assert data.groups.tolist() == ["p", "q"]
    assert data.times.argsort().tolist() == [1, 0]
    assert pair.times is not None
    assert pair.times.tolist() == [3.0, 1.5]


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.csv", "a,text,label\nx,y,1\n", {}, r"text must name .* got none \(te.* are a, t"),
        ("a.csv", "a,b\nx,1\n", {"text": "a"}, "label must name the column of labels, got none"),
        ("a.csv", "Text,label\nx,1\n", NAMED, "text must name .* got 'text'; did you mean 'Text'?"),
        ("a.txt", "x\t1\n", {"text": "1", "label": "2"}, "no header, say so .--no-header"),
        ("a.jsonl", '{"txt": "x"}\n', NAMED, "text must name a column .* did you mean 'txt'"),
        ("a.csv", "text,label\n3,a\n-1e3,b\n", NAMED, "numbers such as 3 in column 'text'; name"),
        ("a.jsonl", '{"text": 3, "label": 1}\n', NAMED, "got numbers such as 3 in column 'text'"),
        ("a.jsonl", '{"text": "3", "label": 1}\n{"text": [1], "label": 1}', NAMED, "list .* row 2"),
        ("a.jsonl", '{"text": "\\ud800", "label": 1}\n', NAMED, "half a surrogate pair .* row 1"),
        ("a.jsonl", '{"text": "x"\n', NAMED, "must hold JSON in each line, got .* in row 1"),
        ("a.jsonl", "[" * 100_000, NAMED, "must hold JSON in each line, got .* in row 1"),
        ("a.jsonl", '[{"text": "x"}]', NAMED, "must hold an object in each line, got .* in row 1"),
        ("a.jsonl", '{"text": "x", "label": {"a": 1}}', NAMED, "a label must be text or a number"),
        ("a.csv", "text,label\nx,a\x1fb\n", NAMED, "a label must be text or a number, .* in row 1"),
        ("a.csv", "text,label\nx,good\n", {**NAMED, "as_number": True}, "'good' in row 1"),
        ("a.csv", "text,label\nx,1_0\n", {**NAMED, "as_number": True}, "number .* '1_0' in row 1"),
        ("a.csv", "text,label\nx,a\n", {**NAMED, "several": ""}, "several must be what parts"),
        ("a.csv", "text,label,g\nx,a,\n", {**NAMED, "group": "g"}, "group must be given .* row 1"),
        ("a.csv", "text,label,t\nx,a,soon\n", {**NAMED, "time": "t"}, "row 1"),
        ("a.csv", "text,label,t\nx,a,1\ny,a,\n", {**NAMED, "time": "t"}, "row 2"),
        ("a.all", "a x\n", {"group": "g"}, "group must not be given for lines"),
        ("a.txt", "".join(f"title{i}\ta\n" for i in range(20)), {}, "--no-head"),
        ("a.csv", b"text,label\nx,a\n\ny,\xff", {**NAMED, "encoding": "utf-8"}, "0xff in row 3"),
        ("a.jsonl", b'{"text": "\xff"}', {**NAMED, "encoding": "utf-8"}, "0xff in row 1"),
        ("a.csv", b"", NAMED, "source must hold texts, got the empty file 'a.csv'"),
        ("a.csv.gz", b" \n\n", NAMED, "source must hold texts, got only blank lines in 'a.csv.gz'"),
        ("a.xlsx", b"PK\x03\x04\0\0", NAMED, "a.xlsx must be text, got binary data"),
        ("a.parquet", b"PAR1", NAMED, "source must be a Parquet file"),
    ],
)
def test_faults_raise_in_one_sentence(tmp_path: Path, name: str, content, options, message) -> None:
    path = write(tmp_path, content, name)

    with pytest.raises(DataError, match=message) as error:
        read_texts(path, **options)

    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("source", "options", "error", "message"),
    [
        ("none.csv", {}, FileNotFoundError, "source must be an existing file or folder"),
        (3, NAMED, TypeError, "source must be a path, a pair .* or pyarrow frame, got int"),
        ((["x"], "a"), {}, TypeError, "pair of texts and labels"),
        ((["x"], ["a"], ["b"]), {}, TypeError, "pair of texts and labels, got 3 values in a tuple"),
        ((["x"], 1), {}, TypeError, "label must be a sequence, got int"),
        ((["x", "y"], ["a"]), {}, DataError, "must be as many, got 2 of text, 1 of label"),
        ((["x"], ["a"]), {"text": "t"}, DataError, "text must not be given for a pair"),
        (([1, 2], ["a", "b"]), {}, DataError, "got numbers such as 1; name"),
        (([b"x", "y"], ["a", "b"]), {}, DataError, "got b'x' of type bytes, row 1"),
        ((["x", "y"], [["a"], "b"]), {}, DataError, "label must be a list in every row"),
        ((["x", "y"], ["a", "b"]), {"time": ["2024-01-01", 3]}, DataError, "dates or of numbers"),
        (pd.DataFrame({"text": ["x", 3], "label": [1, 2]}), NAMED, DataError, "hold one type"),
        (FRAME, {}, DataError, "text must name the column .* the columns are label, text"),
    ],
)
def test_what_is_no_source_raises(source, options, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read_texts(source, **options)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text,label\nx,1\ny, \n"),
        ("a.csv", "text,label\nx,1\ny\n"),
        ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "y", "label": null}\n'),
    ],
)
def test_a_missing_label_is_empty_or_nan(tmp_path: Path, name: str, content: str) -> None:
    path = write(tmp_path, content, name)

    assert read_texts(path, **NAMED).labels.tolist() == ["1", ""]
    numbers = read_texts(path, **NAMED, as_number=True).labels
    assert np.array_equal(numbers, [1.0, np.nan], equal_nan=True)


def test_a_missing_label_of_a_pair_is_empty_or_nan() -> None:
    for missing in (None, float("nan"), " "):
        assert read_texts((["x", "y"], ["a", missing])).labels.tolist() == ["a", ""]
        numbers = read_texts((["x", "y"], ["$1,000.50", missing]), as_number=True).labels
        assert np.array_equal(numbers, [1000.5, np.nan], equal_nan=True)
    assert read_texts((["x", "y"], [["a", None], [""]])).labels.tolist() == ["a", ""]


def test_labels_of_fasttext_are_taken_off_their_lines(tmp_path: Path) -> None:
    one = write(tmp_path, "__label__a  x y\n\nz\n__label__b\n", "one.txt")
    several = write(tmp_path, "__label__a __label__b x __label__\n__label__b y\nz\n", "more.txt.gz")

    data, more = read_texts(one), read_texts(several)

    assert data.items == read_texts(one, labelled=False).items == ("x y", "z", "")
    assert (data.labels.tolist(), data.kind) == (["a", "", "b"], "class")
    assert data.names == ("row 1", "row 3", "row 4")
    assert more.items == ("x __label__", "y", "z")
    assert (more.labels.tolist(), more.kind) == (["a\x1fb", "b", ""], "classes")


PARTED = pl.DataFrame(
    {
        "body": ["of rain", " ", "a, b", " "],
        "title": ["Songs ", "Alone", None, None],
        "a,b": ["one"] * 4,
        "label": ["x", "y", "x", "y"],
    }
)
JOINED = ("Songs ␞ of rain", "Alone ␞ ", " ␞ a, b", "")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.jsonl", "a.parquet", "frame"])
def test_several_columns_are_one_text_in_the_order_named(tmp_path: Path, name: str) -> None:
    source: Any = PARTED if name == "frame" else tmp_path / name
    if name.endswith(".jsonl"):
        PARTED.write_ndjson(source)
    elif name.endswith(".parquet"):
        PARTED.write_parquet(source)
    elif name != "frame":
        PARTED.write_csv(source, separator={"a.csv": ",", "a.tsv": "\t", "a.txt": ";"}[name])

    assert read_texts(source, text="title,body", label="label").items == JOINED
    assert read_texts(source, text="title, body", labelled=False).items == JOINED
    assert read_texts(source, text="a,b", label="label").items == ("one",) * 4
    assert read_texts(source, text="a,b,title", label="label").items[0] == "one ␞ Songs"
    assert read_texts(source, text="title,a,b", label="label").items[1] == "Alone ␞ one"


def test_several_columns_without_header_go_by_number(tmp_path: Path) -> None:
    path = write(tmp_path, "1,Songs,of rain\n2,Alone,at sea\n", "a.csv")

    data = read_texts(path, text="2,3", label="1", header=False)

    assert data.items == ("Songs ␞ of rain", "Alone ␞ at sea")
    with pytest.raises(DataError, match=r"if the first row is no header, say so \(--no-header"):
        read_texts(path, text="2,3", label="1")


def test_a_row_is_dropped_where_all_its_columns_are_blank() -> None:
    data = read_texts(PARTED, text="title,body", label="label", drop_empty=True)

    assert data.names == ("row 1", "row 2", "row 3")
    assert data.notices == ("1 empty text dropped (row 4)",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("titel,body", "text must name a column of the table, got 'titel'; did you mean 'title'"),
        ("title,bodi", r"text \(2\) must name a column .* got 'bodi'; did you mean 'body'"),
        ("title,n", r"text must be a column of text, got numbers such as 1 in text \(2\); name"),
        (",", "text must name a column of the table, got ''"),
    ],
)
def test_a_column_of_several_that_is_no_text_is_named(text: str, message: str) -> None:
    frame = PARTED.with_columns(n=pl.Series([1, 2, 3, 4]))
    with pytest.raises(DataError, match=message):
        read_texts(frame, text=text, label="label")


def test_a_folder_without_classes_raises(tmp_path: Path) -> None:
    write(tmp_path, "x", "aclImdb/train/pos/1.txt")
    write(tmp_path, "x", "flat/1.txt")

    with pytest.raises(DataError, match=r"must hold a folder for each class with \.txt files"):
        read_texts(tmp_path / "flat")
    with pytest.raises(DataError, match="label must not be given for a folder for each class"):
        read_texts(tmp_path / "aclImdb" / "train", label="label")


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, b"0 x\n" * 25_000_000, "bomb.all.gz")
    monkeypatch.setattr(reading, "memory_at_hand", lambda: 2 * 2**20)

    tracemalloc.start()
    with pytest.raises(DataError, match="must unpack to at most 1,048,576 bytes, got more"):
        read_texts(path)

    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


def test_a_long_text_is_read_whole(tmp_path: Path) -> None:
    text = "word " * 1_000_000

    data = read_texts(write(tmp_path, f'label,text\na,"{text}"\nb,y\n', "a.csv"), **NAMED)

    assert data.items == (text, "y")


def test_nothing_but_a_header_holds_nothing(tmp_path: Path) -> None:
    data = read_texts(write(tmp_path, "text,label\n", "a.csv"), **NAMED)

    with pytest.raises(DataError, match=r"a\.csv must hold examples, got none"):
        check_labelled(data)


ANY = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(ANY.filter(lambda text: not text.strip("\r\n").isdigit()), min_size=1))
def test_texts_of_json_lines_come_back(tmp_path_factory: Any, texts: list[str]) -> None:
    lines = "".join(json.dumps({"text": text, "label": "a"}) + "\n" for text in [*texts, "words"])
    path = write(tmp_path_factory.mktemp("json"), lines, "a.jsonl")

    assert read_texts(path, **NAMED).items == (*texts, "words")


ROOT = Path(__file__).parents[4]
FOLDER = Path(os.environ.get("LOCKGATE_DATA", ROOT.parent / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"no data folder {FOLDER}; LOCKGATE_DATA names another"
)
REVIEW = {"text": "review", "label": "label"}
TREC = {"0": 1162, "1": 1250, "2": 86, "3": 1223, "4": 835, "5": 896}
CHINESE = "zh_chnsenticorp/ChnSentiCorp_htl_all.csv.gz"
REAL: list[tuple[str, dict[str, Any], dict[str, int], str]] = [
    # file, options, labels, encoding
    ("imdb/imdb_train.csv.gz", NAMED, {"neg": 12500, "pos": 12500}, "UTF-8"),
    (CHINESE, REVIEW, {"0": 2444, "1": 5322}, "UTF-8"),
    ("zh_waimai10k/waimai_10k.csv.gz", REVIEW, {"0": 7987, "1": 4000}, "UTF-8"),
    (
        "zh_thucnews_titles/dev.txt.gz",
        {"text": "1", "label": "2", "header": False},
        {str(i): 1000 for i in range(10)},
        "UTF-8",
    ),
    ("en_sentences/TREC.train.all.gz", {}, TREC, "Latin-1"),
    (
        "en_sentences/TREC.test.all",
        {},
        {"0": 138, "1": 94, "2": 9, "3": 65, "4": 81, "5": 113},
        "UTF-8",
    ),
    ("en_sentences/rt-polarity.all.gz", {}, {"0": 5331, "1": 5331}, "Windows-1252"),
    ("en_sentences/stsa.binary.train.gz", {}, {"0": 3310, "1": 3610}, "UTF-8"),
    ("en_sentences/stsa.binary.dev", {}, {"0": 428, "1": 444}, "UTF-8"),
    ("en_sentences/stsa.binary.test.gz", {}, {"0": 912, "1": 909}, "UTF-8"),
]


@needs_data
@pytest.mark.parametrize(("name", "options", "labels", "encoding"), REAL, ids=[r[0] for r in REAL])
def test_published_sets_are_read(name: str, options, labels: dict[str, int], encoding: str) -> None:
    data = read_texts(FOLDER / name, **options)

    assert Counter(data.labels.tolist()) == labels
    assert f"read as {encoding}" in data.notices[0]
    assert len(data.notices) == 1


@needs_data
def test_the_finer_labels_of_trec_are_read() -> None:
    data = read_texts(FOLDER / "en_sentences" / "raw_TREC.train.gz")

    assert len(data) == 5452
    assert len(set(data.labels.tolist())) == 50
    assert "read as Latin-1" in data.notices[0]


@needs_data
def test_the_empty_review_is_found() -> None:
    with pytest.raises(DataError, match="got 1 empty one: row 6375"):
        check_labelled(read_texts(FOLDER / CHINESE, **REVIEW))

    data = check_labelled(read_texts(FOLDER / CHINESE, **REVIEW, drop_empty=True))

    assert len(data) == 7765
    assert data.notices[1] == "1 empty text dropped (row 6375)"
    assert '"蔡陆线"' in data.items[0]


@needs_data
def test_chinese_in_gb18030_is_the_same(tmp_path: Path) -> None:
    plain = gzip.decompress((FOLDER / CHINESE).read_bytes()).decode()
    path = write(tmp_path, plain.encode("gb18030"), "a.csv")

    data = read_texts(path, **REVIEW)

    assert data.items == read_texts(FOLDER / CHINESE, **REVIEW).items
    assert "read as GB18030" in data.notices[0]
