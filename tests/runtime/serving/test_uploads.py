"""A table that is uploaded is read apart: what is hostile about it ends that process alone."""

import asyncio
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lockgate_runtime import DataError
from lockgate_runtime.serving.limits import Limits
from lockgate_runtime.serving.uploads import Uploads


def read(body: bytes, kind: str, **limits: Any) -> dict[str, list[Any]]:
    async def run() -> dict[str, list[Any]]:
        return await Uploads(Limits(**limits)).read(body, kind)

    return asyncio.run(run())


def parquet(**columns: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def test_cells_of_a_csv_are_texts_and_none() -> None:
    body = '\ufeffds,"a, b"\r\n2024-01-01,1\r\n\r\n2024-01-02,""\r\n'.encode()
    assert read(body, "csv") == {"ds": ["2024-01-01", "2024-01-02"], "a, b": ["1", None]}


def test_the_separator_is_seen() -> None:
    for mark in ",;\t|":
        body = f"ds{mark}y\n2024-01-01{mark}1.5\n".encode()
        assert read(body, "csv") == {"ds": ["2024-01-01"], "y": ["1.5"]}


def test_stamps_of_parquet_are_written_by_iso_8601() -> None:
    stamps = pa.array([0, 3_600_000_000], pa.timestamp("us"))
    zoned = pa.array([0, 3_600_000_000], pa.timestamp("us", "Europe/Berlin"))
    found = read(parquet(ds=stamps, at=zoned, y=[1.5, None], n=[1, 2]), "parquet")
    assert found == {
        "ds": ["1970-01-01T00:00:00", "1970-01-01T01:00:00"],
        "at": ["1970-01-01T01:00:00+01:00", "1970-01-01T02:00:00+01:00"],
        "y": [1.5, None],
        "n": [1, 2],
    }


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"a,b\n1\n", "csv", "row 2 of the table must have 2 cells, got 1"),
        (b"a,a\n1,2\n", "csv", "must have names of their own, got 'a' twice"),
        (b"a,b\n", "csv", "a line of names and rows below it"),
        (b"a\n\xff\xfe\n", "csv", "the table must be UTF-8"),
        (b'a,b\n"1,2\n', "csv", "of the table must be CSV: unexpected end of data"),
        (b"a\n" + b"1\n" * 101, "csv", "at most 100 rows, got more"),
        (b",".join(b"%d" % k for k in range(40)) + b"\n", "csv", "a line of names and rows"),
        (b"PAR1 and no more", "parquet", "the table must be Parquet"),
        (b"", "parquet", "the table must be Parquet"),
        (parquet(y=list(range(101))), "parquet", "at most 100 rows, got 101"),
        (parquet(y=[[1], [2]]), "parquet", "must hold numbers, texts or stamps, got list"),
        (parquet(y=[b"x"]), "parquet", "must hold numbers, texts or stamps, got bytes"),
        (parquet(y=pa.array([], pa.int64())), "parquet", "must hold rows, got none"),
    ],
)
def test_what_is_no_table_is_one_sentence(body: bytes, kind: str, words: str) -> None:
    with pytest.raises(DataError) as refused:
        read(body, kind, rows=100, columns=30)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_small_file_that_decodes_to_much_is_refused() -> None:
    # a dictionary of one long text, and a thousand rows that name it: 200 MB from a few thousand
    body = parquet(y=pa.array(["x" * 200_000] * 1_000).dictionary_encode())
    assert len(body) < 300_000
    for limits in ({"decoded_bytes": 2**20}, {"memory_bytes": 400 * 2**20}):
        with pytest.raises(DataError, match="the table must"):
            read(body, "parquet", **limits)


def test_a_table_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TimeoutError):
        read(b"a\n" + b"1\n" * 90_000, "csv", seconds=0.01)
