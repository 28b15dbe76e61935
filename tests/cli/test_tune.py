"""`lockgate tune` gives the numbers of Python, tells its plan, resumes, and fails in a sentence."""

import json
import sys

import pytest

TUNE = ["tune", "shop.csv", "--target", "sold", "--horizon", 3, "--lookback", 7, "--folds", 3]
TUNE += ["--set", "hidden_size=4", "--set", "max_epochs=2", "--members", 1, "--no-mix"]
TUNE += ["--set", "validations=1", "--set", "average=0", "--set", "learning_rate=0.001"]
TUNE += ["--smallest-effect", "0.05%", "--budget", "none", "--workers", 1]
SPACE = ["--space", "hidden_size=2,16,log", "--space", "learning_rate=1e-4,1e-1,log"]
SPACE += ["--space", "cell=lstm,gru", "--space", "lookback={choices: [7, 14]}"]


def test_it_gives_the_numbers_of_python(lockgate, csv, searched, strict_json, tmp_path):
    result = lockgate(*TUNE, *SPACE, "--trials", 8, "--rounds", 3, "--json")

    assert result.exit_code == 0, result.stderr
    results = strict_json(result.stdout)
    for part in ("space", "settings"):
        assert results[part] == searched.results[part]
    assert [one["by_fold"] for one in results["trials"]] == [
        one["by_fold"] for one in searched.results["trials"]
    ]
    assert results["verdict"]["pairs"] == searched.results["verdict"]["pairs"]
    out = tmp_path / "runs" / "shop-sold-tuned"
    assert json.loads((out / "results.json").read_text(encoding="utf-8")) == results
    assert (out / "report.html").exists()


def test_it_tells_its_plan_then_the_answer_and_goes_on_from_its_folder(lockgate, csv, tmp_path):
    small = [*TUNE, "--trials", 2, "--rounds", 3, "--out", "out/one"]
    result = lockgate(*small, *SPACE[:2], "--storage", "trials.log")

    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(("Use ", "Keep "))
    assert result.stdout.endswith("report: out/one/report.html\n")
    for words in ("hidden_size=[2, 16, log]", "at most 2 over 3 folds", "the best 2 again"):
        assert words in result.stderr
    assert (tmp_path / "trials.log").exists()
    again = lockgate(
        *("tune", "shop.csv", "--config", "out/one/config.yaml", "--out", "out/one"),
        *("--storage", "trials.log", "--resume", "--quiet"),
    )
    assert again.exit_code == 0, again.stderr
    assert again.stderr == ""
    assert again.stdout == result.stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--space", "hidden_size"], "space must be given as NAME=[low, high]"),
        (["--space", "hiden=1,2"], "space must name settings, got 'hiden'; did you mean"),
        (["--space", "random_state=0,9"], "space must not hold training.random_state: a seed is"),
        (["--space", "hidden_size=9,3"], "space must give model.hidden_size from low to high, g"),
        (["--space", "cell=lstm,foo"], "space must hold values that model.cell takes: cell must"),
        (["--trials", "0"], "trials must be greater than or equal to 1, got 0"),
        (["--budget", "soon"], "budget must be"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(refused, csv, options, sentence):
    assert refused(*TUNE[:6], *options).startswith(sentence)


def test_a_storage_of_something_else_is_one_sentence(lockgate, csv, tmp_path):
    result = lockgate(*TUNE, "--trials", 2, "--storage", "shop.csv")

    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(
        "lockgate: storage must be a journal of Optuna, got shop.csv: it holds something else"
    )


def test_the_space_is_read_from_a_file(lockgate, csv, tmp_path):
    (tmp_path / "c.yaml").write_text(
        "tune:\n  model.hidden_size: [2, 8, log]\n  training.learning_rate: [1e-4, 1e-2, log]\n"
    )
    result = lockgate(
        *TUNE,
        "--config",
        "c.yaml",
        "--space",
        "hidden_size=2,4",
        "--trials",
        2,
        "--rounds",
        3,
        "--json",
    )

    assert result.exit_code == 0, result.stderr
    space = {one["path"]: one for one in json.loads(result.stdout)["space"]}
    assert set(space) == {"model.hidden_size", "training.learning_rate"}
    assert (space["model.hidden_size"]["high"], space["model.hidden_size"]["log"]) == (4, False)
    assert space["training.learning_rate"]["low"] == 1e-4


def test_without_optuna_it_tells_what_to_install(refused, csv, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)

    told = refused(*TUNE[:6], code=1)

    assert told == 'this command needs optuna: pip install "lockgate[tune]"'
