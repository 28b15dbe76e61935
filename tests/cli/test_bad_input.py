"""Wrong use ends with one sentence, exit code 2 and nothing written, whatever it is."""

import gzip
import math
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

SMALL = [
    "--rungs",
    "lstm",
    "--folds",
    3,
    "--rounds",
    3,
    "--workers",
    1,
    "--set",
    "hidden_size=4",
    "--set",
    "max_epochs=1",
]
STUDY = ["study", "shop.csv", "--target", "sold", "--horizon", 3, *SMALL]


@pytest.fixture
def write(table, tmp_path):
    """Write the table, changed, as shop.csv."""

    def change(change=lambda frame: frame, text=lambda text: text):
        (tmp_path / "shop.csv").write_text(text(change(table).write_csv()))

    return change


@pytest.mark.parametrize("command", ["study", "train"])
def test_no_such_file(refused, command):
    sentence = refused(command, "nope.csv", "--target", "sold", "--horizon", 3)

    assert sentence == "source must be an existing file, got 'nope.csv'"
    assert refused(command, "nope.csv") == sentence


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("shop.csv", b"", "got the empty file 'shop.csv'"),
        ("shop.csv", b"\n\n", "got only blank lines in 'shop.csv'"),
        ("shop.csv", b"day,sold\n", "must hold rows below its header, got none in 'shop.csv'"),
        ("shop.csv", b"\x00\x01\x02PK", "shop.csv must be text, got binary data"),
        ("shop.csv", b"once upon\na time\n", "got one column of text in 'shop.csv'"),
        ("shop.csv.gz", b"not gzip", "source must be a whole gzip file"),
        ("shop.csv.gz", gzip.compress(b"day,sold\n" * 99)[:30], "must be a whole gzip file"),
        ("shop.parquet", b"PAR1 no", "source must be a Parquet file"),
        ("shop.png", b"\x89PNG", "source must end in .csv"),
    ],
    ids=[
        "empty",
        "blank",
        "header",
        "binary",
        "text",
        "no-gzip",
        "half-gzip",
        "parquet",
        "picture",
    ],
)
def test_not_a_table(refused, tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)

    assert words in refused("study", name, "--target", "sold", "--horizon", 3)


def test_a_folder_is_no_table(refused, tmp_path):
    (tmp_path / "shop").mkdir()

    assert "got the folder 'shop'" in refused("study", "shop", "--target", "sold", "--horizon", 3)


def test_decimal_commas_tell_what_to_pass(refused, table, tmp_path):
    text = table.select("day", "sold").write_csv(separator=";", datetime_format="%Y-%m-%d")
    (tmp_path / "shop.csv").write_text(text.replace(".", ","))

    assert 'pass decimal="," (--decimal ",")' in refused(*STUDY)


def test_an_unknown_target_tells_the_nearest(refused, csv):
    sentence = refused("study", "shop.csv", "--target", "solt", "--horizon", 3)

    assert sentence.endswith("got 'solt'; did you mean 'sold'?")


def test_a_target_of_text(refused, csv):
    sentence = refused("study", "shop.csv", "--target", "shop", "--horizon", 3)

    assert sentence.startswith("target 'shop' must be numeric, got 'north' in row 1")


