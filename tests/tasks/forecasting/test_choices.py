"""A choice stands for "auto" and for nothing else."""

from lockgate.tasks.forecasting.choices import Choices
from lockgate.tasks.forecasting.config import ForecasterConfig

CHOSEN = Choices(normalise="mean", level_scores={"mean": 1.23456, "none": float("inf")})


def test_a_choice_stands_for_auto_alone():
    auto, named = ForecasterConfig(normalise="auto"), ForecasterConfig(normalise="last")

    assert CHOSEN.settle(auto) == ForecasterConfig(normalise="mean")
    assert CHOSEN.settle(named) == named


def test_choices_are_told_and_kept_though_a_network_diverged():
    assert Choices().words == {}
    assert CHOSEN.words["normalise"].endswith("of a small network: mean 1.235, none inf")
    assert Choices.model_validate_json(CHOSEN.model_dump_json()) == CHOSEN
