"""Every command and every option is documented, and `doctor` tells what runs."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import typer

from lockgate.cli.app import app
from lockgate.ops import kernels
from lockgate.ops._triton import support

GROUP = typer.main.get_command(app)
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_commands_are_these():
    assert list(GROUP.commands) == ["study", "train", "evaluate", "predict", "upgrade", "doctor"]


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


HELP = """
import sys
from lockgate.cli import main
sys.argv = ["lockgate", "study", "--help"]
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def test_help_loads_nothing_that_takes_long():
    """It is there in less than half a second; torch or one of these others would double that."""
    run = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)

    assert "--rungs" in run.stdout
    slow = {"torch", "numpy", "polars", "pandas", "scipy", "sklearn", "plotly"}
    assert not slow & set(run.stderr.split())


def test_doctor_tells_versions_and_backends(lockgate):
    result = lockgate("doctor")

    assert result.exit_code == 0, result.stderr
    told = dict(line.split(": ", 1) for line in result.stdout.splitlines() if ": " in line)
    assert told["torch"] == torch.__version__
    for layer in ("RNN", "LSTM", "GRU"):
        assert ("cpu" if kernels.BUILT else "aten") in told[f"{layer}, recurrent_dropout=0.0"]
        assert ("cpu" if kernels.BUILT else "reference") in told[f"{layer}, recurrent_dropout=0.25"]


def test_doctor_as_json(lockgate, strict_json):
    result = lockgate("doctor", "--json")

    told = strict_json(result.stdout)
    assert told["torch"] == torch.__version__
    assert told["cpu_kernels"]["built"] == kernels.BUILT


def test_doctor_tells_what_the_kernels_run_on(lockgate, strict_json, monkeypatch):
    status = kernels.KernelStatus("avx2", ("avx512", "avx2", "generic"), "torch's own")
    monkeypatch.setattr(kernels, "status", lambda: status)

    line = lockgate("doctor").stdout.splitlines()[-2]
    told = strict_json(lockgate("doctor", "--json").stdout)

    assert line == "CPU kernels: avx2 of avx512, avx2, generic; threads: torch's own"
    assert told["cpu_kernels"] == {
        "built": True,
        "instruction_set": "avx2",
        "instruction_sets": ["avx512", "avx2", "generic"],
        "threads": "torch's own",
    }


def test_doctor_tells_why_there_are_no_kernels(lockgate, strict_json, monkeypatch):
    monkeypatch.setattr(kernels, "status", lambda: None)
    why = (
        "lockgate was installed without a C++ compiler or Python's headers, "
        "or with LOCKGATE_KERNELS=OFF"
    )

    line = lockgate("doctor").stdout.splitlines()[-2]
    told = strict_json(lockgate("doctor", "--json").stdout)

    assert line == f"CPU kernels: not built: {why}"
    assert told["cpu_kernels"] == {"built": False, "why_not": why}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (support.TritonStatus(None, None, "torch finds no GPU"), "not used: torch finds no GPU"),
        (support.TritonStatus("3.7.1", "NVIDIA H100", None), "NVIDIA H100"),
    ],
)
def test_doctor_tells_of_the_gpu(lockgate, strict_json, monkeypatch, status, said):
    monkeypatch.setattr(support, "status", lambda: status)

    line = lockgate("doctor").stdout.splitlines()[-1]
    told = strict_json(lockgate("doctor", "--json").stdout)

    assert line == f"GPU kernels: {said}"
    assert told["gpu_kernels"] == status._asdict()
