"""Options that commands share: what is told while they run, and how they become settings."""

import inspect
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from lockgate.cli import options
from lockgate.cli.app import app
from lockgate.errors import DataError

TRAIN = ["train", "shop.csv", "--target", "sold", "--horizon", 3, "--lookback", 7]
TRAIN += ["--set", "hidden_size=4", "--set", "max_epochs=1"]


@pytest.fixture(autouse=True)
def _logger_as_before() -> Iterator[None]:
    logger = logging.getLogger("lockgate")
    level, handlers = logger.level, list(logger.handlers)
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers


def test_verbose_tells_each_step_on_standard_error(lockgate, csv):
    result = lockgate(*TRAIN, "--verbose")

    assert result.exit_code == 0, result.stderr
    steps = [line.split(" ", 1)[1] for line in result.stderr.splitlines()]
    assert steps[0] == "task: forecast"
    assert steps[-1] == "runs/shop-sold: written"
    assert "epochs" not in result.stderr
    assert "task: forecast" not in result.stdout


def test_quiet_prints_the_result_alone(lockgate, csv):
    result = lockgate(*TRAIN, "--quiet")

    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout.endswith("model: runs/shop-sold\n")


def test_a_study_told_to_be_quiet_shows_no_plan(lockgate, csv):
    study = ["study", *TRAIN[1:], "--rungs", "lstm", "--rounds", 3, "--workers", 1]

    result = lockgate(*study, "--quiet")

    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""


@pytest.mark.parametrize(
    "words",
    [["study", *TRAIN[1:]], TRAIN, ["evaluate", "m", "shop.csv"], ["predict", "m", "a.csv"]],
)
def test_verbose_and_quiet_together_are_refused(refused, csv, words):
    sentence = refused(*words, "--verbose", "--quiet")

    assert sentence == "verbose must not be given with quiet: leave one out"


def test_a_second_command_tells_no_step_twice():
    for _ in range(2):
        options.log_to_stderr(verbose=True, quiet=False)

    assert len(logging.getLogger("lockgate").handlers) == 1


def parameters(command: str) -> dict[str, Any]:
    """Give the parameters of a command; it must get what was named, and no other setting."""
    seen: list[Any] = []

    @options.with_settings(command)
    def run(table: str, sample: str, task: str, out: str, *, options: dict[str, Any]) -> None:
        seen.append((table, options))

    found = dict(inspect.signature(run).parameters)
    run(**{**dict.fromkeys(found), "table": "shop.csv", "target": "sold"})
    assert seen == [("shop.csv", {"target": "sold"})]
    return found


STUDY_ALONE = {
    "rungs",
    "rounds",
    "folds",
    "smallest_effect",
    "budget",
    "workers",
    "ray",
    "gpus_per_fit",
}
STUDY_ALONE |= {"window", "gap", "keep_validation", "tuned"}


def test_a_command_gets_the_settings_that_were_named_and_no_other():
    study, train = parameters("study"), parameters("train")

    assert list(study)[:3] == list(train)[:3] == ["table", "sample", "task"]
    assert list(study)[-1] == list(train)[-1] == "out"
    assert study.keys() - train.keys() == STUDY_ALONE
    assert "cell" in train


def test_a_flag_turns_its_default_round():
    train = typer.main.get_command(app).commands["train"]
    flags = {one.name: (one.opts, one.secondary_opts) for one in train.params}

    assert flags["at_steps"] == (["--at-steps"], [])
    assert flags["header"][1] == ["--no-header"]
    assert "--header" not in flags["header"][0]


def test_a_fitted_model_is_told_how_to_read_and_nothing_else():
    commands = typer.main.get_command(app).commands
    told = {name: {one.name for one in commands[name].params} for name in ("predict", "evaluate")}
    flag = next(one for one in commands["predict"].params if one.name == "header")

    assert told["predict"] >= {"separator", "decimal", "time_format", "text", "label", "header"}
    assert told["evaluate"] - told["predict"] == {"mc_samples"}
    assert not told["evaluate"] & {"target", "horizon", "lookback", "inputs", "cell", "test"}
    assert (flag.opts, flag.secondary_opts) == (["--header"], ["--no-header"])


def test_set_overrules_an_option():
    named = options.with_set({"cell": "gru", "device": "cpu"}, ["cell = rnn", "a.b=x=y"])

    assert named == {"cell": "rnn", "device": "cpu", "a.b": "x=y"}
    with pytest.raises(DataError, match="--set must name a setting, got 'space'; pass --space"):
        options.with_set({}, ["space = hidden_size=4,8"])
    with pytest.raises(DataError, match="--set must be NAME=VALUE, got 'cell'"):
        options.with_set({}, ["cell"])


def test_a_table_or_a_sample_is_given_and_not_both():
    assert options.source("shop.csv", None) == "shop.csv"
    assert options.source(None, "co2") == "sample:co2"
    for table, sample in ((None, None), ("shop.csv", "co2")):
        with pytest.raises(DataError, match="TABLE must be given, or --sample, and not both"):
            options.source(table, sample)
    with pytest.raises(DataError, match="sample must be one of co2, got 'co3'"):
        options.source(None, "co3")


@pytest.mark.parametrize(("command", "members"), [("study", 5), ("train", 3)])
def test_the_help_tells_the_default_that_the_command_has(lockgate, command, members):
    shown = " ".join(lockgate(command, "--help").stdout.replace("│", " ").split())

    assert re.search(rf"--members .*? Default: {members}\.", shown)
