"""The end of a run with `--times` tells where the time went."""

from types import SimpleNamespace

import pytest
import times
from times import by_folder, folder_of


@pytest.mark.parametrize(
    ("test", "folder"),
    [
        ("tests/ops/test_cpu.py::test_it[a/b-1]", "tests/ops"),
        ("tests/test_api.py::test_it", "tests"),
        ("src/lockgate/ops/lstm/__init__.py::lockgate.ops.lstm.lstm", "src"),
        ("test_it.py::test_it", "test_it.py"),
    ],
)
def test_folders_are_those_of_tests_and_src(test: str, folder: str) -> None:
    assert folder_of(test) == folder


def test_seconds_are_summed_by_folder_the_longest_first() -> None:
    tests = {"tests/nn/a.py::a": 1.0, "tests/ops/a.py::a": 2.0, "tests/ops/b.py::b": 3.0}

    found = by_folder(tests)

    assert list(found.items()) == [("tests/ops", (5.0, 2)), ("tests/nn", (1.0, 1))]


class Terminal:
    """What is asked of pytest's reporter."""

    def __init__(self, stats: dict[str, list], *, asked: bool) -> None:
        self.stats, self.lines = stats, []
        self.section = self.line = self.lines.append
        self.config = SimpleNamespace(getoption={"times": asked}.__getitem__)


def report(test: str, when: str, seconds: float) -> pytest.TestReport:
    return pytest.TestReport(test, ("", 0, ""), {}, "passed", None, when, duration=seconds)


STATS = {
    "": [report("tests/nn/a.py::a", "setup", 0.5), report("tests/nn/a.py::a", "teardown", 0.25)],
    "passed": [report("tests/nn/a.py::a", "call", 1.0), report("tests/a.py::b", "call", 1.5)],
    "warnings": ["no report of a test"],
}


def test_fixtures_count_for_the_tests_that_they_serve() -> None:
    terminal = Terminal(STATS, asked=True)

    times.pytest_terminal_summary(terminal)

    assert terminal.lines == [
        "seconds by folder, all workers together",
        "    1.75  tests/nn (1 tests)",
        "    1.50  tests (1 tests)",
        "the 20 slowest tests, in seconds",
        "    1.75  tests/nn/a.py::a",
        "    1.50  tests/a.py::b",
    ]


def test_nothing_is_told_unasked() -> None:
    terminal = Terminal(STATS, asked=False)

    times.pytest_terminal_summary(terminal)

    assert terminal.lines == []
