"""`lockgate predict` and `evaluate` print or write what Python gives, whole or not at all."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import lockgate as package
from lockgate.tasks.forecasting.prepare import read


@pytest.fixture
def expected(trained, table):
    fitted, _ = trained
    return fitted.predict(read(table, fitted.config.data))


def test_the_forecast_is_printed_as_csv(lockgate, csv, trained, expected):
    result = lockgate("predict", trained[1], "shop.csv")

    assert result.exit_code == 0, result.stderr
    assert pl.read_csv(result.stdout.encode(), try_parse_dates=True).equals(expected)


def test_the_forecast_as_json_and_nothing_else(lockgate, csv, trained, expected, strict_json):
    result = lockgate("predict", trained[1], "shop.csv", "--json")

    rows = strict_json(result.stdout)
    assert [row["forecast"] for row in rows] == expected["forecast"].to_list()
    assert [datetime.fromisoformat(row["ds"]) for row in rows] == expected["ds"].to_list()
    assert result.stderr == ""


def test_intervals_are_printed_beside_the_forecast(lockgate, csv, small, tmp_path):
    settings = {**small, "members": 2, "mix": True}
    package.train(csv, out=tmp_path / "model", **settings)

    result = lockgate("predict", tmp_path / "model", "shop.csv", "--level", "80,90")

    assert result.exit_code == 0, result.stderr
    printed = pl.read_csv(result.stdout.encode())
    assert printed.columns[-4:] == [
        f"forecast-{end}-{level}" for level in (80, 90) for end in ("lo", "hi")
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--level", "80;95"), "level must be numbers parted by commas, got '80;95'"),
        (("--quantiles", "90"), "quantiles must be numbers above 0 and below 1, got 90.0"),
        (("--level", "80"), "level must be left out of this model: no forecasts of rows held out"),
    ],
)
def test_intervals_that_cannot_be_are_told(lockgate, csv, trained, options, message):
    result = lockgate("predict", trained[1], "shop.csv", *options)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_what_is_known_ahead_may_lie_in_a_file_of_its_own(lockgate, csv, small, tmp_path):
    whole = pl.read_csv(csv)
    ahead = whole.select("day", "price").tail(3).with_columns(price=pl.lit(12.5))
    whole.head(-3).write_csv(tmp_path / "seen.csv")
    ahead.write_csv(tmp_path / "ahead.csv")
    later = whole.tail(3).with_columns(price=pl.lit(12.5), sold=None)
    pl.concat([whole.head(-3), later], how="vertical_relaxed").write_csv(tmp_path / "whole.csv")
    package.train(tmp_path / "seen.csv", out=tmp_path / "model", **small, known_future="price")

    apart = lockgate("predict", tmp_path / "model", "seen.csv", "--future", "ahead.csv")

    assert apart.exit_code == 0, apart.stderr
    assert apart.stdout == lockgate("predict", tmp_path / "model", "whole.csv").stdout
    assert lockgate("predict", tmp_path / "model", "seen.csv").exit_code == 2


def test_a_target_that_ends_early_is_told(lockgate, csv, trained, tmp_path):
    held = pl.when(pl.int_range(pl.len()) < 395).then("sold").alias("sold")
    pl.read_csv(csv).with_columns(held).write_csv(tmp_path / "ahead.csv")
    # a shell of its own: what is logged goes to standard error where no handler is set
    command = [Path(sys.executable).with_name("lockgate"), "predict", trained[1], "ahead.csv"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)

    words = "note: no 'sold' is observed in the last 5 steps, after 2021-01-29 00:00:00: left out"
    assert done.stderr.startswith(words)
    assert words in lockgate("evaluate", trained[1], "ahead.csv").stdout


@pytest.mark.parametrize(
    ("name", "reader"), [("f.csv", pl.read_csv), ("f.parquet", pl.read_parquet)]
)
def test_the_forecast_is_written_to_a_file(
    lockgate, csv, trained, expected, tmp_path, name, reader
):
    result = lockgate("predict", trained[1], "shop.csv", "--out", f"new/{name}")

    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert result.stderr == f"3 steps written to new/{name}\n"
    assert reader(tmp_path / "new" / name)["forecast"].to_list() == expected["forecast"].to_list()
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]


def test_another_ending_is_refused(refused, csv, trained):
    sentence = refused("predict", trained[1], "shop.csv", "--out", "f.xlsx")

    assert sentence == "out must end in .csv or .parquet, got f.xlsx"


@pytest.mark.parametrize("name", ["f.csv", "f.parquet"])
def test_a_file_is_never_half_written(lockgate, csv, trained, tmp_path, monkeypatch, name):
    (tmp_path / name).write_text("before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lockgate.files.os.fsync", full)

    result = lockgate("predict", trained[1], "shop.csv", "--out", name)

    assert result.exit_code == 1
    told = f"lockgate: {name} cannot be written, as its disk is full: make room there\n"
    assert result.stderr == told
    assert (tmp_path / name).read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"shop.csv", name}


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_the_folder_of_a_study_stands_for_its_selected_model(lockgate, csv, finished, command):
    whole = lockgate(command, finished.folder, "shop.csv", "--json")
    inner = lockgate(command, finished.folder / "fitted", "shop.csv", "--json")

    assert whole.exit_code == 0, whole.stderr
    assert whole.stdout == inner.stdout != ""


def test_evaluate_prints_the_backtest(lockgate, csv, trained, table, strict_json):
    fitted, folder = trained
    expected = fitted.evaluate(table).to_dict()

    as_json = lockgate("evaluate", folder, "shop.csv", "--json")
    plain = lockgate("evaluate", folder, "shop.csv")

    assert strict_json(as_json.stdout) == json.loads(json.dumps(expected))
    assert plain.exit_code == 0, plain.stderr
    first, header, model, *_ = plain.stdout.splitlines()
    assert first == "58 forecasts of 2020-12-06 00:00:00 to 2021-02-03 00:00:00"
    assert header.split() == ["model", "mae", "rmse", "mase"]
    assert model.split()[1] == f"{expected['model']['scores']['mae']:.4g}"


def test_evaluate_of_a_table_that_was_learned_from_is_refused(refused, trained, table, tmp_path):
    table.head(300).write_csv(tmp_path / "old.csv")

    sentence = refused("evaluate", trained[1], "old.csv")

    assert sentence.startswith("the table must hold 3 rows after 2020-12-05 00:00:00")


def test_a_model_that_would_run_code_is_refused(refused, csv, trained, tmp_path):
    import pickle
    import shutil

    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    folder = shutil.copytree(trained[1], tmp_path / "model")
    (folder / "model.safetensors").write_bytes(pickle.dumps(Bomb()))

    assert "must hold weights as safetensors" in refused("predict", folder, "shop.csv")
    assert isinstance(package.load(trained[1]), package.Fitted)


@pytest.fixture
def other_form(table, tmp_path):
    """Write the table by other marks, stamps and names, and give the options that tell so."""
    numbers = pl.col("sold", "price", "tax").cast(str).str.replace(".", ",", literal=True)
    other = table.with_columns(pl.col("day").dt.strftime("%d/%m/%Y"), numbers)
    other.rename({"day": "tag"}).write_csv(tmp_path / "other.csv", separator=";")
    return ["other.csv", "--separator", ";", "--decimal", ",", "--time", "tag", "--time-format"]


def test_a_table_of_another_form_is_read_as_the_options_tell(
    lockgate, trained, other_form, expected, strict_json, csv
):
    predicted = lockgate("predict", trained[1], *other_form, "%d/%m/%Y")
    scored = [
        strict_json(lockgate("evaluate", trained[1], *words, "--json").stdout)
        for words in ([*other_form, "%d/%m/%Y"], [csv])
    ]

    assert predicted.exit_code == 0, predicted.stderr
    assert pl.read_csv(predicted.stdout.encode(), try_parse_dates=True).equals(expected)
    assert scored[0]["model"] == scored[1]["model"]


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_an_option_of_another_task_is_refused_with_those_there_are(refused, csv, trained, command):
    sentence = refused(command, trained[1], "shop.csv", "--text", "review")

    assert sentence == (
        "settings of a fitted model must tell how a source is read, got 'text'; the settings are "
        "time, time_format, row_order, zone, resample, missing, id, where, "
        "separator, decimal, encoding"
    )
