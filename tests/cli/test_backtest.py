"""`lockgate backtest` prints what Python gives, writes its frame, and refuses in a sentence."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

import lockgate as package

FIT = ["--target", "sold", "--horizon", 3, "--lookback", 7, "--members", 1, "--no-mix"]
FIT += ["--set", "hidden_size=4", "--set", "max_epochs=2"]
SETTINGS = {"target": "sold", "horizon": 3, "lookback": 7, "members": 1, "mix": False}
SETTINGS |= {"hidden_size": 4, "max_epochs": 2}


@pytest.mark.parametrize(
    ("name", "reader"), [("f.csv", pl.read_csv), ("f.parquet", pl.read_parquet)]
)
def test_a_folder_gives_the_numbers_of_python(lockgate, csv, trained, strict_json, name, reader):
    expected = package.backtest(trained[0], csv, n_windows=3)

    result = lockgate(
        *("backtest", trained[1], "shop.csv", "--n-windows", 3, "--out", name, "--json")
    )

    assert result.exit_code == 0, result.stderr
    assert strict_json(result.stdout) == expected.to_dict()
    assert f"9 steps written to {name}" in result.stderr
    frame = reader(Path(name))
    assert frame.columns == expected.forecasts.columns
    assert frame["lockgate"].to_list() == expected.forecasts["lockgate"].to_list()


def test_scores_stand_beside_the_baselines_by_cutoff_and_by_step(lockgate, csv, trained):
    result = lockgate("backtest", trained[1], "shop.csv", "--n-windows", 3, "--step", "1w")

    assert result.exit_code == 0, result.stderr
    expected = package.backtest(trained[0], csv, n_windows=3, step=7)
    lines = result.stdout.splitlines()
    assert lines[0] == (
        "3 forecasts of 3 steps from 3 cutoffs, 2021-01-17 00:00:00 to 2021-01-31 00:00:00; the "
        "model as it is"
    )
    header = lines.index(next(line for line in lines if line.startswith("model")))
    assert lines[header + 1].split()[:2] == [
        "lockgate",
        f"{expected.scores[0].scores['mae']:.4g}",
    ]
    titles = [line for line in lines if line.startswith("mae by")]
    assert titles == ["mae by cutoff", "mae by steps ahead"]
    assert "fits" in result.stderr
    assert "none: the model as it is" in result.stderr


def test_options_with_a_table_alone_are_fitted(lockgate, csv, strict_json):
    asked = ["--n-windows", 2, "--refit-every", 1, "--gap", "2d", "--window", "rolling"]

    result = lockgate("backtest", "shop.csv", *FIT, *asked, "--json", "--quiet")

    assert result.exit_code == 0, result.stderr
    told = {"n_windows": 2, "refit_every": 1, "gap": 2, "window": "rolling"}
    assert strict_json(result.stdout) == package.backtest(None, csv, **told, **SETTINGS).to_dict()
    assert result.stderr == ""


def test_a_file_of_settings_is_fitted_and_options_overrule_it(lockgate, csv, trained, strict_json):
    words = ["backtest", trained[1] / "config.yaml", "shop.csv", "--n-windows", 2]

    plain = lockgate(*words, "--json")
    other = lockgate(*words, "--horizon", 2, "--json")

    assert plain.exit_code == 0, plain.stderr
    assert strict_json(plain.stdout)["fits"] == 1
    assert (strict_json(plain.stdout)["horizon"], strict_json(other.stdout)["horizon"]) == (3, 2)


def test_what_is_kept_in_a_folder_goes_on(lockgate, csv, strict_json):
    words = ["backtest", "shop.csv", *FIT, "--n-windows", 2, "--run", "kept", "--json"]

    first = lockgate(*words)
    refused = lockgate(*words)
    again = lockgate(*words, "--resume")

    assert first.exit_code == 0, first.stderr
    assert "kept: pass resume=True (--resume) to continue it" in refused.stderr
    assert again.stdout == first.stdout
    parts = sorted(path.name for path in Path("kept/cutoffs").iterdir())
    assert parts == ["000.parquet", "001.parquet"]


@pytest.mark.slow
def test_a_killed_backtest_ends_in_the_same_frame(csv, tmp_path):
    command = [Path(sys.executable).with_name("lockgate"), "backtest", "shop.csv", *FIT]
    command += ["--n-windows", 6, "--refit-every", 1, "--set", "max_epochs=40", "--quiet"]
    command = [str(word) for word in command]

    def run(*more):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen([*command, *more], cwd=tmp_path, **quiet)

    whole = run("--out", "whole.csv")
    assert whole.wait(120) == 0
    killed = run("--run", "kept", "--out", "none.csv")
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("kept/cutoffs/*.parquet")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(60)
    assert not (tmp_path / "none.csv").exists()

    resumed = run("--run", "kept", "--resume", "--out", "resumed.csv")

    assert resumed.wait(120) == 0
    texts = [(tmp_path / f"{name}.csv").read_bytes() for name in ("whole", "resumed")]
    assert texts[0] == texts[1]


def test_an_interrupted_one_says_how_it_goes_on(lockgate, csv, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("lockgate.fitted.backtest", interrupt)

    plain, kept = (lockgate("backtest", "shop.csv", *FIT, *more) for more in ([], ["--run", "r"]))

    assert plain.exit_code == kept.exit_code == 130
    assert plain.stderr == "lockgate: interrupted\n"
    assert kept.stderr == "lockgate: interrupted: continue with --resume\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--n-windows", 0], "n_windows must be greater than or equal to 1, got 0"),
        (["--step", 0], "step must be at least 1 step, got 0"),
        (["--n-windows", 500], "n_windows must leave 15 rows to learn from up to the first cutoff"),
        (["--baselines", "arima"], "baselines must be among ets, theta, mstl, got 'arima'; "),
        (["--level", "many"], "level must be a valid number"),
        (["--level", "120"], "level must be numbers above 0 and below 100, in per cent, got 120"),
        (["--out", "f.xlsx"], "out must end in .csv or .parquet, got f.xlsx"),
        (["--resume"], "resume must be given with the folder to continue: pass run (--run) too"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(refused, csv, words, sentence):
    assert refused("backtest", "shop.csv", *FIT, *words).startswith(sentence)


def test_what_is_no_forecaster_is_refused(refused, csv, studied):
    folder = studied("texts").folder

    sentence = refused("backtest", folder, "shop.csv")

    assert sentence.startswith("model must be a forecaster of a table, whose rows have a past, got")
    assert refused("backtest", "nowhere", "shop.csv").startswith(
        "model must be the folder of a forecaster or a file of settings, got nowhere"
    )
    assert refused("backtest").startswith("TABLE must be given, or --sample, and not both")


def test_a_folder_needs_a_table_beside_it(refused, trained):
    sentence = refused("backtest", trained[1])

    told = f"TABLE must be given beside a folder, or --sample, got {trained[1]} alone"
    assert sentence == told


def test_options_are_those_of_forecasts_alone(lockgate):
    shown = lockgate("backtest", "--help").stdout

    assert "--refit-every" in shown
    assert "--horizon" in shown
    assert "--text " not in shown
    assert "--folds" not in shown
