"""`lockgate lr-find` gives the numbers of Python, and says what it suggests."""

import pytest

import lockgate as package

FIND = ["lr-find", "shop.csv", "--target", "sold", "--horizon", 3, "--lookback", 7]
FIND += ["--set", "hidden_size=4", "--set", "max_epochs=60", "--batches", 80]


def test_it_gives_the_numbers_of_python(lockgate, csv, strict_json, tmp_path):
    result = lockgate(*FIND, "--json", "--out", "rates")

    assert result.exit_code == 0, result.stderr
    told = strict_json(result.stdout)
    expected = package.lr_find(
        csv,
        target="sold",
        horizon=3,
        lookback=7,
        hidden_size=4,
        max_epochs=60,
        batches=80,
        out=tmp_path / "python",
    )
    assert told["losses"] == list(expected.losses)
    assert told["suggestion"] == (expected.suggestion and expected.suggestion._asdict())
    assert told["folder"] == "rates"
    assert (tmp_path / "rates" / "report.html").exists()


def test_it_says_what_the_picture_suggests_and_where_it_is(lockgate, csv):
    result = lockgate(*FIND)

    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("training.learning_rate is 0.003; the picture suggests ")
    assert lines[-1] == "picture: runs/shop-sold-rates/report.html"


def test_options_of_several_fits_are_no_options(lockgate):
    shown = lockgate("lr-find", "--help").stdout

    assert "--low-rate" in shown
    assert "--members" not in shown
    assert "--rungs" not in shown


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--batches", 20], "batches must be at least 50, ten for each decade from 1e-05 to 1, "),
        (["--high-rate", "1e-4"], "high_rate must be at least 100 times low_rate, got 0.0001 and "),
        (["--low-rate", 0], "low_rate must be greater than 0, got "),
        (["--out", "shop.csv"], "out must be a new folder, got shop.csv: pass another out (--out)"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(refused, csv, words, sentence):
    assert refused(*FIND, *words).startswith(sentence)
