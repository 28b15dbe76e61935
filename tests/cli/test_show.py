"""Rows are laid out by their names, numbers with four digits, durations in seconds or minutes."""

from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from lockgate.cli import show
from lockgate.tasks.base import Section


def lines_of(rows: list[dict[str, Any]]) -> list[list[str]]:
    text = StringIO()
    Console(file=text, width=80, markup=False).print(show.grid_of(rows))
    return [line.split() for line in text.getvalue().splitlines()]


def test_rows_need_not_have_the_same_names():
    rows = [{"model": "lstm", "mae": 1.234567}, {"model": "drift", "mae": None, "test": 12}]

    assert lines_of(rows) == [["model", "mae", "test"], ["lstm", "1.235"], ["drift", "12"]]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min")]
)
def test_long_durations_are_told_in_minutes(seconds, shown):
    assert show._duration(seconds) == shown


def test_an_evaluation_is_shown_as_its_sections_or_as_json(capsys, strict_json):
    sections = (Section(("4 rows of a.csv", "note: [x]"), ({"mae": 0.5},)), Section(("the end",)))
    evaluation: Any = SimpleNamespace(sections=lambda: sections, to_dict=lambda: {"mae": 0.5})

    show.show_evaluation(evaluation)
    plain = [line.strip() for line in capsys.readouterr().out.splitlines()]
    show.show_evaluation(evaluation, as_json=True)
    told = strict_json(capsys.readouterr().out)

    assert plain == ["4 rows of a.csv", "note: [x]", "mae", "0.5", "the end"]
    assert told == {"mae": 0.5}
