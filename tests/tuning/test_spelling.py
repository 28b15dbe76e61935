"""A range on the command line is read, and written so that it is read again."""

import pytest

from lockgate import DataError
from lockgate.tuning.spelling import parse_option, read_options, spelled


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("hidden_size=16,256,log", [16, 256, "log"]),
        ("hidden_size=[16, 256, log]", [16, 256, "log"]),
        ("cell=lstm, gru", ["lstm", "gru"]),
        ("cell={choices: [lstm, gru]}", {"choices": ["lstm", "gru"]}),
        ("learning_rate=1e-4,1e-2,log", ["1e-4", "1e-2", "log"]),
    ],
)
def test_an_option_is_read(option, content):
    name, _, _ = option.partition("=")
    assert parse_option(option) == (name, content)


@pytest.mark.parametrize("option", ["hidden_size", "hidden_size=", "hidden_size=[1, 2"])
def test_an_option_of_another_form_is_refused(option):
    with pytest.raises(DataError, match="space must be given as NAME="):
        parse_option(option)


def test_a_setting_is_given_once_on_the_command_line():
    assert list(read_options(["cell=lstm,gru", "dropout=0,0.5"])) == ["cell", "dropout"]
    with pytest.raises(DataError, match="space must name each setting once, got 'cell' again"):
        read_options(["cell=lstm,gru", "cell=rnn,gru"])


@pytest.mark.parametrize(
    "content",
    [
        [16, 256, "log"],
        [0.0, 0.5],
        ["", "promo,price"],
        {"choices": ["lstm", "gru"]},
        {"choices": [True, False]},
        {"choices": [4, "8,4"]},
        {"choices": ["balanced", None]},
    ],
)
def test_what_is_spelled_is_read_again(content):
    assert parse_option(spelled("model.x", content)) == ("model.x", content)
