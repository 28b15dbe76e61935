"""`scripts/slow` runs the parts that are there and records what came of them."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAD = (ROOT / "docs" / "slow.md").read_text(encoding="utf-8").partition("|---")[0]

Slow = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with `scripts/slow` and two parts: `sanitize` passes, `fuzz` fails."""
    for folder in ("scripts", "docs"):
        (tmp_path / folder).mkdir()
    shutil.copy(ROOT / "scripts" / "slow", tmp_path / "scripts")
    for name, status in (("sanitize", 0), ("fuzz", 1)):
        script = tmp_path / "scripts" / name
        script.write_text(f"#!/bin/sh\necho {name} runs\nexit {status}\n")
        script.chmod(0o755)
    rows = "|---|---|---|---|---|\n| fuzz | 0000000 | 2000-01-01 00:00 | passed | 1 |\n"
    (tmp_path / "docs" / "slow.md").write_text(HEAD + rows)
    git(tmp_path, "init", "--quiet")
    commit_all(tmp_path)
    return tmp_path


def git(tree: Path, *arguments: str) -> str:
    command = ["git", "-C", tree, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit_all(tree: Path) -> None:
    git(tree, "add", ".")
    git(tree, "-c", "user.name=a", "-c", "user.email=a", "commit", "--quiet", "-m", "a")


@pytest.fixture
def slow(tree: Path) -> Slow:
    command = tree / "scripts" / "slow"
    return lambda *parts: subprocess.run([command, *parts], capture_output=True, text=True)


def rows(tree: Path) -> list[list[str]]:
    lines = (tree / "docs" / "slow.md").read_text().partition("|---")[2].splitlines()[1:]
    return [line.strip("| ").split(" | ") for line in lines]


def test_each_part_has_its_last_run_in_the_table(tree: Path, slow: Slow) -> None:
    done = slow("sanitize", "fuzz")

    assert done.returncode == 1
    assert "sanitize runs\nfuzz runs\n" in done.stdout
    assert (tree / "docs" / "slow.md").read_text().startswith(HEAD)
    commit = git(tree, "rev-parse", "--short", "HEAD")
    found = rows(tree)
    assert [(part, at, result) for part, at, _, result, _ in found] == [
        ("sanitize", commit, "passed"),
        ("fuzz", commit, "failed"),
    ]
    for _, _, date, _, seconds in found:
        assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d", date)
        assert int(seconds) < 60


def test_named_parts_alone_are_run_and_the_table_itself_may_differ(tree: Path, slow: Slow) -> None:
    assert slow("sanitize").returncode == 0
    assert slow("sanitize").returncode == 0

    assert [(part, result) for part, _, _, result, _ in rows(tree)] == [
        ("fuzz", "passed"),
        ("sanitize", "passed"),
    ]


def test_a_part_that_is_not_there_is_refused(tree: Path, slow: Slow) -> None:
    done = slow("sanitize", "peers")

    assert (done.returncode, done.stdout) == (1, "")
    message = "the part must be one of tests sanitize fuzz, got peers"
    assert done.stderr == f"slow: {message}\n"


def test_a_tree_that_no_commit_has_is_refused(tree: Path, slow: Slow) -> None:
    (tree / "new").touch()

    done = slow("sanitize")

    assert (done.returncode, done.stdout) == (1, "")
    message = "the working tree must be that of a commit: commit or stash its changes"
    assert done.stderr == f"slow: {message}\n"


def test_a_tree_that_changes_meanwhile_is_not_recorded(tree: Path, slow: Slow) -> None:
    (tree / "scripts" / "sanitize").write_text("#!/bin/sh\ntouch new\n")
    commit_all(tree)

    done = slow("sanitize")

    assert done.returncode == 1
    assert done.stderr == "slow: the working tree changed while sanitize ran: run it again\n"
    assert [part for part, *_ in rows(tree)] == ["fuzz"]
