"""What a .ts file tells is read as it stands; what does not fit is refused by its row."""

import contextlib
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lockgate.errors import DataError
from lockgate.reading import tables as reading
from lockgate.tasks.labelling.labelled import Labelled, check_labelled
from lockgate.tasks.labelling.sources.sequences import read_sequences

HEAD = "@problemName toy\n@timeStamps false\n@classLabel true a b\n"
TWO = HEAD + "@univariate false\n@dimensions 2\n@equalLength false\n@data\n"
ONE = HEAD + "@univariate true\n@data\n"


def read(folder: Path, text: str | bytes, name: str = "toy.ts", **options: object) -> Labelled:
    data = text.encode() if isinstance(text, str) else text
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return read_sequences(path, **options)


@pytest.mark.parametrize("name", ["toy.ts", "toy.ts.gz", "TOY.TS"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "dos", "mac"])
def test_dimensions_become_channels(tmp_path: Path, name: str, end: str) -> None:
    text = f"#note\n\n{TWO}1,2,3:4,5,6:a\n\n-7.5e0, 8 : 9,1E1:b\n"

    data = read(tmp_path, text.replace("\n", end), name)

    assert data.items[0].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert data.items[1].tolist() == [[-7.5, 9], [8, 10]]
    assert data.items.values.dtype == np.float32
    assert (data.labels.tolist(), data.kind) == (["a", "b"], "class")
    assert (data.channels, data.source, data.notices) == (("dim_1", "dim_2"), name, ())
    assert data.names == ("row 1", "row 3")
    assert data.fingerprint


def test_targets_are_numbers(tmp_path: Path) -> None:
    data = read(tmp_path, "@targetLabel true\n@data\n1,2:0.5\n3:-4\n")

    assert (data.kind, data.labels.tolist()) == ("number", [0.5, -4.0])


def test_class_labels_can_be_taken_for_numbers(tmp_path: Path) -> None:
    text = "@classLabel true\n@data\n1:3\n2:4\n"

    assert read(tmp_path, text, as_number=True).labels.tolist() == [3.0, 4.0]
    with pytest.raises(DataError, match=r"every label must be a number, got 'x' in row 1"):
        read(tmp_path, "@targetLabel true\n@data\n1:x\n")


def test_several_labels_of_a_row_are_parted(tmp_path: Path) -> None:
    data = read(tmp_path, "@classLabel true\n@data\n1:b, a\n2:a\n", several=",")

    assert (data.kind, data.labels.tolist()) == ("classes", ["a\x1fb", "a"])


def test_dimensions_can_be_chosen(tmp_path: Path) -> None:
    data = read(tmp_path, TWO + "1:2:a\n3:4:b\n", inputs=("dim_2",))

    assert (data.channels, data.items.values.tolist()) == (("dim_2",), [[2], [4]])
    with pytest.raises(DataError, match=r"inputs must name a column .* did you mean 'dim_"):
        read(tmp_path, TWO + "1:2:a\n", inputs=("dim_3",))


def test_missing_values_are_read_as_nan(tmp_path: Path) -> None:
    data = read(tmp_path, ONE + "1,?:a\n2,NaN:a\n3:b\n4:b\n")

    assert np.isnan(data.items.values[:, 0]).tolist() == [False, True, False, True, False, False]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "toy.ts must hold examples, got none"),
        ("1:a\n:b\n", "every sequence must hold something, got 1 empty one: row 2"),
        ("1:a\n1e39:b\n", "got inf in row 2, step 1"),
        ("1:a\ninf:b\n", "got inf in row 2, step 1"),
    ],
)
def test_what_cannot_be_learned_from_is_read_and_left_to_the_check(tmp_path, rows, message) -> None:
    data = read(tmp_path, ONE + rows)

    with pytest.raises(DataError, match=message):
        check_labelled(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TWO + "1,2:3:a\n", "of one length, got 2 and 1 step in dimensions 1 and 2 of row 1"),
        (TWO + "1:2:a\n1:2:3:b\n", "must have 2 dimensions and a label, .* 3 dimensions in row 2"),
        (ONE + "1:2:a\n", "must have 1 dimension and a label, .* got 2 dimensions in row 1"),
        (HEAD + "@data\n1:2:a\n1:b\n", "must have 2 dimensions .* got 1 dimension in row 2"),
        (ONE + "1,2\n", "must have 1 dimension and a label, .* got 0 dimensions in row 1"),
        (ONE + "1,2:\n", "every row of 'toy.ts' must end in a label, got '' in row 1"),
        (ONE + "1,2:c\n", "labels must be listed by @classLabel, a, b, got 'c' in row 1"),
        (ONE + "1,x:a\n", "values must be numbers parted by ',', got 'x' in row 1, dimension 1"),
        (ONE + "1 2 3 " * 99 + ":a\n", r"got '1 2 3 1 2 .{1,50}\.\.\. in row 1, dimension 1"),
        (ONE + "1,,2:a\n", "values must be numbers parted by ',', got '' in row 1"),
        (ONE + "1_0:a\n", "values must be numbers parted by ',', got '1_0' in row 1"),
        (ONE + "(0,1),(1,2):a\n", r"must be without time stamps, got '\(' in row 1"),
        ("@timeStamps true\n" + ONE, "@timeStamps must be false, got true in line 1 of 'toy.ts'"),
        ("@classLabel false\n@data\n1\n", "source must have labels, .* got none in 'toy.ts'"),
        ("@data\n1:a\n", "source must have labels, @classLabel true or @targetLabel true"),
        (HEAD, "source must have a line @data before its rows, got none in 'toy.ts'"),
        ("", "source must have a line @data before its rows, got none in 'toy.ts'"),
        ("@dimensions many\n", "@dimensions must be a whole number of 1 or more, got 'many'"),
        ("@dimensions 0\n", "@dimensions must be a whole number of 1 or more, got '0' in line 1"),
        ("@univariate\n", "@univariate must be true or false, got '' in line 1 of 'toy.ts'"),
        (b"\x00\x01", "toy.ts must be text, got binary data"),
        (
            HEAD + "@equalLength true\n@seriesLength 2\n@data\n1,2:a\n1:b\n",
            "must have 2 steps, as @equalLength is true, got 1 in row 2",
        ),
        (HEAD + "@equalLength true\n@data\n1,2:a\n1:b\n", "must have 2 steps, .* got 1 in row 2"),
    ],
)
def test_row_that_does_not_fit_raises(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize("option", ["label", "id", "step", "group", "time"])
def test_columns_mean_nothing_in_a_ts_file(tmp_path: Path, option: str) -> None:
    with pytest.raises(DataError, match=f"{option} must be left out for a .ts file"):
        read(tmp_path, ONE, **{option: "x"})


def test_labels_at_steps_are_none_of_a_ts_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"at_steps must be left out for a .ts file"):
        read(tmp_path, ONE, at_steps=True)


