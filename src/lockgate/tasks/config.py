"""What the settings of a run are for every task: its data, its network, its training."""

from lockgate.config import Config
from lockgate.tasks.stack.config import StackConfig
from lockgate.training.config import TrainingConfig


class RunConfig(Config):
    """A run. Each task has a class of its own, with what these three are for it."""

    data: Config
    model: StackConfig
    training: TrainingConfig
