"""Files of an archive become sequences in the order of their labels."""

import gzip
import zipfile
from pathlib import Path

import pytest

from lockgate.errors import DataError
from lockgate.tasks.labelling.labelled import Labelled
from lockgate.tasks.labelling.sources.sequences import read_sequences

FILES = {
    "data/walk_1.csv": "x,y\n1,2\n3,4\n5,6\n",
    "data/walk_2.csv": "y,x\n8,7\n",
    "data/walk_10.csv": "x,y\n9,0\n9,1\n",
    "data/target.csv": "#id, label\n10,slow\n1,fast\n2,slow\n",
    "groups.csv": "id,house\n1,a\n2,b\n10,a\n11,c\n",
    "README.txt": "nothing",
}
ROWS = "id,label\n1,fast\n2,slow\n10,slow\n"


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def read(folder: Path, changes: dict[str, str | None] | None = None, **options: object) -> Labelled:
    files = {**FILES, **(changes or {})}
    data = {name: text.encode() for name, text in files.items() if text is not None}
    return read_sequences(zipped(folder / "walks.zip", data), **{"labels": "target.csv", **options})


def test_files_are_read_in_the_order_of_their_labels(tmp_path: Path) -> None:
    data = read(tmp_path, group="groups.csv")

    assert [data.items[i].tolist() for i in range(3)] == [
        [[9, 0], [9, 1]],
        [[1, 2], [3, 4], [5, 6]],
        [[7, 8]],
    ]
    assert data.names == ("data/walk_10.csv", "data/walk_1.csv", "data/walk_2.csv")
    assert (data.labels.tolist(), data.kind) == (["slow", "fast", "slow"], "class")
    assert (data.channels, data.source) == (("x", "y"), "walks.zip")
    assert data.groups is not None
    assert data.groups.tolist() == ["a", "a", "b"]
    assert data.notices == ("1 file without a label in 'data/target.csv' not read: README.txt",)
    assert data.fingerprint


def test_folder_is_read_as_a_zip_file_is(tmp_path: Path) -> None:
    files = {name: text.encode() for name, text in FILES.items()}
    files["data/walk_2.csv.gz"] = gzip.compress(files.pop("data/walk_2.csv"))

    for name, content in files.items():
        (tmp_path / "walks" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "walks" / name).write_bytes(content)

    data = read_sequences(tmp_path / "walks", labels="target.csv", group="groups.csv")

    assert data.fingerprint == read(tmp_path, group="groups.csv").fingerprint
    assert data.names[2] == "data/walk_2.csv.gz"


@pytest.mark.parametrize(
    "keys",
    [
        ("data/walk_1.csv", "data/walk_2.csv", "data/walk_10.csv"),
        ("walk_1.csv", "walk_2.csv", "walk_10.csv"),
        ("walk_1", "walk_2", "walk_10"),
        ("1", "2", "10"),
        ("01", "02", "10"),
    ],
    ids=lambda keys: keys[0],
)
def test_target_names_files_in_any_way(tmp_path: Path, keys: tuple[str, ...]) -> None:
    rows = "".join(f"{key},{label}\n" for key, label in zip(keys, ["f", "s", "s"], strict=True))

    data = read(tmp_path, {"data/target.csv": f"id,label\n{rows}"})

    assert data.names == ("data/walk_1.csv", "data/walk_2.csv", "data/walk_10.csv")


def test_paths_may_begin_at_the_targets_folder(tmp_path: Path) -> None:
    files = {f"set/{kind}/1.csv": b"x\n1\n" for kind in ("up", "down")}
    files["set/labels.csv"] = b"file,label\nup/1.csv,u\ndown/1.csv,d\n"

    data = read_sequences(zipped(tmp_path / "a.zip", files), labels="labels.csv")

    assert data.names == ("set/up/1.csv", "set/down/1.csv")


