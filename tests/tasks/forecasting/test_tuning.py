"""What a search over a forecaster's settings changes, and what preparing reads of them."""

import pytest
from spying import read_of

from lockgate.settings import fields_of, resolve
from lockgate.tasks.forecasting.config import ForecastConfig, ForecasterConfig
from lockgate.tasks.forecasting.prepare import prepare, read
from lockgate.tasks.forecasting.task import TASK
from lockgate.tasks.forecasting.tuning import TUNING
from lockgate.training.config import TrainingConfig

TOLD = {"target": "sold", "horizon": 3}


def config(**settings):
    return resolve(ForecastConfig, TOLD, settings)


@pytest.mark.parametrize("settings", [{}, {"linear_path": "on"}, {"segment_length": 3}], ids=str)
def test_preparing_reads_nothing_that_the_preparation_lacks(table, settings):
    own = config(**settings)
    data = TASK.read(table, own)

    seen = read_of((ForecasterConfig, TrainingConfig), lambda: TASK.prepare(data, own))

    # of the level it is read whether it is left open, in which case all is told
    assert seen - {"normalise"} <= set(TUNING.preparation(config(**settings)))


@pytest.mark.parametrize("name", ["normalise", "linear_path"])
def test_where_a_choice_is_left_open_all_of_network_and_training_counts(name):
    open_ = config(**{name: "auto"})

    for change in ({"hidden_size": 9}, {"learning_rate": 0.1}):
        changed = config(**{name: "auto"}, **change)
        assert TUNING.preparation(open_) != TUNING.preparation(changed)
        assert TUNING.preparation(config()) == TUNING.preparation(config(**change))


def test_another_lookback_is_another_preparation_and_a_named_level_is_not():
    plain = TUNING.preparation(config())

    assert TUNING.preparation(config(lookback=14)) != plain
    assert TUNING.preparation(config(segment_length=2)) != plain
    assert TUNING.preparation(config(known_future="price")) != plain
    assert TUNING.preparation(config(inputs="target")) != plain
    assert TUNING.preparation(config(known_future="")) == plain
    assert TUNING.preparation(config(normalise="mean")) == plain


def test_lookbacks_are_around_the_one_in_use_and_leave_rows_to_learn_from(table):
    def space(**settings):
        own = config(**settings)
        return TUNING.space(prepare(read(table, own.data), own.data))

    assert space(lookback=8)["data.lookback"] == {"choices": [4, 8, 16]}
    assert space(lookback=20)["data.lookback"] == {"choices": [10, 20, 28]}  # a tenth of 280 rows
    assert space(lookback=60)["data.lookback"] == {"choices": [30, 60]}
    assert space(lookback=1)["data.lookback"] == {"choices": [1, 2]}


def test_its_settings_are_settings_and_have_a_value(table):
    own = config()
    prepared = prepare(read(table, own.data), own.data)

    assert set(TUNING.settings) <= set(fields_of(ForecastConfig))
    assert set(TUNING.space(prepared)) <= set(fields_of(ForecastConfig))
    assert TUNING.values(prepared) == {"data.lookback": prepared.preprocessing.lookback}
    assert TASK.tuning is TUNING


def test_networks_of_a_study_share_the_lookback_and_what_is_left_open():
    assert TUNING.shared(config(lookback=14, normalise="mean", linear_path="on")) == {
        "data.lookback": 14,
        "data.inputs": "all",
        "data.known_future": (),
        "data.holidays": None,
        "model.linear_path": "on",
    }
    assert TUNING.shared(config(normalise="auto"))["model.normalise"] == "auto"
    for change in ({"hidden_size": 9}, {"learning_rate": 0.1}, {"segment_length": 2}):
        assert TUNING.shared(config(**change)) == TUNING.shared(config())