def test_stray_lines_and_another_encoding_are_told(tmp_path: Path) -> None:
    text = "#caf\xe9\nwrapped words\n" + ONE + "1:a\n"

    data = read(tmp_path, text.encode("latin-1"))

    assert data.notices == (
        "toy.ts is not valid UTF-8: read as Latin-1; if letters look wrong, name its encoding "
        "(--encoding)",
        "not read: line 2, before @data without @ or #, of 'toy.ts'",
    )


@pytest.mark.parametrize(
    ("codec", "named"),
    [("gb18030", None), ("utf-16", None), ("utf-16-le", "utf-16-le"), ("big5", "big5")],
)
def test_classes_are_read_from_any_encoding(tmp_path: Path, codec: str, named: str | None) -> None:
    text = "@classLabel true 上山 平地\n@data\n1,2:上山\n3,4:平地\n"

    data = read(tmp_path, text.encode(codec), encoding=named)

    assert data.labels.tolist() == ["上山", "平地"]
    assert len(data.notices) == (named is None)
    with pytest.raises(DataError, match=r"toy.ts must be text in ascii, got .*; mend it, or name"):
        read(tmp_path, text.encode(codec), encoding="ascii")


def test_marks_within_a_comment_begin_no_line(tmp_path: Path) -> None:
    data = read(tmp_path, "# one\u2028@timeStamps true\x85@data\n" + ONE + "1:a\n")

    assert (len(data), data.notices) == (1, ())


def test_packed_bomb_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "memory_at_hand", lambda: 2 * 1000)

    with pytest.raises(DataError, match="must unpack to at most 1,000 bytes"):
        read(tmp_path, ONE + "1,2:a\n" * 1000, "toy.ts.gz")


NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
TAGS = ("@data", "@classLabel true a b", "@targetLabel true", "@dimensions 2", "@equalLength true")
ROWS = ("1,2:a", "1,2:3,4:a", "@univariate true", "@seriesLength 2", "# note", "", "(0,1):a")
WORDS = ("@", "#", "?", "nan", "inf", ",", ":", "a", "1e999", "-", "(", "_", "\r", "@classLabel")
PIECES = st.sampled_from([*(f"{line}\n" for line in (*TAGS, *ROWS)), *WORDS])
anywhere = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@anywhere
@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60))
@example(ONE + "1" * 400 + ":a")
@example("@targetLabel true\n@data\n1:\x85\n")
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    with contextlib.suppress(DataError):
        check_labelled(read(tmp_path, text.encode("utf-8", "surrogatepass")))


@anywhere
@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    for name, start in (("toy.ts", ONE.encode()), ("toy.ts", b""), ("toy.ts.gz", b"")):
        with contextlib.suppress(DataError):
            check_labelled(read(tmp_path, start + data, name))


@anywhere
@given(st.data())
def test_what_was_written_is_read(tmp_path: Path, data: st.DataObject) -> None:
    channels = data.draw(st.integers(1, 4))
    lengths = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    arrays = [
        np.array(
            data.draw(st.lists(NUMBERS, min_size=channels * n, max_size=channels * n)),
            dtype=np.float32,
        ).reshape(n, channels)
        for n in lengths
    ]
    rows = [":".join(",".join(map(str, column.tolist())) for column in a.T) for a in arrays]

    got = read(tmp_path, "@classLabel true\n@data\n" + "".join(f"{r}:x y\n" for r in rows))

    assert got.items.lengths.tolist() == lengths
    np.testing.assert_array_equal(got.items.values, np.concatenate(arrays))
