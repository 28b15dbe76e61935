"""Files and frames become columns as they stand there; what is no table is refused in words."""

import gzip
from datetime import datetime
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lockgate.errors import DataError
from lockgate.reading import tables as reading
from lockgate.reading.tables import NULLS, read_raw

DAYS = ["2024-01-01", "2024-01-02", "2024-01-03"]


def write(folder: Path, text: str | bytes, name: str = "table.csv") -> Path:
    data = text.encode() if isinstance(text, str) else text
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.TXT", "a.csv.gz", "a.txt.gz"])
def test_separator_is_told_from_the_rows(tmp_path: Path, name: str, separator: str) -> None:
    rows = [["date", "x (m/s)", "y"], ["2024-01-01", "1.5", "two"], ["2024-01-02", "", "NA"]]
    text = "".join(separator.join(row) + "\r\n" for row in rows)

    raw = read_raw(write(tmp_path, text, name))

    assert raw.frame.to_dict(as_series=False) == {
        "date": DAYS[:2],
        "x (m/s)": ["1.5", None],
        "y": ["two", None],
    }
    assert (raw.source, raw.rows_read, raw.notices) == (name, 2, ())


def test_decimal_commas_do_not_part_columns(tmp_path: Path) -> None:
    raw = read_raw(write(tmp_path, "date;CO (mg, wet);T\n01.02.2024;2,6;1\n02.02.2024;3,1;2,5\n"))

    assert raw.frame["CO (mg, wet)"].to_list() == ["2,6", "3,1"]


def test_separator_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, "a#b\n1#2\n")

    assert read_raw(path, separator="#").frame.columns == ["a", "b"]
    assert read_raw(write(tmp_path, "a\tb,c\n1\t2,3\n"), separator="tab").frame.columns == [
        "a",
        "b,c",
    ]
    with pytest.raises(DataError, match="separator must be one character such as ;, got '::'"):
        read_raw(path, separator="::")
    with pytest.raises(DataError, match=r"separator must be one ASCII character .* got .；."):
        read_raw(path, separator="；")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "dos", "mac"])
def test_quotes_spaces_and_line_ends_are_no_part_of_values(tmp_path: Path, end: str) -> None:
    text = end.join(['"a ","b, c"', '" 1","x ""y"" z"', "2 ,  ?", ""])

    frame = read_raw(write(tmp_path, text)).frame

    assert frame.to_dict(as_series=False) == {"a": ["1", "2"], "b, c": ['x "y" z', None]}


def test_blank_rows_are_left_out_and_still_count(tmp_path: Path) -> None:
    raw = read_raw(write(tmp_path, "\n\na,b\n1,2\n\n,\n3,4\n\n"))

    assert raw.frame["b"].to_list() == ["2", "4"]
    assert raw.rows.to_list() == [1, 4]
    assert raw.rows_read == 2


def test_short_rows_end_in_missing_values(tmp_path: Path) -> None:
    assert read_raw(write(tmp_path, "a,b,c\n1,2,3\n4\n")).frame.row(1) == ("4", None, None)


@pytest.mark.parametrize("word", [*NULLS, "NaN", "N/A", "NULL", "None", " NA "])
def test_null_spellings_are_missing(tmp_path: Path, word: str) -> None:
    frame = read_raw(write(tmp_path, f"a,b\n1,{word}\n2,nano\n")).frame

    assert frame["b"].to_list() == [None, "nano"]


def test_other_encodings(tmp_path: Path) -> None:
    marked = read_raw(write(tmp_path, "\ufeffdate,T (°C)\n2024-01-01,1\n"))
    latin = read_raw(write(tmp_path, "date,T (°C)\n2024-01-01,1\n".encode("latin-1")))

    assert marked.frame.columns == latin.frame.columns == ["date", "T (°C)"]
    assert marked.notices == ()
    assert latin.notices == (
        "table.csv is not valid UTF-8: read as Latin-1; if letters look wrong, name its encoding "
        "(--encoding)",
    )


CHINESE = "时间,气温（度）,风向\n2024-01-01,1.5,东北\n2024-01-02,-2,静风\n"


