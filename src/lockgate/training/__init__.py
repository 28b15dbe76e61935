"""Fit a network: one loop, early stopping with the best weights restored, a history."""

from lockgate.training.config import LabelTrainingConfig as LabelTrainingConfig
from lockgate.training.config import TrainingConfig as TrainingConfig
from lockgate.training.fit import evaluate as evaluate
from lockgate.training.fit import fit as fit
from lockgate.training.history import History as History
from lockgate.training.streams import Streams as Streams
