"""The recipes: settings of training that are compared, with dropout and without."""

from collections.abc import Mapping
from typing import Any

AVERAGED: Mapping[str, Any] = {"average": 0.99}
CYCLE: Mapping[str, Any] = {"schedule": "one_cycle", "max_epochs": 15}

REFERENCE = "early stopping"
CHOSEN = "averaged, 3 looks, rate 3e-3"
PLAIN: Mapping[str, Any] = {
    "average": 0.0,
    "validations": 1,
    "learning_rate": 1e-3,
    "patience": 10,
}
"""What a recipe does not say, whatever the defaults are."""
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "early stopping": {},
    "averaged": AVERAGED,
    "averaged, 3 looks": {**AVERAGED, "validations": 3, "patience": 4},
    "averaged, 3 looks, rate 3e-3": {
        **AVERAGED,
        "validations": 3,
        "patience": 4,
        "learning_rate": 3e-3,
    },
    "averaged, 3 looks, rate 3e-3, patient": {**AVERAGED, "validations": 3, "learning_rate": 3e-3},
    "averaged, 3 looks, rate 2e-3, patient": {**AVERAGED, "validations": 3, "learning_rate": 2e-3},
    "one cycle": CYCLE,
    "one cycle, averaged": {**CYCLE, **AVERAGED},
    "one cycle, averaged, decay": {**CYCLE, **AVERAGED, "weight_decay": 0.1},
    "one cycle, averaged, rate 3e-3": {**CYCLE, **AVERAGED, "learning_rate": 3e-3},
    "cosine, averaged": {**CYCLE, **AVERAGED, "schedule": "cosine"},
    "short cycle, averaged": {**CYCLE, **AVERAGED, "max_epochs": 5},
}
"""By name. Epochs are those of sets with long ones; a set may stretch them."""