@pytest.mark.parametrize("name", ["a.csv", "a.txt.gz"])
@pytest.mark.parametrize(
    ("codec", "named", "told"),
    [
        ("utf-8", None, ()),
        ("utf-8", "utf-8", ()),
        ("gb18030", None, ("is not valid UTF-8: read as GB18030",)),
        ("gb18030", "gb18030", ()),
        ("utf-16", None, ("is read as UTF-16",)),
        ("utf-16", "utf-16", ()),
        ("utf-16-le", "utf-16-le", ()),
        ("utf-16-be", "utf-16-be", ()),
        ("big5", "big5", ()),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "dos", "mac"])
def test_chinese_is_read_from_any_encoding(tmp_path: Path, name, codec, named, told, end) -> None:
    text = CHINESE.replace("时间", "時間").replace("气温", "氣溫").replace("风", "風")
    text = text.replace("东", "東").replace("静", "靜") if codec == "big5" else CHINESE
    expected = read_raw(write(tmp_path, text)).frame

    raw = read_raw(write(tmp_path, text.replace("\n", end).encode(codec), name), encoding=named)

    assert raw.frame.equals(expected)
    assert raw.frame.columns == text.split("\n")[0].split(",")
    assert len(raw.notices) == len(told)
    for notice, part in zip(raw.notices, told, strict=True):
        assert notice.startswith(f"{name} {part}")


@pytest.mark.parametrize(
    ("codec", "named", "message"),
    [
        ("gb18030", "utf-8", r"text in utf-8, got the byte 0x\w\w in the header; .*=\"gb18030\""),
        (
            "utf-8",
            "ascii",
            r"must be text in ascii, got the byte 0x\w\w in the header; .*\"utf-8\"",
        ),
        ("utf-16", "gb18030", r"must be text in gb18030, got .*; .* encoding=\"utf-16\""),
        ("utf-16-le", None, r"must be text, got binary data; .* encoding=\"utf-16-le\""),
        ("utf-16-le", "latin-1", r"latin-1, got a zero character in the header; .*\"utf-16-le\""),
        ("utf-8", "klingon", r"encoding must be one that Python knows, .* got 'klingon'"),
    ],
)
def test_wrong_encoding_is_told_with_the_one_to_name(tmp_path: Path, codec, named, message) -> None:
    with pytest.raises(DataError, match=message) as error:
        read_raw(write(tmp_path, CHINESE.encode(codec)), encoding=named)

    assert "\n" not in str(error.value)


