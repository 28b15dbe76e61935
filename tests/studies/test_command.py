"""The command that a report shows repeats its study."""

import shlex

import pytest
from typer.testing import CliRunner

from lockgate import api
from lockgate.cli.app import app
from lockgate.settings import resolve
from lockgate.studies.command import command
from lockgate.studies.config import study_config
from lockgate.tasks import registry
from lockgate.tasks.stack.rungs import default_names


@pytest.fixture
def repeat(monkeypatch):
    """Parse a command by the command line; give its source and its configuration."""

    def run(words):
        seen = {}

        def study(source, *, task, out, resume, config, on_prepared, on_plan, **named):
            seen["source"] = source
            chosen = registry.suitable(source, named, task)
            kind = study_config(chosen.run, default_names(chosen.ladder))
            seen["config"] = resolve(kind, chosen.defaults(source), named)
            raise KeyboardInterrupt

        monkeypatch.setattr(api, "study", study)
        CliRunner().invoke(app, words[1:])
        return seen

    return run


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"rungs": "lstm,stacked,stacked+both", "rounds": 20, "budget": "1h", "metric": "rmse"},
        {"missing": "-9999,-1", "time": "day", "max_gap": 0, "exclude": "tax"},
        {"split": "2020-09-01,2020-11-01", "device": "cpu", "workers": 1},
        {"init": "torch", "learning_rate": 1e-4, "recurrent_dropout": 0.5, "lookback": "9d"},
        {"inputs": "target", "resample": "1d"},
        {"inputs": "price", "time_format": "%Y-%m-%dT%H:%M:%S%.f"},
    ],
    ids=lambda s: "-".join(s) or "defaults",
)
def test_the_command_repeats_the_configuration(csv, small, settings, repeat):
    plan = api.plan_study(csv, **{**small, **settings})

    words = shlex.split(command(plan))
    seen = repeat(words)

    assert words[:3] == ["lockgate", "study", "shop.csv"]
    assert seen["source"] == "shop.csv"
    asked = plan.config
    assert seen["config"] == asked


def test_what_is_the_default_is_not_said(csv):
    plan = api.plan_study(csv, target="sold", horizon=3)

    assert command(plan) == "lockgate study shop.csv --target sold --horizon 3"


def test_a_name_with_spaces_is_one_word(table, csv, repeat):
    name = "T ($degC); 'x'"
    table.rename({"sold": name}).write_csv(csv)

    plan = api.plan_study(csv, target=name, horizon="3d")

    assert repeat(shlex.split(command(plan)))["config"].data.target == name


def test_a_sample_is_told_as_one():
    plan = api.plan_study("sample:co2", rungs="lstm", hidden_size=4)

    words = command(plan)

    assert words == (
        "lockgate study --sample co2 --target co2 --horizon 26w --set model.hidden_size=4 "
        "--rungs lstm"
    )


def test_yes_and_no_are_told_as_flags(tmp_path, monkeypatch):
    path = tmp_path / "reviews.csv"
    rows = [f"text number {i} is {kind},{kind}" for i in range(30) for kind in ("good", "bad")]
    path.write_text("\n".join(rows))
    plan = api.plan_study(path, text="1", label="2", header=False)
    told = {}
    monkeypatch.setattr(api, "study", lambda *_, **settings: told.update(settings))

    words = command(plan)
    CliRunner().invoke(app, shlex.split(words)[1:])

    assert words == "lockgate study reviews.csv --text 1 --label 2 --no-header"
    assert told["header"] is False
