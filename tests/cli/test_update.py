"""`lockgate update` changes one file of a folder and says what was covered, or refuses."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import lockgate as package

SETTINGS = {"target": "y", "horizon": 3, "lookback": 7, "hidden_size": 4, "max_epochs": 2}
SETTINGS |= {"members": 2, "learning_rate": 1e-3}


@pytest.fixture(scope="session")
def learned(once):
    rng = np.random.default_rng(5)
    day = np.datetime64("2020-01-01", "us") + np.arange(500) * np.timedelta64(1, "D")
    table = pl.DataFrame({"ds": day, "y": rng.normal(size=500).cumsum()})

    def fill(folder: Path) -> None:
        table.write_csv(folder / "grown.csv")
        package.train(table[:400], out=folder / "model", **SETTINGS)

    return once("learned", fill)


@pytest.fixture
def model(learned, tmp_path):
    shutil.copytree(learned / "model", tmp_path / "model")
    return tmp_path / "model"


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_is_brought_up_to_date_in_place(lockgate, learned, model):
    before = files(model)
    expected = package.update(package.load(model), learned / "grown.csv", latest=150, adapt=0.01)

    result = lockgate("update", model, learned / "grown.csv", "--latest", 150, "--adapt", 0.01)

    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0] == (
        f"{expected.forecasts} new forecasts of {expected.start} to {expected.end}"
    )
    assert "80 %, kept up to date" in result.stdout
    assert result.stdout.endswith(f"{model} is up to date\n")
    after = files(model)
    assert {name for name in after if after[name] != before[name]} == {"intervals.safetensors"}
    read, told = package.load(model).intervals, expected.fitted.intervals
    np.testing.assert_array_equal(read.errors, told.errors)
    np.testing.assert_array_equal(read.stream.beyond, told.stream.beyond)
    assert read.stream[:3] == told.stream[:3]


def test_another_folder_may_take_it(lockgate, learned, model, tmp_path, strict_json):
    before = files(model)

    result = lockgate("update", model, learned / "grown.csv", "--out", tmp_path / "new", "--json")

    assert result.exit_code == 0, result.stderr
    assert strict_json(result.stdout)["later"] == package.load(tmp_path / "new").intervals.later
    assert files(model) == before
    again = lockgate("update", model, learned / "grown.csv", "--out", tmp_path / "new")
    assert again.exit_code == 2
    assert "out must be a new folder" in again.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--latest", "0"], "latest must be greater than or equal to 1, got 0"),
        (["--latest", "5"], "latest must be from 12 to"),
        (["--adapt", "1"], "adapt must be less than or equal to 0.5, got '1'"),
        (["--adapt", "-1"], "adapt must be greater than or equal to 0, got '-1'"),
    ],
)
def test_numbers_out_of_range_are_refused(lockgate, learned, model, args, message):
    before = files(model)
    result = lockgate("update", model, learned / "grown.csv", *args)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert files(model) == before


def test_a_table_without_anything_new_is_refused(lockgate, learned, model):
    lockgate("update", model, learned / "grown.csv")
    before = files(model)

    result = lockgate("update", model, learned / "grown.csv")

    assert result.exit_code == 2
    assert "got none: forecasts up to the one made at" in result.stderr
    assert files(model) == before


def test_a_backtest_of_rows_that_told_the_intervals_is_refused(lockgate, learned, model):
    lockgate("update", model, learned / "grown.csv")
    arguments = ("backtest", model, learned / "grown.csv", "--n-windows", 2)

    result = lockgate(*arguments, "--level", 80)

    assert result.exit_code == 2
    assert (
        "no cutoff must lie before 2021-05-14 00:00:00 where a level is asked for, as updates have "
        "told the model's intervals up to there, got the first at 2021-05-08 00:00:00; leave level "
        "out, or fit anew for each, refit_every=1 (--refit-every 1)"
    ) in result.stderr
    assert lockgate(*arguments).exit_code == 0


def test_what_is_no_forecaster_is_refused(lockgate, learned, tmp_path):
    missing = lockgate("update", tmp_path / "none", learned / "grown.csv")
    assert missing.exit_code == 2
    assert "model must be the folder of a forecaster" in missing.stderr
