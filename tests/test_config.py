"""A setting keeps its help and its option in a subclass; nothing unknown is taken."""

from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from lockgate.config import Config, Option, option_of, parts


class Sizes(Config):
    width: Annotated[int, Field(ge=1), Option(("train",))] = 8
    """How wide."""
    depth: int = 1
    """How deep."""


class Wide(Sizes):
    width: int = 64


class Wider(Wide):
    width: Annotated[int, Option()] = 640
    """How wide it is in the end."""


def test_a_field_declared_anew_keeps_its_help_and_its_option() -> None:
    width = Wide.model_fields["width"]

    assert (width.default, width.description) == (64, "How wide.")
    assert option_of(width) == Option(("train",))


def test_a_help_and_an_option_of_its_own_replace_those_of_the_parent() -> None:
    width = Wider.model_fields["width"]

    assert width.description == "How wide it is in the end."
    assert option_of(width) == Option(("study", "train", "tune", "lr-find", "backtest"))
    assert option_of(Sizes.model_fields["width"]) == Option(("train",))


def test_a_setting_without_a_mark_has_no_option() -> None:
    assert option_of(Sizes.model_fields["depth"]) is None


def test_unknown_settings_are_refused_and_known_ones_stay() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Sizes(height=3)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="frozen"):
        Sizes().width = 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a, b", ("a", "b")), ("a", ("a",)), (3, (3,)), (-9999.0, (-9999.0,)), (["a"], ["a"])],
)
def test_a_text_is_parted_at_its_commas(value: object, expected: object) -> None:
    assert parts(value) == expected
