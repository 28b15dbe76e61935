"""What is told about labelled data is checked, and tells it from a table that is forecast."""

import pytest
from pydantic import ValidationError

from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.labelling.config import LabelledConfig, names_labels


def test_inputs_may_be_parted_by_commas() -> None:
    assert LabelledConfig.model_validate({"inputs": "a, b"}).inputs == ("a", "b")
    assert LabelledConfig.model_validate({"inputs": "all"}).inputs == "all"
    assert LabelledConfig.model_validate({"inputs": ["a,b"]}).inputs == ("a,b",)


@pytest.mark.parametrize(
    "told",
    [
        {"at_steps": True, "as_number": True},
        {"at_steps": True, "several": ","},
        {"as_number": True, "several": ","},
    ],
    ids=lambda told: "+".join(told),
)
def test_labels_are_of_one_kind(told: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=f"only one of {' and '.join(told)} may be told"):
        LabelledConfig.model_validate(told)


@pytest.mark.parametrize(
    "told",
    [
        {"vocab_size": 9},
        {"min_count": 0},
        {"max_length": 0},
        {"cut": 1},
        {"split_seed": -1},
        {"keep": "middle"},
        {"tokens": "letters"},
        {"class_weight": "square"},
        {"surprise": 1},
    ],
    ids=lambda told: next(iter(told)),
)
def test_a_setting_out_of_its_range_is_refused(told: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(told))):
        LabelledConfig.model_validate(told)


def test_settings_tell_labels_from_a_forecast() -> None:
    assert names_labels(["text"])
    assert names_labels(["seeds", "data.label"])
    assert names_labels(["at_steps"])
    assert not names_labels(["target", "horizon", "seeds", "model.hidden_size"])
    # what both kinds of data have tells nothing
    assert not names_labels(TableConfig.model_fields)
