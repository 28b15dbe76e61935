"""Every lack has its remedy, and no command asks for what a study refuses."""

from typing import Any

import made
import pytest

from lockgate.studies.further import how, remedy, resume

Results = dict[str, Any]


@pytest.fixture
def results() -> Results:
    """A study of ten rounds on five folds, without a budget."""
    return made.make()


@pytest.mark.parametrize(
    ("reason", "way"),
    [
        ("fewer than 2 blocks of rows in a fold", "more rows would give one"),
        ("7 blocks of rows, and a verdict needs 8", "more rows would give one"),
        ("2 folds, and a verdict needs 3", "more rows, or more folds of them, would give one"),
        (
            "no pass over the folds is whole",
            "a whole pass over the folds gives one: `--resume --rounds 15`",
        ),
        (
            "the rung or its parent has no score",
            "a smaller learning_rate may keep its fits from diverging",
        ),
        (None, "more rows would give one"),
    ],
)
def test_every_reason_of_no_verdict_has_its_remedy(
    results: Results, reason: str | None, way: str
) -> None:
    assert remedy(reason, results) == way


def test_a_pass_that_was_begun_is_ended(results: Results) -> None:
    results["verdict"]["rounds"] = 2

    assert remedy("no pass over the folds is whole", results).endswith("`--resume --rounds 5`")


@pytest.mark.parametrize(("further", "rounds"), [(1, 15), (5, 15), (6, 20), (90, 100), (91, 100)])
def test_rounds_end_with_a_pass_and_at_the_most(
    results: Results, further: int, rounds: int
) -> None:
    assert resume(results, further) == f"`--resume --rounds {rounds}`"


@pytest.mark.parametrize(
    ("needed", "words"),
    [
        (90, ": `--resume --rounds 100`"),
        (900, "; a study goes to 100, which may do: `--resume --rounds 100`"),
    ],
)
def test_no_command_goes_beyond_the_most_rounds(results: Results, needed: int, words: str) -> None:
    assert how(results, needed) == words


@pytest.mark.parametrize(
    ("budget", "more"), [("10m", " --budget none"), ("11m", ""), ("none", ""), (None, "")]
)
def test_a_budget_that_the_further_rounds_exceed_is_lifted(
    results: Results, budget: str | None, more: str
) -> None:
    results["config"]["budget"] = budget  # ten rounds of 61 seconds

    assert resume(results, 10) == f"`--resume --rounds 20{more}`"