def test_encoding_that_leaves_a_single_row_is_wrong(tmp_path: Path) -> None:
    data = b"time,x\n2024-01-01,1.5\n2024-01-02,2.5\n"
    with pytest.raises(
        DataError, match=r"a table in utf-16-le, got a single row; leave the .*\"utf-8\""
    ):
        read_raw(write(tmp_path, data[: len(data) // 2 * 2]), encoding="utf-16-le")


def test_line_ends_may_differ_in_one_file(tmp_path: Path) -> None:
    frame = read_raw(write(tmp_path, "a,b\r1,2\r\n3,4\n5,6")).frame

    assert frame.rows() == [("1", "2"), ("3", "4"), ("5", "6")]


def test_a_value_may_be_longer_than_csv_allows(tmp_path: Path) -> None:
    word = "x" * 300_000

    assert read_raw(write(tmp_path, f'a,b\n"{word}",2\n')).frame.row(0) == (word, "2")
    with pytest.raises(DataError, match="got 3 in row 1 of"):
        read_raw(write(tmp_path, f'a,b\n"{word}",2,3\n4,5\n'))


BY_R = '"date","x"\n"1",2024-01-01,5\n"2",2024-01-02,6\n'


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\r\n"], ids=["plain", "mark", "blank"])
@pytest.mark.parametrize("named", [False, True], ids=["told", "named"])
def test_row_names_of_r_become_a_column_without_name(tmp_path: Path, mark, start, named) -> None:
    path = write(tmp_path, start + BY_R.replace(",", mark))

    raw = read_raw(path, separator=mark if named else None)

    assert raw.frame.columns == ["unnamed 1", "date", "x"]
    assert raw.frame["x"].to_list() == ["5", "6"]
    assert raw.unnamed == ("unnamed 1",)
    assert raw.rows.to_list() == [1, 2]


@pytest.mark.parametrize("rows", ["1,2,3\n1,2\n", "1,2\n1,2,3\n", "1,2,\n3,4,\n"])
def test_rows_that_are_too_long_are_no_row_names(tmp_path: Path, rows: str) -> None:
    with pytest.raises(DataError, match="at most as many values as the header has names, 2, got 3"):
        read_raw(write(tmp_path, "a,b\n" + rows))


def test_row_that_is_too_long_below_row_names_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at most as many values as the header has names"):
        read_raw(write(tmp_path, BY_R + '"3",2024-01-03,7,8\n'))


def test_columns_without_a_name_are_numbered(tmp_path: Path) -> None:
    raw = read_raw(write(tmp_path, ",x,\n0,5,\n1,6,\n"))

    assert raw.frame.columns == ["unnamed 1", "x", "unnamed 3"]
    assert raw.unnamed == ("unnamed 1", "unnamed 3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n \n", r"source must hold a table, got only blank lines in 'table.csv'"),
        ("a,b\n", r"source must hold rows below its header, got none in 'table.csv'"),
        ("a,b\n,\n\n", r"source must hold values, got 2 blank rows"),
        ("0.5,2,-1e3\n1,2,3\n", r"the first row must name the columns, got 0.5, 2, -1e3 in .* add"),
        ("0,5;2\n1;2\n", r"the first row must name the columns, got 0,5, 2 in"),
        (",\n1,2\n", r"the first row must name the columns, got no name in"),
        ("a,b,a,b,c\n1,2,3,4,5\n", r"column names must differ, got 'a', 'b' more than once"),
        (
            "a,b\n1,2\n\n3,4,5\n6,7,8\n",
            r"as the header has names, 2, got 3 in row 3 of 'table.csv'",
        ),
        ("All the world's\na stage\n", r"source must be a table, got one column of text"),
        ("All the world's\na stage, and all\n", r"source must be a table, got one column of text"),
        ('a,b\n1,"2\n3,4\n', r'source must be a table in text, got quotes \("\) that do not match'),
        (
            b"PK\x03\x04\0\0",
            r"table.csv must be text, got binary data; .* .--encoding utf-16-le",
        ),
    ],
)
def test_no_table_raises(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_raw(write(tmp_path, text))


def test_bare_carriage_returns_end_lines(tmp_path: Path) -> None:
    raw = read_raw(write(tmp_path, 'a,b\r1,"two, too"\r3,4\r'))

    assert raw.frame.rows() == [("1", "two, too"), ("3", "4")]


def test_wrong_paths_raise(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()

    with pytest.raises(
        FileNotFoundError, match=r"source must be an existing file, got '.*none.csv'"
    ):
        read_raw(tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"source must be a file, or .* got the folder"):
        read_raw(str(tmp_path))
    with pytest.raises(DataError, match=r"source must end in .csv, .* .pq, got 'a.xlsx'"):
        read_raw(write(tmp_path, "a,b\n1,2\n", "a.xlsx"))
    with pytest.raises(
        DataError, match=r"source must hold a table, got the empty file 'empty.csv'"
    ):
        read_raw(tmp_path / "empty.csv")


def test_broken_gzip_raises(tmp_path: Path) -> None:
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 999)
    for name, data in {"cut": whole[:-9], "plain": b"a,b\n1,2\n", "bad": b"\x1f\x8bxyz"}.items():
        (tmp_path / f"{name}.csv.gz").write_bytes(data)

        with pytest.raises(DataError, match=rf"must be a whole gzip file, got '{name}.csv.gz'"):
            read_raw(tmp_path / f"{name}.csv.gz")


def test_gzip_is_told_without_its_ending(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"a,b\n1,2\n"))

    assert read_raw(tmp_path / "a.csv").frame.row(0) == ("1", "2")


def test_gzip_bomb_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "a,b\n" + "1,2\n" * 1000, "bomb.csv.gz")
    monkeypatch.setattr(reading, "memory_at_hand", lambda: 2 * 4003)

    with pytest.raises(
        DataError, match=r"unpack to at most 4,003 bytes, got more from 'bomb.csv.gz'"
    ):
        read_raw(path)
    monkeypatch.setattr(reading, "memory_at_hand", lambda: 2 * 4004)
    assert read_raw(path).rows_read == 1000


