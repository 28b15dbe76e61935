"""The recipes: settings of training that are compared, with dropout and without."""

from collections.abc import Mapping
from typing import Any

AVERAGED: Mapping[str, Any] = {"average": 0.99}
CYCLE: Mapping[str, Any] = {"schedule": "one_cycle", "max_epochs": 15}

REFERENCE = "early stopping"
CHOSEN = "averaged, 3 looks, rate 3e-3"
CHOSEN_OF_TABLES = "averaged, 3 looks, rate 3e-3, forks, level and spread"
PLAIN: Mapping[str, Any] = {
    "average": 0.0,
    "validations": 1,
    "learning_rate": 1e-3,
    "patience": 10,
    "patience_steps": 0,
    "forks": 1,
    "normalise": "last",
}
"""What a recipe does not say, whatever the defaults are."""
CHOSEN_SETTINGS: Mapping[str, Any] = {
    **AVERAGED,
    "validations": 3,
    "patience": 4,
    "learning_rate": 3e-3,
}
FORKS: Mapping[str, Any] = {"forks": 24, "patience_steps": 400}
OF_TABLES = ("forks", "normalise")
"""Settings of forecasts alone: a recipe that changes them is none of labels."""
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "early stopping": {},
    "averaged": AVERAGED,
    "averaged, 3 looks": {**AVERAGED, "validations": 3, "patience": 4},
    CHOSEN: CHOSEN_SETTINGS,
    "averaged, 3 looks, rate 3e-3, level and spread": {
        **CHOSEN_SETTINGS,
        "patience_steps": 400,
        "normalise": "last_std",
    },
    "averaged, 3 looks, rate 3e-3, forks": {**CHOSEN_SETTINGS, **FORKS},
    CHOSEN_OF_TABLES: {**CHOSEN_SETTINGS, **FORKS, "normalise": "last_std"},
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


def suits(task: str, recipe: str) -> bool:
    """Tell whether a recipe is one of a task: some change what only forecasts have."""
    return task == "forecast" or not set(OF_TABLES) & set(RECIPES[recipe])
