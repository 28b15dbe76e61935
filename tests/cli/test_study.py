"""`lockgate study` gives the numbers of Python, plans without writing, resumes, fails cleanly."""

import json
import re

import pytest

SMALL = ["--lookback", 7, "--set", "hidden_size=4", "--set", "model.init=keras"]
SMALL += ["--set", "training.max_epochs=2", "--members", 1, "--no-mix"]
SMALL += ["--set", "validations=1", "--set", "average=0", "--set", "learning_rate=0.001"]
LADDER = ["--rungs", "lstm,input-dropout", "--folds", 3, "--rounds", 6, "--workers", 1]
LADDER += ["--smallest-effect", "0.05%", "--budget", "none"]
STUDY = ["study", "shop.csv", "--target", "sold", "--horizon", 3, *SMALL, *LADDER]


def test_it_gives_the_numbers_of_python(lockgate, csv, finished, numbers, strict_json, tmp_path):
    result = lockgate(*STUDY, "--json")

    assert result.exit_code == 0, result.stderr
    results = strict_json(result.stdout)
    assert numbers(results) == numbers(finished.results)
    out = tmp_path / "runs" / "shop-sold"
    assert json.loads((out / "results.json").read_text(encoding="utf-8")) == results
    assert (out / "report.html").exists()
    assert results["command"].startswith("lockgate study shop.csv --target sold --horizon 3")


def test_it_prints_the_plan_first_then_verdict_scores_and_report(lockgate, csv, finished):
    result = lockgate(*STUDY, "--out", "out/one")

    assert result.exit_code == 0, result.stderr
    # how long more rounds would take, each study measures for itself
    said, same = (
        re.sub(r" \(\d[^)]*\)", "", text) for text in (result.stdout, finished.recommendation)
    )
    assert said.startswith(same)
    assert result.stdout.endswith("report: out/one/report.html\n")
    for name in ("input-dropout", "seasonal naive 7", "window mean"):
        assert name in result.stdout
    for words in ("at most 12: 2 networks a round; 1 side by side", "tax: constant in the trai"):
        assert words in result.stderr


def test_settings_come_from_a_file_and_options_overrule_it(lockgate, csv, finished, tmp_path):
    (tmp_path / "c.yaml").write_text((finished.folder / "config.yaml").read_text())

    args = ["study", "shop.csv", "--config", "c.yaml", "--rounds", 3, "--set", "max_epochs=1"]
    result = lockgate(*args, "--json")

    assert result.exit_code == 0, result.stderr
    config = json.loads(result.stdout)["config"]
    asked = finished.results["config"]
    assert config["data"] == asked["data"]
    assert config["model"] == asked["model"]
    assert config["rungs"] == ["lstm", "input-dropout"]
    assert (config["rounds"], config["training"]["max_epochs"]) == (3, 1)


def test_a_dry_run_shows_the_plan_and_writes_nothing(lockgate, csv, tmp_path):
    result = lockgate(*STUDY, "--dry-run")

    assert result.exit_code == 0
    for words in (
        "shop.csv: 400 rows read, 400 steps of 1d from 2020-01-01",
        "tax: constant in the training part",
        "shop: holds text",
        "validation: 2020-10-07 00:00:00 to 2020-12-05 00:00:00, 58 windows",
        "at most 6 over 3 folds",
        "at most 12: 2 networks a round",
        "about ",
    ):
        assert words in " ".join(result.stdout.split())
    assert [path.name for path in tmp_path.iterdir()] == ["shop.csv"]


def test_the_plan_tells_what_all_networks_have(lockgate, csv):
    settings = ("--set", "head=quantiles", "--set", "segment_length=3")

    plain, told = (lockgate(*STUDY, "--dry-run", *more) for more in ((), settings))

    assert "all networks" not in plain.stdout
    words = "all networks segments of 3, a head of quantiles"
    assert words in " ".join(told.stdout.split())


def test_a_dry_run_as_json(lockgate, csv, strict_json):
    result = lockgate(*STUDY, "--dry-run", "--json")

    assert strict_json(result.stdout)["seasons"] == "7"
    assert result.stderr == ""


def test_names_in_brackets_are_shown_as_they_are(lockgate, table, tmp_path):
    names = {"sold": "T [degC]", "price": "wind [/s]", "tax": "[bold]"}
    table.rename(names).write_csv(tmp_path / "shop.csv")

    result = lockgate("study", "shop.csv", "--target", "T [degC]", "--horizon", 3, "--dry-run")

    assert result.exit_code == 0, result.stderr
    for name in names.values():
        assert name in result.stdout


def test_a_sample_needs_neither_target_nor_horizon(lockgate):
    result = lockgate("study", "--sample", "co2", "--rungs", "rnn", "--dry-run")

    assert result.exit_code == 0, result.stderr
    assert "26 forecast" in result.stdout


def test_ctrl_c_ends_with_a_sentence_and_resume_goes_on(
    lockgate, csv, monkeypatch, finished, numbers
):
    def interrupt(progress, fit, done, total):
        if done == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lockgate.progress.StudyProgress.on_fit", interrupt)
        result = lockgate(*STUDY)
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "lockgate: interrupted: continue with --resume"
    assert result.stdout == ""

    again = lockgate(*STUDY, "--resume", "--json")

    assert again.exit_code == 0, again.stderr
    assert numbers(json.loads(again.stdout)) == numbers(finished.results)


FULL = "cannot be written, as its disk is full: make room there, and continue with resume=True"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device"), f"runs/shop-sold/study.json {FULL} (--resume)"),
        (PermissionError(13, "x"), "[Errno 13] x"),
    ],
    ids=["full", "not allowed"],
)
def test_a_failure_of_the_machine_is_no_wrong_use(lockgate, csv, monkeypatch, error, told):
    def fail(*_):
        raise error

    monkeypatch.setattr("lockgate.files.os.fsync", fail)

    result = lockgate(*STUDY)

    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == f"lockgate: {told}"
