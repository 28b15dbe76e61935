"""What the settings of a run are for every task: its data, its network, its training."""

from typing import Annotated

from pydantic import Field

from lockgate.config import Config, Option
from lockgate.tasks.stack.config import StackConfig
from lockgate.training.config import TrainingConfig

ONE_NETWORK = {"members": 1, "mix": False}
"""Settings of a run that gives one network, as validation stopped it."""
SEVERAL = Option(("study", "train", "tune", "backtest"))
"""Marks a setting of several fits, which commands have that deliver them."""


class RunConfig(Config):
    """A run. Each task has a class of its own, with what these three are for it."""

    data: Config
    model: StackConfig
    training: TrainingConfig


class CommitteeConfig(RunConfig):
    """A run of a task whose model may be several networks and a baseline."""

    members: Annotated[int, Field(ge=1), SEVERAL] = 3
    """Fits of the network whose mean is the model, each fitted again to all but the test part."""
    mix: Annotated[bool, SEVERAL] = True
    """Mix them with the best baseline, by a weight that validation sets."""