def set_at(frame, column, row, value):
    at = pl.int_range(pl.len()) == row
    return frame.with_columns(pl.when(at).then(pl.lit(value)).otherwise(column).alias(column))


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda f: f.drop("day"), [], "time must be a column of time stamps"),
        (
            lambda f: f.with_columns(also=pl.col("day")),
            [],
            'time must name one of the columns that hold time stamps, day, also; pass time="day"',
        ),
        (
            lambda f: set_at(f.with_columns(pl.col("day").cast(str)), "day", 9, "soon"),
            [],
            "time 'day' must hold stamps of one format, got 'soon' in row 10",
        ),
        (
            lambda f: set_at(f.with_columns(pl.col("day").cast(str)), "day", 9, "10.01.2020"),
            [],
            "got '10.01.2020' in row 10",
        ),
        (lambda f: f, ["--time", "dai"], "time must name columns of the table, got 'dai'; did you"),
        (
            lambda f: f.with_columns(empty=pl.lit(None, pl.Float64)),
            ["--inputs", "sold,empty"],
            "inputs must name numeric columns, got 'empty': holds no values",
        ),
        (
            lambda f: f.with_columns(sold=pl.lit(None, pl.Float64)),
            [],
            "target 'sold' must hold values, got only missing ones",
        ),
        (
            lambda f: f.with_columns(sold=2.0),
            [],
            "target must vary in the training part, got 'sold', which is constant",
        ),
        (
            lambda f: set_at(f, "sold", 41, math.inf),
            [],
            "column 'sold' must hold finite numbers, got an infinite one in row 42",
        ),
        (lambda f: set_at(f, "price", 5, -math.inf), [], "column 'price' must hold finite numbers"),
        (lambda f: f.head(30), ["--horizon", 9], "must fit the"),
        (lambda f: f, ["--inputs", "sold,prise"], "got 'prise'; did you mean 'price'?"),
        (lambda f: f, ["--inputs", "sold,tax"], "got 'tax', which is constant there"),
        (lambda f: f, ["--exclude", "taxi"], "exclude must name columns of the table, got 'taxi'"),
    ],
    ids=[
        "no-time",
        "two-times",
        "unparsable-stamp",
        "mixed-stamps",
        "unknown-time",
        "all-missing-column",
        "all-missing-target",
        "constant-target",
        "infinite-target",
        "infinite-input",
        "no-window",
        "unknown-input",
        "constant-input",
        "unknown-exclude",
    ],
)
def test_a_column_that_cannot_be_used(refused, write, change, options, words):
    write(change)

    assert words in refused(*STUDY, *options)


def test_a_part_without_a_whole_window(refused, write):
    write(
        lambda f: f.with_columns(
            price=pl.when(pl.int_range(pl.len()).is_between(262, 339)).then(None).otherwise("price")
        )
    )

    sentence = refused(*STUDY)

    assert sentence.startswith("the validation part must hold a window without a hole longer than")
    assert "the column with most holes is 'price'" in sentence


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--horizon", 0], "horizon must be at least 1 step, got 0"),
        (["--horizon", -3], "horizon must be at least 1 step, got -3"),
        (["--horizon", "36h"], "horizon must be a multiple of the frequency 1d, got '36h'"),
        (["--horizon", "1mo"], "horizon must be a multiple of the frequency 1d, got '1mo'"),
        (["--lookback", "1h"], "lookback must be a multiple of the frequency 1d, got '1h'"),
        (["--rungs", "lstm,bohh"], "rungs must be among the ladder's, got 'bohh'; did you mean"),
        (["--rungs", "both"], "rungs must hold at least one of rnn, lstm, gru to build on"),
        (["--set", "hiden_size=3"], "settings must be known ones, got 'hiden_size'; did you mean"),
        (["--set", "hidden_size"], "--set must be NAME=VALUE, got 'hidden_size'"),
        (
            ["--set", "hidden_size=0"],
            "hidden_size must be greater than or equal to 1 or be several, joined by commas, got",
        ),
        (["--rounds", 0], "rounds must be greater than or equal to 1, got 0"),
        (["--metric", "mea"], "metric must be 'mae', 'rmse' or 'mase', got 'mea'"),
        (["--budget", "soon"], "budget must be a whole number followed by"),
        (["--device", "tpu"], "device must be one that is here, auto, cpu"),
        (["--split", "0.7,0.3"], "split must be three fractions"),
        (["--split", "0.9,0.2,0.2"], "split must be three fractions above 0 that sum to 1"),
        (["--split", "2021-01-01,2020-01-01"], "split must name two ascending dates"),
        (["--separator", "::"], "separator must be one character"),
        (["--decimal", ";"], "decimal must be '.' or ',', got ';'"),
        (["--resample", "1h"], "resample must be no finer than the time stamps"),
        (["--config", "nope.yaml"], "config must be a file, got nope.yaml: No such file"),
        (["--sample", "co2"], "TABLE must be given, or --sample, and not both"),
    ],
    ids=lambda v: "=".join(map(str, v)) if isinstance(v, list) else "",
)
def test_an_option_that_cannot_be_used(refused, csv, options, sentence):
    assert refused(*STUDY, *options).startswith(sentence)


