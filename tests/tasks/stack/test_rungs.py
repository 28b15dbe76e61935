"""The ladder: what a rung turns on, what it is compared with, and how it is named."""

import re

import pytest

from lockgate import DataError
from lockgate.tasks.forecasting.config import ForecastConfig, ForecasterConfig
from lockgate.tasks.forecasting.ladder import LADDER
from lockgate.tasks.stack.rungs import (
    Rung,
    choose_rungs,
    default_names,
    in_words,
    model_config,
    parent_name,
)

BASE = ForecasterConfig(
    hidden_size=9, input_dropout=0.1, dropout=0.2, recurrent_dropout=0.3, output_dropout=0.4
)
BY_NAME = {rung.name: rung for rung in LADDER}


def test_rungs_come_in_the_ladder_s_order_each_once():
    rungs = choose_rungs(("both", "gru", "both", "rnn"), LADDER)

    assert [rung.name for rung in rungs] == ["rnn", "gru", "both"]
    assert choose_rungs(tuple(BY_NAME), LADDER) == LADDER
    left_out = [name for name in BY_NAME if name not in default_names(LADDER)]
    assert left_out == [
        "linear-path",
        "output-dropout",
        "both-per-step",
        "recurrent-dropout-per-batch",
        "weight-dropout",
        "zoneout",
        "layer-norm",
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("lstm", "recurent-dropout"), "got 'recurent-dropout'; did you mean 'recurrent-dropout'"),
        (("zzz",), "got 'zzz'; the rungs are rnn, lstm, gru, input-dropout"),
        (("both", "stacked"), "must hold at least one of rnn, lstm, gru to build on, got both,st"),
        (
            ("lstm", "stacked+both"),
            "rungs must hold stacked, which stacked+both is compared with, got lstm,stacked+both; "
            'rungs="lstm,stacked+both,stacked" (--rungs "lstm,stacked+both,stacked")',
        ),
    ],
    ids=["near", "far", "no-cell", "no-parent"],
)
def test_rungs_that_cannot_be_compared_raise(names, message):
    with pytest.raises(DataError, match=re.escape(message)):
        choose_rungs(names, LADDER)


@pytest.mark.parametrize(
    ("name", "rates", "layers", "both_ways", "words"),
    [
        ("rnn", (0, 0, 0), 1, False, "RNN"),
        ("input-dropout", (0.1, 0, 0), 1, False, "GRU + input dropout 0.1"),
        ("recurrent-dropout", (0, 0, 0.3), 1, False, "GRU + recurrent dropout 0.3"),
        ("both", (0.1, 0, 0.3), 1, False, "GRU + input dropout 0.1 + recurrent dropout 0.3"),
        (
            "all",
            (0.1, 0, 0.3),
            1,
            False,
            "GRU + input dropout 0.1 + recurrent dropout 0.3 + dropout on the last state 0.4",
        ),
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
        ("linear-path", (0, 0, 0), 1, False, "GRU + on top of a ridge"),
        ("output-dropout", (0, 0, 0), 1, False, "GRU + dropout on the last state 0.4"),
        (
            "both-per-step",
            (0.1, 0, 0.3),
            1,
            False,
            "GRU + input dropout 0.1 + recurrent dropout 0.3, masks drawn at every step",
        ),
        (
            "recurrent-dropout-per-batch",
            (0, 0, 0.3),
            1,
            False,
            "GRU + recurrent dropout 0.3, masks shared by a batch",
        ),
    ],
)
def test_a_rung_turns_on_what_it_says_and_nothing_else(name, rates, layers, both_ways, words):
    config = model_config(BY_NAME[name], BASE, "gru")

    assert (config.input_dropout, config.dropout, config.recurrent_dropout) == rates
    assert config.output_dropout == (0.4 if name in ("all", "output-dropout") else 0)
    assert config.mask_over == ("step" if name == "both-per-step" else "sequence")
    assert config.mask_for == ("batch" if name == "recurrent-dropout-per-batch" else "sample")
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
        "all": "gru",
        "stacked": "gru",
        "stacked+both": "stacked",
        "bidirectional": "gru",
        "linear-path": "gru",
        "output-dropout": "gru",
        "both-per-step": "both",
        "recurrent-dropout-per-batch": "recurrent-dropout",
        "weight-dropout": "gru",
        "zoneout": "gru",
        "layer-norm": "gru",
    }


def test_a_rung_and_its_parent_differ_by_the_trick_alone():
    for rung in LADDER:
        if rung.cell or rung.parent is None:
            continue
        own = model_config(rung, BASE, "gru", LADDER).model_dump()
        parent = BY_NAME[parent_name(rung, "gru")]
        changed = {
            k
            for k, v in model_config(parent, BASE, "gru", LADDER).model_dump().items()
            if v != own[k]
        }

        tricks = {"mask_over"} if rung.per_step else {*rung.on, *dict(rung.sets)} - {*parent.on}
        tricks |= {"num_layers"} if rung.stacked and parent.name == "gru" else set()
        assert changed == tricks | ({"bidirectional"} if rung.bidirectional else set())


def test_all_is_what_train_has_on_by_default():
    trained = ForecasterConfig(cell="gru")

    assert model_config(BY_NAME["all"], ForecasterConfig(), "gru") == trained.model_copy(
        update={"dropout": 0.0}  # of no effect with one layer
    )


def test_a_deeper_stack_is_as_deep_as_told():
    deep = BASE.model_copy(update={"num_layers": 4})

    assert model_config(BY_NAME["stacked"], deep, "lstm").num_layers == 4
    assert model_config(BY_NAME["both"], deep, "lstm").num_layers == 1


def test_a_setting_that_no_compared_rung_is_about_holds_for_all():
    base = BASE.model_copy(update={"zoneout": 0.05, "weight_dropout": 0.5, "layer_norm": True})
    some = choose_rungs(("lstm", "both"), LADDER)

    plain = model_config(BY_NAME["lstm"], base, "lstm", some)

    assert (plain.zoneout, plain.weight_dropout, plain.layer_norm) == (0.05, 0.5, True)
    assert in_words(plain) == "LSTM + weight dropout 0.5 + zoneout 0.05 + layer norm"


def test_a_rate_that_a_compared_rung_turns_on_is_off_elsewhere():
    base = BASE.model_copy(update={"zoneout": 0.05})
    some = choose_rungs(("lstm", "zoneout"), LADDER)

    assert model_config(BY_NAME["lstm"], base, "lstm", some).zoneout == 0
    assert model_config(BY_NAME["zoneout"], base, "lstm", some).zoneout == 0.05
    assert model_config(BY_NAME["zoneout"], BASE, "lstm", some).zoneout == 0.1


def test_layers_that_differ_are_stacked_as_they_are_given():
    base = ForecasterConfig(hidden_size=(64, 32), bidirectional=(True, False))

    stacked = model_config(BY_NAME["stacked"], base, "lstm")
    plain = model_config(BY_NAME["gru"], base, "lstm")

    assert (stacked.layer_sizes, stacked.layer_directions) == ((64, 32), (True, False))
    assert in_words(stacked) == "bidirectional LSTM 64, then LSTM 32"
    assert stacked.num_layers == 2
    assert (plain.layer_sizes, plain.layer_directions) == ((64,), (False,))


def test_a_rung_with_a_run_has_its_network_whatever_the_study_has():
    run = ForecastConfig(
        data={"target": "sold", "horizon": 3}, model={"hidden_size": 5, "dropout": 0.1}
    )
    rung = Rung("tuned", run=run)

    assert model_config(rung, BASE, "gru", LADDER) == run.model
