"""Every command and every option is documented, and `doctor` tells what runs."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import typer

from lockgate.cli.app import app

GROUP = typer.main.get_command(app)
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_commands_are_these():
    assert list(GROUP.commands) == ["study", "train", "evaluate", "predict", "doctor"]


@pytest.mark.parametrize("name", GROUP.commands)
def test_a_command_and_each_of_its_options_is_documented(name):
    command = GROUP.commands[name]

    assert len(command.help) > 20
    assert f"`lockgate {name}" in README
    for parameter in command.params:
        assert parameter.help, parameter.name
        assert parameter.help.endswith((".", "].")), parameter.name


@pytest.mark.parametrize("name", GROUP.commands)
def test_help_names_every_option(lockgate, name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    result = lockgate(name, "--help")

    assert result.exit_code == 0
    for parameter in GROUP.commands[name].params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert option in result.stdout


def test_options_of_study_and_train_are_the_same_where_they_share_a_name():
    study, train = (
        {p.name: (p.opts, p.help) for p in GROUP.commands[name].params}
        for name in ("study", "train")
    )

    assert study.keys() - train.keys() == {
        "rungs",
        "seeds",
        "budget",
        "workers",
        "resume",
        "dry_run",
    }
    assert all(study[name] == train[name] for name in study.keys() & train.keys())


def test_without_a_command_the_help_is_shown(lockgate):
    result = lockgate()

    assert "study" in result.output
    assert "doctor" in result.output


def test_help_takes_less_than_a_blink():
    lockgate = Path(sys.executable).with_name("lockgate")
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([lockgate, "study", "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - began)

    # 0.4 s on an idle machine; a loaded one gets three times that
    assert min(times) < 1.2


def test_doctor_tells_versions_and_backends(lockgate):
    result = lockgate("doctor")

    assert result.exit_code == 0, result.stderr
    told = dict(line.split(": ", 1) for line in result.stdout.splitlines() if ": " in line)
    assert told["torch"] == torch.__version__
    for layer in ("RNN", "LSTM", "GRU"):
        assert "aten" in told[f"{layer}, recurrent_dropout=0.0"]
        assert "reference" in told[f"{layer}, recurrent_dropout=0.25"]


def test_doctor_as_json(lockgate, strict_json):
    result = lockgate("doctor", "--json")

    assert strict_json(result.stdout)["torch"] == torch.__version__