@pytest.mark.parametrize("name", ["a.parquet", "a.pq"])
def test_parquet_keeps_its_types(tmp_path: Path, name: str) -> None:
    frame = pl.DataFrame({"ds": [datetime(2024, 1, 1)] * 2, "x": [1.5, float("nan")]})
    frame.write_parquet(tmp_path / name)

    raw = read_raw(tmp_path / name)

    assert raw.frame.schema == frame.schema
    assert raw.frame["x"].to_list() == [1.5, None]
    with pytest.raises(DataError, match=r"source must be a Parquet file, got 'b.parquet': "):
        read_raw(write(tmp_path, "a,b\n1,2\n", "b.parquet"))


def test_frames_of_every_library_read_alike() -> None:
    data = {"date": DAYS, "x": [1.0, None, 3.0], "word": ["a", " NA ", "c"]}
    frame = pl.DataFrame(data)
    sources = [frame, frame.lazy(), pa.table(data), pd.DataFrame(data)]

    for source in sources:
        raw = read_raw(source)
        assert raw.frame.rows() == [(DAYS[0], 1, "a"), (DAYS[1], None, None), (DAYS[2], 3, "c")]
        assert raw.source == "frame"


@pytest.mark.parametrize("name", [None, "when"])
@pytest.mark.parametrize("kind", ["stamps", "periods", "zone"])
def test_pandas_index_of_times_becomes_a_column(kind: str, name: str | None) -> None:
    if kind == "periods":
        index = pd.period_range("2024-01", periods=3, freq="M", name=name)
    else:
        zone = "UTC" if kind == "zone" else None
        index = pd.date_range("2024-01-01", periods=3, freq="MS", tz=zone, name=name)
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=index)

    raw = read_raw(frame)

    assert raw.frame.columns == [name or "time", "x"]
    assert [t.month for t in raw.frame[name or "time"]] == [1, 2, 3]
    assert list(frame.columns) == ["x"]  # the caller's frame stays as it was


def test_pandas_series_and_plain_indices() -> None:
    series = pd.Series([1.0, 2.0], index=pd.DatetimeIndex(DAYS[:2]))
    counted = pd.DataFrame({0: [1, 2], "x": [3, 4]}, index=[5, 7])

    assert read_raw(series).frame.columns == ["time", "y"]
    assert read_raw(series.rename("load")).frame.columns == ["time", "load"]
    assert read_raw(counted).frame.columns == ["0", "x"]
    assert read_raw(pd.DataFrame({"x": [1, 2]}, index=DAYS[:2])).frame.columns == ["index", "x"]


def test_frames_that_are_no_table_raise() -> None:
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    mixed = pd.DataFrame({"a": [1, "x"]})
    levels = pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)]))
    clash = pd.DataFrame({"time": [1]}, index=pd.DatetimeIndex(DAYS[:1]))

    with pytest.raises(DataError, match="the frame must have columns that differ in name"):
        read_raw(twice)
    with pytest.raises(DataError, match="every column of the frame must hold one type"):
        read_raw(mixed)
    with pytest.raises(
        DataError, match=r"must have one index, got 2 levels; use frame.reset_index"
    ):
        read_raw(levels)
    with pytest.raises(DataError, match=r"the index must have another name .* got 'time'"):
        read_raw(clash)
    with pytest.raises(DataError, match=r"source must hold rows and columns, got 0 × 1"):
        read_raw(pl.DataFrame({"a": []}))
    with pytest.raises(TypeError, match=r"source must be a path, or a pandas, .* got list"):
        read_raw([1, 2])


def test_pandas_periods_are_read_as_their_start() -> None:
    quarters = pd.period_range("1980Q1", periods=3, freq="Q")
    starts = [datetime(1980, 1, 1), datetime(1980, 4, 1), datetime(1980, 7, 1)]
    frames = {
        "column": pd.DataFrame({"when": quarters, "y": [1.0, 2.0, 3.0]}),
        "objects": pd.DataFrame({"when": pd.Series(list(quarters), dtype=object), "y": 1.0}),
        "index": pd.DataFrame({"y": 1.0}, index=quarters.rename("when")),
        "index of objects": pd.DataFrame(
            {"y": 1.0}, index=pd.Index(list(quarters), dtype=object, name="when")
        ),
    }

    for name, frame in frames.items():
        assert read_raw(frame).frame["when"].to_list() == starts, name
    with_gap = pd.DataFrame(
        {"when": pd.Series([quarters[0], None, quarters[2]], dtype=object), "y": 1.0}
    )
    assert read_raw(with_gap).frame["when"].to_list() == [starts[0], None, starts[2]]
