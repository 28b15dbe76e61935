"""Rows are laid out by their names, numbers with four digits, durations in seconds or minutes."""

from io import StringIO
from types import SimpleNamespace
from typing import Any

import made
import numpy as np
import polars as pl
import pytest
from rich.console import Console

from lockgate.cli import show
from lockgate.studies.result import StudyResult
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


def test_a_study_is_shown_with_what_to_do_before_the_evidence(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    result = StudyResult(made.make(), tmp_path)

    show.show_result(result)
    told = capsys.readouterr().out

    first, evidence, table = told.split("\n\n")
    assert first == result.recommendation
    assert all(line.startswith("- ") for line in evidence.splitlines())
    assert len(first.splitlines() + evidence.splitlines()) == len(result.verdict.splitlines())
    assert "no difference" in table
    assert "…" not in table
    assert table.splitlines()[-1] == f"report: {tmp_path / 'report.html'}"


def test_an_evaluation_is_shown_as_its_sections_or_as_json(capsys, strict_json):
    sections = (Section(("4 rows of a.csv", "note: [x]"), ({"mae": 0.5},)), Section(("the end",)))
    evaluation: Any = SimpleNamespace(sections=lambda: sections, to_dict=lambda: {"mae": 0.5})

    show.show_told(evaluation)
    plain = [line.strip() for line in capsys.readouterr().out.splitlines()]
    show.show_told(evaluation, as_json=True)
    told = strict_json(capsys.readouterr().out)

    assert plain == ["4 rows of a.csv", "note: [x]", "mae", "0.5", "the end"]
    assert told == {"mae": 0.5}


@pytest.mark.parametrize(
    ("count", "last"), [(20, "19"), (21, "and 1 more"), (2620, "and 2,600 more")]
)
def test_long_lists_are_cut_and_their_length_told(capsys, count, last):
    lines = tuple(map(str, range(count)))
    evaluation: Any = SimpleNamespace(sections=lambda: (Section(lines),))

    show.show_told(evaluation)
    told = capsys.readouterr().out.splitlines()
    show.show_choices([{"column": line} for line in lines])
    chosen = [line.strip() for line in capsys.readouterr().err.splitlines()]

    assert told == [*lines[:20], last][: len(told)]
    assert len(told) == min(count, 21)
    assert told[-1] == last
    assert chosen == ["column", *told]


@pytest.fixture
def wide(csv, tmp_path):
    """Write a table of 60 inputs, and of 60 columns that say nothing."""
    table = pl.read_csv(csv)
    rng = np.random.default_rng(0)
    columns = [pl.Series(f"x{i}", rng.normal(size=len(table))) for i in range(60)]
    same = [pl.lit(1.0).alias(f"same{i}") for i in range(60)]
    table.with_columns(*columns, *same).write_csv(tmp_path / "wide.csv")


def test_the_plan_of_a_wide_table_stays_short(lockgate, wide):
    study = ["study", "wide.csv", "--target", "sold", "--horizon", 3, "--lookback", 7, "--dry-run"]

    result = lockgate(*study, "--rungs", "lstm", "--set", "hidden_size=4")

    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.splitlines()) < 60
    assert "x17 and 42 more" in " ".join(result.stdout.split())
    assert "and 42 more\n" in "\n".join(line.strip() for line in result.stdout.splitlines())


def test_the_columns_to_choose_a_target_from_are_cut(lockgate, wide):
    result = lockgate("train", "wide.csv", "--horizon", 3)

    assert result.exit_code == 2
    *listing, more, sentence = [line.strip() for line in result.stderr.splitlines()]
    assert len(listing) == 21
    assert more == "and 105 more"
    assert sentence.startswith("lockgate: target must be given: pass --target, perhaps")
