"""The ladder: what a rung turns on, what it is compared with, and how it is named."""

import pytest

from lockgate import DataError
from lockgate.models import ModelConfig
from lockgate.studies.rungs import (
    DEFAULT_NAMES,
    LADDER,
    NAMES,
    choose_rungs,
    in_words,
    model_config,
    parent_name,
)

BASE = ModelConfig(
    hidden_size=9, input_dropout=0.1, dropout=0.2, recurrent_dropout=0.3, output_dropout=0.4
)
BY_NAME = {rung.name: rung for rung in LADDER}


def test_rungs_come_in_the_ladder_s_order_each_once():
    rungs = choose_rungs(("both", "gru", "both", "rnn"))

    assert [rung.name for rung in rungs] == ["rnn", "gru", "both"]
    assert choose_rungs(NAMES) == LADDER
    left_out = [name for name in NAMES if name not in DEFAULT_NAMES]
    assert left_out == ["last-dropout", "both-per-step"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("lstm", "recurent-dropout"), "got 'recurent-dropout'; did you mean 'recurrent-dropout'"),
        (("zzz",), "got 'zzz'; the rungs are rnn, lstm, gru, input-dropout"),
        (("both", "stacked"), "must hold at least one of rnn, lstm, gru to build on, got both,st"),
    ],
    ids=["near", "far", "no-cell"],
)
def test_rungs_that_cannot_be_compared_raise(names, message):
    with pytest.raises(DataError, match=message):
        choose_rungs(names)


@pytest.mark.parametrize(
    ("name", "rates", "layers", "both_ways", "words"),
    [
        ("rnn", (0, 0, 0), 1, False, "RNN"),
        ("input-dropout", (0.1, 0, 0), 1, False, "GRU + input dropout 0.1"),
        ("recurrent-dropout", (0, 0, 0.3), 1, False, "GRU + recurrent dropout 0.3"),
        ("both", (0.1, 0, 0.3), 1, False, "GRU + input dropout 0.1 + recurrent dropout 0.3"),
        ("stacked", (0, 0, 0), 2, False, "2 layers of GRU"),
        (
            "stacked+both",
            (0.1, 0.2, 0.3),
            2,
            False,
            "2 layers of GRU + input dropout 0.1 + dropout between layers 0.2 "
            "+ recurrent dropout 0.3",
        ),
        ("bidirectional", (0, 0, 0), 1, True, "bidirectional GRU"),
        ("last-dropout", (0, 0, 0), 1, False, "GRU + dropout on the last state 0.4"),
        (
            "both-per-step",
            (0.1, 0, 0.3),
            1,
            False,
            "GRU + input dropout 0.1 + recurrent dropout 0.3, masks drawn at every step",
        ),
    ],
)
def test_a_rung_turns_on_what_it_says_and_nothing_else(name, rates, layers, both_ways, words):
    config = model_config(BY_NAME[name], BASE, "gru")

    assert (config.input_dropout, config.dropout, config.recurrent_dropout) == rates
    assert config.output_dropout == (0.4 if name == "last-dropout" else 0)
    assert config.mask_over == ("step" if name == "both-per-step" else "sequence")
    assert (config.num_layers, config.bidirectional) == (layers, both_ways)
    assert config.cell == ("rnn" if name == "rnn" else "gru")
    assert config.hidden_size == 9
    assert in_words(config) == words


def test_parents_are_the_declared_ones():
    parents = {rung.name: parent_name(rung, "gru") for rung in LADDER}

    assert parents == {
        "rnn": None,
        "lstm": None,
        "gru": None,
        "input-dropout": "gru",
        "recurrent-dropout": "gru",
        "both": "gru",
        "stacked": "gru",
        "stacked+both": "stacked",
        "bidirectional": "gru",
        "last-dropout": "gru",
        "both-per-step": "both",
    }


def test_a_rung_and_its_parent_differ_by_the_trick_alone():
    for rung in LADDER:
        if rung.cell or rung.parent is None:
            continue
        own = model_config(rung, BASE, "gru").model_dump()
        parent = BY_NAME[parent_name(rung, "gru")]
        changed = {
            k for k, v in model_config(parent, BASE, "gru").model_dump().items() if v != own[k]
        }

        tricks = {"mask_over"} if rung.per_step else {*rung.on}
        tricks |= {"num_layers"} if rung.stacked and parent.name == "gru" else set()
        assert changed == tricks | ({"bidirectional"} if rung.bidirectional else set())


def test_a_deeper_stack_is_as_deep_as_told():
    deep = BASE.model_copy(update={"num_layers": 4})

    assert model_config(BY_NAME["stacked"], deep, "lstm").num_layers == 4
    assert model_config(BY_NAME["both"], deep, "lstm").num_layers == 1
