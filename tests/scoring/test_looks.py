"""A look at a test part is counted once, kept, and never lost to a broken file."""

import json

import pytest

from lockgate.scoring.looks import count_look


def test_every_look_at_a_test_part_counts(tmp_path):
    counts = [
        count_look(tmp_path / "runs", "part-a", what) for what in ("first", "second", "third")
    ]

    assert counts == [1, 2, 3]


def test_a_resumed_study_counts_once(tmp_path):
    count_look(tmp_path, "part-a", "first")
    count_look(tmp_path, "part-a", "second")

    assert count_look(tmp_path, "part-a", "first") == 2


def test_another_test_part_is_counted_by_itself(tmp_path):
    count_look(tmp_path, "part-a", "first")

    assert count_look(tmp_path, "part-b", "first") == 1


def test_the_ledger_is_the_only_file_left_behind(tmp_path):
    count_look(tmp_path, "part-a", "temperature in °C")

    assert [path.name for path in tmp_path.iterdir()] == ["test_looks.json"]
    ledger = json.loads((tmp_path / "test_looks.json").read_text(encoding="utf-8"))
    assert ledger == {"part-a": ["temperature in °C"]}


@pytest.mark.parametrize(
    "content",
    [b"", b'{"part-a": ["fi', b"[1, 2]", b'{"part-a": 3}', b'{"part-a": [3]}', b"\xff\xfe"],
    ids=["empty", "cut", "a-list", "a-number", "list-of-numbers", "no-text"],
)
def test_a_malformed_ledger_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "test_looks.json"
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"test_looks.json must list the looks .* delete it if"):
        count_look(tmp_path, "part-a", "first")

    assert path.read_bytes() == content
