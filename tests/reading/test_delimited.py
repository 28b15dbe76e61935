"""Values of a table in text stay as they were written, whatever the quotes do."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate import DataError
from lockgate.reading.delimited import (
    find_separator,
    first_rows,
    lacks_first_name,
    names_in,
    read_fields,
    rows_of,
)

WANTED = {"text": "text", "label": "label"}


@pytest.mark.parametrize(
    ("table", "texts"),
    [
        ('label,text\n1,"a, b"\n0,"c\nd"\n', ["a, b", "c\nd"]),
        ('label,text\r\n1,"he said ""no"""\r\n0,5" disk\r\n', ['he said "no"', '5" disk']),
        ('label;text;more\n1; - ;\n0;none"\n', [" - ", 'none"']),
        ("label|text\r1|NA\r0|?\r", ["NA", "?"]),
        ('label\ttext\n1\t"quoted"\n0\t"half" of it\n', ["quoted", '"half" of it']),
        ('label\ttext\n1\t"open\n0\tclosed"\n', ['"open', 'closed"']),
        ('label\ttext\n1\t"two\nlines"\n0\tb\n', ["two\nlines", "b"]),
        ('label,text\n1,"half" of it\n0,b\n', ['"half" of it', "b"]),
        ('label,text\n1,a\x85b\u2028c\x0bd\n0,"e\n"\n', ["a\x85b\u2028c\x0bd", "e"]),
        ('label\ttext\n1\t"a" b\x85c\u2028d\n0\te\n', ['"a" b\x85c\u2028d', "e"]),
        ("text,label\nshort\nx,1\n", ["short", "x"]),
        ("text, label \nx,1\n", ["x"]),
    ],
)
def test_texts_stay_as_they_are(table: str, texts: list[str]) -> None:
    assert read_fields(table, "a.txt", WANTED).columns["text"] == texts


def test_quotes_that_do_not_match_are_told() -> None:
    fields = read_fields('label,text\n1,"open\n0,b\n', "a.csv", WANTED)

    assert fields.columns["text"] == ['"open', "b"]
    assert fields.notices == (
        'a.csv has quotes (") that do not match: read as characters, each line as a row',
    )


def test_blank_rows_are_left_out_and_still_count() -> None:
    fields = read_fields("\n\nlabel,text\n1,a\n\n,\n0,b\n", "a.csv", WANTED)

    assert fields.rows == [1, 4]
    assert fields.columns["label"] == ["1", "0"]


def test_separator_is_the_one_by_which_the_header_has_the_columns() -> None:
    fields = read_fields("text;label,too\na, b;1\n", "a.csv", {"text": "text"})

    assert fields.columns["text"] == ["a, b"]


def test_a_tsv_file_is_parted_by_tabs() -> None:
    fields = read_fields("a,b,c\tlabel\nx\t1\n", "A.TSV.gz", {"text": "a,b,c"})

    assert fields.columns["text"] == ["x"]


@pytest.mark.parametrize(
    ("text", "name", "separator"),
    [
        ("a,b\tc\n1\t2\n", "a.tsv.gz", "\t"),
        ("a, b\tc, d\n1, 2\t3, 4\n", "A.TSV", "\t"),
        ("a, b\tc, d\n1, 2\t3, 4\n", "a.txt", ","),
        ("a;b\n1;2\n", "a.tsv", ";"),
        ("text\na, b\n", "a.tsv", "\t"),
        ("text\na\n", "a.csv", ","),
        # decimal commas make every row a value wider than the header, but not as R does
        ("day;CO (mg, wet);T\n1;2,6;1,5\n2;3,1;2,5\n", "a.csv", ";"),
        ("when (h, m);T, max\n1,5,2;3,5\n2,5,2;4,5\n", "a.csv", ";"),
    ],
)
def test_separator_is_told_from_name_and_rows(text: str, name: str, separator: str) -> None:
    assert find_separator(text, name) == separator
    assert find_separator(text, name, "tab") == "\t"


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("a,b\n1,2,3\n\n1,2,4\n", True),
        ("a,b\n1,2,3\n1,2\n", False),
        ("a,b\n1,2\n", False),
        ("a,b\n", False),
        ("a\n1,2\n", False),
        ("a,b\n1,2,\n3,4, \n", False),
    ],
)
def test_first_name_lacks_where_every_row_has_one_value_more(text: str, lacks: bool) -> None:
    assert lacks_first_name(first_rows(text, ",")) is lacks


def test_a_row_that_the_sample_cuts_tells_nothing() -> None:
    text = "a,b,c\n" + f"{'x' * 99_999},1,2\n" * 20

    assert {len(row) for row in first_rows(text, ",")} == {3}


def test_rows_that_are_not_read_to_the_end_leave_the_limit_of_csv() -> None:
    limit = csv.field_size_limit()

    rows = rows_of("x" * 200_000 + "\ny\n", ",")
    next(rows)
    del rows

    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("separator", [None, "tab", "\\t", "\t"])
def test_columns_without_a_header_are_numbered(separator: str | None) -> None:
    wanted = {"text": "1", "label": "2"}

    fields = read_fields("a, b\t1\nc\t0\n", "a.txt", wanted, separator=separator, header=False)

    assert fields.columns == {"text": ["a, b", "c"], "label": ["1", "0"]}
    assert fields.rows == [1, 2]
    assert names_in("a\tb\n", "a.txt", separator, header=False) == ["1", "2"]


def test_a_value_may_be_longer_than_csv_allows() -> None:
    limit = csv.field_size_limit()

    fields = read_fields(f'text,label\n"{"x" * 300_000}",1\n', "a.csv", WANTED)

    assert len(fields.columns["text"][0]) == 300_000
    assert fields.notices == ()
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ("texts,label\na,1\n", {}, "text must name a column .* got 'text'; did you mean 'texts'"),
        ("text,text,label\na,b,1\n", {}, "column names must differ, got 'text' more than once"),
        ("label,text\n1,a\n0,b, c\n", {}, "at most 2 values, .* got 3 in row 2 of 'a.csv'"),
        ('label,text\n1,a\n0,"b\n1,c,d\n', {}, "got unexpected end of data in row 2; double"),
        ('label,text\n1,"a" b\n0,"c\nd"\n', {}, "got .* in row 1; double the quotes"),
        ("label,text\n", {"separator": "::"}, "separator must be one character .* got '::'"),
    ],
)
def test_what_is_no_table_raises(table: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_fields(table, "a.csv", WANTED, **options)


ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"))


@given(st.lists(st.tuples(ANY, ANY), min_size=1), st.sampled_from(",;|"))
def test_what_csv_writes_is_read(rows: list[tuple[str, str]], separator: str) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("label", "text"), *rows])

    fields = read_fields(file.getvalue(), "a.csv", WANTED, separator=separator)

    kept = [row for row in rows if any(row)]
    assert fields.columns["text"] == [text.strip("\r\n") for _, text in kept]
    assert fields.columns["label"] == [label.strip("\r\n") for label, _ in kept]
