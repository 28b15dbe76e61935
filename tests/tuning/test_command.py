"""The command that a report shows repeats its search."""

import shlex

import pytest
from typer.testing import CliRunner

from lockgate import api
from lockgate.cli.app import app
from lockgate.running.places import Local
from lockgate.settings import resolve
from lockgate.tasks import registry
from lockgate.tuning.command import command
from lockgate.tuning.config import tune_config
from lockgate.tuning.plan import plan_tuning
from lockgate.tuning.space import by_setting

FORECAST = registry.task("forecast")


@pytest.fixture
def repeat(monkeypatch):
    """Parse a command by the command line; give its source and its configuration."""

    def run(words):
        seen = {}

        def tune(source, *, task, space, out, resume, storage, config, on_search, **named):
            seen["source"] = source
            chosen = registry.suitable(source, named, task)
            tried = {"tune": by_setting(space, chosen)}
            seen["config"] = resolve(tune_config(chosen.run), named, tried)
            raise KeyboardInterrupt

        monkeypatch.setattr(api, "tune", tune)
        CliRunner().invoke(app, words[1:])
        return seen

    return run


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"trials": 9, "budget": "1h", "metric": "rmse", "cell": "gru", "members": 3},
        {"split": "2020-09-01,2020-11-01", "folds": 3, "gap": 2, "smallest_effect": 1.5},
        {"tune": {"model.cell": {"choices": ["lstm", "gru"]}, "model.hidden_size": [4, 8, "log"]}},
        {"tune": {"model.bidirectional": {"choices": [True, False]}}},
        {"tune": {"model.hidden_size": {"choices": [4, "8,4"]}, "data.lookback": [7, 14]}},
    ],
    ids=lambda s: "-".join(s) or "defaults",
)
def test_the_command_repeats_the_configuration(csv, small, settings, repeat):
    config = resolve(tune_config(FORECAST.run), {**small, **settings})
    plan = plan_tuning(csv, config, FORECAST, Local(1)).study

    words = shlex.split(command(plan))
    seen = repeat(words)

    assert words[:3] == ["lockgate", "tune", "shop.csv"]
    assert seen["source"] == "shop.csv"
    assert seen["config"] == plan.config


def test_what_is_in_memory_is_searched_by_a_call(searched):
    command = searched.results["command"]

    assert command.startswith("lockgate.tune(frame, target='sold', horizon=3,")
    assert "space={'model.hidden_size': [2, 16, 'log']," in command
    assert "trials=8" in command
