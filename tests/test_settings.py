"""Settings come by path, by name or nested, later layers win, and every fault is told at once."""

import pytest

from lockgate import DataError
from lockgate.settings import (
    difference,
    read_anew,
    read_settings,
    resolve,
    setting_paths,
    write_settings,
)
from lockgate.studies.config import study_config
from lockgate.tasks.forecasting.config import ForecastConfig

STUDY = study_config(ForecastConfig, ("lstm", "both"))
BASE = {"target": "sold", "horizon": 24}


@pytest.mark.parametrize(
    "told",
    [{"model.hidden_size": 9}, {"hidden_size": 9}, {"model": {"hidden_size": 9}}],
    ids=["by-path", "by-name", "nested"],
)
def test_a_setting_is_named_in_three_ways(told):
    config = resolve(ForecastConfig, BASE, told)

    assert config.model.hidden_size == 9
    assert (config.data.target, config.data.horizon) == ("sold", 24)


def test_a_later_layer_overrules_an_earlier_one_whatever_the_way_of_naming():
    layers = [{"model": {"cell": "rnn", "hidden_size": 5}}, {"cell": "gru"}, {"model.cell": "lstm"}]

    for last in (1, 2, 3):
        config = resolve(ForecastConfig, BASE, *layers[:last])

        assert config.model.cell == ["rnn", "gru", "lstm"][last - 1]
        assert config.model.hidden_size == 5


def test_text_is_read_as_the_setting_s_type():
    told = {"horizon": "24", "bidirectional": "true", "dropout": "0.5", "missing": "-9999,-1"}

    config = resolve(ForecastConfig, {"target": "sold"}, told, {"inputs": "price, tax"})

    assert config.data.horizon == 24
    assert config.model.bidirectional is True
    assert config.model.dropout == 0.5
    assert config.data.missing == (-9999.0, -1.0)
    assert config.data.inputs == ("price", "tax")


def test_rungs_are_a_list_with_or_without_spaces():
    config = resolve(STUDY, BASE, {"rungs": "lstm, both"})

    assert config.rungs == ("lstm", "both")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"hiden_size": 3}, "got 'hiden_size'; did you mean 'hidden_size' or"),
        ({"model.hiden_size": 3}, "got 'model.hiden_size'; did you mean 'model.hidden_size'"),
        ({"model": {"hiden_size": 3}}, "got 'model.hiden_size'; did you mean 'model.hidden_size'"),
        ({"data": 5}, "data must hold settings by name, got 5"),
    ],
    ids=["by-name", "by-path", "nested", "no-section"],
)
def test_an_unknown_setting_raises_with_the_nearest(told, message):
    with pytest.raises(DataError, match=message):
        resolve(ForecastConfig, BASE, told)


def test_every_faulty_value_is_told_in_one_error():
    told = {"learning_rate": -1, "cell": "lstn", "dropout": 1.0, "max_gap": "x"}

    with pytest.raises(DataError) as caught:
        resolve(ForecastConfig, BASE, told)

    assert str(caught.value).split("; ") == [
        "max_gap must be a valid integer, unable to parse string as an integer, got 'x'",
        "cell must be 'rnn', 'lstm' or 'gru', got 'lstn'",
        "dropout must be less than 1, got 1.0",
        "learning_rate must be greater than 0, got -1",
    ]


def test_a_setting_of_two_types_is_named_once_and_by_its_name():
    with pytest.raises(DataError) as caught:
        resolve(ForecastConfig, BASE, {"horizon": 2.5})

    message = str(caught.value)
    assert message.startswith("horizon must be a valid integer")
    assert message.endswith("or be a valid string, got 2.5")
    assert message.count("2.5") == 1


def test_what_must_be_given_is_told_by_name():
    with pytest.raises(DataError, match=r"^target must be given; horizon must be given$"):
        resolve(ForecastConfig)


def test_names_of_settings_are_unambiguous():
    paths = setting_paths(STUDY)

    assert len(set(paths.values())) == len(paths)
    assert paths["hidden_size"] == "model.hidden_size"
    assert paths["rungs"] == "rungs"


def test_a_written_file_reads_as_the_same_configuration(tmp_path):
    told = {"horizon": "26w", "split": "2020-09-01,2020-11-01", "target": "T (°C): [x]"}
    config = resolve(STUDY, BASE, told, {"budget": "10m", "missing": "-9999"})
    path = tmp_path / "config.yaml"

    write_settings(config, path)

    assert resolve(STUDY, read_settings(path)) == config
    assert [file.name for file in tmp_path.iterdir()] == ["config.yaml"]


def test_a_date_without_quotes_is_a_date_of_the_split(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("target: sold\nhorizon: 24h\nsplit: [2020-09-01, 2020-11-01]\n")

    config = resolve(ForecastConfig, read_settings(path))

    assert config.data.split == ("2020-09-01", "2020-11-01")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "config must be a file, got .*config.yaml: No such file"),
        (b"- a\n- b\n", "config must hold settings by name"),
        (b"", "config must hold settings by name"),
        (b"a: [1,\n", "config must be YAML"),
        (b"\xff\xfe\x00", "config must be YAML"),
        (b"target: !!python/object/apply:os.system ['touch ran']\n", "config must be YAML"),
    ],
    ids=["absent", "list", "empty", "broken", "bytes", "code"],
)
def test_a_file_without_settings_is_refused_as_data(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(DataError, match=message) as caught:
        read_settings(path)

    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


TRAINED = resolve(STUDY, BASE, {"separator": ";", "missing": "-9999", "hidden_size": "8,4"})


def test_how_a_source_is_read_can_be_told_anew():
    config = read_anew(TRAINED, {"decimal": ",", "missing": "-1,-2", "separator": ""})

    expected = {"decimal": ",", "missing": (-1.0, -2.0), "separator": None}
    assert config.data == TRAINED.data.model_copy(update=expected)
    assert config.model == TRAINED.model
    assert read_anew(TRAINED, {}) is TRAINED
    assert read_anew(TRAINED, {"separator": None}).data.separator is None


@pytest.mark.parametrize("name", ["target", "horizon", "lookback", "inputs", "cell", "seprator"])
def test_what_a_model_was_trained_with_cannot_be_told_anew(name):
    expected = (
        f"settings of a fitted model must tell how a source is read, got '{name}'; the settings "
        "are time, time_format, row_order, zone, resample, missing, id, where, "
        "separator, decimal, encoding"
    )
    with pytest.raises(DataError, match=f"^{expected}$"):
        read_anew(TRAINED, {name: "x"})


def test_a_setting_told_anew_keeps_its_rule():
    with pytest.raises(DataError, match=r"^decimal must be '.' or ',', got ';'$"):
        read_anew(TRAINED, {"decimal": ";"})


def test_the_first_difference_by_name_is_told():
    there = {"b": {"c": 1, "a": [1, 2]}, "a": None}

    assert difference(there, there) is None
    assert difference(there, {**there, "a": 0, "b": {}}) == "a is None there and 0 here"
    assert difference(there, {**there, "b": {"c": 1}}) == "b.a is [1, 2] there and None here"
