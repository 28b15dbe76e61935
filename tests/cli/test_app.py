"""What a command raises is one sentence: exit code 2 for wrong use, 1 for anything else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from lockgate.cli.app import Commands
from lockgate.errors import INSTALL, DataError, MissingSettingError
from lockgate.files import DiskFullError


def run(error: BaseException, command: str = "train"):
    app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)

    def fail() -> None:
        raise error

    app.command(command)(fail)
    # with a single command there would be no group
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, [command])


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (DataError("target must be given"), 2, "target must be given"),
        (FileNotFoundError("source must be an existing file"), 2, "source must be an existing fi"),
        (ModuleNotFoundError("no", name="polars"), 1, f"this command needs polars: {INSTALL}"),
        (
            ModuleNotFoundError("no", name="lockgate_runtime"),
            1,
            'this command needs lockgate_runtime: pip install "lockgate[serve]"',
        ),
        (PermissionError(13, "Permission\n denied"), 1, "[Errno 13] Permission denied"),
        (
            DiskFullError.of(Path("runs/a"), "its disk is full"),
            1,
            "runs/a cannot be written, as its disk is full: make room there",
        ),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=["data", "no-file", "no-library", "no-server", "machine", "full-disk", "ctrl-c"],
)
def test_a_failure_is_one_sentence(error, code, sentence):
    result = run(error)

    assert result.exit_code == code
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith(f"lockgate: {sentence}")


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_who_has_seen_enough_is_no_failure():
    command = [sys.executable, "-c", "from lockgate.cli import main; main()", "doctor"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        process.stdout = None
        _, told = process.communicate()

    assert (process.returncode, told) == (0, b"")


def test_an_interrupted_study_tells_how_to_go_on():
    result = run(KeyboardInterrupt(), "study")

    assert result.stderr == "lockgate: interrupted: continue with --resume\n"


def test_what_there_is_to_choose_from_stands_above_the_sentence():
    rows = ({"column": "sold", "kind": "number"}, {"column": "[bold]", "kind": "text"})

    result = run(MissingSettingError("target must be given", rows))

    header, sold, markup, sentence = result.stderr.splitlines()
    assert header.split() == ["column", "kind"]
    assert (sold.split(), markup.split()) == (["sold", "number"], ["[bold]", "text"])
    assert sentence == "lockgate: target must be given"
    assert result.exit_code == 2


def test_a_fault_of_our_own_is_not_hidden():
    fault = ValueError("axis 1 is out of bounds")

    assert run(fault).exception is fault
