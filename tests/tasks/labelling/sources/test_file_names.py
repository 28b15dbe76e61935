"""A table names the files of an archive in one of several ways; what could be two is refused."""

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.reading.tables import RawTable, read_raw
from lockgate.tasks.labelling.sources.file_names import match_files

NAMES = ("set/up/walk_01.csv", "set/up/walk_2.csv.gz", "set/down/run_10.csv")


@pytest.fixture
def table(tmp_path):
    def make(*keys: str) -> RawTable:
        path = tmp_path / "target.csv"
        pl.DataFrame({"file": keys, "label": ["a"] * len(keys)}).write_csv(path)
        return read_raw(path)

    return make


@pytest.mark.parametrize(
    "keys",
    [
        NAMES,
        ("up/walk_01.csv", "up/walk_2.csv.gz", "down/run_10.csv"),
        ("walk_01.csv", "walk_2.csv.gz", "run_10.csv"),
        ("walk_01", "walk_2", "run_10"),
        ("1", "2", "10"),
        ("001", "02", "10"),
    ],
    ids=lambda keys: keys[0],
)
def test_a_file_is_called_in_any_way(table, keys):
    assert match_files(table(*keys), "file", NAMES, "set/") == NAMES
    assert match_files(table(*keys[::-1]), "file", NAMES, "set/") == NAMES[::-1]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            ("walk_01", "walk_3"),
            r"must name files that exist, got 'walk_3' in row 2; the files are",
        ),
        (("1", "01"), r"must name each file once, got '01' in row 2, where row 1 names"),
    ],
)
def test_what_is_no_file_or_one_twice_is_refused(table, keys, message):
    with pytest.raises(DataError, match=message):
        match_files(table(*keys), "file", NAMES, "set/")


def test_a_name_that_may_be_two_files_is_refused(table):
    names = ("a/1.csv", "b/1.csv", "b/2.csv")

    with pytest.raises(DataError, match=r"tell files apart, got '1' in row 1, which may be 'a/1"):
        match_files(table("1", "2"), "file", names, "")
    assert match_files(table("a/1.csv", "b/2.csv"), "file", names, "") == ("a/1.csv", "b/2.csv")


def test_a_row_without_a_file_is_empty_where_it_may_be(table):
    found = match_files(table("2", "77"), "file", NAMES, "set/", strict=False)

    assert found == ("set/up/walk_2.csv.gz", "")
