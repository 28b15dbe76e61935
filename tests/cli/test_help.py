"""Every command and every option is documented, and help loads nothing that takes long."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from lockgate.cli.app import app

GROUP = typer.main.get_command(app)
PAGE = (Path(__file__).parents[2] / "docs" / "workbench.md").read_text(encoding="utf-8")


def test_the_commands_are_these():
    names = ["study", "compare", "tune", "lr-find", "train", "evaluate", "predict", "backtest"]
    assert list(GROUP.commands) == [*names, "update", "export", "serve", "upgrade", "doctor"]


@pytest.mark.parametrize("name", GROUP.commands)
def test_a_command_and_each_of_its_options_is_documented(name):
    command = GROUP.commands[name]

    assert len(command.help) > 20
    assert f"`lockgate {name}" in PAGE
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

    alone = {"rungs", "rounds", "folds", "smallest_effect", "budget", "workers", "window", "gap"}
    alone |= {"ray", "gpus_per_fit", "tuned"}
    assert study.keys() - train.keys() == {*alone, "keep_validation", "dry_run"}
    both = study.keys() & train.keys()
    # a study has more members by default, and says so
    assert all(study[name] == train[name] for name in both - {"members"})


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
    slow = {"torch", "numpy", "polars", "pandas", "scipy", "sklearn", "plotly", "lightning_fabric"}
    assert not slow & set(run.stderr.split())
