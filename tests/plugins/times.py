"""`pytest --times`: tell at the end where the time went, by folder and by test."""

from collections import Counter
from pathlib import PurePath

import pytest

SLOWEST = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--times", action="store_true", help="tell seconds by folder and by test")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print both tables; workers of xdist have sent their reports here."""
    if not terminalreporter.config.getoption("times"):
        return
    tests: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                # one report each of its fixtures, itself, and what the fixtures put back
                tests[report.nodeid] += report.duration

    terminalreporter.section("seconds by folder, all workers together")
    for folder, (seconds, count) in by_folder(tests).items():
        terminalreporter.line(f"{seconds:8.2f}  {folder} ({count} tests)")
    terminalreporter.section(f"the {SLOWEST} slowest tests, in seconds")
    for test, seconds in tests.most_common(SLOWEST):
        terminalreporter.line(f"{seconds:8.2f}  {test}")


def by_folder(tests: dict[str, float]) -> dict[str, tuple[float, int]]:
    """Add up seconds, and count tests, by folder; the longest first."""
    seconds: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for test, duration in tests.items():
        seconds[folder_of(test)] += duration
        count[folder_of(test)] += 1
    return {folder: (total, count[folder]) for folder, total in seconds.most_common()}


def folder_of(test: str) -> str:
    """Give the folder of a test, of two parts at most; examples in docstrings are in `src`."""
    parts = PurePath(test.partition("::")[0]).parts
    return parts[0] if parts[0] == "src" or len(parts) < 3 else "/".join(parts[:2])
