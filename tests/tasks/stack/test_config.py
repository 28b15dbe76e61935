"""Sizes and directions are given for every layer at once or for each, and must agree."""

from typing import Any

import pytest
from pydantic import ValidationError

from lockgate.tasks.stack.config import StackConfig


@pytest.mark.parametrize(
    ("settings", "sizes", "directions"),
    [
        ({"hidden_size": 8}, (8,), (False,)),
        ({"hidden_size": 8, "num_layers": 3}, (8, 8, 8), (False,) * 3),
        ({"hidden_size": (8, 4)}, (8, 4), (False, False)),
        ({"hidden_size": (8, 4), "num_layers": 2, "bidirectional": True}, (8, 4), (True, True)),
        ({"hidden_size": 8, "bidirectional": (True, False)}, (8, 8), (True, False)),
        ({"hidden_size": (8, 4), "bidirectional": (False, True)}, (8, 4), (False, True)),
        ({"hidden_size": "8, 4", "bidirectional": "true,false"}, (8, 4), (True, False)),
        ({"hidden_size": "8", "bidirectional": "true"}, (8,), (True,)),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_is_given_once_or_by_layer_is_told_of_each_layer(
    settings: dict[str, Any], sizes: tuple[int, ...], directions: tuple[bool, ...]
) -> None:
    config = StackConfig(**settings)

    assert config.layer_sizes == sizes
    assert config.layer_directions == directions


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_size": (8, 4), "num_layers": 3}, "hidden_size must .* each of 3 layers"),
        ({"hidden_size": (8, 4, 2), "num_layers": 2}, "hidden_size must .* each of 3 layers"),
        ({"bidirectional": (True,), "num_layers": 2}, "bidirectional must .* each of 2 layers"),
        ({"hidden_size": ()}, "hidden_size must have a value for a layer at least, got none"),
        ({"bidirectional": ()}, "bidirectional must have a value for a layer at least, got none"),
        (
            {"hidden_size": (8, 4, 2), "bidirectional": (True, False)},
            "bidirectional must have one value for each of 3 layers",
        ),
        ({"hidden_size": "8,0"}, "greater than or equal to 1"),
        ({"hidden_size": "8,wide"}, "valid integer"),
        ({"bidirectional": "true,perhaps"}, "valid boolean"),
        ({"recurrent_dropout": 1.0}, "less than 1"),
        ({"cell": "elman"}, "'rnn', 'lstm' or 'gru'"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        StackConfig(**settings)


def test_layers_of_unequal_width_have_no_residual() -> None:
    unequal: list[dict[str, Any]] = [
        {"hidden_size": (8, 4)},
        {"hidden_size": 8, "bidirectional": (True, False)},
    ]
    for settings in unequal:
        with pytest.raises(ValidationError, match=r"residual must be false .* differ in width"):
            StackConfig(**settings, residual=True)

    # as wide, if one reads both directions at half the size
    both = StackConfig(hidden_size=(4, 8), bidirectional=(True, False), residual=True)

    assert both.residual
