"""The settings of a search join those of a run of its task."""

import pytest

from lockgate import DataError
from lockgate.settings import resolve
from lockgate.studies.config import StudySettings
from lockgate.tasks.registry import configs
from lockgate.tuning.config import RateSettings, TuneSettings, rate_config, tune_config

FORECAST = {"target": "sold", "horizon": 3}


@pytest.mark.parametrize("name", configs())
def test_every_task_has_them_beside_its_own(name):
    kind = tune_config(configs()[name])

    assert set(kind.model_fields) == {*TuneSettings.model_fields, *configs()[name].model_fields}
    assert all(field.description for field in TuneSettings.model_fields.values())
    assert tune_config(configs()[name]) is kind


def test_what_a_search_and_a_study_share_has_one_type():
    shared = TuneSettings.model_fields.keys() & StudySettings.model_fields.keys()

    assert shared == {
        *("rounds", "smallest_effect", "budget", "workers", "ray", "gpus_per_fit", "track")
    }
    for name in shared:
        types = [kind.model_fields[name].annotation for kind in (TuneSettings, StudySettings)]
        assert types[0] == types[1]


def test_values_are_read_as_users_write_them():
    config = resolve(
        tune_config(configs()["forecast"]),
        FORECAST,
        {"smallest_effect": "1%", "tune": {"model.cell": ["lstm", "gru"]}, "trials": "12"},
    )

    assert config.smallest_effect == 1.0
    assert config.tune == {"model.cell": ["lstm", "gru"]}
    assert config.trials == 12
    assert config.members == 5


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"trials": 0}, "trials must be greater than or equal to 1, got 0"),
        ({"rounds": 0}, "rounds must be greater than or equal to 1, got 0"),
        ({"tune": [1]}, r"tune must be a valid dictionary, got \[1\]"),
        ({"rungs": "lstm"}, "settings must be known ones, got 'rungs'"),
    ],
)
def test_a_value_that_breaks_a_rule_is_named(settings, sentence):
    with pytest.raises(DataError, match=sentence):
        resolve(tune_config(configs()["forecast"]), FORECAST, settings)


@pytest.mark.parametrize("name", configs())
def test_a_sweep_has_the_settings_of_a_run_and_its_own(name):
    kind = rate_config(configs()[name])

    assert set(kind.model_fields) == {*RateSettings.model_fields, *configs()[name].model_fields}
    for field, own in configs()[name].model_fields.items():
        assert kind.model_fields[field].get_default(call_default_factory=True) == own.get_default(
            call_default_factory=True
        )


def test_rates_of_a_sweep_lie_two_decades_apart_at_least():
    kind = rate_config(configs()["forecast"])

    assert resolve(kind, FORECAST, {"low_rate": "1e-4", "high_rate": "1e-2"}).high_rate == 0.01
    with pytest.raises(DataError, match="high_rate must be at least 100 times low_rate, got 1 and"):
        resolve(kind, FORECAST, {"low_rate": 0.011})
