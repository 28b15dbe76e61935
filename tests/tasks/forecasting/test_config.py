"""The data configuration takes what a command line and a YAML file write."""

from datetime import date

import pytest
from pydantic import ValidationError

from lockgate import DataError
from lockgate.settings import resolve
from lockgate.tasks.forecasting.config import (
    COUNTS,
    ForecastConfig,
    ForecasterConfig,
    TableConfig,
)


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


@pytest.mark.parametrize("at_least", [None, -1.0, 2.0])
@pytest.mark.parametrize("head", COUNTS)
def test_a_head_of_counts_asks_for_a_bound_of_0(head: str, at_least: float | None) -> None:
    told = {"target": "y", "horizon": 3, "head": head}

    with pytest.raises(
        DataError,
        match=rf"^at_least must be 0 with head={head}, got {at_least}; pass at_least=0 "
        r"\(--at-least 0\), or another head$",
    ):
        resolve(ForecastConfig, told, {"at_least": at_least})
    assert resolve(ForecastConfig, told, {"at_least": 0}).model.head == head


def test_a_description_of_the_network_names_its_head() -> None:
    assert ForecasterConfig().beside == ()
    model = ForecasterConfig(head="student_t", segment_length=4)
    assert model.beside == ("segments of 4", "a head of a Student t distribution")
