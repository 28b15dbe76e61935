"""What may be searched: how it is written, what is refused and in which sentence, no seed ever."""

import re

import numpy as np
import pytest

from lockgate import DataError
from lockgate.settings import resolve
from lockgate.tasks.registry import NAMES, task
from lockgate.tuning.space import (
    Choices,
    Range,
    by_setting,
    configured,
    default_space,
    read_space,
    value_of,
    written,
)

FORECAST = task("forecast")
RUN = resolve(FORECAST.run, {"target": "sold", "horizon": 3})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({}, "space must name a setting at least, got none"),
        ({"hiden_size": [1, 2]}, "space must name settings, got 'hiden_size'; did you mean"),
        ({"random_state": [0, 9]}, "space must not hold training.random_state: a seed is no"),
        ({"training.random_state": {"choices": [1, 2]}}, "space must not hold training.random_s"),
        ({"horizon": [1, 5]}, "space must hold settings of the network, of its training, or "),
        ({"metric": ["mae", "rmse"]}, "got training.metric: trials must be judged by the same"),
        ({"device": ["cpu", "cuda"]}, "got training.device"),
        ({"members": [1, 5]}, "got members"),
        ({"hidden_size": [64, 16]}, "space must give model.hidden_size from low to high, got 64 "),
        ({"hidden_size": [64, 64]}, "from low to high, got 64 to 64"),
        ({"hidden_size": [0, 16]}, "space must hold values that model.hidden_size takes: hidden_"),
        ({"cell": ["lstm", "lstn"]}, "space must hold values that model.cell takes: cell must be"),
        ({"cell": ["lstm"]}, "space must give model.cell two different choices at least"),
        ({"cell": ["gru", "gru"]}, "space must give model.cell two different choices at least"),
        ({"cell": {"choices": "gru"}}, "space must give model.cell two different choices at"),
        ({"dropout": [0.0, 1.0]}, "space must hold values that model.dropout takes: dropout must"),
        ({"weight_decay": [0, 1, "log"]}, "from above 0 on a scale of logarithms, got 0"),
        ({"layer_norm": [0, 1]}, "space must give model.layer_norm as {choices: [...]}: it is no"),
        ({"hidden_size": [1, 2, "lin"]}, "space must give model.hidden_size as [low, high], [low"),
        ({"hidden_size": 5}, "space must give model.hidden_size as [low, high], [low, high, log]"),
        ({"hidden_size": {"low": 5}}, "space must give model.hidden_size as [low, high]"),
        ({"dropout": [0, 0.5], "model.dropout": [0, 0.1]}, "space must name each setting once"),
    ],
)
def test_what_is_refused_is_told_in_a_sentence_that_names_it(content, sentence):
    with pytest.raises(DataError, match=re.escape(sentence)):
        read_space(content, FORECAST, RUN)


def test_what_a_task_refuses_in_a_study_is_refused():
    labels = task("labels")
    with pytest.raises(DataError, match=r"values that model\.pretrain takes: pretrain must be f"):
        read_space({"pretrain": [True, False]}, labels, resolve(labels.run, {}))


def test_forms_that_are_read():
    space = read_space(
        {
            "hidden_size": [16, 256, "log"],
            "learning_rate": ["1e-4", "1e-2", "log"],  # as YAML has them
            "dropout": [0, 0.5],
            "lookback": ["24h", "48h"],
            "known_future": ["", "promo,price"],
            "normalise": {"choices": ["last", "mean"]},
            "num_layers": {"choices": [1, 3]},
            "bidirectional": [False, True],
            "weight_dropout": {"choices": [0.0, 0.25]},
        },
        FORECAST,
        RUN,
    )

    assert space == {
        "model.hidden_size": Range(16, 256, log=True, whole=True),
        "training.learning_rate": Range(1e-4, 1e-2, log=True),
        "model.dropout": Range(0.0, 0.5),
        "data.lookback": Choices(("24h", "48h")),
        "data.known_future": Choices(("", "promo,price")),
        "model.normalise": Choices(("last", "mean")),
        "model.num_layers": Choices((1, 3)),
        "model.bidirectional": Choices((False, True)),
        "model.weight_dropout": Choices((0.0, 0.25)),
    }
    assert isinstance(space["model.dropout"].low, float)
    assert read_space(written(space), FORECAST, RUN) == space


def test_sizes_by_layer_are_a_choice():
    space = read_space({"hidden_size": {"choices": [8, [8, 4]]}}, FORECAST, RUN)

    assert space["model.hidden_size"] == Choices((8, "8,4"))
    assert configured(RUN, {"model.hidden_size": "8,4"}).model.hidden_size == (8, 4)


@pytest.fixture
def prepared(table, labelled):
    """Each task's default settings, and what it prepares."""

    def run(name, **settings):
        one = task(name)
        source = table
        if name == "labels":
            source, told = labelled(settings.pop("kind"))
            settings |= told
        elif name == "language":
            source = [" ".join(np.random.default_rng(0).choice(["a", "b"], 900))]
        else:
            settings |= {"target": "sold", "horizon": 3}
        config = resolve(one.run, settings)
        return one, config, one.prepare(one.read(source, config), config)

    return run


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("forecast", {}),
        ("forecast", {"hidden_size": 1, "lookback": 2}),
        ("labels", {"kind": "texts"}),
        ("labels", {"kind": "class"}),
        ("labels", {"kind": "class", "hidden_size": (8, 4)}),
        ("language", {}),
    ],
    ids=str,
)
def test_the_default_space_is_one_that_every_task_takes_and_holds_no_seed(prepared, name, settings):
    one, config, data = prepared(name, **settings)

    space = read_space(default_space(one, data, config), one, config)

    names = {path.rpartition(".")[2] for path in space}
    assert names >= {"cell", "hidden_size", "num_layers", "learning_rate", "weight_decay"}
    assert names >= {"input_dropout", "dropout", "recurrent_dropout", "output_dropout"}
    assert not {"random_state", "split_seed"} & names
    assert (name == "forecast") == ({"lookback", "normalise"} <= names)
    has_tokens = name == "language" or settings.get("kind") == "texts"
    assert has_tokens == ("embedding_dropout" in names)
    for path in ("training.learning_rate", "training.weight_decay", "model.input_dropout"):
        assert value_of(config, path) in space[path]


def test_no_seed_may_be_searched_in_any_task():
    for name in NAMES:
        one = task(name)
        for path in ("random_state", "split_seed"):
            with pytest.raises(DataError, match="space must n"):
                by_setting({path: [0, 1]}, one)


def test_a_value_lies_in_a_range_or_among_choices():
    assert 3 in Range(1, 3)
    assert 3.5 not in Range(1, 3)
    assert None not in Range(1, 3)
    assert True not in Range(0, 3)
    assert "gru" in Choices(("gru", "lstm"))
    assert "rnn" not in Choices(("gru", "lstm"))