def test_neither_table_nor_sample(refused):
    assert refused("study") == "TABLE must be given, or --sample, and not both"
    assert refused("train", "--sample", "co3") == "sample must be one of co2, got 'co3'"


def test_the_horizon_must_be_given(refused, csv):
    assert refused("study", "shop.csv", "--target", "sold") == "horizon must be given"


@pytest.mark.parametrize("command", ["study", "train"])
def test_without_a_target_the_columns_are_listed_with_a_guess(lockgate, csv, tmp_path, command):
    result = lockgate(command, "shop.csv", "--horizon", 3)

    assert result.exit_code == 2
    assert result.stdout == ""
    *columns, sentence = result.stderr.splitlines()
    assert sentence == "lockgate: target must be given: pass --target, perhaps --target 'price'"
    kinds = {line.split()[0]: line.split()[1] for line in columns}
    assert kinds == {
        "column": "kind",
        "day": "time",
        "sold": "number",
        "price": "number",
        "tax": "number",
        "shop": "text",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["shop.csv"]


def test_names_in_brackets_are_listed_as_they_are(lockgate, table, tmp_path):
    names = {"sold": "T [degC]", "price": "wind [/s]", "tax": ":smile:"}
    table.rename(names).write_csv(tmp_path / "shop.csv")

    result = lockgate("study", "shop.csv")

    assert result.exit_code == 2
    for name in names.values():
        assert name in result.stderr


@pytest.mark.parametrize("content", ["data:\n", "model: {hidden_size: 4}\n"])
def test_a_configuration_without_a_target(lockgate, csv, tmp_path, content):
    (tmp_path / "c.yaml").write_text(content)

    result = lockgate("study", "shop.csv", "--config", "c.yaml")

    assert result.exit_code == 2
    assert "target must be given" in result.stderr.splitlines()[-1]


def test_a_folder_of_another_study_is_refused(lockgate, csv, finished, tmp_path):
    out = shutil.copytree(finished.folder, tmp_path / "out")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    held = f"got {out}, which holds a study"
    for extra, told in (([], held), (["--resume"], "or that of this study")):
        result = lockgate(*STUDY, "--out", out, *extra)

        assert result.exit_code == 2
        sentence = result.stderr.splitlines()[-1]
        assert sentence.startswith("lockgate: out must be a new folder")
        assert told in sentence
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_folder_of_something_else_is_refused(refused, csv, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")

    assert "which holds something else" in refused(*STUDY, "--out", "out")
    train = ["train", "shop.csv", "--target", "sold", "--horizon", 3]
    assert refused(*train, "--out", "out").startswith("out must be a new folder, got out")


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_a_folder_that_is_no_model(refused, csv, tmp_path, command):
    (tmp_path / "empty").mkdir()

    for folder in ("nope", "empty", "shop.csv"):
        sentence = refused(command, folder, "shop.csv")
        assert sentence.startswith(f"{folder} is no fitted model: ")


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_a_table_that_does_not_fit_the_model(refused, trained, write, command):
    folder = trained[1]

    assert "must be an existing file" in refused(command, folder, "nope.csv")
    write(lambda f: f.drop("price"))
    assert "must have the columns learned from" in refused(command, folder, "shop.csv")


def test_the_same_from_a_shell(csv, tmp_path):
    lockgate = Path(sys.executable).with_name("lockgate")

    done = subprocess.run(
        [lockgate, "study", "shop.csv", "--target", "solt", "--horizon", "3"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "lockgate: target must name a column of the table, got 'solt'; did you mean 'sold'?\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["shop.csv"]


@pytest.mark.parametrize(
    "args",
    [["studdy"], ["study", "--horizont", "3"], ["study", "shop.csv", "--rounds", "many"]],
    ids=["command", "option", "value"],
)
def test_what_the_parser_refuses_is_wrong_use_too(lockgate, args):
    result = lockgate(*args)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