def test_target_may_lie_beside_the_archive_with_further_columns(tmp_path: Path) -> None:
    path = tmp_path / "told.csv"
    path.write_text("day,walk,speed,house\n2024-01-02,1,2.5,a\n2024-01-01,2,3.5,b\n")

    data = read(
        tmp_path, labels=path, id="walk", label="speed", group="house", time="day", as_number=True
    )

    assert (data.kind, data.labels.tolist()) == ("number", [2.5, 3.5])
    assert data.groups is not None
    assert data.times is not None
    assert data.groups.tolist() == ["a", "b"]
    assert data.times.astype("datetime64[D]").astype(str).tolist() == ["2024-01-02", "2024-01-01"]
    assert data.notices == (
        "4 files without a label in 'told.csv' not read: README.txt, data/target.csv, "
        "data/walk_10.csv and 1 more",
    )


def test_steps_are_sorted_and_inputs_chosen_in_every_file(tmp_path: Path) -> None:
    files = {"a1.csv": b"t,x,y\n2,20,0\n1,10,0\n", "a2.csv": b"t,x,y\n1,5,0\n"}
    files["labels.csv"] = b"id,label\n1,a\n2,b\n"
    path = zipped(tmp_path / "a.zip", files)

    data = read_sequences(path, labels="labels.csv", step="t", inputs=("x",))

    assert (data.channels, data.items.values.tolist()) == (("x",), [[10], [20], [5]])
    assert read_sequences(path, labels="labels.csv", step="t").channels == ("x", "y")


def test_labels_at_steps_stand_in_the_files(tmp_path: Path) -> None:
    files = {"1.csv": b"x,tag\n1,a\n2,b\n", "2.csv": b"x,tag\n3,b\n"}
    files["groups.csv"] = b"id,g\n2,q\n1,p\n"

    data = read_sequences(
        zipped(tmp_path / "a.zip", files), label="tag", at_steps=True, group="groups.csv"
    )

    assert (data.kind, data.labels.tolist(), data.channels) == ("steps", ["a", "b", "b"], ("x",))
    assert data.groups is not None
    assert data.groups.tolist() == ["p", "q"]


def test_first_line_may_lack_the_name_of_the_row_names(tmp_path: Path) -> None:
    rows = {"data/walk_1.csv": 'x,y\n"1",5,6\n"2",7,8\n'}

    assert read(tmp_path, rows).items[1].tolist() == [[5, 6], [7, 8]]


def test_like_notices_are_joined(tmp_path: Path) -> None:
    files = {f"{i}.csv": "x,é\n1,2\n".encode("latin-1") for i in range(6)}
    files["labels.csv"] = "".join(["id,label\n", *(f"{i},a\n" for i in range(6))]).encode()

    data = read_sequences(zipped(tmp_path / "a.zip", files), labels="labels.csv")

    assert data.notices == (
        *(
            f"{i}.csv is not valid UTF-8: read as Latin-1; if letters look wrong, name its "
            "encoding (--encoding)"
            for i in range(3)
        ),
        "and 3 more notices of this kind",
    )


