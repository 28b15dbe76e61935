"""The data configuration takes what a command line and a YAML file write."""

from datetime import date

import pytest
from pydantic import ValidationError

from lockgate.tasks.forecasting.config import TableConfig


def config(**settings: object) -> TableConfig:
    return TableConfig(**{"target": "y", "horizon": 24, **settings})


def test_whole_numbers_are_steps_and_other_text_is_a_duration() -> None:
    assert (config(horizon="24").horizon, config(horizon="24h").horizon) == (24, "24h")
    assert (config(lookback=" 48 ").lookback, config(lookback="7d").lookback) == (48, "7d")


def test_lists_may_be_joined_by_commas() -> None:
    told = config(
        missing="-9999, -200", inputs="wind, p (mbar)", exclude="a,b", split="0.6,0.2,0.2"
    )

    assert told.missing == (-9999.0, -200.0)
    assert told.inputs == ("wind", "p (mbar)")
    assert told.exclude == ("a", "b")
    assert told.split == ("0.6", "0.2", "0.2")


@pytest.mark.parametrize("word", ["all", "target"])
def test_inputs_may_be_a_word(word: str) -> None:
    assert config(inputs=word).inputs == word


def test_split_keeps_numbers_and_dates_as_they_are_written() -> None:
    assert config(split=[0.6, 0.2, 0.2]).split == ("0.6", "0.2", "0.2")
    assert config(split=[date(2020, 9, 1), "2020-11-01"]).split == ("2020-09-01", "2020-11-01")


def test_a_written_config_is_read_back() -> None:
    told = config(missing="-9999", inputs="wind", split="2020-09-01,2020-11-01")

    assert TableConfig.model_validate_json(told.model_dump_json()) == told


@pytest.mark.parametrize("wrong", [{"maxgap": 3}, {"max_gap": -1}, {"decimal": ";"}], ids=str)
def test_what_is_unknown_or_out_of_range_is_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        config(**wrong)


def test_a_lone_number_is_a_list_of_one() -> None:
    assert TableConfig(target="y", horizon=1, missing=-9999).missing == (-9999.0,)


def test_a_column_named_target_can_be_excluded() -> None:
    assert TableConfig(target="y", horizon=1, exclude="target").exclude == ("target",)
