"""Run the command line in this process, and say what a failure looks like."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lockgate.cli.app import app


@pytest.fixture
def lockgate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `lockgate` with arguments in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*args: object) -> Result:
        return CliRunner().invoke(app, [str(arg) for arg in args])

    return run


@pytest.fixture
def refused(lockgate: Callable[..., Result], tmp_path: Path) -> Callable[..., str]:
    """Run what must be refused: exit code, one sentence, nothing written; give the sentence."""

    def run(*args: object, code: int = 2) -> str:
        before = sorted(tmp_path.rglob("*"))
        result = lockgate(*args)
        *before_it, sentence = result.stderr.splitlines()
        assert result.exit_code == code, result.output
        assert isinstance(result.exception, SystemExit), result.exception
        assert sentence.startswith("lockgate: ")
        assert not [line for line in before_it if not line.strip()], "an empty line"
        assert "Traceback" not in result.output
        assert result.stdout == ""
        assert sorted(tmp_path.rglob("*")) == before
        return sentence.removeprefix("lockgate: ")

    return run