@pytest.mark.parametrize("at_steps", [False, True], ids=["file", "steps"])
@pytest.mark.parametrize(
    ("codec", "named"),
    [("gb18030", None), ("gb18030", "gb18030"), ("utf-16", None), ("utf-16-le", "utf-16-le")],
)
def test_every_file_is_in_the_encoding(tmp_path: Path, codec, named, at_steps: bool) -> None:
    files = {
        "1.csv": "气温,风速,标签\n1,2,上坡\n3,4,下坡\n",
        "2.csv": "气温,风速,标签\n5,6,下坡\n",
        "组.csv": "编号,家\n1,甲\n2,乙\n",
    }
    options: dict[str, object] = {"label": "标签", "at_steps": True}
    if not at_steps:
        files["目标.csv"] = "编号,标签\n2,下坡\n1,上坡\n"
        options = {"labels": "目标.csv", "inputs": ("气温", "风速")}
    path = zipped(tmp_path / "a.zip", {name: text.encode(codec) for name, text in files.items()})

    data = read_sequences(path, group="组.csv", encoding=named, **options)

    assert data.channels == ("气温", "风速")
    assert data.groups is not None
    if at_steps:
        assert data.labels.tolist() == ["上坡", "下坡", "下坡"]
        assert data.groups.tolist() == ["甲", "乙"]
    else:
        assert data.labels.tolist() == ["下坡", "上坡"]
        assert data.groups.tolist() == ["乙", "甲"]
        assert data.items[0].tolist() == [[5, 6]]
    assert bool(data.notices) is (named is None)
    with pytest.raises(DataError, match=r"must be text in ascii, got .*; mend it, or name another"):
        read_sequences(path, group="组.csv", encoding="ascii", **options)


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        (
            {},
            {"labels": None},
            r"labels must name the file .* 'walks.zip' .* try labels=\"data/tar",
        ),
        (
            {},
            {"labels": "targets.csv"},
            "labels must name a file .* did you mean 'data/target.csv'",
        ),
        ({}, {"group": "house.csv"}, "group must name a file in 'walks.zip' or beside it, got 'ho"),
        (
            {"data/walk_2.csv": "x,z\n1,2\n"},
            {},
            "must have the channels of 'data/walk_10.csv', x, y, got x, z in 'data/walk_2.csv'",
        ),
        ({"data/walk_2.csv": "x\n1\n"}, {}, "x, y, got x in 'data/walk_2.csv'"),
        (
            {"data/walk_2.csv": "x,y\n1,2\n3,four\n"},
            {},
            "numbers, got 'four' in row 2, column 'y' of 'data/walk_2.csv'",
        ),
        ({"data/walk_2.csv": "x,y\n"}, {}, "rows below its header, got none in 'data/walk_2.csv'"),
        ({"data/walk_2.csv": ""}, {}, "only blank lines in 'data/walk_2.csv'"),
        ({"data/walk_2.csv": "1,2\n3,4\n"}, {}, "must name the columns, got 1, 2 in 'data/walk_2"),
        ({"data/walk_2.csv": None}, {}, "must name files that exist, got '2' in row 3; the files"),
        ({"other_2.csv": "x,y\n1,2\n"}, {}, "tell files apart, got '2' in row 3, which may be"),
        ({"data/target.csv": ROWS + "1,slow\n"}, {}, "each file once, got '1' in row 4, where row"),
        ({"data/target.csv": ROWS + "7,slow\n"}, {}, "files that exist, got '7' in row 4"),
        ({"data/target.csv": ROWS + ",slow\n"}, {}, "id must hold a value in every row, .* row 4"),
        ({"data/target.csv": "1,fast\n2,slow\n"}, {}, "'1', which means .*; add a header line"),
        ({"data/target.csv": "id\n1\n"}, {}, "must have two columns, .* got 'id'"),
        (
            {"data/target.csv": "id,a,b\n1,2,3\n"},
            {},
            r"two columns, .* 'id', 'a', 'b'; .*\(--label",
        ),
        ({}, {"label": "speed"}, "label must name a column of 'data/target.csv', got 'speed'"),
        ({}, {"id": "label", "label": "label"}, "id must be another column than the label"),
        ({"groups.csv": "id,g\n1,a\n"}, {"group": "groups.csv"}, "got none for 'data/walk_10.csv'"),
        ({"groups.csv": "id\n1\n"}, {"group": "groups.csv"}, "'groups.csv' must have two columns"),
        ({}, {"step": "t"}, "step must name a column of 'data/walk_10.csv', got 't'"),
        ({}, {"step": "y", "inputs": ("w",)}, "inputs must name a column of 'data/walk_10.csv'"),
        ({"data/walk_2.csv": "x,y\n1,2\n1,2\n"}, {"step": "y"}, "2 twice in 'data/walk_2.csv'"),
        ({}, {"at_steps": True}, "with at_steps the label must be a column of every file"),
        ({}, {"at_steps": True, "labels": None, "label": "x", "group": "no"}, "group must name a"),
    ],
)
def test_archive_that_is_not_as_told_raises(tmp_path: Path, changes, options, message) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, changes, **options)


def test_archive_without_tables_raises(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.jpg": b"x"})

    with pytest.raises(DataError, match=r"source must hold tables, got none in 'a.zip'"):
        read_sequences(path, label="x", at_steps=True)
    with pytest.raises(
        DataError, match=r"labels must name the file of labels in 'a.zip' or beside"
    ):
        read_sequences(path)
